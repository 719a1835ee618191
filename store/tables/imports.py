"""Imports: one row each, and the rows that it brought name it, so that it can be taken back whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from spanloop.store.clock import now
from spanloop.store.errors import StoreError
from spanloop.store.tables.take_back import TakenBack, take_back

if TYPE_CHECKING:
    from spanloop.store.store import Store

COLUMNS = "id, state, files, options, counts, started_at, finished_at, undone_at, error"


State = Literal["running", "done", "leaving", "undone"]


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """A file that an import read, as it was then; ``called`` is its name in keys and groups."""

    path: str
    called: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Import:
    """One import: what was read and how, and what came of it. ``counts`` are those of its report; ``error``
    says why it was cut short. Moments are ISO 8601, UTC."""

    id: int
    state: State
    files: tuple[ImportedFile, ...]
    options: Mapping[str, Any]
    counts: Mapping[str, Any]
    started_at: str
    finished_at: str | None
    undone_at: str | None
    error: str | None


class Imports:
    """``store.imports``. Whoever writes here holds ``store.importing()``, so to its holder a row that says
    ``running`` or ``leaving`` is one of a process that has ended."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> list[Import]:
        """Every import, the oldest first."""
        return [_from_row(row) for row in self._store.rows(f"SELECT {COLUMNS} FROM imports ORDER BY id")]

    def get(self, number: int) -> Import:
        """The import of that number. StoreError says which there are."""
        row = self._store.row(f"SELECT {COLUMNS} FROM imports WHERE id = ?", (number,))
        if row is None:
            there = ", ".join(str(one.id) for one in self.all()) or "none yet"
            raise StoreError(f"{self._store.named} has no import {number}; there are: {there}")
        return _from_row(row)

    def begin(self, files: Sequence[ImportedFile], options: Mapping[str, Any]) -> int:
        """Note that an import begins; its number, which the rows that it brings name.

        Args:
            files: What is read.
            options: How it is read, as JSON can say it.
        """
        with self._store.write():
            number = self._store.run(
                "INSERT INTO imports(state, files, options, started_at) VALUES ('running', ?, ?, ?)",
                (json.dumps([asdict(file) for file in files]), json.dumps(options), now()),
            ).lastrowid
        assert number is not None
        return number

    def added(self, number: int, label_ids: Sequence[int]) -> None:
        """Note the labels that an import gave the project, by their ids."""
        self._set(number, "labels", list(label_ids))

    def chose(self, number: int, settings: Mapping[str, Mapping[str, str | None]]) -> None:
        """Note the settings that an import gave the project: each as it was ``before`` and is ``now``."""
        self._set(number, "made_of", settings)

    def _set(self, number: int, column: str, value: object) -> None:
        with self._store.write():
            self._store.run(f"UPDATE imports SET {column} = ? WHERE id = ?", (json.dumps(value), number))

    def finish(self, number: int, counts: Mapping[str, Any]) -> None:
        """Note that an import is whole, and what its report counted."""
        with self._store.write():
            self._store.run(
                "UPDATE imports SET state = 'done', counts = ?, finished_at = ? WHERE id = ?",
                (json.dumps(counts), now(), number),
            )

    def unfinished(self) -> list[Import]:
        """Those that run, or are being taken back; to whoever holds the lock: those that were cut short."""
        return [one for one in self.all() if one.state in ("running", "leaving")]

    def take_back(
        self, number: int, *, error: str | None = None, progress: Callable[[int], None] | None = None
    ) -> TakenBack:
        """Take back what an import brought; the caller holds ``store.importing()``.

        Documents go unless somebody has answered them or works on them, and answers unless a round was
        trained on them or a version of the gold has them; such answers stay but say nothing any more. In
        short transactions, so that others go on working; cut short, it is completed by the next call.

        Args:
            number: The import.
            error: Why it is taken back, where it was cut short.
            progress: Called with the number of documents looked at.

        Returns:
            What went and what stayed.

        Raises:
            StoreError: There is no such import.
        """
        self.get(number)
        return take_back(self._store, number, error, progress)


def _from_row(row: Sequence[Any]) -> Import:
    number, state, files, options, counts, *moments = row
    read = tuple(ImportedFile(**file) for file in json.loads(files))
    return Import(number, state, read, json.loads(options), json.loads(counts), *moments)
