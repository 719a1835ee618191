"""Moving the write-ahead log into the file beside the writers, who else do it in the middle of a commit."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spanloop.store.files.connection import Connection

LOOK_SECONDS = 0.5
LOG_BYTES = 4_000_000  # a log that is longer is moved
LEFT_TO_WRITERS = 25_000  # pages, about 100 MB: should this thread not keep up
SELDOM = 10_000  # pages, about 40 MB: of these most are written by several commits, and moved once


class Checkpoints:
    """``store.checkpoints``: for a process that must answer fast for long, such as the page's server."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._log = connection.path.with_name(connection.path.name + "-wal")
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def run_beside(self) -> None:
        """Look after the log in a thread of its own until the store is closed."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)
            self._thread.start()

    @property
    def pages_left_to_writers(self) -> int:
        """After how many pages a commit moves the log itself; 1,000 is SQLite's own habit."""
        return 1000 if self._thread is None else LEFT_TO_WRITERS

    @contextmanager
    def seldom(self) -> Iterator[None]:
        """In the block the commits of this thread move the log after more pages, for many large ones."""
        before = self.pages_left_to_writers
        self._connection.rows(f"PRAGMA wal_autocheckpoint = {max(before, SELDOM)}")
        try:
            yield
        finally:
            self._connection.rows(f"PRAGMA wal_autocheckpoint = {before}")

    def _run(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            if self._log.exists() and self._log.stat().st_size > LOG_BYTES:
                self._connection.rows("PRAGMA wal_checkpoint(PASSIVE)")

    def end(self) -> None:
        """Stop, after the piece at hand."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
