"""The project: one file, made, opened and brought up to date, and the tables in it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Literal

from spanloop.store.clock import now
from spanloop.store.errors import StoreError
from spanloop.store.files.atomic import name_beside
from spanloop.store.files.backup import Backup, backup, copy_file, keep_copy
from spanloop.store.files.beside import located
from spanloop.store.files.check import Problem, check
from spanloop.store.files.connection import Connection, stamp
from spanloop.store.files.explained import plain_errors
from spanloop.store.files.import_lock import import_lock
from spanloop.store.files.real_path import real_path, refuse_hard_links
from spanloop.store.files.rounds_folder import RoundsFolder
from spanloop.store.files.training_lock import TrainingLock
from spanloop.store.files.whole_sqlite import publish_database, remove_database
from spanloop.store.queue.queue import Queue
from spanloop.store.records import Moment, NewLabel, Project, Round, Task
from spanloop.store.schema import migrations
from spanloop.store.tables.acquisition import Acquisition
from spanloop.store.tables.annotations import Annotations
from spanloop.store.tables.bridges import Bridges
from spanloop.store.tables.documents import Documents
from spanloop.store.tables.drafts import Drafts
from spanloop.store.tables.eval_gold import EvalGold
from spanloop.store.tables.imports import Imports
from spanloop.store.tables.inbox import Inbox
from spanloop.store.tables.label_names import unfit_as_name
from spanloop.store.tables.label_sets import LabelSets
from spanloop.store.tables.labels import Labels
from spanloop.store.tables.ledger import Ledger
from spanloop.store.tables.listing import Listing
from spanloop.store.tables.originals import Originals
from spanloop.store.tables.parts import Parts
from spanloop.store.tables.people import Annotators
from spanloop.store.tables.picking import Picking
from spanloop.store.tables.predictions import Models, Predictions
from spanloop.store.tables.promotions import Promotions
from spanloop.store.tables.reviews import Reviews
from spanloop.store.tables.rounds import Rounds
from spanloop.store.tables.search import Search
from spanloop.store.tables.sketches import Sketches
from spanloop.store.tables.standing import Standing
from spanloop.store.tables.tokenizations import Tokenizations
from spanloop.store.tables.triages import Triages
from spanloop.store.tables.versions import Versions

MADE_OF = ("base_model", "lang", "nlp", "unit")
"""The fields of a project that decide what its rounds are made of. They can change, so each round keeps them
among its parameters, as ``made_of``."""


class Store(Connection):
    """One project in one SQLite file; open it with ``Store.open`` or ``Store.create``, close it or use
    ``with``."""

    def __init__(self, path: Path, named: Path | None = None) -> None:
        super().__init__(path, named)
        self.rounds_folder = RoundsFolder(self)
        self.training_lock = TrainingLock(self)
        self.labels = Labels(self)
        self.label_sets = LabelSets(self)
        self.documents = Documents(self)
        self.tokenizations = Tokenizations(self)
        self.originals = Originals(self)
        self.models = Models(self)
        self.predictions = Predictions(self)
        self.acquisition = Acquisition(self)
        self.annotations = Annotations(self)
        self.standing = Standing(self)
        self.queue = Queue(self)
        self.rounds = Rounds(self)
        self.promotions = Promotions(self)
        self.eval_gold = EvalGold(self)
        self.reviews = Reviews(self)
        self.ledger = Ledger(self)
        self.annotators = Annotators(self)
        self.drafts = Drafts(self)
        self.search = Search(self)
        self.listing = Listing(self)
        self.sketches = Sketches(self)
        self.bridges = Bridges(self)
        self.inbox = Inbox(self)
        self.versions = Versions(self)
        self.picking = Picking(self)
        self.imports = Imports(self)
        self.triages = Triages(self)
        self.parts = Parts(self)

    @classmethod
    def create(
        cls,
        path: str | Path,
        *,
        labels: Sequence[str | NewLabel],
        base_model: str,
        task: Task = "spans",
        lang: str | None = None,
        nlp: str | None = None,
        eval_fraction: float = 0.2,
        seed: int = 0,
        instructions: str = "",
        unit: Literal["token", "wordpiece"] = "token",
    ) -> Store:
        """Make a new project file and open it.

        The file appears whole or not at all. Raises StoreError when the path is taken, its folder is missing,
        there are no labels, two are the same, or a name is not usable.
        """
        named, path = Path(path), real_path(Path(path))
        if path.exists():
            raise StoreError(f"{named} exists already: choose another name, or go on with the project in it")
        if not path.parent.is_dir():
            raise StoreError(f"there is no folder {path.parent}: create it first")
        if task not in ("spans", "tags"):
            raise StoreError(f"task is 'spans' or 'tags', not {task!r}")
        if not labels:
            raise StoreError("a project needs at least one label: --labels PER,ORG,LOC")
        if not 0 <= eval_fraction <= 1:
            raise StoreError(f"the eval fraction lies between 0 and 1, not at {eval_fraction}")
        draft = name_beside(path)
        try:
            with cls(draft, named) as store, plain_errors(named):
                migrations.lay(store.db.conn)
                with store.write():
                    store.run(
                        "INSERT INTO project(id, uid, task, base_model, lang, nlp, eval_fraction, seed,"
                        " instructions, unit, created_at)"
                        " VALUES (1, lower(hex(randomblob(16))), ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        (task, base_model, lang, nlp, eval_fraction, seed, instructions, unit, now()),
                    )
                    for label in labels:
                        store.labels.add(label)
            publish_database(draft, path, named)
        except FileExistsError as error:
            raise StoreError(f"{named} exists already: choose another name") from error
        finally:
            remove_database(draft)
        with ExitStack() as undo:
            undo.callback(remove_database, path)  # a full disk can refuse even to read it
            store = cls.open(named)
            undo.pop_all()
        return store

    @classmethod
    def open(cls, path: str | Path) -> Store:
        """Open a project file, bringing an older schema up to date (after a backup copy beside it).

        Raises StoreError, naming what to do, for a missing file, a folder, a file that is not SQLite or not
        ours, a newer schema, and a file or folder that may not be written.
        """
        named, path = Path(path), real_path(Path(path))
        if path.is_dir():
            raise StoreError(
                f"{named} is a folder: name the project file in it, such as {named / 'project.db'}"
            )
        if not path.exists():
            raise StoreError(
                f"there is no {named}: make it with `spanloop init {named} --labels PER,ORG,LOC`"
            )
        if not path.stat().st_size:
            raise StoreError(
                f"{named} is empty, no project: delete it, then `spanloop init {named} --labels ...`"
            )
        if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
            raise StoreError(
                f"{named} or its folder may not be written by you: change its mode or copy it elsewhere"
            )
        refuse_hard_links(path, named)
        version = _schema_of(path, named)
        store = cls(path, named)
        if version < migrations.version():
            with ExitStack() as undo:
                undo.callback(store.close)
                store._migrate()
                undo.pop_all()
        return store

    @property
    def rounds_dir(self) -> Path:
        """The folder where the rounds lie; see ``rounds_folder.RoundsFolder``."""
        return self.rounds_folder.path

    def check(
        self, repair: bool = False, unfit: Callable[[str], str | None] = unfit_as_name
    ) -> list[Problem]:
        """What is wrong with the project, with advice; see ``check.check``."""
        return check(self, repair, unfit)

    def backup(self, target: str | Path) -> Backup:
        """Copy the project of this moment and its promoted round; see ``backup.backup``."""
        return backup(self, target)

    @contextmanager
    def copied(self) -> Iterator[Store]:
        """A copy of the project of this moment, to try something on; it is gone after the block."""
        with tempfile.TemporaryDirectory(dir=self.path.parent, prefix=f".{self.path.name}.") as folder:
            draft = Path(folder, self.path.name)
            copy_file(self.path, draft)
            with Store(draft, self.named) as copy:
                yield copy

    def importing(self) -> AbstractContextManager[None]:
        """Wait until no other process imports or takes an import back, and keep others waiting in the
        block."""
        return import_lock(self.path)

    def effort(self) -> list[dict[str, Any]]:
        """The view ``effort``: what the suggestions of each model saved and cost each person."""
        return [dict(row) for row in self.db["effort"].rows]

    @property
    def project(self) -> Project:
        """The project's one row; folders in it are absolute, whatever they are kept as."""
        row = self._project_row()
        return replace(row, **self._located(_made_of(row)))

    @property
    def made_of(self) -> dict[str, str | None]:
        """The fields `MADE_OF` of the project as they are kept: folders relative to the project file."""
        return _made_of(self._project_row())

    def project_of(self, round_: Round) -> Project:
        """The project with what the round was made of, whatever has been set since. A round of before that
        was kept has what the project has now, but for the unit, which was the token for all of them."""
        kept = {"unit": "token", **round_.parameters.get("made_of", {})}
        known = {name: value for name, value in kept.items() if name in MADE_OF}
        return replace(self.project, **self._located(known))

    def _located(self, kept: Mapping[str, str | None]) -> dict[str, Any]:
        return {name: None if value is None else located(value, self.path) for name, value in kept.items()}

    def _project_row(self) -> Project:
        names = [field.name for field in fields(Project)]
        found = self.row(f"SELECT {', '.join(names)} FROM project")
        if found is None:
            raise StoreError(f"{self.named} holds no project row: restore it from a backup")
        values = dict(zip(names, found, strict=True))
        return Project(**{**values, "page": json.loads(values["page"])})

    def moment(self) -> Moment:
        """The project and its labels as they are now, to go on with while others change them."""
        with self.reading():
            return Moment(self.project, tuple(self.labels.all()), self.labels.readings())

    def set_project(self, **changes: Any) -> None:
        """Change fields of the project, by their names in ``records.Project``; ``task`` and ``uid`` are
        fixed for good."""
        known = {field.name for field in fields(Project)} - {"task", "uid"}
        for name in changes:
            if name not in known:
                raise StoreError(f"a project has no changeable {name!r}, only {', '.join(sorted(known))}")
        with self.write():
            for name, value in changes.items():
                stored = json.dumps(value) if name == "page" else value
                self.run(f"UPDATE project SET {name} = ?", (stored,))
            if "overlap" in changes:
                self.queue.states.refresh_answered(at_least=1)

    def _migrate(self) -> None:
        """Apply the pending steps in one transaction; what another process did meanwhile is seen in it."""
        with self.write() as db:
            version = db.conn.execute("PRAGMA user_version").fetchone()[0]
            if version == migrations.version():
                return
            keep_copy(
                self.path, self.path.with_name(f"{self.path.name}.before-schema-{migrations.version()}")
            )
            migrations.take(db)


def _made_of(project: Project) -> dict[str, str | None]:
    return {name: getattr(project, name) for name in MADE_OF}


def _schema_of(path: Path, named: Path) -> int:
    """The schema version of a project file; StoreError for any other file, which is left as it is."""
    application, version = stamp(path, named)
    if application != migrations.APPLICATION_ID:
        raise StoreError(
            f"{named} is a SQLite file, but no spanloop project: name another file, or make a project"
            " with `spanloop init`"
        )
    if version > migrations.version():
        raise StoreError(
            f"{named} has schema {version}, this spanloop knows up to {migrations.version()}:"
            " upgrade it with `pip install -U spanloop`"
        )
    return version
