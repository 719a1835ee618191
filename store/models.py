"""Models: whatever made predictions, known by the hash of its weights and settings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from spanloop.store.clock import now
from spanloop.store.records import Model

if TYPE_CHECKING:
    from spanloop.store.store import Store

COLUMNS = "hash, kind, name, path, round, id"


class Models:
    """``store.models``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, model: Model) -> Model:
        """The stored model of that hash, added if it is new."""
        with self._store.write():
            known = self.by_hash(model.hash)
            if known is not None:
                return known
            cursor = self._store.run(
                "INSERT INTO models(hash, kind, name, path, round, created_at) VALUES (?, ?, ?, ?, ?, ?)",
                (model.hash, model.kind, model.name, model.path, model.round, now()),
            )
            return replace(model, id=cursor.lastrowid)

    def get(self, model_id: int) -> Model | None:
        """The model of that id."""
        row = self._store.row(f"SELECT {COLUMNS} FROM models WHERE id = ?", (model_id,))
        return None if row is None else Model(*row)

    def by_hash(self, model_hash: str) -> Model | None:
        """The model of that hash."""
        row = self._store.row(f"SELECT {COLUMNS} FROM models WHERE hash = ?", (model_hash,))
        return None if row is None else Model(*row)

    def all(self) -> list[Model]:
        """All models, oldest first."""
        return [Model(*row) for row in self._store.rows(f"SELECT {COLUMNS} FROM models ORDER BY id")]
