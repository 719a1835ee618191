"""Train a round on the pool's gold, score it on the eval split, and promote it if it is no worse."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.evaluate import Evaluation, eval_gold, score
from spanloop.recipes.progress import Progress, silent
from spanloop.recipes.table import counted
from spanloop.store import Store
from spanloop.store.records import Gold, Model, Round

if TYPE_CHECKING:
    from spacy.language import Language

    from spanloop.plugin.component import HFTokenClassifierPipe
    from spanloop.plugin.train import TrainConfig, TrainReport

Promote = Literal["auto", "yes", "no"]


@dataclass(frozen=True, slots=True)
class RoundReport:
    """A finished round: its figures, how long it took, whether it was promoted and why."""

    number: int
    scores: Evaluation
    promoted: bool
    reason: str
    seconds: float
    class_weights: Mapping[str, float]
    train_documents: int
    train_spans: int
    spans_lost: int

    def json(self) -> dict[str, object]:
        return {
            **self.scores.json(),
            "seconds": self.seconds,
            "promoted": self.promoted,
            "reason": self.reason,
            "class_weights": dict(self.class_weights),
            "train_documents": self.train_documents,
            "train_spans": self.train_spans,
            "train_spans_lost": self.spans_lost,
        }

    def text(self) -> str:
        weights = ", ".join(f"{label} {weight:.2f}" for label, weight in self.class_weights.items())
        lines = [
            f"round {self.number}: trained on {counted(self.train_documents, 'document')} with "
            f"{counted(self.train_spans, 'span')} in {self.seconds:.0f} s"
        ]
        if self.spans_lost:
            lines.append(
                f"{counted(self.spans_lost, 'gold span')} could not be put on tokens (see the ledger)"
            )
        if weights:
            lines.append(f"class weights: {weights}")
        lines += ["", self.scores.text(), "", self.reason]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class NoRound:
    """There was no reason to train; ``reason`` says why."""

    reason: str
    exit_code: int = 3

    def json(self) -> dict[str, object]:
        return {"schema": 1, "round": None, "reason": self.reason}

    def text(self) -> str:
        return self.reason


def retrain(
    db: str | Path,
    *,
    class_weights: str | Mapping[str, float] = "effective",
    base: Literal["model", "round"] = "model",
    epochs: int | None = None,
    learning_rate: float | None = None,
    batch_size: int | None = None,
    weight_decay: float | None = None,
    seed: int | None = None,
    if_new: int | None = None,
    promote: Promote = "auto",
    progress: Progress | None = None,
) -> RoundReport | NoRound:
    """Train the next round from the project's base model (or on from the promoted ``round``).

    Trains on the gold of the pool alone; RecipeError, saying what to type, where the pool or the eval split
    has none. ``batch_size`` counts wordpieces. None: the default of the training function. ``if_new``: only
    if at least so many annotations came since the last finished round, else NoRound. ``promote`` auto: the
    first round, or one not worse in strict micro F1 (tags: accuracy) than the promoted one scored again on
    today's eval gold. A round that fails or is cancelled is marked so and leaves everything else as it was.
    """
    show = progress or silent
    with Store.open(db) as store, _alone(store):
        settings = _settings(
            class_weights, epochs, learning_rate, batch_size, weight_decay, seed, store.project.seed
        )
        held_out = eval_gold(store)
        golds = _pool_gold(store)
        waiting = _too_few(store, golds, if_new)
        if waiting is not None:
            return waiting
        parent = store.rounds.promoted()
        if base == "round" and parent is None:
            raise RecipeError(
                "--base round goes on from the promoted round, and there is none yet: leave it out"
            )
        row = store.rounds.start(
            parameters={**_plain(settings), "base": base, "label_ids": store.labels.ids()},
            seed=settings.seed,
            parent=None if parent is None else parent.number,
            train_ids=[gold.annotation_id for gold in golds],
            eval_ids=[gold.annotation_id for gold in held_out],
        )
        with _marked(store, row.number):
            return _Training(store, row, settings, golds, held_out, show).run(
                parent if base == "round" else None, promote
            )


@dataclass(frozen=True, slots=True)
class _Training:
    """One round on its way."""

    store: Store
    row: Round
    settings: TrainConfig
    golds: Sequence[Gold]
    held_out: Sequence[Gold]
    progress: Progress

    def run(self, start_from: Round | None, promote: Promote) -> RoundReport:
        from spanloop.plugin.train import train
        from spanloop.recipes.convert import score_rows, store_events, training_gold

        begin = time.monotonic()
        store, number = self.store, self.row.number
        nlp, pipe = self._pipeline(start_from)
        folder = store.rounds.folder(number)
        part = folder.with_name(f".{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        try:
            golds = [training_gold(nlp, gold) for gold in self.golds]
            report = train(
                pipe, golds, self.settings, progress=self._train_progress, folder=part / "training"
            )
            shutil.rmtree(part / "training", ignore_errors=True)
            self.progress(0, None, f"save round {number}")
            nlp.to_disk(part / "pipeline")
            os.replace(part / "pipeline", folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        scores = score(store, nlp, self.held_out, round=number, renamed={}, progress=self.progress)
        model = store.models.add(
            Model(
                hash=pipe.fingerprint(),
                kind="round",
                name=f"round {number}",
                path=str(folder.relative_to(store.path.parent)),
                round=number,
            )
        )
        if model.id is None:
            raise RecipeError(f"the model of round {number} got no row in the store")
        seconds = time.monotonic() - begin
        promoted, reason = _promotion(store, number, scores, promote, self.held_out, self.progress)
        with store.write():
            store.rounds.finish(
                number,
                model_id=model.id,
                scores=score_rows(scores.report, "eval"),
                manifest=_manifest(report, model.hash, seconds),
                class_weights=report.class_weights,
            )
            for gold, events in zip(self.golds, report.events, strict=True):
                store.ledger.add(
                    store_events(events, document_id=gold.document.id or 0, annotation_id=gold.annotation_id)
                )
            if promoted:
                store.rounds.promote(number)
        return RoundReport(
            number=number,
            scores=scores,
            promoted=promoted,
            reason=reason,
            seconds=seconds,
            class_weights=report.class_weights,
            train_documents=report.documents,
            train_spans=report.gold_spans,
            spans_lost=report.gold_spans_lost,
        )

    def _pipeline(self, start_from: Round | None) -> tuple[Language, HFTokenClassifierPipe]:
        """A pipeline with our component, whose head has exactly today's labels."""
        from spanloop.recipes.annotate import classifier, with_model
        from spanloop.recipes.pipelines import load_round, project_nlp

        labels = self.store.labels.names()
        project = self.store.project
        if start_from is not None:
            nlp = load_round(self.store, start_from.number)
            found = classifier(nlp)
            if found is None:
                raise RecipeError(f"the pipeline of round {start_from.number} has no token classifier")
            pipe = found[1]
        else:
            nlp = project_nlp(project)
            pipe = with_model(nlp, project.base_model, task=project.task, labels=labels)
        pipe.set_labels(labels, seed=self.settings.seed)
        return nlp, pipe

    def _train_progress(self, share: float, what: str) -> None:
        self.progress(int(share * 1000), 1000, f"train round {self.row.number}: {what}")


