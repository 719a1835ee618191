"""A round, or a saved pipeline, in integers of eight bits: measured on gold before it is written."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spanloop.recipes.calls.ranges import FromOne
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.progress import Progress, silent
from spanloop.recipes.report import Count, Report
from spanloop.store import Store
from spanloop.store.files.atomic import whole_folder

if TYPE_CHECKING:
    from spacy.language import Language

    from spanloop.plugin.pipe.component import HFTokenClassifierPipe
    from spanloop.recipes.scoring.evaluate import Evaluation

# Ranges are known well by then; more cost time alone.
_RANGES_FROM = 300
# How many are timed, in turn with the model as it was.
_TIMED, _TURNS = 100, 3
_HOW = {"backend": "openvino", "precision": "int8"}


@dataclass(frozen=True, slots=True)
class Optimised(Report):
    """The round in eight bits."""

    folder: Path
    """Where it lies, for `spacy.load`."""
    round: Count | None
    """Which round it is, null for a pipeline of no project."""
    measured_on: Count
    """The documents that the ranges of numbers were measured on."""
    eval_documents: Count
    """The documents that it was compared on: of a round, those of the eval split."""
    f1_before: float | None
    """As it was, strict and micro; of tags the accuracy; null where there is no gold."""
    f1_after: float | None
    """The same in eight bits."""
    agreement: float
    """F1 of its spans against those of before, on these documents."""
    calibration_before: float | None
    """The expected calibration error of its confidences before; null where there is no gold."""
    calibration_after: float | None
    """The same in eight bits, at a temperature of its own."""
    times_as_fast: float
    """How many times as fast it was here, over whole documents."""

    def text(self) -> str:
        what = "in eight bits" if self.round is None else f"round {self.round} in eight bits"
        return (
            f"{self.folder}: {what}\n"
            f"{self._loss()}F1 of its spans against those of before {self.agreement:.4f}, on "
            f"{self.eval_documents:,} documents\n"
            f"{self.times_as_fast:.1f} times as fast here\n"
            f'load it with: nlp = spacy.load("{self.folder}")'
        )

    def _loss(self) -> str:
        if self.f1_before is None or self.f1_after is None:
            return "the documents have no gold, so what it loses was not measured\n"
        points = 100 * (self.f1_after - self.f1_before)
        return (
            f"F1 {self.f1_after:.4f}, {self.f1_before:.4f} before ({points:+.2f} points)\n"
            f"calibration error {self.calibration_after:.3f}, {self.calibration_before:.3f} before\n"
        )


def optimise(
    db: str | Path,
    folder: str | Path,
    *,
    round: FromOne | None = None,
    texts: Sequence[str | Path] = (),
    max_loss: float = 0.5,
    progress: Progress | None = None,
) -> Optimised:
    """Write a round, or a saved pipeline, as a pipeline that computes in integers of eight bits, on a CPU.

    The ranges of numbers are measured on texts that are not of the eval split. Its confidences get a
    temperature of their own, so that they are as sure as the round's. The weights of the round lie in the
    folder too: from them it can be trained on.

    Args:
        db: The project file, or the folder of a saved pipeline.
        folder: Where it goes; there must be nothing yet.
        round: The round; None: the promoted one.
        texts: For a saved pipeline: files of documents like those that it will read, ten or more; half of
            them, 300 at most, are measured, the others are what it is compared on.
        max_loss: How many points of strict micro F1 (of tags: accuracy) on the eval split it may lose.
        progress: Called with how far it is.

    Returns:
        What it lost and won.

    Raises:
        RecipeError: There is no round or no gold to compare on, the folder is there, or it loses too much:
            then nothing is written.
        ModelError: The extra ``[int8]`` is not installed, or OpenVINO cannot convert this model.
    """
    target = Path(folder)
    if target.exists():
        raise RecipeError(f"{target} is there already: give another folder, or delete it first")
    if (Path(db) / "config.cfg").is_file():
        if round is not None:
            raise RecipeError(f"{db} is a saved pipeline, which has no rounds: leave --round out")
        return _optimise_pipeline(Path(db), target, texts, max_loss)
    if texts and not Path(db).is_file():
        raise RecipeError(f"{db} is no folder of a saved pipeline, and --texts goes with one")
    if texts:
        raise RecipeError("a project has its documents: --texts goes with the folder of a saved pipeline")
    return _optimise_round(db, target, round, max_loss, progress or silent)


def _optimise_round(
    db: str | Path, target: Path, round: int | None, max_loss: float, show: Progress
) -> Optimised:
    from spanloop.recipes.scoring.evaluate import eval_gold, score
    from spanloop.recipes.suggest.pipelines import load_round, promoted_round, write_pipeline
    from spanloop.recipes.suggest.run_pipeline import named

    with Store.open(db) as store:
        with store.reading():
            row, moment, golds = promoted_round(store, round), store.moment(), eval_gold(store)
            project = store.project_of(row)
            own = _texts(store, project.seed)
        with named(f"round {row.number}", store):
            nlp = load_round(store, row.number)
            small = _once_more(store.rounds_folder.sound(row))
            what = f"round {row.number}"
            _quantise(_ours(nlp, what), _ours(small, what), nlp, own)
            arguments: dict[str, Any] = {"round": row.number, "labels": row.label_ids, "progress": show}
            before, after = (score(moment, one, golds, **arguments) for one in (nlp, small))
            fast = _times_as_fast(nlp, small, [gold.document.text for gold in golds[:_TIMED]])
    result = _result(target, row.number, len(own), before, after, fast)
    _refuse_loss(result, max_loss)
    small.meta["description"] = f"Round {row.number} of {Path(db).stem} in integers of eight bits"
    with whole_folder(target) as part:
        write_pipeline(project, small, part)
    return result


def _optimise_pipeline(source: Path, target: Path, files: Sequence[str | Path], max_loss: float) -> Optimised:
    from spanloop.plugin.tagging.calibrate import calibration_error, judge
    from spanloop.recipes.rounds.optimise_folder import documents, judge_both
    from spanloop.recipes.suggest.pipelines import load_pipeline

    measured, compared = documents(files, seed=0)
    nlp, small = load_pipeline(source), _once_more(source)
    pipes = (_ours(nlp, str(source)), _ours(small, str(source)))
    _quantise(*pipes, nlp, [entry.text for entry in measured])
    both = judge_both(nlp, small, pipes, compared)
    truth = both.truth
    errors = [
        None if truth is None else calibration_error(*judge(said, truth))
        for said in (both.before, both.after)
    ]
    result = Optimised(
        folder=target,
        round=None,
        measured_on=len(measured),
        eval_documents=len(compared),
        f1_before=None if truth is None else both.f1(both.before, truth),
        f1_after=None if truth is None else both.f1(both.after, truth),
        agreement=both.f1(both.after, both.before),
        calibration_before=errors[0],
        calibration_after=errors[1],
        times_as_fast=_times_as_fast(nlp, small, [entry.text for entry in compared[:_TIMED]]),
    )
    _refuse_loss(result, max_loss)
    with whole_folder(target) as part:
        small.to_disk(part)
    return result


def _texts(store: Store, seed: int) -> list[str]:
    """Some texts that are not of the eval split."""
    ids = store.documents.ids(split="pool")
    chosen = random.Random(seed).sample(ids, min(len(ids), _RANGES_FROM))
    return [document.text for document in store.documents.fetch(sorted(chosen))]


def _once_more(folder: Path) -> Language:
    """The round's pipeline, with its component of ours told to compute in eight bits."""
    import spacy

    from spanloop.recipes.suggest.our_component import FACTORY

    plain = spacy.load(folder)
    names = [name for name in plain.pipe_names if plain.get_pipe_meta(name).factory == FACTORY]
    return spacy.load(folder, config={"components": dict.fromkeys(names, _HOW)})


