"""Train a round on the pool's gold, score it on the eval split, and promote it if it is no worse."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from spanloop.plugin.model.errors import ModelError
from spanloop.recipes.calls.ranges import FromOne
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.near_duplicates.leaks import Leaks, find_leaks, refuse_leaks
from spanloop.recipes.progress import Progress, silent
from spanloop.recipes.scoring.evaluate import eval_gold
from spanloop.recipes.table import counted
from spanloop.recipes.training.balance import CHOSEN, Balancing, check_balance, check_folds, given_in
from spanloop.recipes.training.distributed import Team, rank, take_part, world
from spanloop.recipes.training.input import pool_gold, settled
from spanloop.recipes.training.one_round import Promote, Training
from spanloop.recipes.training.process_control import Cancelled, Stopped, heeding
from spanloop.recipes.training.report import NoRound, RoundReport
from spanloop.recipes.training.unlabelled import drawn
from spanloop.store import Store, StoreError
from spanloop.store.files.training_lock import InUse
from spanloop.store.records import Document, Gold, Moment, Round
from spanloop.store.tables.rounds import MERGED
from spanloop.store.tables.unlearned import unlearned

if TYPE_CHECKING:
    from spanloop.plugin.training.config import TrainConfig

CHECKPOINT_SECONDS = 60.0
"""What a killed training loses at most, beside the epoch it was in."""


def retrain(
    db: str | Path,
    config: TrainConfig | None = None,
    *,
    balance: Balancing | None = None,
    base: Literal["model", "round"] = "model",
    if_new: FromOne | None = None,
    promote: Promote = "auto",
    allow_leaks: bool = False,
    settings: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> RoundReport | NoRound:
    """Train on the gold of the pool, score on the eval split, promote the round if it is no worse; then it
    suggests for the eight open documents that come next.

    A round that fails or is cancelled is marked so and leaves everything else as it was; the same training,
    started again, goes on from its last checkpoint. Under torchrun the first process makes the round, the
    others take part in its training and get NoRound.

    Args:
        db: The project file.
        config: The settings; None: all by default, a checkpoint a minute.
        balance: ``auto``: cross-validation on the pool's gold chooses class weights, oversampling or
            augmentation, none of which may be given beside it; that takes 12 to 16 times as long.
        base: Whether to train anew from the project's base model or on from the promoted round.
        if_new: Only if at least so many annotations came since the last finished round.
        promote: ``auto``: the first round, or one that is not significantly worse than the promoted one
            scored again on today's eval gold, neither overall nor, beyond a tolerance, on any label.
        allow_leaks: Train even where more than 5 % of the eval documents nearly stand in training.
        settings: What a settings file said, kept among the round's parameters; what is trained with is
            ``config``.
        progress: Called with how far it is.

    Returns:
        The round with its scores, or NoRound where none was due.

    Raises:
        RecipeError: The pool or the eval split has no gold, settings do not go together, too many eval
            documents stand in training, or another training is under way.
    """
    begun = time.monotonic()
    if rank():
        take_part()
        return NoRound(f"process {rank()} took part in a training of {db}", exit_code=0)
    _check(balance, base, config)
    with Team() as team, Store.open(db) as store, _alone(store):
        with store.reading():
            moment = store.moment()
            chosen = _with_checkpoints(settled(moment, config))
            ready = _read(store, moment, chosen, balance, base, if_new)
        if isinstance(ready, NoRound):
            return ready
        _refuse_in_vain(store, ready, base, promote)
        with _marked(store):
            row, leaks = _begin(store, ready, allow_leaks, settings)
            store.training_lock.begin(row.number)
            read = (ready.golds, ready.eval_golds, ready.unlabelled, leaks)
            show = heeding(store, progress or silent)
            run = Training(store, row, ready.moment, chosen, *read, show, team, begun, balance).run
            return run(ready.parent if base == "round" else None, promote)


def _check(balance: Balancing | None, base: str, config: TrainConfig | None) -> None:
    """RecipeError for a balance that is not to be had so."""
    if balance is not None and world() > 1:
        raise RecipeError(
            "--balance auto chooses in one process: run it without torchrun, whatever it then chooses can be "
            "given to torchrun by name, e.g. --class-weights sqrt"
        )
    check_balance(balance, base, given_in(config))


@dataclass(frozen=True, slots=True)
class _Ready:
    """What a round is made of, all read at one moment."""

    moment: Moment
    golds: Sequence[Gold]
    eval_golds: Sequence[Gold]
    unlabelled: Sequence[Document]
    parent: Round | None
    parameters: Mapping[str, Any]
    seed: int


def _read(
    store: Store,
    moment: Moment,
    settings: TrainConfig,
    balance: Balancing | None,
    base: Literal["model", "round"],
    if_new: int | None,
) -> _Ready | NoRound:
    """What the round is made of; NoRound where none is due. RecipeError for gold that cannot be trained or
    scored on."""
    eval_golds = eval_gold(store)
    golds = pool_gold(store)
    waiting = _too_few(store, if_new)
    if waiting is not None:
        return waiting
    parent = _parent(store, base)
    made_of: Mapping[str, str | None] = store.made_of
    if parent is not None and base == "round":  # it is of what that one was made of
        of_then = replace(store.project_of(parent), unit=moment.project.unit)  # of another unit none goes on
        moment = replace(moment, project=of_then)
        made_of = {**made_of, **parent.parameters.get("made_of", {}), "unit": of_then.unit}
    if balance is not None:
        check_folds(golds)
    # what it takes to read this gold again later as it reads now
    of_now = {"label_ids": {label.name: label.id for label in moment.labels}, MERGED: store.labels.merged()}
    parameters = _parameters(settings, balance) | {"base": base, "made_of": dict(made_of)} | of_now
    return _Ready(moment, golds, eval_golds, drawn(store, settings), parent, parameters, settings.random_seed)


def _refuse_in_vain(store: Store, ready: _Ready, base: Literal["model", "round"], promote: Promote) -> None:
    """RecipeError where something that is needed at the end of the training is not there: hours later is late
    to say so."""
    from spanloop.recipes.suggest.pipelines import load_round, project_nlp

    if ready.parent is not None and (base == "round" or promote == "auto"):
        try:
            load_round(store, ready.parent.number)
        except (ValueError, OSError) as error:
            without = (
                "leave out --base round" if base == "round" else "train without comparing: --promote yes"
            )
            raise RecipeError(f"{error}; or {without}") from error
    project_nlp(ready.moment.project)  # its strings are written into the round


def _begin(
    store: Store, ready: _Ready, allow_leaks: bool, settings: Mapping[str, Any] | None
) -> tuple[Round, Leaks]:
    """Start the round in the store, unless too many eval documents stand in training too (RecipeError)."""
    leaks = find_leaks(ready.golds, ready.eval_golds)
    refuse_leaks(leaks, allowed=allow_leaks)
    said = {} if settings is None else {"settings_file": dict(settings)}
    row = store.rounds.start(
        parameters={**ready.parameters, **said},
        seed=ready.seed,
        parent=None if ready.parent is None else ready.parent.number,
        train_ids=_annotations(ready.golds),
        eval_ids=_annotations(ready.eval_golds),
        labels=ready.moment.labels,
    )
    return row, leaks


def _parameters(settings: TrainConfig, balance: Balancing | None) -> dict[str, Any]:
    """The settings as the round keeps them: what is still to be chosen is not among them."""
    undecided = CHOSEN if balance is not None else ()
    decided = {name: value for name, value in asdict(settings).items() if name not in undecided}
    return decided | {"balance": balance}


def _with_checkpoints(config: TrainConfig) -> TrainConfig:
    """A checkpoint now and then, if nothing else was asked for; neither adapters nor several processes keep
    any."""
    if config.checkpoint_seconds is not None or config.lora or world() > 1:
        return config
    return replace(config, checkpoint_seconds=CHECKPOINT_SECONDS)


def _annotations(golds: Sequence[Gold]) -> list[int]:
    """All annotations that they are made of."""
    return [number for gold in golds for number in (gold.annotation_id, *gold.also)]


def _parent(store: Store, base: Literal["model", "round"]) -> Round | None:
    """The round that is promoted now, None for the first. RecipeError where one is asked for."""
    parent = store.rounds.promoted()
    if base == "round" and parent is None:
        raise RecipeError("--base round goes on from the promoted round, and there is none yet: leave it out")
    return parent


def _too_few(store: Store, if_new: int | None) -> NoRound | None:
    """Why no round is due, None where one is."""
    finished = [row for row in store.rounds.all() if row.state == "done"]
    if if_new is None or not finished:
        return None
    new = unlearned(store, finished[-1].number)
    if new >= if_new:
        return None
    return NoRound(
        f"no round: {counted(new, 'new annotation')} since round {finished[-1].number}, {if_new} asked for"
    )


@contextmanager
def _marked(store: Store) -> Iterator[None]:
    """Whatever ends the block early marks the round, so that nothing half-done looks like a result.

    Whoever holds the lock of the project owns every round that is running; this one may have begun in the
    very moment in which it was stopped.
    """
    try:
        yield
    finally:
        error = sys.exc_info()[1]
        if error is not None:
            reason, state = _end_of(error)
            for row in store.rounds.all():
                if row.state == "running":
                    store.rounds_folder.discard(row)
                    store.rounds.fail(row.number, reason, state)


def _end_of(error: BaseException) -> tuple[str, Literal["failed", "cancelled"]]:
    """What the round says about why it came to nothing."""
    if isinstance(error, Cancelled):
        return f"cancelled by {error.by}", "cancelled"
    if isinstance(error, Stopped) and error.name == "SIGTERM":
        if world() > 1:  # torchrun says no more than that
            return "torchrun ended it: another of its processes has ended, or it was stopped itself", "failed"
        return "cancelled by SIGTERM", "cancelled"
    if isinstance(error, KeyboardInterrupt):
        return "cancelled by hand", "cancelled"
    if isinstance(error, (RecipeError, StoreError, ModelError)):  # one line that says what to do
        return str(error), "failed"
    return f"{type(error).__name__}: {error}", "failed"


@contextmanager
def _alone(store: Store) -> Iterator[None]:
    """One training a project at a time; rounds that a killed process left running are marked as failed."""
    with ExitStack() as stack:
        try:
            stack.enter_context(store.training_lock.held())
        except InUse as error:  # nothing is wrong with the store: it is for the user to wait
            raise RecipeError(str(error)) from error
        for row in store.rounds.close_interrupted():
            store.rounds_folder.discard(row)
        for part in store.rounds_dir.glob(".[0-9]*.part"):  # what it had begun to write
            shutil.rmtree(part, ignore_errors=True)
        yield
