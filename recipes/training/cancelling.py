"""A training that is cancelled from elsewhere: it looks for the request with each step, so that the request
reaches the training alone and neither the service nor the notebook that it runs in, as a signal would."""

from __future__ import annotations

from pathlib import Path

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.progress import Progress
from spanloop.store import Store

CHECKPOINTS = ".training"
"""The folder among the rounds where an interrupted training leaves what it goes on from."""


class Cancelled(RecipeError):
    """Somebody cancelled the training from elsewhere."""

    def __init__(self, path: Path, by: str) -> None:
        super().__init__(f"cancelled by {by}: spanloop rounds {path}")
        self.by = by


def heeding(store: Store, progress: Progress) -> Progress:
    """The same progress, which ends the training with `Cancelled` once somebody has asked for it."""

    def report(done: int, total: int | None, what: str) -> None:
        by = store.training_lock.stop_asked_by()
        if by is not None:
            raise Cancelled(store.named, by)
        progress(done, total, what)

    return report