def _ours(nlp: Language, what: str) -> HFTokenClassifierPipe:
    from spanloop.plugin.model.network import HFNetwork
    from spanloop.recipes.suggest.our_component import classifier

    found = classifier(nlp)
    if found is None or not isinstance(found[1].network, HFNetwork):
        raise RecipeError(f"{what} has no Hugging Face model of its own: there is nothing to quantise")
    return found[1]


def _quantise(
    pipe: HFTokenClassifierPipe, small: HFTokenClassifierPipe, nlp: Language, texts: Sequence[str]
) -> None:
    """Give the second one the model of the first in eight bits, and a temperature that makes it as sure."""
    from spanloop.plugin.model.int8 import quantise
    from spanloop.plugin.model.runtime import pad
    from spanloop.plugin.tagging.calibrate import calibrate_like

    docs = [nlp.make_doc(text) for text in texts]
    windows = [window for encoded in pipe.encode(docs) for window in encoded.windows]
    if not windows:
        raise RecipeError("there is no text outside of the eval split to measure the ranges of numbers on")
    pad_id = small.pretrained.pad_id
    small.pretrained.quantised = quantise(
        small.pretrained, [pad([window], pad_id) for window in windows[:_RANGES_FROM]]
    )
    small.temperature = calibrate_like(small.predict(docs), pipe.predict(docs), pipe.temperature)


def _times_as_fast(nlp: Language, small: Language, texts: Sequence[str]) -> float:
    """In turn, so that what else the machine does falls on both alike; the median of pairs."""
    ratios = []
    for _ in range(_TURNS):
        seconds = []
        for one in (nlp, small):
            begun = time.perf_counter()
            for _doc in one.pipe(texts):
                pass
            seconds.append(time.perf_counter() - begun)
        ratios.append(seconds[0] / max(seconds[1], 1e-9))
    return statistics.median(ratios)


def _result(
    folder: Path, number: int, texts: int, before: Evaluation, after: Evaluation, fast: float
) -> Optimised:
    from spanloop.plugin.tagging.calibrate import calibration_error, judge

    first, then = before.report, after.report
    figures = [(one.accuracy or one.micro).f1 for one in (first, then)]
    errors = [calibration_error(*judge(one.predicted, one.truth)) for one in (before, after)]
    pairs = list(zip(before.predicted, after.predicted, strict=True))
    same = sum(len({span.key for span in a} & {span.key for span in b}) for a, b in pairs)
    said = sum(len(a) + len(b) for a, b in pairs)
    return Optimised(
        folder=folder,
        round=number,
        measured_on=texts,
        eval_documents=first.documents,
        f1_before=figures[0],
        f1_after=figures[1],
        agreement=2 * same / said if said else 1.0,
        calibration_before=errors[0],
        calibration_after=errors[1],
        times_as_fast=fast,
    )


def _refuse_loss(result: Optimised, max_loss: float) -> None:
    if result.f1_before is None or result.f1_after is None:
        return
    lost = 100 * (result.f1_before - result.f1_after)
    if lost > max_loss:
        what = "the pipeline" if result.round is None else f"round {result.round}"
        where = "these documents" if result.round is None else "the eval split"
        raise RecipeError(
            f"in eight bits {what} loses {lost:.2f} points of F1 on {where} "
            f"({result.f1_before:.4f} before, {result.f1_after:.4f} after), more than {max_loss:g}: nothing "
            "was written; --max-loss allows more"
        )
