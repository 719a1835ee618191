"""The documents of another project: the same where key and text are, else added beside what they belong
to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spanloop.store.errors import StoreError
from spanloop.store.moving.merge_rows import Copies, Row
from spanloop.store.tables.incoming import fraction

if TYPE_CHECKING:
    from spanloop.store.moving.merge import Merged
    from spanloop.store.store import Store

UID_CHARACTERS = 8  # of the other project's id, behind a key that another text has here


def merge_documents(copies: Copies, done: Merged) -> None:
    """Find each document of the other project here, or add it with its queue row.

    A document whose text, or whose group, is here already joins that group and its split, so that nothing
    that belongs together stands on both sides.
    """
    store = copies.store
    seed, uid = store.project.seed, copies.other.project.uid[:UID_CHARACTERS]
    waiting: list[tuple[Row, str]] = []
    places: dict[str, tuple[str, str]] = {}  # by group there: group and split here
    for row in copies.rows("documents"):
        known, key = _known(store, row, uid)
        if key != row["key"]:
            done.renamed[row["key"]] = key
        if known is not None:
            document_id, group, split = known
            copies.note("documents", row["id"], document_id)
            done.shared += 1
            if split != row["split"]:
                done.other_split.append(key)
            places.setdefault(row["grp"], (group, split))
        else:
            waiting.append((row, key))
            twin = _twin(store, row) or _group(store, row["grp"])
            if twin is not None:
                places.setdefault(row["grp"], twin)
    shuffles = {row["document_id"] for row in copies.rows("queue")}
    for row, key in waiting:
        own = key if row["grp"] == row["key"] else row["grp"]
        group, split = places.get(row["grp"], (own, row["split"]))
        if split != row["split"]:
            done.other_split.append(key)
        number = copies.put("documents", row, known={"key": key, "grp": group, "split": split})
        if number is None or row["id"] not in shuffles:
            continue
        store.run(
            "INSERT INTO queue(document_id, split, shuffle) VALUES (?, ?, ?)",
            (number, split, fraction(seed, key)),
        )
        done.documents += 1


def _known(store: Store, row: Row, uid: str) -> tuple[tuple[int, str, str] | None, str]:
    """The document here that is this one, as number, group and split; and the key that it has or gets."""
    key = str(row["key"])
    for name in (key, f"{key}@{uid}"):
        found = store.documents.by_key(name)
        if found is None:
            return None, name
        if found.text == row["text"]:
            return (found.id, found.group, found.split), name
    raise StoreError(f"the keys {key!r} and {key}@{uid} have other texts in {store.named}: no key is left")


def _twin(store: Store, row: Row) -> tuple[str, str] | None:
    """Group and split of a document here with the same text under another key."""
    found = store.row(
        "SELECT grp, split FROM documents WHERE text_hash = ? AND text = ? ORDER BY id LIMIT 1",
        (row["text_hash"], row["text"]),
    )
    return None if found is None else (found[0], found[1])


def _group(store: Store, group: str) -> tuple[str, str] | None:
    """A group of that name here, and its split."""
    found = store.row(
        "SELECT grp, split FROM documents WHERE grp = ?1 AND grp <> key UNION ALL"
        " SELECT grp, split FROM documents WHERE key = ?1 AND grp = key LIMIT 1",
        (group,),
    )
    return None if found is None else (found[0], found[1])
