"""The way to one SQLite file: a connection a thread, one writer at a time, errors in plain words.

Reads run on a connection of the calling thread. Writes go through ``write()``, which takes the write lock at
once (BEGIN IMMEDIATE), so that a read followed by a write can never fail half-way because another process
wrote. WAL lets readers go on beside a writer; ``synchronous=FULL`` means that a write that returned survives
a power cut. ``reading()`` makes several reads one: of one moment, whatever others write meanwhile.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from sqlite_utils import Database

from spanloop.store.errors import StoreError
from spanloop.store.files.explained import BUSY_SECONDS, explained, plain_errors
from spanloop.store.files.group_commit import Together, Turns
from spanloop.store.files.real_path import real_path
from spanloop.store.files.write_ahead_log import Checkpoints

Self = TypeVar("Self", bound="Connection")

LEAST_SQLITE = (3, 37)  # STRICT tables
MANY_WRITERS_SECONDS = 600.0  # how long it waits where others write one after the other
LOOK_SECONDS = 0.001  # how often it looks whether it may


class Connection:
    """A SQLite file that many threads read and write; close it or use ``with``.

    ``path`` is absolute and without symbolic links, ``named`` what a person called it: files lie beside the
    one, messages speak of the other.
    """

    def __init__(self, path: Path, named: Path | None = None) -> None:
        if sqlite3.sqlite_version_info < LEAST_SQLITE:
            raise StoreError(
                f"SQLite {sqlite3.sqlite_version} is too old, 3.37 is needed: use a newer Python"
            )
        self.path = real_path(path)
        self.named = named or path
        self._connections: dict[tuple[int, threading.Thread], Database] = {}
        self._writing = Turns()
        self._reads = _Reads()
        self._piece: _Piece | None = None  # of the thread that writes
        self._closed = False
        self.together = Together(self)
        self.checkpoints = Checkpoints(self)

    @property
    def db(self) -> Database:
        """The calling thread's connection, opened when first asked for."""
        mine = (os.getpid(), threading.current_thread())
        db = self._connections.get(mine)
        if db is None:
            if self._closed:
                raise StoreError(f"{self.named} has been closed")
            self._close_those_of_ended_threads()
            db = self._connections[mine] = self._connect()
        return db

    def _connect(self) -> Database:
        with plain_errors(self.path):
            conn = sqlite3.connect(
                self.path,
                timeout=BUSY_SECONDS,
                isolation_level=None,  # write() says BEGIN; nothing else does
                check_same_thread=False,  # close() may come from another thread
            )
        try:
            conn.execute("PRAGMA journal_mode = WAL")
            conn.execute("PRAGMA synchronous = FULL")
            conn.execute("PRAGMA foreign_keys = ON")
            conn.execute(f"PRAGMA wal_autocheckpoint = {self.checkpoints.pages_left_to_writers}")
            conn.execute("PRAGMA cache_size = -65536")  # 64 MiB: the indexes of a million documents
            return Database(conn, recursive_triggers=False, execute_plugins=False)
        except sqlite3.DatabaseError as error:
            conn.close()
            raise explained(error, self.named) from error

    def _close_those_of_ended_threads(self) -> None:
        for owner in list(self._connections):
            if owner[0] == os.getpid() and not owner[1].is_alive():
                self._end(owner)

    def _end(self, owner: tuple[int, threading.Thread]) -> None:
        db = self._connections.pop(owner, None)
        if db is not None:  # another thread was not faster
            db.close()

    def close(self) -> None:
        """Close every thread's connection. The store cannot be used afterwards."""
        self.checkpoints.end()
        self._closed = True
        for owner in list(self._connections):
            self._end(owner)

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def write(self, durable: bool = True, one_piece: bool = False) -> Iterator[Database]:
        """One transaction: all of the block or nothing. Inside another one of the same thread it joins it.

        ``durable=False`` does not wait for the disk: for what a power cut may take, such as a lease.
        ``one_piece=True`` is for many rows: an inner block that fails takes all of it along, and where its
        error was caught, a RuntimeError says so. Elsewhere such a block leaves nothing behind and the rest
        goes on, for which SQLite keeps a copy of each page for each row that a trigger looks at.
        """
        self._refuse_while_reading()
        with self._writing, plain_errors(self.named):
            db = self.db
            if db.conn.in_transaction:
                with self._joined(db):
                    yield db
                return
            db.conn.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            _begin(db.conn)
            self._piece = _Piece() if one_piece else None
            try:
                yield db
                if self._piece is not None and self._piece.broken:
                    raise RuntimeError("a part of one_piece=True failed, so that nothing of it can be stored")
                db.conn.execute("COMMIT")
            finally:
                self._piece = None
                db.rollback()  # whatever was not committed

    @contextmanager
    def _joined(self, db: Database) -> Iterator[None]:
        """A block inside the transaction that this thread has begun."""
        piece = self._piece
        if piece is None:
            # a savepoint: an inner block that fails and is caught leaves nothing behind
            with db.atomic():
                yield
            return
        piece.broken += 1
        yield
        piece.broken -= 1

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Everything that this thread reads in the block is of one moment; inside another one, or inside
        ``write()``, it is part of that.

        Nobody is kept from writing. The write-ahead log cannot be moved into the file beyond that moment, so
        read what takes hours to work on into memory first. A write in the block is a RuntimeError: it could
        only build on what may be out of date.
        """
        conn = self.db.conn
        if conn.in_transaction:
            yield
            return
        with plain_errors(self.named):
            conn.execute("BEGIN")
            try:
                conn.execute("SELECT 1 FROM sqlite_master").fetchone()  # the moment is that of the first read
                self._reads.open = True
                yield
            finally:
                self._reads.open = False
                conn.execute("ROLLBACK")

    def _refuse_while_reading(self) -> None:
        if self._reads.open:
            raise RuntimeError("a write inside reading(): read first, then write, or read inside write()")

    def rows(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query, as plain tuples."""
        with plain_errors(self.named):
            return self.db.conn.execute(sql, parameters).fetchall()

    def column(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> array[int]:
        """The first column of a query of integers, eight bytes each however many there are."""
        with plain_errors(self.named):
            return array("q", (row[0] for row in self.db.conn.execute(sql, parameters)))

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """The first row of a query, or None."""
        with plain_errors(self.named):
            found: tuple[Any, ...] | None = self.db.conn.execute(sql, parameters).fetchone()
            return found

    def run(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> sqlite3.Cursor:
        """Run one statement that writes; inside ``write()`` it is part of it."""
        self._refuse_while_reading()
        with plain_errors(self.named):
            return self.db.conn.execute(sql, parameters)


@dataclass(slots=True)
class _Piece:
    """A transaction that is stored whole or not at all: how many of its inner blocks are open, or failed."""

    broken: int = 0


class _Reads(threading.local):
    """Whether the calling thread is in a block of ``reading()`` of its own."""

    open = False


def _begin(conn: sqlite3.Connection) -> None:
    """Take the write lock, looking again every millisecond while another process has it.

    SQLite's own waiting looks every tenth of a second in the end, and finds one of many short writers there
    nearly every time. While others write and finish we go on waiting: the lock knows no order, and on a busy
    machine they can be luckier than us for minutes.
    """
    until, at_last = time.monotonic() + BUSY_SECONDS, time.monotonic() + MANY_WRITERS_SECONDS
    commits: int | None = None
    conn.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                conn.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
                if commits is None:
                    commits = _commits_of_others(conn)
                if time.monotonic() > until:
                    before, commits = commits, _commits_of_others(conn)
                    if commits == before or time.monotonic() > at_last:
                        raise
                    until = time.monotonic() + BUSY_SECONDS
            time.sleep(LOOK_SECONDS)
    finally:
        conn.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")


def _commits_of_others(conn: sqlite3.Connection) -> int:
    """A number that is another one after another connection has committed."""
    return int(conn.execute("PRAGMA data_version").fetchone()[0])


def stamp(path: Path, named: Path) -> tuple[int, int]:
    """The application id and the user version that a file bears; the file is left as it is.

    Raises StoreError when it is no SQLite file.
    """
    conn = sqlite3.connect(path, timeout=BUSY_SECONDS)
    try:
        with plain_errors(named):
            application = conn.execute("PRAGMA application_id").fetchone()[0]
            version = conn.execute("PRAGMA user_version").fetchone()[0]
    finally:
        conn.close()
    return int(application), int(version)
