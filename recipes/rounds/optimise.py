"""A round, or a saved pipeline, that computes faster on a CPU: compared on gold before it is written."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from spanloop.plugin.model.backends import BackendName
from spanloop.plugin.model.device import Precision
from spanloop.recipes.calls.ranges import FromOne
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.formats.how_read import HowRead
from spanloop.recipes.made_of import is_pipeline
from spanloop.recipes.progress import Progress, silent
from spanloop.recipes.rounds.beside import (
    RANGES_FROM,
    TIMED,
    agreement,
    once_more,
    ours,
    quantise,
    times_as_fast,
)
from spanloop.recipes.rounds.model_card import card_facts, model_card, needs, section_of
from spanloop.recipes.rounds.optimised import Optimised, how_it_computes, refuse_loss
from spanloop.recipes.scoring.evaluate import Evaluation, eval_gold, score
from spanloop.store import Store
from spanloop.store.files.atomic import whole_folder


def optimise(
    db: str | Path,
    folder: str | Path,
    *,
    round: FromOne | None = None,
    texts: Sequence[str | Path] = (),
    reading: HowRead | None = None,
    backend: BackendName = "openvino",
    precision: Precision = "int8",
    max_loss: float = 0.5,
    progress: Progress | None = None,
) -> Optimised:
    """Write a round, or a saved pipeline, as a pipeline that computes faster on a CPU.

    In eight bits the ranges of numbers are measured on texts that are not of the eval split, and its
    confidences get a temperature of their own, so that they are as sure as the round's. The weights of the
    round lie in the folder too: from them it can be trained on.

    Args:
        db: The project file, or the folder of a saved pipeline.
        folder: Where it goes; there must be nothing yet.
        round: The round; None: the promoted one.
        texts: For a saved pipeline: files of documents like those that it will read, ten or more; of eight
            bits half of them, 300 at most, are measured, the others are what it is compared on.
        reading: How these files are read, where they do not say it themselves.
        backend: What shall compute in it: ``openvino``, ``onnx`` (in fp32 alone) or ``torch``.
        precision: How exactly: ``int8`` (by openvino alone), ``bf16`` or ``fp32``.
        max_loss: How many points of strict micro F1 (of tags: accuracy) on the eval split it may lose.
        progress: Called with how far it is.

    Returns:
        What it lost and won.

    Raises:
        RecipeError: There is no round or no gold to compare on, the folder is there, or it loses too much:
            then nothing is written.
        ModelError: The extra that it takes is not installed, or its library cannot convert this model.
    """
    target = Path(folder)
    if target.exists():
        raise RecipeError(f"{target} is there already: give another folder, or delete it first")
    if precision == "int8" and backend != "openvino":
        raise RecipeError(f"--precision int8 computes with OpenVINO: leave --backend {backend} out")
    if precision == "bf16" and backend == "onnx":
        raise RecipeError("--backend onnx computes in fp32 alone: give --precision fp32 beside it")
    how: dict[str, Any] = {"backend": backend, "precision": precision, "max_loss": max_loss}
    if is_pipeline(db):
        from spanloop.recipes.rounds.optimise_folder import optimise_pipeline

        if round is not None:
            raise RecipeError(f"{db} is a saved pipeline, which has no rounds: leave --round out")
        return optimise_pipeline(Path(db), target, texts, reading or HowRead(), **how)
    if texts:
        raise RecipeError("a project has its documents: --texts goes with the folder of a saved pipeline")
    if reading not in (None, HowRead()):
        raise RecipeError("how files are read goes with --texts, and that with a saved pipeline")
    return _optimise_round(db, target, round, progress or silent, **how)


def _optimise_round(
    db: str | Path,
    target: Path,
    round: int | None,
    show: Progress,
    *,
    backend: BackendName,
    precision: Precision,
    max_loss: float,
) -> Optimised:
    from spanloop.recipes.suggest.pipelines import load_round, promoted_round, write_pipeline
    from spanloop.recipes.suggest.run_pipeline import named

    with Store.open(db) as store:
        with store.reading():
            row, moment, golds = promoted_round(store, round), store.moment(), eval_gold(store)
            project, facts = store.project_of(row), card_facts(store, row)
            own = _texts(store, project.seed) if precision == "int8" else []
        with named(f"round {row.number}", store):
            nlp = load_round(store, row.number)
            small = once_more(store.rounds_folder.sound(row), backend, precision)
            what = f"round {row.number}"
            pipes = ours(nlp, what), ours(small, what)
            if precision == "int8":
                quantise(*pipes, nlp, own)
            arguments: dict[str, Any] = {"round": row.number, "labels": row.label_ids, "progress": show}
            before, after = (score(moment, one, golds, **arguments) for one in (nlp, small))
            fast = times_as_fast(nlp, small, [gold.document.text for gold in golds[:TIMED]])
    result = Optimised(
        folder=target,
        round=row.number,
        backend=backend,
        precision=precision,
        measured_on=len(own),
        times_as_fast=fast,
        **_compared(before, after),
    )
    refuse_loss(result, max_loss, before.doubt())
    small.meta.update(requirements=needs(small), version=f"0.0.{row.number}")
    small.meta["performance"] = {"micro_f1": after.headline.f1}
    small.meta["description"] = f"Round {row.number} of {Path(db).stem} {how_it_computes(backend, precision)}"
    with whole_folder(target) as part:
        write_pipeline(project, small, part)
        card = model_card(facts, Path(db).stem, needs(small))
        (part / "README.md").write_text(f"{card}\n{section_of(result)}", encoding="utf-8")
    return result


def _texts(store: Store, seed: int) -> list[str]:
    """Some texts that are not of the eval split."""
    ids = store.documents.ids(split="pool")
    chosen = random.Random(seed).sample(ids, min(len(ids), RANGES_FROM))
    return [document.text for document in store.documents.fetch(sorted(chosen))]


def _compared(before: Evaluation, after: Evaluation) -> dict[str, Any]:
    """What both are worth on the eval split, as fields of the report."""
    from spanloop.plugin.tagging.calibrate import calibration_error, judge

    errors = [calibration_error(*judge(one.predicted, one.truth)) for one in (before, after)]
    return {
        "eval_documents": before.report.documents,
        "gold_documents": before.report.documents,
        "f1_before": before.headline.f1,
        "f1_after": after.headline.f1,
        "agreement": agreement(before.predicted, after.predicted),
        "calibration_before": errors[0],
        "calibration_after": errors[1],
    }
