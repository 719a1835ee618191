"""The clock of the store in a test's hand: a lease runs out without anybody waiting for it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone


class Clock:
    """Stands still until it is put forward."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 31, 8, 5, 9, tzinfo=timezone.utc)

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)
