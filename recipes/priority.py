"""A training steps back: whoever annotates at the same time must not wait for it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

NICE = 10


def yield_to_others(nice: int = NICE) -> None:
    """Run this process at least at that nice value; 0 leaves it as it is. Where it leads a session of its
    own, as a service does, the session too: Linux shares the processor among sessions first (autogroup), and
    only inside of one by nice."""
    if not nice or not hasattr(os, "nice"):  # Windows has no nice
        return
    os.nice(max(0, nice - os.nice(0)))
    group = Path("/proc/self/autogroup")
    if os.getsid(0) == os.getpid() and group.exists():
        with suppress(PermissionError):
            group.write_text(str(nice), encoding="ascii")


def sleep_while_waiting() -> None:
    """Threads that wait for one another sleep in place of spinning, which beside a busy process costs
    more than it brings. Only before torch is imported: OpenMP reads ``OMP_WAIT_POLICY`` once. What the
    environment says already stands."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
