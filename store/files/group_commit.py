"""Many threads' writes in one transaction, so that the disk is waited for once.

A durable commit takes what the disk takes, some milliseconds, and SQLite has one writer: eight people who
answer at the same moment would wait for one another. Here whoever comes first writes for all who wait by
then, each write in a savepoint of its own, and nobody returns before the commit has.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from spanloop.store.errors import StoreError

if TYPE_CHECKING:
    from spanloop.store.files.connection import Connection

T = TypeVar("T")
# what is wrong with one write alone and is raised to the thread that asked for it
_ITS_OWN = (StoreError, ValueError, TypeError, LookupError, ArithmeticError)


class _Write(Generic[T]):
    """One thread's write on its way."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._value: T
        self._error: BaseException | None = None
        self.committed = False

    def run(self, connection: Connection) -> None:
        """All of it or nothing, inside the transaction of the others."""
        self._error = None
        try:
            with connection.write():
                self._value = self._work()
        except _ITS_OWN as error:
            self._error = error

    def result(self) -> T:
        """What the work returned or raised."""
        if self._error is not None:
            raise self._error
        return self._value


class Together:
    """``store.together``; see ``run``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._turn = threading.Condition()
        self._waiting: list[_Write[Any]] = []
        self._writing = False

    def run(self, work: Callable[[], T]) -> T:
        """Do ``work``, which writes, and return what it returns once that is durable; raise what it raises.

        The work may be done by another thread of this store. Inside a transaction of this thread it is part
        of that one.
        """
        if self._connection.db.conn.in_transaction:
            with self._connection.write():
                return work()
        mine = _Write(work)
        with self._turn:
            self._waiting.append(mine)
            while self._writing and not mine.committed:
                self._turn.wait()
            if mine.committed:
                return mine.result()
            self._writing = True
            # what failed to commit with others is tried again by the thread that it belongs to
            batch, self._waiting = list(dict.fromkeys([mine, *self._waiting])), []
        try:
            self._commit(batch)
        finally:
            with self._turn:
                self._writing = False
                self._turn.notify_all()
        return mine.result()

    def _commit(self, batch: list[_Write[Any]]) -> None:
        with self._connection.write():
            for write in batch:
                write.run(self._connection)
        for write in batch:
            write.committed = True


class Turns:
    """A lock that threads get in the order in which they asked for it, and one thread many times over."""

    def __init__(self) -> None:
        self._state = threading.Lock()
        self._owner: int | None = None
        self._depth = 0
        self._waiting: deque[tuple[int, threading.Lock]] = deque()

    def __enter__(self) -> None:
        me = threading.get_ident()
        with self._state:
            if self._owner in (None, me):
                self._owner = me
                self._depth += 1
                return
            gate = threading.Lock()
            gate.acquire()
            self._waiting.append((me, gate))
        gate.acquire()  # until it is handed over

    def __exit__(self, *_: object) -> None:
        with self._state:
            self._depth -= 1
            if self._depth:
                return
            self._owner = None
            if self._waiting:
                self._owner, gate = self._waiting.popleft()
                self._depth = 1
                gate.release()
