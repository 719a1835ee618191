"""One way to write a moment, so that two of them compare as text: ISO 8601, UTC, milliseconds, ``Z``."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone


def read_clock() -> datetime:
    """This moment in UTC. Whatever dates a row or ends a lease asks here, so that a test can set it."""
    return datetime.now(timezone.utc)


def now(plus_seconds: float = 0.0) -> str:
    """This moment plus ``plus_seconds``, e.g. ``2026-01-31T08:05:09.120Z``."""
    moment = read_clock() + timedelta(seconds=plus_seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
