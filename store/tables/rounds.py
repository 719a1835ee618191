"""Rounds: one retraining each, with the exact annotations it learned from and was scored on."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from spanloop.store.clock import now
from spanloop.store.errors import StoreError
from spanloop.store.records import Label, Round, RoundState, Score
from spanloop.store.tables.promotions import NOTHING

if TYPE_CHECKING:
    from spanloop.store.files.training_lock import Look
    from spanloop.store.store import Store

NAMES = tuple(field.name for field in fields(Round))
COLUMNS = ", ".join(NAMES)
_AS_JSON = ("parameters", "class_weights", "manifest")
MERGED = "merged_labels"
"""The parameter of a round that says which labels read as which others then, by id (`Labels.merged`): where
one label flows into another and that into a third, the table of labels only knows the third."""

FIRST_SUGGESTIONS = "first_suggestions"
"""The entry of a manifest: for how many documents the round suggested at once, and after how many seconds."""


class Rounds:
    """``store.rounds``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def start(
        self,
        *,
        parameters: Mapping[str, Any],
        seed: int,
        train_ids: Sequence[int],
        eval_ids: Sequence[int],
        class_weights: Mapping[str, float] | None = None,
        parent: int | None = None,
        labels: Sequence[Label] | None = None,
    ) -> Round:
        """Open the next round.

        ``train_ids`` and ``eval_ids`` are annotation ids. ``labels``, as they were when these were read, is
        the label map that is kept; None: the labels of now. The number is one that no folder has either:
        beside an older state of the project there may lie later rounds.
        """
        with self._store.write() as db:
            row = self._store.row("SELECT coalesce(max(number), 0) FROM rounds")
            assert row is not None
            number = max([int(row[0]), *self._store.rounds_folder.numbers()]) + 1
            self._store.run(
                "INSERT INTO rounds(number, parent, state, parameters, seed, class_weights, started_at,"
                " host, process)"
                " VALUES (?, ?, 'running', ?, ?, ?, ?, ?, ?)",
                (
                    number, parent, json.dumps(dict(parameters)), seed, _json(class_weights), now(),
                    socket.gethostname(), os.getpid(),
                ),
            )  # fmt: skip
            db.conn.executemany(
                "INSERT INTO round_annotations VALUES (?, ?, ?)",
                [(number, "train", i) for i in train_ids] + [(number, "eval", i) for i in eval_ids],
            )
            known = self._store.labels.all() if labels is None else labels
            db.conn.executemany(
                "INSERT INTO round_labels VALUES (?, ?, ?, ?)",
                [(number, label.id, label.name, label.position) for label in known],
            )
        return self.get(number)

    def set_parameters(self, number: int, parameters: Mapping[str, Any]) -> Round:
        """Give a running round its parameters, where some of them are only found on the way. Raises
        StoreError for one that is over: what it was trained with stays as it was."""
        with self._store.write():
            self._must_run(number)
            self._store.run(
                "UPDATE rounds SET parameters = ? WHERE number = ?", (json.dumps(dict(parameters)), number)
            )
        return self.get(number)

    def finish(
        self,
        number: int,
        *,
        model_id: int,
        scores: Iterable[Score],
        manifest: Mapping[str, Any] | None,
        class_weights: Mapping[str, float] | None = None,
        files_hash: str | None = None,
    ) -> Round:
        """Close a running round with its model, its scores and the hash of its pipeline's files."""
        with self._store.write():
            self._must_run(number)
            self._store.run(
                "UPDATE rounds SET state = 'done', model_id = ?, manifest = ?, files_hash = ?,"
                " class_weights = coalesce(?, class_weights), finished_at = ? WHERE number = ?",
                (model_id, _json(manifest), files_hash, _json(class_weights), now(), number),
            )
            self.add_scores(number, scores)
        return self.get(number)

    def set_best(self, number: int, best: int) -> None:
        """Note which round is the best up to this one, all on the same gold."""
        with self._store.write():
            self._store.run("UPDATE rounds SET best = ? WHERE number = ?", (best, number))

    def keep_in_manifest(self, number: int, name: str, value: Mapping[str, Any]) -> None:
        """Add to what the manifest of a finished round tells of it."""
        with self._store.write():
            self._store.run(
                "UPDATE rounds SET manifest = json_set(manifest, '$.' || ?, json(?)) WHERE number = ?",
                (name, _json(value), number),
            )

    def keep_files_hash(self, number: int, files_hash: str) -> None:
        """Note the hash of the files of a finished round that has none yet."""
        with self._store.write():
            self._store.run(
                "UPDATE rounds SET files_hash = ? WHERE number = ? AND state = 'done' AND files_hash IS NULL",
                (files_hash, number),
            )

    def fail(self, number: int, error: str, state: Literal["failed", "cancelled"] = "failed") -> Round:
        """Close a running round that came to nothing, with the reason."""
        with self._store.write():
            self._must_run(number)
            self._store.run(
                "UPDATE rounds SET state = ?, error = ?, finished_at = ? WHERE number = ?",
                (state, error, now(), number),
            )
        return self.get(number)

    def _must_run(self, number: int) -> None:
        state: RoundState = self.get(number).state
        if state != "running":
            raise StoreError(f"round {number} is {state}, not running")

    def close_interrupted(self) -> list[Round]:
        """Mark the `interrupted` rounds as failed, and return them."""
        with self._store.write():
            return [
                self.fail(round_.number, "interrupted: its process ended without a word")
                for round_ in self.interrupted()
            ]

    def interrupted(self, before: Look | None = None) -> list[Round]:
        """The rounds that say that they are running and that nobody trains: their process was killed.

        ``before``: a look at ``store.training_lock`` from before the rounds that are read here were as they
        are. Whoever reads them as of an earlier moment (``store.reading()``) gives it, since a training that
        ended in between was under way then; None: look now.
        """
        before = before or self._store.training_lock.look()
        running = [round_ for round_ in self.all() if round_.state == "running"]
        if not running:
            return []
        after = self._store.training_lock.look()
        return [
            round_ for round_ in running if not (before.trains(round_.number) or after.trains(round_.number))
        ]

    def get(self, number: int) -> Round:
        """The round of that number. Raises StoreError when there is none."""
        row = self._store.row(f"SELECT {COLUMNS} FROM rounds WHERE number = ?", (number,))
        if row is None:
            raise StoreError(f"there is no round {number}: `spanloop rounds` lists those there are")
        return _from_row(row)

    def all(self) -> list[Round]:
        """All rounds, oldest first."""
        return [_from_row(row) for row in self._store.rows(f"SELECT {COLUMNS} FROM rounds ORDER BY number")]

    def promote(self, number: int) -> Round:
        """Make a finished round the one that predicts. Raises StoreError for one that is not done."""
        with self._store.write():
            self._put_to_use(number)
            self._store.promotions.add(number)
        return self.get(number)

    def rollback(self, number: int | None = None) -> Round:
        """Promote again a round of those that were promoted before the present one.

        Args:
            number: One of ``store.promotions.behind()``; None: the nearest.

        Returns:
            The round, which is in use now.

        Raises:
            StoreError: Nothing lies behind, or not this round.
        """
        with self._store.write():
            behind = self._store.promotions.behind()
            if not behind:
                raise StoreError(NOTHING)
            number = behind[0] if number is None else number
            self._store.promotions.go_back(number)
            self._put_to_use(number)
        return self.get(number)

    def _put_to_use(self, number: int) -> None:
        state = self.get(number).state
        if state != "done":
            raise StoreError(f"round {number} is {state}: only a finished round can be promoted")
        self._store.run("UPDATE rounds SET promoted = 0 WHERE promoted = 1")
        self._store.run("UPDATE rounds SET promoted = 1 WHERE number = ?", (number,))

    def prune(self, number: int, *, scores: bool) -> None:
        """Note that the pipeline of a finished round is left out from now on, on purpose.

        Args:
            number: The round, which is not the promoted one.
            scores: Whether its figures stay; all else that is known of the round stays in any case.

        Raises:
            StoreError: The round is not finished, or it is promoted.
        """
        with self._store.write():
            row = self.get(number)
            if row.state != "done" or row.promoted:
                what = "promoted" if row.promoted else row.state
                raise StoreError(f"round {number} is {what}: only other finished rounds can be pruned")
            self._store.run("UPDATE rounds SET pruned_at = ? WHERE number = ?", (now(), number))
            if not scores:
                self._store.run("DELETE FROM scores WHERE round = ?", (number,))

    def promoted(self) -> Round | None:
        """The round that predicts now."""
        row = self._store.row(f"SELECT {COLUMNS} FROM rounds WHERE promoted = 1")
        return None if row is None else _from_row(row)

    def scores(self, number: int, split: str | None = None) -> list[Score]:
        """The figures of a round, in the order they were stored."""
        rows = self._store.rows(
            "SELECT split, metric, average, label, precision, recall, f1, support, f1_low, f1_high, documents"
            " FROM scores WHERE round = ?1 AND (?2 IS NULL OR split = ?2) ORDER BY id",
            (number, split),
        )
        return [Score(*row) for row in rows]

    def add_scores(self, number: int, scores: Iterable[Score]) -> None:
        """Store figures of a round; a newer one of the same kind takes the older one's place."""
        rows = [(number, *astuple(score)) for score in scores]
        with self._store.write() as db:
            db.conn.executemany(
                "INSERT OR REPLACE INTO scores(round, split, metric, average, label, precision, recall,"
                " f1, support, f1_low, f1_high, documents) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )

    def folder(self, number: int) -> Path:
        """Where the round's pipeline lies, e.g. ``project.rounds/0001``; see ``rounds_folder``."""
        return self._store.rounds_folder.round(number)

    def annotation_ids(self, number: int, role: Literal["train", "eval"] = "train") -> list[int]:
        """The annotations that the round learned from or was scored on."""
        rows = self._store.rows(
            "SELECT annotation_id FROM round_annotations WHERE round = ? AND role = ? ORDER BY 1",
            (number, role),
        )
        return [row[0] for row in rows]

    def labels(self, number: int) -> list[str]:
        """The label names as the round knew them, in their order then."""
        rows = self._store.rows(
            "SELECT name FROM round_labels WHERE round = ? ORDER BY position, label_id", (number,)
        )
        return [row[0] for row in rows]

    def label_map(self, number: int) -> dict[int, str]:
        """What the spans of each label id read as in the round, whatever has become of the labels since:
        those in use then by their names of then, and those that were merged into one of them."""
        names = dict(self._store.rows("SELECT label_id, name FROM round_labels WHERE round = ?", (number,)))
        merged = self.get(number).parameters.get(MERGED)
        if merged is None:  # nobody kept it: what is merged now is taken to have been so then
            merged = self._store.labels.merged()
        for label_id, into in merged.items():
            if int(label_id) not in names and into in names:
                names[int(label_id)] = names[into]
        return names


def _json(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(dict(value), ensure_ascii=False)


def _from_row(row: tuple[Any, ...]) -> Round:
    values = dict(zip(NAMES, row, strict=True))
    for name in _AS_JSON:
        values[name] = None if values[name] is None else json.loads(values[name])
    return Round(**{**values, "promoted": bool(values["promoted"])})
