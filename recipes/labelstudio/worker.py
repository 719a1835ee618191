"""The backend's worker: works off the inbox whenever it is woken, and outlives whatever happens to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from spanloop.recipes.labelstudio.events import work_off
from spanloop.recipes.labelstudio.messages import reason
from spanloop.store import Store, StoreUnavailable
from spanloop.store.tables.inbox import Event

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 300.0
STUCK_SECONDS = 300.0
"""How long one event may be under way; waiting for another process that writes takes 60 at most."""

TRIES = 3
"""How often one event may end a pass for a reason that nobody foresaw before it is set aside."""

_PASSES_BY = (StoreUnavailable, OSError, MemoryError)  # no fault of the event's: the same may work later


class Worker:
    """A pass over the inbox runs in a thread of its own, and a second thread looks at what became of it:
    where the pass ended by an error of any kind, that is said and the next one comes after a pause, which
    grows.

    ``train`` starts a round; ``say`` gets a line for people; ``pause``: the first one in seconds. It begins
    when it is woken; close it.
    """

    def __init__(
        self,
        store: Store,
        train: Callable[[], str],
        say: Callable[[str], None],
        pause: float = FIRST_PAUSE_SECONDS,
    ) -> None:
        self._store = store
        self._train = train
        self._say = say
        self._pause = pause
        self._news = threading.Event()
        self._ended = threading.Event()
        self._passes = ThreadPoolExecutor(1, thread_name_prefix="inbox")
        self._under_way: tuple[int, float] | None = None  # the event's id, and since when
        self._failures: list[int | None] = []  # the events at which the passes ended since one went well
        self._unforeseen: list[int] = []  # those of them at which nobody foresaw why
        self._trouble = ""
        self._thread = threading.Thread(target=self._watch, name="inbox watch")
        self._thread.start()

    def wake(self) -> None:
        """There is something in the inbox."""
        self._news.set()

    def trouble(self) -> str:
        """Why nothing is being worked on; empty where all is well."""
        if not self._thread.is_alive():
            return "the thread that works off the inbox has ended: start the backend anew"
        under_way = self._under_way
        if under_way is not None and (seconds := time.monotonic() - under_way[1]) > STUCK_SECONDS:
            return f"event {under_way[0]} of the inbox has been under way for {seconds:.0f} s"
        return self._trouble

    def close(self) -> None:
        """Stop after the event that is under way; the rest waits in the store."""
        self._ended.set()
        self._news.set()
        self._thread.join()
        self._passes.shutdown()

    def _watch(self) -> None:
        while True:
            self._news.wait()
            self._news.clear()
            if self._ended.is_set():
                return
            error = self._passes.submit(self._work_off).exception()
            if error is None:
                self._goes_well()
            else:
                self._wait_after(error)

    def _work_off(self) -> None:
        work_off(self._store, train=self._train, say=self._say, begins=self._begins)

    def _begins(self, event: Event) -> bool:
        if self._failures and event.id not in self._failures:
            self._goes_well()  # the one before it is done with
        self._under_way = (event.id, time.monotonic())
        return not self._ended.is_set()

    def _goes_well(self) -> None:
        self._under_way = None
        self._failures = []
        self._unforeseen = []
        self._trouble = ""

    def _wait_after(self, error: BaseException) -> None:
        event = None if self._under_way is None else self._under_way[0]
        self._under_way = None
        self._failures.append(event)
        pause = min(self._pause * 2.0 ** min(len(self._failures) - 1, 30), LONGEST_PAUSE_SECONDS)
        self._trouble = f"the inbox waits, {len(self._failures)} tries have failed: {reason(error)}"
        if event is not None and not isinstance(error, _PASSES_BY):
            self._unforeseen.append(event)
            if self._unforeseen.count(event) >= TRIES:
                self._passes.submit(self._store.inbox.fail, event, reason(error)).exception()
        self._passes.submit(self._say, f"{self._trouble}; the next try is in {pause:.0f} s").exception()
        self._ended.wait(pause)
        self._news.set()
