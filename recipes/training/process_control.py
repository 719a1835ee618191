"""What a training does about its own process: it steps back for whoever annotates beside it, and when it is
asked to stop (Ctrl-C, SIGTERM, or somebody elsewhere) what is under way can be marked."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.progress import Progress
from spanloop.store import Store

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_WAIT_POLICY = "OMP_WAIT_POLICY"


class Stopped(KeyboardInterrupt):
    """A signal asked this process to stop. ``exit_code``: as a shell tells it, 130 for Ctrl-C, 143 for
    SIGTERM."""

    def __init__(self, number: int) -> None:
        self.name = signal.Signals(number).name
        self.exit_code = 128 + number
        super().__init__(f"stopped by {self.name}")


_received: list[int] = []  # the signal that asked this process to stop


@contextmanager
def stoppable() -> Iterator[None]:
    """Inside, the first SIGINT or SIGTERM raises `Stopped`; later ones find it cleaning up and are ignored.
    For the main thread of a command. Whoever works for long inside asks `heed_signal` too: a signal can come
    where Python or a library swallows what it raises (a destructor, a callback from C)."""

    def stop(number: int, _frame: FrameType | None) -> None:
        for name in SIGNALS:
            signal.signal(name, signal.SIG_IGN)
        _received.append(number)
        raise Stopped(number)

    before = {name: signal.signal(name, stop) for name in SIGNALS}
    try:
        yield
    finally:
        _received.clear()
        for name, handler in before.items():
            signal.signal(name, handler)


def heed_signal() -> None:
    """Raise `Stopped` again where a signal came and the work goes on all the same."""
    if _received:
        raise Stopped(_received[0])


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


_BUSY, _LOOK_SECONDS = 0.5, 0.25  # processors that others keep at work; a look that nobody waits for


def sleep_while_waiting() -> None:
    """Threads that wait for one another sleep in place of spinning, which beside a busy process costs
    more than it brings. Only before torch is imported: OpenMP reads ``OMP_WAIT_POLICY`` once. What the
    environment says already stands."""
    os.environ.setdefault(_WAIT_POLICY, "PASSIVE")


def choose_waiting(db: Path) -> str:
    """Let threads sleep while they wait where something else is at work, and spin where nothing is, which is
    a quarter faster; what the environment says already stands. Only before torch is imported.

    Args:
        db: The project file.

    Returns:
        Which it is and why, as a sentence; empty where there is one thread, or nothing to choose.
    """
    if _WAIT_POLICY in os.environ or _threads() == 1:
        return ""
    import psutil  # the other commands have no use for it

    with Store.open(db) as store:
        at_the_page = store.queue.in_hand()
    # Not the load of the last minute, in which the command before this one was at work.
    busy = psutil.cpu_percent(interval=_LOOK_SECONDS) / 100 * (psutil.cpu_count() or 1)
    if not at_the_page and busy < _BUSY:
        return "threads spin while they wait for one another, since nothing else runs here"
    sleep_while_waiting()
    why = "somebody is at the page" if at_the_page else f"others keep {busy:.1f} processors at work"
    return f"threads sleep while they wait for one another, since {why}"


def _threads() -> int:
    """How many threads OpenMP will start."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    if said.isdecimal() and int(said):
        return int(said)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


CHECKPOINTS = ".training"
"""The folder among the rounds where an interrupted training leaves what it goes on from."""


class Cancelled(RecipeError):
    """Somebody cancelled the training from elsewhere."""

    def __init__(self, path: Path, by: str) -> None:
        super().__init__(f"cancelled by {by}: spanloop rounds {path}")
        self.by = by


def heeding(store: Store, progress: Progress) -> Progress:
    """The same progress, which ends the training with `Cancelled` once somebody has asked for it, and with
    `Stopped` after a signal."""

    def report(done: int, total: int | None, what: str) -> None:
        heed_signal()
        by = store.training_lock.stop_asked_by()
        if by is not None:
            raise Cancelled(store.named, by)
        progress(done, total, what)

    return report
