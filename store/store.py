"""Opening, migrating and transacting: the one object that holds the file.

Reads run on a connection of the calling thread. Writes go through ``Store.write()``, which takes the write
lock at once (BEGIN IMMEDIATE), so that a read followed by a write can never fail half-way because another
process wrote. WAL lets readers go on beside a writer; ``synchronous=FULL`` means that a write that returned
survives a power cut.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlite_utils import Database

from spanloop.store.clock import now
from spanloop.store.errors import StoreError
from spanloop.store.files.backup import Backup, backup, copy_file
from spanloop.store.files.check import Problem, check
from spanloop.store.files.group_commit import Together, Turns
from spanloop.store.files.write_ahead_log import Checkpoints
from spanloop.store.queue.queue import Queue
from spanloop.store.records import Label, Project, Task
from spanloop.store.schema import migrations
from spanloop.store.tables.annotations import Annotations
from spanloop.store.tables.bridges import Bridges
from spanloop.store.tables.documents import Documents
from spanloop.store.tables.inbox import Inbox
from spanloop.store.tables.labels import Labels
from spanloop.store.tables.ledger import Ledger
from spanloop.store.tables.people import Annotators, Drafts
from spanloop.store.tables.predictions import Models, Predictions
from spanloop.store.tables.reviews import Reviews
from spanloop.store.tables.rounds import Rounds
from spanloop.store.tables.search import Search
from spanloop.store.tables.sketches import Sketches
from spanloop.store.tables.tokenizations import Tokenizations

LEAST_SQLITE = (3, 37)  # STRICT tables
BUSY_SECONDS = 60.0  # how long a write waits for another process before it gives up
LOOK_SECONDS = 0.001  # how often it looks whether it may


class Store:
    """One project in one SQLite file.

    Open it with ``Store.open`` or ``Store.create``; close it or use ``with``.
    """

    def __init__(self, path: Path) -> None:
        if sqlite3.sqlite_version_info < LEAST_SQLITE:
            raise StoreError(
                f"SQLite {sqlite3.sqlite_version} is too old, 3.37 is needed: use a newer Python"
            )
        self.path = path
        self.rounds_dir = path.with_name(path.stem + ".rounds")
        self._connections: dict[tuple[int, threading.Thread], Database] = {}
        self._writing = Turns()
        self._closed = False
        self.labels = Labels(self)
        self.documents = Documents(self)
        self.tokenizations = Tokenizations(self)
        self.models = Models(self)
        self.predictions = Predictions(self)
        self.annotations = Annotations(self)
        self.queue = Queue(self)
        self.rounds = Rounds(self)
        self.reviews = Reviews(self)
        self.ledger = Ledger(self)
        self.annotators = Annotators(self)
        self.drafts = Drafts(self)
        self.search = Search(self)
        self.sketches = Sketches(self)
        self.together = Together(self)
        self.checkpoints = Checkpoints(self)
        self.bridges = Bridges(self)
        self.inbox = Inbox(self)

    @classmethod
    def create(
        cls,
        path: str | Path,
        *,
        labels: Sequence[str | Label],
        base_model: str,
        task: Task = "spans",
        lang: str | None = None,
        nlp: str | None = None,
        eval_fraction: float = 0.2,
        seed: int = 0,
        instructions: str = "",
    ) -> Store:
        """Make a new project file and open it.

        The file appears whole or not at all. Raises StoreError when the path is taken, its folder is missing,
        there are no labels, two are the same, or a name is not usable.
        """
        path = Path(path)
        if path.exists():
            raise StoreError(f"{path} exists already: choose another name, or go on with the project in it")
        if not path.parent.is_dir():
            raise StoreError(f"there is no folder {path.parent}: create it first")
        if task not in ("spans", "tags"):
            raise StoreError(f"task is 'spans' or 'tags', not {task!r}")
        if not labels:
            raise StoreError("a project needs at least one label: --labels PER,ORG,LOC")
        if not 0 <= eval_fraction <= 1:
            raise StoreError(f"the eval fraction lies between 0 and 1, not at {eval_fraction}")
        draft = path.with_name(f".{path.name}.{os.getpid()}.new")
        draft.unlink(missing_ok=True)
        try:
            with cls(draft) as store, _plain_errors(path):
                store._migrate()
                with store.write():
                    store.run(
                        "INSERT INTO project(id, task, base_model, lang, nlp, eval_fraction, seed,"
                        " instructions, created_at) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)",
                        (task, base_model, lang, nlp, eval_fraction, seed, instructions, now()),
                    )
                    for label in labels:
                        store.labels.add(label)
            _publish(draft, path)
        finally:
            draft.unlink(missing_ok=True)
        return cls.open(path)

    @classmethod
    def open(cls, path: str | Path) -> Store:
        """Open a project file, bringing an older schema up to date (after a backup copy beside it).

        Raises StoreError, naming what to do, for a missing file, a folder, a file that is not SQLite or not
        ours, a newer schema, and a file or folder that may not be written.
        """
        path = Path(path)
        if path.is_dir():
            raise StoreError(
                f"{path} is a folder: name the project file in it, such as {path / 'project.db'}"
            )
        if not path.exists():
            raise StoreError(f"there is no {path}: make it with `spanloop init {path} --labels PER,ORG,LOC`")
        if not path.stat().st_size:
            raise StoreError(
                f"{path} is empty, no project: delete it, then `spanloop init {path} --labels ...`"
            )
        if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
            raise StoreError(
                f"{path} or its folder may not be written by you: change its mode or copy it elsewhere"
            )
        version = _schema_of(path)
        store = cls(path)
        if version < migrations.version():
            with ExitStack() as undo:
                undo.callback(store.close)
                store._migrate()
                undo.pop_all()
        return store

    @property
    def db(self) -> Database:
        """The calling thread's connection, opened when first asked for."""
        mine = (os.getpid(), threading.current_thread())
        db = self._connections.get(mine)
        if db is None:
            if self._closed:
                raise StoreError(f"{self.path} has been closed")
            self._close_those_of_ended_threads()
            db = self._connections[mine] = self._connect()
        return db

    def _connect(self) -> Database:
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
            raise StoreError(_explain(error, self.path)) from error

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

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def write(self, durable: bool = True) -> Iterator[Database]:
        """One transaction: all of the block or nothing. Inside another one of the same thread it joins it.

        ``durable=False`` does not wait for the disk: for what a power cut may take, such as a lease.
        """
        with self._writing, _plain_errors(self.path):
            db = self.db
            if db.conn.in_transaction:
                # a savepoint: an inner block that fails and is caught leaves nothing behind
                with db.atomic():
                    yield db
                return
            db.conn.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            _begin(db.conn)
            try:
                yield db
                db.conn.execute("COMMIT")
            finally:
                db.rollback()  # whatever was not committed

    def rows(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query, as plain tuples."""
        with _plain_errors(self.path):
            return self.db.conn.execute(sql, parameters).fetchall()

    def column(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> array[int]:
        """The first column of a query of integers, eight bytes each however many there are."""
        with _plain_errors(self.path):
            return array("q", (row[0] for row in self.db.conn.execute(sql, parameters)))

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """The first row of a query, or None."""
        with _plain_errors(self.path):
            found: tuple[Any, ...] | None = self.db.conn.execute(sql, parameters).fetchone()
            return found

    def run(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> sqlite3.Cursor:
        """Run one statement that writes; inside ``write()`` it is part of it."""
        with _plain_errors(self.path):
            return self.db.conn.execute(sql, parameters)

    def check(self, repair: bool = False) -> list[Problem]:
        """What is wrong with the project, with advice; see ``check.check``."""
        return check(self, repair)

    def backup(self, target: str | Path) -> Backup:
        """Copy the project of this moment and its promoted round; see ``backup.backup``."""
        return backup(self, target)

    def effort(self) -> list[dict[str, Any]]:
        """The view ``effort``: what the suggestions of each model saved and cost each person."""
        return [dict(row) for row in self.db["effort"].rows]

    @property
    def project(self) -> Project:
        """The project's one row."""
        names = [field.name for field in fields(Project)]
        found = self.row(f"SELECT {', '.join(names)} FROM project")
        if found is None:
            raise StoreError(f"{self.path} holds no project row: restore it from a backup")
        values = dict(zip(names, found, strict=True))
        return Project(**{**values, "page": json.loads(values["page"])})

    def set_project(self, **changes: Any) -> None:
        """Change fields of the project, by their names in ``records.Project``; ``task`` is fixed for good."""
        known = {field.name for field in fields(Project)} - {"task"}
        for name in changes:
            if name not in known:
                raise StoreError(f"a project has no changeable {name!r}, only {', '.join(sorted(known))}")
        with self.write():
            for name, value in changes.items():
                stored = json.dumps(value) if name == "page" else value
                self.run(f"UPDATE project SET {name} = ?", (stored,))
            if "overlap" in changes:
                self.queue.refresh_answered(at_least=1)

    def _migrate(self) -> None:
        """Apply the pending steps in one transaction; what another process did meanwhile is seen in it."""
        with self.write() as db:
            version = db.conn.execute("PRAGMA user_version").fetchone()[0]
            if version == migrations.version():
                return
            if version:
                copy_file(
                    self.path, self.path.with_name(f"{self.path.name}.before-schema-{migrations.version()}")
                )
            migrations.STEPS.apply(db)
            db.conn.execute(f"PRAGMA application_id = {migrations.APPLICATION_ID}")
            db.conn.execute(f"PRAGMA user_version = {migrations.version()}")


def _begin(conn: sqlite3.Connection) -> None:
    """Take the write lock, looking again every millisecond while another process has it.

    SQLite's own waiting looks every tenth of a second in the end, and finds one of many short writers there
    nearly every time.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    conn.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                conn.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
            time.sleep(LOOK_SECONDS)
    finally:
        conn.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")


def _schema_of(path: Path) -> int:
    """The schema version of a project file; StoreError for any other file, which is left as it is."""
    conn = sqlite3.connect(path, timeout=BUSY_SECONDS)
    try:
        with _plain_errors(path):
            application = conn.execute("PRAGMA application_id").fetchone()[0]
            version = int(conn.execute("PRAGMA user_version").fetchone()[0])
    finally:
        conn.close()
    if application != migrations.APPLICATION_ID:
        raise StoreError(
            f"{path} is a SQLite file, but no spanloop project: name another file, or make a project"
            " with `spanloop init`"
        )
    if version > migrations.version():
        raise StoreError(
            f"{path} has schema {version}, this spanloop knows up to {migrations.version()}:"
            " upgrade it with `pip install -U spanloop`"
        )
    return version


def _publish(draft: Path, path: Path) -> None:
    """Give the finished file its name, never over another one."""
    try:
        os.link(draft, path)
    except FileExistsError as error:
        raise StoreError(f"{path} exists already: choose another name") from error
    except OSError:  # a file system without hard links
        draft.rename(path)


@contextmanager
def _plain_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise StoreError(_explain(error, path)) from error


def _explain(error: sqlite3.DatabaseError, path: Path) -> str:
    text = str(error)
    if "locked" in text or "busy" in text:
        return f"{path}: another process has been writing for {BUSY_SECONDS:.0f} s: try again when it is done"
    if "not a database" in text:
        return f"{path} is not a SQLite file: name a project file, or make one with `spanloop init`"
    if "malformed" in text:
        return (
            f"{path} is damaged ({text}): restore a backup, or save what is left: "
            f"sqlite3 {path} .recover | sqlite3 saved.db"
        )
    if "I/O error" in text:
        return f"{path}: the disk refused ({text}): is it full or failing? Nothing of this step was stored"
    if "full" in text:
        return f"{path}: the disk is full; nothing of this step was stored: make room and run it again"
    if "readonly" in text or "unable to open" in text:
        return f"{path} cannot be written ({text}): check the mode of the file and of its folder"
    if isinstance(error, sqlite3.IntegrityError):
        return f"{path} refused a row: {text}"
    return f"{path}: {text}"
