"""Drafts: what people's pages have not submitted yet, so that a reload or a crash loses nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spanloop.store.clock import now
from spanloop.store.errors import StoreError
from spanloop.store.records import Origin

if TYPE_CHECKING:
    from spanloop.store.store import Store

MOST_OF_ONE_PERSON = 32 * 2**20
MOST_IN_ALL = 256 * 2**20


class DraftsFull(StoreError):
    """No more fits in: some of what was begun has to be finished first."""


@dataclass(frozen=True, slots=True)
class DraftOf:
    """Which answer a draft was begun for: whose, of which document, and whether it is a review or blind."""

    annotator: str
    document_id: int
    origin: Origin = "human"
    blind: bool = False


class Drafts:
    """``store.drafts``. The body is the page's own; ``annotations.add`` drops it with the answer."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, draft: DraftOf, body: str) -> None:
        """Keep the draft, in place of the one before.

        Raises DraftsFull where all drafts of this person, or of the project, would take too much room.
        """
        size = len(body.encode())
        with self._store.write():
            self.drop(draft)
            self._check_room(draft.annotator, size)
            self._store.run(
                "INSERT INTO drafts VALUES (?, ?, ?, ?, ?, ?, ?)",
                (draft.annotator, draft.document_id, draft.origin, int(draft.blind), body, size, now()),
            )

    def get(self, draft: DraftOf) -> str | None:
        """The draft, if there is one."""
        row = self._store.row(f"SELECT body FROM drafts WHERE {_THIS}", _key(draft))
        return None if row is None else str(row[0])

    def drop(self, draft: DraftOf) -> None:
        """Forget the draft."""
        with self._store.write():
            self._store.run(f"DELETE FROM drafts WHERE {_THIS}", _key(draft))

    def _check_room(self, annotator: str, size: int) -> None:
        row = self._store.row(
            "SELECT coalesce(sum(bytes), 0), coalesce(sum(bytes) FILTER (WHERE annotator = ?), 0)"
            " FROM drafts",
            (annotator,),
        )
        assert row is not None
        for whose, taken, most in (
            ("of all people of this project", row[0], MOST_IN_ALL),
            (f"of {annotator}", row[1], MOST_OF_ONE_PERSON),
        ):
            if taken + size > most:
                raise DraftsFull(
                    f"the unfinished drafts {whose} would take {_mib(taken + size)}, {_mib(most)} at most:"
                    " answer some of those documents first"
                )


_THIS = "annotator = ? AND document_id = ? AND origin = ? AND blind = ?"


def _key(draft: DraftOf) -> tuple[str, int, str, int]:
    return draft.annotator, draft.document_id, draft.origin, int(draft.blind)


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
