"""Stop the training of a project from anywhere; it goes on later from its last checkpoint."""

from __future__ import annotations

import socket
import time
from pathlib import Path

from spanloop.plugin.training.checkpoint import newest
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.rounds.rounds import Rounds
from spanloop.recipes.rounds.standings import standings
from spanloop.recipes.training.process_control import CHECKPOINTS
from spanloop.store import Store
from spanloop.store.files.training_lock import Holder, TrainingLock

PATIENCE_SECONDS = 60.0
_LOOK_SECONDS = 0.1


def cancel(db: str | Path, *, patience: float = PATIENCE_SECONDS) -> Rounds:
    """Ask whoever trains a round of the project to stop, and wait until it has.

    Args:
        db: The project file.
        patience: Seconds to wait at most: a training looks for such a request with each step.

    Returns:
        Every round.

    Raises:
        RecipeError: Nobody trains, or it has not stopped in time.
    """
    with Store.open(db) as store:
        now = store.training_lock.look()
        if not now.held:
            raise RecipeError(f"no round of {db} is being trained: there is nothing to cancel")
        if now.holder is None:
            raise RecipeError(f"a training of {db} is just beginning or ending: try again in a moment")
        store.training_lock.ask_to_stop(now.holder)
        number = _wait(store.training_lock, now.holder, patience)
        return Rounds(standings(store), _outcome(store, number))


def _wait(lock: TrainingLock, asked: Holder, patience: float) -> int | None:
    """The round of the holder, once it holds the lock no more."""
    end = time.monotonic() + patience
    last = asked
    while (now := lock.look()).held:
        if now.holder is not None and now.holder.turn != asked.turn:
            break  # another one has the lock already
        last = now.holder or last
        if time.monotonic() > end:
            there = "" if asked.host == socket.gethostname() else f" on {asked.host}"
            raise RecipeError(
                f"{asked.text()} has been asked to stop and will at its next step, but has not after"
                f" {patience:g} s; to end it at once{there}: kill {asked.process}"
            )
        time.sleep(_LOOK_SECONDS)
    return last.round


def _outcome(store: Store, number: int | None) -> str:
    if number is None:
        return "the training was stopped before its round began"
    state = store.rounds.get(number).state
    if state == "done":
        return f"round {number} was done before it could be cancelled"
    if state == "cancelled":
        kept = newest(store.rounds_dir / CHECKPOINTS) is not None
        later = "goes on from its last checkpoint" if kept else "begins anew: there was no checkpoint yet"
        return f"round {number} is cancelled; the same retrain {later}"
    return f"the training of round {number} has ended"
