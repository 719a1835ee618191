"""The one place that reads the clock, and that writes and reads moments: ISO 8601, UTC, milliseconds, ``Z``,
so that two of them compare as text."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

# Python 3.10 reads neither Z nor a fraction of other than three or six digits.
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d+))?)?(?:Z|([+-]\d\d):?(\d\d))?", re.ASCII
)


def read_clock() -> datetime:
    """This moment in UTC. Whatever dates a row or ends a lease asks here, so that a test can set it."""
    return datetime.now(timezone.utc)


def now(plus_seconds: float = 0.0) -> str:
    """This moment plus ``plus_seconds``, e.g. ``2026-01-31T08:05:09.120Z``."""
    return written(read_clock() + timedelta(seconds=plus_seconds))


def seconds_since(text: str) -> float:
    """How long ago a moment was that `now` or another tool wrote."""
    return (read_clock() - moment(text)).total_seconds()


def written(at: datetime) -> str:
    """A moment as the store keeps it; ``at`` knows its zone."""
    return at.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """The moment, in UTC, that an ISO 8601 text says, ours or another tool's; without a zone it is UTC.
    ValueError where it says none."""
    found = _ISO.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no date and time as ISO 8601 writes them")
    day, time, fraction, hours, minutes = found.groups()
    digits = f"{fraction or '':0<6}"[:6]
    zone = f"{hours}:{minutes}" if hours else "+00:00"
    clock = f"{time}:00" if time and len(time) == 5 else time or "00:00:00"
    try:
        return datetime.fromisoformat(f"{day}T{clock}.{digits}{zone}").astimezone(timezone.utc)
    except OverflowError as error:
        raise ValueError(f"{text!r} lies outside of the years 1 to 9999") from error
