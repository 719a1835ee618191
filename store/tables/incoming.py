"""Documents on their way in: each gets its key, its group, its split and its place in the queue."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
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
        self._seed, self._eval_below = project.seed, project.eval_fraction * 2**63
        self._by_key = self._stored_keys()
        self._by_text = self._stored_texts()
        self._group_splits = self._stored_groups()

    def run(self, on_conflict: Literal["error", "skip"], answers: Answers | None) -> list[Added]:
        """Store them; see ``Documents.add``."""
        next_id, moment, origin = self._last_id() + 1, now(), self._import_id
        by_key, encoded, seed = self._by_key, meta_encoder(), self._seed
        added: list[Added] = []
        documents: list[tuple[Any, ...]] = []
        queued: list[tuple[int, str, int]] = []
        for item in self._incoming:
            key, document = item.key, item.document
            known = by_key.get(key)
            if known is not None:
                added.append(self._known(item, known, on_conflict))
                continue
            chance = fraction(seed, key)
            group, split = self._place(item, chance)
            text, meta = document.text, encoded(document.meta) if document.meta else "{}"
            documents.append(
                (next_id, key, group, split, len(text), item.text_hash, moment, meta, text, origin)
            )
            queued.append((next_id, split, chance))
            by_key[key] = (next_id, text)
            added.append(Added(next_id, key, True))
            next_id += 1
        self._insert(documents)
        said = [] if answers is None else answers(added)
        stored, states = add_first(self._store, said)
        self._queue((*row, *states.get(row[0], ("open", 0, "[]"))) for row in queued)
        for place, one in enumerate(said):
            if place not in stored:
                self._store.annotations.add(one)
        return added

    def _known(self, item: Incoming, known: tuple[int, str], on_conflict: Literal["error", "skip"]) -> Added:
        """What becomes of a document whose key is there."""
        other_text = known[1] != item.document.text
        if other_text and on_conflict != "skip":
            raise StoreError(
                f"document {item.key!r} is stored with another text: bring this one in under a key of"
                " its file with --on-conflict new-key, or leave it out with --on-conflict skip"
            )
        return Added(known[0], item.key, False, other_text)

    def _last_id(self) -> int:
        """The highest number that a document has or had: a page may still hold one that was taken back."""
        ((last,),) = self._store.rows(
            "SELECT max(coalesce((SELECT max(id) FROM documents), 0),"
            " coalesce((SELECT max(last_document) FROM imports), 0))"
        )
        return int(last)

    def _place(self, item: Incoming, chance: int) -> tuple[str, Split]:
        """Group and split; ``chance`` is the `fraction` of its key, which most have for their group."""
        document = item.document
        twin = self._by_text.get(document.text)
        group = item.group if twin is None else twin[0]
        split = document.split
        if split is None:
            split = self._group_splits.get(group) if twin is None else twin[1]
        if split is None:
            drawn = chance if group == item.key else fraction(self._seed, group)
            split = "eval" if drawn < self._eval_below else "pool"
        if twin is None:
            self._by_text[document.text] = (group, split)
        self._group_splits.setdefault(group, split)
        return group, split

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

    def _stored_texts(self) -> dict[str, tuple[str, Split]]:
        hashes = json.dumps([item.text_hash for item in self._incoming])
        rows = self._store.rows(
            "SELECT d.text, d.grp, d.split FROM json_each(?) j"
            " JOIN documents d ON d.text_hash = j.value ORDER BY d.id DESC",
            (hashes,),
        )
        return {text: (group, split) for text, group, split in rows}

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


def meta_encoder() -> Callable[[Mapping[str, Any]], str]:
    """What spells metadata as JSON. One encoder for all of them, where Python has its quick one: `json.dumps`
    makes one for each, which takes longer than what it is made for."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        plain = json.JSONEncoder(ensure_ascii=False)
        return lambda meta: plain.encode(dict(meta))
    default, letters = json.JSONEncoder().default, json.encoder.encode_basestring
    encode = make(None, default, letters, None, ": ", ", ", False, False, True)
    return lambda meta: "".join(encode(meta if type(meta) is dict else dict(meta), 0))


def prepare(documents: Iterable[NewDocument], occurrences: Counter[str]) -> list[Incoming]:
    """Documents that can be stored; StoreError for one that cannot. ``occurrences`` counts texts without a
    key."""
    found: list[Incoming] = []
    for document in documents:
        text, key, group = document.text, document.key, document.group
        if not text or "\x00" in text or key == "":
            raise _unstorable(document)
        try:
            digest = sha256(text.encode()).digest()
            if key is not None:
                key.encode()
            if group is not None:
                group.encode()
        except UnicodeEncodeError as error:
            raise StoreError(
                f"{_named(document)} has a lone surrogate at character {error.start}: it is no text"
            ) from error
        if key is None:
            key = _derived_key(digest.hex()[:_KEY_LENGTH], occurrences)
        found.append(Incoming(document, key, group or key, int.from_bytes(digest[:8], "big", signed=True)))
    return found


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
