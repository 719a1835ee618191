"""Train a round on the pool's gold, score it on the eval split, and promote it if it is no worse."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.evaluate import eval_gold
from spanloop.recipes.leaks import find_leaks, refuse_leaks
from spanloop.recipes.progress import Progress, silent
from spanloop.recipes.round_report import NoRound, RoundReport
from spanloop.recipes.table import counted
from spanloop.recipes.training import Promote, Training
from spanloop.recipes.training_input import pool_gold, train_config
from spanloop.store import Store
from spanloop.store.records import Gold

CHECKPOINT_SECONDS = 60.0
"""What a killed training loses at most, beside the epoch it was in."""


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
    fast: bool = False,
    if_new: int | None = None,
    promote: Promote = "auto",
    allow_leaks: bool = False,
    progress: Progress | None = None,
    **further: Any,
) -> RoundReport | NoRound:
    """Train the next round from the project's base model (or on from the promoted ``round``).

    Trains on the gold of the pool alone; RecipeError, saying what to type, where the pool or the eval split
    has none. ``batch_size`` counts wordpieces. None: the default of the training function. ``if_new``: only
    if at least so many annotations came since the last finished round, else NoRound. ``promote`` auto: the
    first round, or one that is not significantly worse than the promoted one scored again on today's eval
    gold, neither overall nor, beyond a tolerance, on any label. RecipeError where more than 5 % of the eval
    documents stand in training too, unless ``allow_leaks``. A round that fails or is cancelled is marked so
    and leaves everything else as it was; the same training, started again, goes on from its last checkpoint.
    ``fast`` trains the upper half of the encoder alone. ``further``: more fields of TrainConfig by name.
    """
    show = progress or silent
    with Store.open(db) as store, _alone(store):
        settings = train_config(
            store,
            class_weights=class_weights,
            epochs=epochs,
            learning_rate=learning_rate,
            batch_size=batch_size,
            weight_decay=weight_decay,
            seed=seed,
            fast=fast,
            # adapters keep no checkpoints
            **{"checkpoint_seconds": None if further.get("lora") else CHECKPOINT_SECONDS, **further},
        )
        held_out = eval_gold(store)
        golds = pool_gold(store)
        waiting = _too_few(store, golds, if_new)
        if waiting is not None:
            return waiting
        parent = store.rounds.promoted()
        if base == "round" and parent is None:
            raise RecipeError(
                "--base round goes on from the promoted round, and there is none yet: leave it out"
            )
        leaks = find_leaks(golds, held_out)
        refuse_leaks(leaks, allowed=allow_leaks)
        row = store.rounds.start(
            parameters={**asdict(settings), "base": base, "label_ids": store.labels.ids()},
            seed=settings.seed,
            parent=None if parent is None else parent.number,
            train_ids=[gold.annotation_id for gold in golds],
            eval_ids=[gold.annotation_id for gold in held_out],
        )
        with _marked(store, row.number):
            training = Training(store, row, settings, golds, held_out, leaks, show)
            return training.run(parent if base == "round" else None, promote)


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


@contextmanager
def _marked(store: Store, number: int) -> Iterator[None]:
    """Whatever ends the block early marks the round, so that nothing half-done looks like a result."""
    try:
        yield
    finally:
        error = sys.exc_info()[1]
        if error is not None and store.rounds.get(number).state == "running":
            shutil.rmtree(store.rounds.folder(number), ignore_errors=True)
            if isinstance(error, KeyboardInterrupt):
                store.rounds.fail(number, "cancelled by hand", state="cancelled")
            else:
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
        for cut_off in store.rounds.close_interrupted():
            shutil.rmtree(store.rounds.folder(cut_off.number), ignore_errors=True)
        for part in store.rounds_dir.glob(".*.part"):  # what it had begun to write
            shutil.rmtree(part, ignore_errors=True)
        yield
    finally:
        lock.release()