def _settings(
    class_weights: str | Mapping[str, float],
    epochs: int | None,
    learning_rate: float | None,
    batch_size: int | None,
    weight_decay: float | None,
    seed: int | None,
    project_seed: int,
) -> TrainConfig:
    from spanloop.plugin.balance import WEIGHTINGS
    from spanloop.plugin.train import TrainConfig

    if isinstance(class_weights, str) and class_weights not in WEIGHTINGS:
        raise RecipeError(f"there are no class weights {class_weights!r}; there are {', '.join(WEIGHTINGS)}")
    given: dict[str, Any] = {
        "epochs": epochs,
        "learning_rate": learning_rate,
        "batch_wordpieces": batch_size,
        "weight_decay": weight_decay,
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    return TrainConfig(class_weights=class_weights, seed=project_seed if seed is None else seed, **chosen)


def _plain(settings: TrainConfig) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(settings)


def _pool_gold(store: Store) -> list[Gold]:
    golds = list(store.annotations.gold(split="pool"))
    if not golds:
        raise RecipeError(
            f"there is no gold in the pool to train on; annotate with: spanloop correct {store.path}, "
            f"or import annotated documents: spanloop import {store.path} FILE"
        )
    return golds


def _too_few(store: Store, golds: Sequence[Gold], if_new: int | None) -> NoRound | None:
    """Why no round is due, None where one is."""
    finished = [row for row in store.rounds.all() if row.state == "done"]
    if if_new is None or not finished:
        return None
    seen = set(store.rounds.annotation_ids(finished[-1].number, "train"))
    new = sum(gold.annotation_id not in seen for gold in golds)
    if new >= if_new:
        return None
    return NoRound(
        f"no round: {counted(new, 'new annotation')} since round {finished[-1].number}, {if_new} asked for"
    )


def _manifest(report: TrainReport, model_hash: str, seconds: float) -> dict[str, Any]:
    """What it takes to tell later what this round was."""
    return {
        "model_hash": model_hash,
        "seconds": seconds,
        "train_seconds": report.seconds,
        "documents": report.documents,
        "tokens_trained": report.tokens_trained,
        "tokens_masked": report.tokens_masked,
        "gold_spans": report.gold_spans,
        "gold_spans_lost": report.gold_spans_lost,
        "steps": report.steps,
        "losses": list(report.losses),
        "versions": dict(report.versions),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
    }


def _promotion(
    store: Store,
    number: int,
    scores: Evaluation,
    promote: Promote,
    held_out: Sequence[Gold],
    progress: Progress,
) -> tuple[bool, str]:
    """Whether the round becomes the one in use, and the sentence that says why."""
    from spanloop.recipes.pipelines import label_names, load_round

    if promote != "auto":
        return (
            promote == "yes",
            f"{'promoted' if promote == 'yes' else 'not promoted'}, as asked (--promote {promote})",
        )
    before = store.rounds.promoted()
    if before is None:
        return True, "promoted: it is the first round"
    nlp = load_round(store, before.number)
    older = score(
        store, nlp, held_out, round=before.number, renamed=label_names(store, before), progress=progress
    )
    what = "accuracy" if scores.task == "tags" else "strict micro F1"
    new, old = scores.headline.f1, older.headline.f1
    figures = f"{what} {new:.4f} against {old:.4f} of round {before.number} on the same eval gold"
    if new >= old:
        return True, f"promoted: {figures}"
    return (
        False,
        f"not promoted: {figures}; to use it all the same: spanloop rounds {store.path} promote {number}",
    )


@contextmanager
def _marked(store: Store, number: int) -> Iterator[None]:
    """Whatever ends the block early marks the round, so that nothing half-done looks like a result."""
    try:
        yield
    finally:
        error = sys.exc_info()[1]
        if isinstance(error, KeyboardInterrupt):
            store.rounds.fail(number, "cancelled by hand", state="cancelled")
        elif error is not None:
            store.rounds.fail(number, f"{type(error).__name__}: {error}", state="failed")


@contextmanager
def _alone(store: Store) -> Iterator[None]:
    """One training a project at a time; rounds that a killed process left running are marked as failed."""
    from filelock import FileLock, Timeout

    store.rounds_dir.mkdir(exist_ok=True)
    lock = FileLock(store.rounds_dir / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise RecipeError(
            f"another process is training a round of {store.path}: wait for it or stop it"
        ) from error
    try:
        store.rounds.close_interrupted()
        yield
    finally:
        lock.release()
