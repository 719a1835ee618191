"""Documents on their way in: each gets its key, its group, its split and its place in the queue."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal

from spanloop.store.clock import now
from spanloop.store.errors import StoreError
from spanloop.store.records import Added, NewAnnotation, NewDocument, Split
from spanloop.store.tables.first_answers import add_first

if TYPE_CHECKING:
    from spanloop.store.store import Store

Answers = Callable[[Sequence[Added]], Sequence[NewAnnotation]]
_KEY_LENGTH = 16
_ENCODER = json.JSONEncoder(ensure_ascii=False)


@dataclass(slots=True)
class Incoming:
    """A document with its key, its group and the hash of its text."""

    document: NewDocument
    key: str
    group: str
    text_hash: int


class Batch:
    """One batch on its way in: what is stored already is looked up once, then every document is decided."""

    def __init__(self, store: Store, incoming: list[Incoming], import_id: int | None) -> None:
        self._store = store
        self._import_id = import_id
        self._incoming = incoming
        project = store.project
        self._seed, self._eval_fraction = project.seed, project.eval_fraction
        self._last = ("", fraction(self._seed, ""))
        self._by_key = self._stored_keys()
        self._by_text = self._stored_texts()
        self._group_splits = self._stored_groups()

    def run(self, on_conflict: Literal["error", "skip"], answers: Answers | None) -> list[Added]:
        """Store them; see ``Documents.add``."""
        next_id = self._last_id() + 1
        moment = now()
        added, documents, queued = [], [], []
        for item in self._incoming:
            known = self._by_key.get(item.key)
            if known is not None:
                other_text = known[1] != item.document.text
                if other_text and on_conflict != "skip":
                    raise StoreError(
                        f"document {item.key!r} is stored with another text: bring this one in under a key of"
                        " its file with --on-conflict new-key, or leave it out with --on-conflict skip"
                    )
                added.append(Added(known[0], item.key, False, other_text))
                continue
            group, split = self._place(item)
            documents.append(self._row(next_id, item, group, split, moment))
            queued.append((next_id, split, self._fraction(item.key)))
            self._by_key[item.key] = (next_id, item.document.text)
            added.append(Added(next_id, item.key, True))
            next_id += 1
        self._insert(documents)
        said = [] if answers is None else answers(added)
        stored, states = add_first(self._store, said)
        self._queue((*row, *states.get(row[0], ("open", 0, "[]"))) for row in queued)
        for place, one in enumerate(said):
            if place not in stored:
                self._store.annotations.add(one)
        return added

    def _last_id(self) -> int:
        """The highest number that a document has or had: a page may still hold one that was taken back."""
        ((last,),) = self._store.rows(
            "SELECT max(coalesce((SELECT max(id) FROM documents), 0),"
            " coalesce((SELECT max(last_document) FROM imports), 0))"
        )
        return int(last)

    def _place(self, item: Incoming) -> tuple[str, Split]:
        twin = self._by_text.get((item.text_hash, item.document.text))
        group = item.group if twin is None else twin[0]
        split = item.document.split
        if split is None:
            split = self._group_splits.get(group) if twin is None else twin[1]
        if split is None:
            split = "eval" if self._fraction(group) < self._eval_fraction * 2**63 else "pool"
        self._by_text.setdefault((item.text_hash, item.document.text), (group, split))
        self._group_splits.setdefault(group, split)
        return group, split

    def _fraction(self, name: str) -> int:
        """The same number twice for a document that is its own group, which most are, is reckoned once."""
        self._last = self._last if self._last[0] == name else (name, fraction(self._seed, name))
        return self._last[1]

    def _row(self, document_id: int, item: Incoming, group: str, split: str, moment: str) -> tuple[Any, ...]:
        text, meta = item.document.text, item.document.meta
        encoded, origin = _ENCODER.encode(dict(meta)) if meta else "{}", self._import_id
        return document_id, item.key, group, split, len(text), item.text_hash, moment, encoded, text, origin

    def _insert(self, documents: list[tuple[Any, ...]]) -> None:
        self._store.db.conn.executemany(
            "INSERT INTO documents(id, key, grp, split, n_chars, text_hash, created_at, meta, text, import)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            documents,
        )

    def _queue(self, rows: Iterable[tuple[Any, ...]]) -> None:
        self._store.db.conn.executemany(
            "INSERT INTO queue(document_id, split, shuffle, state, gold, answered_by)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            rows,
        )

    def _stored_keys(self) -> dict[str, tuple[int, str]]:
        keys = json.dumps([item.key for item in self._incoming])
        rows = self._store.rows(
            "SELECT d.key, d.id, d.text FROM json_each(?) j JOIN documents d ON d.key = j.value", (keys,)
        )
        return {key: (document_id, text) for key, document_id, text in rows}

    def _stored_texts(self) -> dict[tuple[int, str], tuple[str, Split]]:
        hashes = json.dumps([item.text_hash for item in self._incoming])
        rows = self._store.rows(
            "SELECT d.text_hash, d.text, d.grp, d.split FROM json_each(?) j"
            " JOIN documents d ON d.text_hash = j.value ORDER BY d.id DESC",
            (hashes,),
        )
        return {(text_hash, text): (group, split) for text_hash, text, group, split in rows}

    def _stored_groups(self) -> dict[str, Split]:
        groups = json.dumps([item.group for item in self._incoming])
        rows = self._store.rows(
            "SELECT d.grp, d.split, d.id FROM json_each(?1) j JOIN documents d ON d.grp = j.value"
            " AND d.grp <> d.key"
            " UNION SELECT d.grp, d.split, d.id FROM json_each(?1) j JOIN documents d"
            " ON d.key = j.value AND d.grp = d.key ORDER BY 3 DESC",
            (groups,),
        )
        return {group: split for group, split, _ in rows}


def prepare(document: NewDocument, occurrences: Counter[str]) -> Incoming:
    """A document that can be stored; StoreError for one that cannot. ``occurrences`` counts texts without a
    key."""
    text = document.text
    if not text or "\x00" in text or document.key == "":
        raise _unstorable(document)
    try:
        digest = sha256(text.encode()).digest()
        for other in (document.key, document.group):
            if other is not None:
                other.encode()
    except UnicodeEncodeError as error:
        raise StoreError(
            f"{_named(document)} has a lone surrogate at character {error.start}: it is no text"
        ) from error
    key = document.key or _derived_key(digest.hex()[:_KEY_LENGTH], occurrences)
    hashed = int.from_bytes(digest[:8], "big", signed=True)
    return Incoming(document, key, document.group or key, hashed)


def _unstorable(document: NewDocument) -> StoreError:
    """What is wrong with a document that has no text, a NUL in it, or an empty key."""
    named, text = _named(document), document.text
    if not text:
        return StoreError(f"{named} has no text")
    if "\x00" in text:
        return StoreError(f"{named} has a NUL at character {text.index(chr(0))}: remove it")
    return StoreError(f"{named} has an empty id")


def _named(document: NewDocument) -> str:
    key, text = document.key, document.text
    return f"document {key!r}" if key else f"the document that begins {text[:40]!r}"


def key_of(text: str) -> str:
    """The key of a text that comes without one, the first time."""
    return sha256(text.encode()).hexdigest()[:_KEY_LENGTH]


def _derived_key(stem: str, occurrences: Counter[str]) -> str:
    occurrences[stem] += 1
    return stem if occurrences[stem] == 1 else f"{stem}-{occurrences[stem]}"


def fraction(seed: int, name: str) -> int:
    """A number from 0 to 2**63 - 1 that depends on seed and name alone and is spread evenly."""
    return int.from_bytes(sha256(f"{seed}\x1f{name}".encode()).digest()[:8], "big") >> 1
