"""Documents: texts as they came in, immutable, each with a key, a group and a split."""

from __future__ import annotations

import json
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal

from spanloop.store.clock import now
from spanloop.store.errors import StoreError
from spanloop.store.records import Added, Document, NewDocument, QueueState, Split

if TYPE_CHECKING:
    from spanloop.store.store import Store

_KEY_LENGTH = 16
_ENCODER = json.JSONEncoder(ensure_ascii=False)
PAGE = 500  # documents fetched at a time while iterating
COLUMNS = "d.id, d.key, d.grp, d.split, d.meta, d.text"


@dataclass(slots=True)
class _Incoming:
    document: NewDocument
    key: str
    group: str
    text_hash: int


class Documents:
    """``store.documents``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(
        self,
        documents: Iterable[NewDocument],
        *,
        on_conflict: Literal["error", "skip"] = "error",
        occurrences: Counter[str] | None = None,
        import_id: int | None = None,
    ) -> list[Added]:
        """Store documents in one transaction; say, in their order, what became of each.

        Without a key a document gets one from its text; ``occurrences`` is the caller's count over one file,
        so that the k-th repetition of a text is the same document whenever that file is read. The same key
        with the same text is there already; with another text it is a StoreError, or with ``skip`` is left as
        it was and told (``Added.other_text``): nothing said of the one text is about the other. The same text
        under another key joins the stored one's group and, unless a split is given, its split. ``import_id``:
        the row of ``imports`` that brings them.

        Raises StoreError for an empty text, a NUL or a lone surrogate; then none of this call is stored.
        """
        occurrences = Counter() if occurrences is None else occurrences
        incoming = [_prepare(document, occurrences) for document in documents]
        with self._store.write():
            return _Import(self._store, incoming, import_id).run(on_conflict)

    def get(self, document_id: int) -> Document | None:
        """The document of that id."""
        row = self._store.row(f"SELECT {COLUMNS} FROM documents d WHERE d.id = ?", (document_id,))
        return None if row is None else from_row(row)

    def by_key(self, key: str) -> Document | None:
        """The document of that key."""
        row = self._store.row(f"SELECT {COLUMNS} FROM documents d WHERE d.key = ?", (key,))
        return None if row is None else from_row(row)

    def known(self, keys: Iterable[str]) -> set[str]:
        """Those of the keys that documents have."""
        rows = self._store.rows(
            "SELECT d.key FROM json_each(?) j JOIN documents d ON d.key = j.value", (json.dumps(list(keys)),)
        )
        return {key for (key,) in rows}

    def count(self, split: Split | None = None) -> int:
        """How many documents there are, by a counter."""
        row = self._store.row(
            "SELECT sum(documents) FROM queue_counts WHERE ?1 IS NULL OR split = ?1", (split,)
        )
        assert row is not None
        return int(row[0])

    def largest_group(self) -> int:
        """How many documents the largest group has; a look through all of them."""
        row = self._store.row("SELECT max(n) FROM (SELECT count(*) AS n FROM documents GROUP BY grp)")
        return int(row[0] or 0) if row else 0

    def iterate(
        self,
        split: Split | None = None,
        state: QueueState | None = None,
        ids: Iterable[int] | None = None,
        order: Literal["id", "queue"] = "id",
    ) -> Iterator[Document]:
        """Documents one after the other, few in memory; safe while others write.

        Which ones is fixed at the first; ``queue`` is the order in which people would get them.
        """
        if ids is None:
            wanted = self.ids(split=split, state=state, order=order)
        else:
            chosen = set(ids)
            wanted = array("q", (i for i in self.ids(split=split, state=state, order=order) if i in chosen))
        return self.fetch(wanted)

    def ids(
        self,
        split: Split | None = None,
        state: QueueState | None = None,
        order: Literal["id", "queue"] = "id",
        where: str = "1",
        parameters: Sequence[Any] = (),
    ) -> array[int]:
        """Ids in order, eight bytes each. ``where`` is for the store's own classes."""
        if order == "id":
            source, ordering = "queue q", "q.document_id"
        else:
            source, ordering = "places q", "NOT q.open, q.place, q.document_id"
            where = f"q.order_state = 'current' AND {where}"
        return self._store.column(
            f"SELECT q.document_id FROM {source} WHERE (?1 IS NULL OR q.split = ?1)"
            f" AND (?2 IS NULL OR q.state = ?2) AND {where} ORDER BY {ordering}",
            (split, state, *parameters),
        )

    def fetch(self, ids: Sequence[int]) -> Iterator[Document]:
        """The documents of these ids, in this order, a page at a time."""
        for begin in range(0, len(ids), PAGE):
            page = list(ids[begin : begin + PAGE])
            rows = self._store.rows(
                f"SELECT {COLUMNS} FROM json_each(?) j JOIN documents d ON d.id = j.value ORDER BY j.key",
                (json.dumps(page),),
            )
            yield from map(from_row, rows)


class _Import:
    """One batch on its way in: what is stored already is looked up once, then every document is decided."""

    def __init__(self, store: Store, incoming: list[_Incoming], import_id: int | None) -> None:
        self._store = store
        self._import_id = import_id
        self._incoming = incoming
        project = store.project
        self._seed, self._eval_fraction = project.seed, project.eval_fraction
        self._last = ("", fraction(self._seed, ""))
        self._by_key = self._stored_keys()
        self._by_text = self._stored_texts()
        self._group_splits = self._stored_groups()

    def run(self, on_conflict: Literal["error", "skip"]) -> list[Added]:
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
        self._insert(documents, queued)
        return added

    def _last_id(self) -> int:
        """The highest number that a document has or had: a page may still hold one that was taken back."""
        ((last,),) = self._store.rows(
            "SELECT max(coalesce((SELECT max(id) FROM documents), 0),"
            " coalesce((SELECT max(last_document) FROM imports), 0))"
        )
        return int(last)

    def _place(self, item: _Incoming) -> tuple[str, Split]:
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

    def _row(self, document_id: int, item: _Incoming, group: str, split: str, moment: str) -> tuple[Any, ...]:
        text, meta = item.document.text, item.document.meta
        encoded, origin = _ENCODER.encode(dict(meta)) if meta else "{}", self._import_id
        return document_id, item.key, group, split, len(text), item.text_hash, moment, encoded, text, origin

    def _insert(self, documents: list[tuple[Any, ...]], queued: list[tuple[Any, ...]]) -> None:
        conn = self._store.db.conn
        conn.executemany(
            "INSERT INTO documents(id, key, grp, split, n_chars, text_hash, created_at, meta, text, import)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            documents,
        )
        conn.executemany("INSERT INTO queue(document_id, split, shuffle) VALUES (?, ?, ?)", queued)

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


def _prepare(document: NewDocument, occurrences: Counter[str]) -> _Incoming:
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
    return _Incoming(document, key, document.group or key, hashed)


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


def from_row(row: Sequence[Any]) -> Document:
    """A Document from the columns of ``COLUMNS``."""
    document_id, key, group, split, meta, text = row
    decoded: Mapping[str, Any] = {} if meta == "{}" else json.loads(meta)
    return Document(text=text, key=key, meta=decoded, group=group, split=split, id=document_id)
