"""Bridges to other tools: which task is which document, and which answer there is which annotation here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spanloop.store.store import Store

ANSWER = "answer, task, annotation_id, content, changed_at, deleted"


@dataclass(frozen=True, slots=True)
class Bridge:
    """Another tool's project. ``pulled_until``: what changed there before that, by its clock, is here."""

    source: str
    url: str
    pulled_until: str | None = None


@dataclass(frozen=True, slots=True)
class AnswerLink:
    """An annotation of another tool by its number there, its task's number, the revision made of its newest
    state, a hash of what it says, and when it changed last (by the other tool's clock)."""

    answer: int
    task: int
    annotation_id: int
    content: str
    changed_at: str
    deleted: bool = False


class Bridges:
    """``store.bridges``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, bridge: Bridge) -> None:
        """Remember a bridge, or what changed about it."""
        with self._store.write():
            self._store.run(
                "INSERT OR REPLACE INTO bridges VALUES (?, ?, ?)",
                (bridge.source, bridge.url, bridge.pulled_until),
            )

    def get(self, source: str) -> Bridge | None:
        """The bridge of that source."""
        row = self._store.row("SELECT source, url, pulled_until FROM bridges WHERE source = ?", (source,))
        return None if row is None else Bridge(*row)

    def all(self) -> list[Bridge]:
        """All bridges."""
        rows = self._store.rows("SELECT source, url, pulled_until FROM bridges ORDER BY source")
        return [Bridge(*row) for row in rows]

    def link_tasks(self, source: str, documents: dict[int, int]) -> None:
        """Remember ``{number of the task: document id}``; a task that has another text now has another
        document."""
        with self._store.write() as db:
            db.conn.executemany(
                "INSERT INTO task_links VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET document_id = excluded.document_id"
                " WHERE document_id <> excluded.document_id",
                [(source, task, document_id) for task, document_id in documents.items()],
            )

    def tasks(self, source: str) -> dict[int, int]:
        """``{number of the task: document id}`` of all tasks known."""
        return dict(self._store.rows("SELECT task, document_id FROM task_links WHERE source = ?", (source,)))

    def document_of(self, source: str, task: int) -> int | None:
        """The document of a task."""
        row = self._store.row(
            "SELECT document_id FROM task_links WHERE source = ? AND task = ?", (source, task)
        )
        return None if row is None else int(row[0])

    def put_answer(self, source: str, link: AnswerLink) -> None:
        """Remember the newest state of an answer."""
        with self._store.write():
            self._store.run(
                f"INSERT OR REPLACE INTO answer_links(source, {ANSWER}) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    source,
                    link.answer,
                    link.task,
                    link.annotation_id,
                    link.content,
                    link.changed_at,
                    int(link.deleted),
                ),
            )

    def answer(self, source: str, number: int) -> AnswerLink | None:
        """What is known of the answer of that number."""
        row = self._store.row(
            f"SELECT {ANSWER} FROM answer_links WHERE source = ? AND answer = ?", (source, number)
        )
        return None if row is None else _link(row)

    def answers(self, source: str, task: int) -> list[AnswerLink]:
        """The answers of a task that are not deleted, oldest change first."""
        rows = self._store.rows(
            f"SELECT {ANSWER} FROM answer_links WHERE source = ? AND task = ? AND NOT deleted"
            " ORDER BY changed_at, answer",
            (source, task),
        )
        return [_link(row) for row in rows]


def _link(row: tuple[Any, ...]) -> AnswerLink:
    answer, task, annotation_id, content, changed_at, deleted = row
    return AnswerLink(answer, task, annotation_id, content, changed_at, bool(deleted))
