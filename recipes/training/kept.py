"""What the store keeps of a round that was trained: its model, its figures, and what it takes to tell later
what it was."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from spanloop.recipes.near_duplicates.leaks import Leaks
from spanloop.recipes.report import plain
from spanloop.recipes.scoring.evaluate import Evaluation
from spanloop.recipes.training.distributed import world
from spanloop.recipes.training.unlabelled import KEPT
from spanloop.store import Store
from spanloop.store.records import Document, Gold, NewModel

if TYPE_CHECKING:
    from spacy.language import Language

    from spanloop.plugin.training.train import TrainReport


def finish(
    store: Store,
    number: int,
    model_hash: str,
    scores: Evaluation,
    manifest: dict[str, Any],
    report: TrainReport,
    files_hash: str,
) -> None:
    """The round is done: its model, its scores and what it takes to tell later what it was."""
    from spanloop.recipes.convert import score_rows

    folder = store.rounds.folder(number)
    model = NewModel(
        hash=model_hash,
        kind="round",
        name=f"round {number}",
        path=str(folder.relative_to(store.path.parent)),
        round=number,
        read_with=scores.used.stored(),
    )
    store.rounds.finish(
        number,
        model_id=store.models.add(model).id,
        scores=score_rows(scores.report, "eval"),
        manifest=manifest,
        class_weights=report.class_weights,
        files_hash=files_hash,
    )


def note(
    store: Store, nlp: Language, refused: set[int], learned: Sequence[Gold], report: TrainReport
) -> None:
    """Write down which documents no tokens could be had of, and which spans had no place on theirs."""
    from spanloop.recipes.convert import store_events
    from spanloop.recipes.suggest.tokenise import tokenizer_hash

    store.tokenizations.put(tokenizer_hash(nlp, store.project.unit), [(key, None) for key in sorted(refused)])
    for gold, events in zip(learned, report.events, strict=True):
        document_id = gold.document.id
        store.ledger.add(store_events(events, document_id=document_id, annotation_id=gold.annotation_id))


def manifest_of(
    report: TrainReport, model_hash: str, seconds: float, leaks: Leaks, unlabelled: Sequence[Document]
) -> dict[str, Any]:
    """What it takes to tell later what this round was. ``unlabelled``: the documents that were drawn to be
    learned from beside the gold."""
    told = asdict(report)
    for kept_elsewhere in ("events", "class_weights", "seconds"):
        told.pop(kept_elsewhere)
    return {
        "model_hash": model_hash,
        "seconds": seconds,
        "train_seconds": report.seconds,
        **told,
        **surroundings(),
        KEPT: [document.id for document in unlabelled],
        "leaks": plain(leaks),
    }


def surroundings() -> dict[str, Any]:
    """What decides the last digits beside the data and the settings: another number of threads adds in
    another order."""
    import torch

    return {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "threads": torch.get_num_threads(),
        "processes": world(),
    }
