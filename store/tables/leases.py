"""Which leases run: those that have not ended, and could have been given by this clock.

The end of a lease is a moment of the clock on the wall, because it holds across processes and restarts. A
clock that was set back makes that moment lie far ahead; a lease that would run longer than any lease is given
for has therefore run out. So whatever a clock does, nothing is held for longer than ``LONGEST_SECONDS``.
"""

from __future__ import annotations

from spanloop.store.clock import now

LEASE_SECONDS = 600.0
LONGEST_SECONDS = 1800.0
RUNS = "l.until > :now AND l.until <= :latest"
"""Whether the row ``l`` of ``leases`` runs, with the parameters of ``moments``."""


def moments() -> dict[str, str]:
    """The moments between which the end of every lease lies that runs now."""
    return {"now": now(), "latest": now(LONGEST_SECONDS)}


def end_of(seconds: float) -> str:
    """When a lease of so many seconds ends that is given now. ValueError for one that is too long."""
    if seconds > LONGEST_SECONDS:
        raise ValueError(f"a lease of {seconds:g} s is longer than any may be, {LONGEST_SECONDS:g} s")
    return now(seconds)
