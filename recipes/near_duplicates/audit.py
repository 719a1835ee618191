"""Documents that stand in the project twice, or nearly: an eval set that leaks into training is worthless."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from spanloop.recipes.calls.ranges import AboveZeroShare
from spanloop.recipes.near_duplicates.shingles import LIKE, shingles_of
from spanloop.recipes.near_duplicates.similarity import NearIndex
from spanloop.recipes.progress import Progress, silent
from spanloop.recipes.report import Count, Report, Shape, Share
from spanloop.recipes.table import counted
from spanloop.store import Store
from spanloop.store.records import Document, Split

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Duplicates(Shape):
    """Documents that are alike."""

    keys: tuple[str, ...]
    splits: tuple[Split, ...]
    """The split of each."""
    similarity: Share
    """Each is like another of them by this at least; 1: the same."""
    across: bool
    """Whether some lie in the pool and others in eval."""


@dataclass(frozen=True, slots=True)
class DuplicateReport(Report):
    """Documents that stand in the project twice, or nearly."""

    documents: Count
    """Documents that were looked at."""
    too_short: Count
    """Those among them that count only where they are the same."""
    threshold: Share
    """What they must share to be alike."""
    across_splits: Count
    """Groups that lie in both splits."""
    groups: tuple[Duplicates, ...]
    """Documents that are alike."""

    @property
    def across(self) -> tuple[Duplicates, ...]:
        """The groups that lie in both splits."""
        return tuple(group for group in self.groups if group.across)

    def text(self) -> str:
        """For people: the leaks first."""
        if not self.groups:
            return f"no duplicates among {counted(self.documents, 'document')}"
        alike = sum(len(group.keys) for group in self.groups)
        lines = [
            f"{counted(alike, 'document')} of {self.documents:,} in {counted(len(self.groups), 'group')}"
            f" of duplicates, {self.across_splits:,} of them in both pool and eval"
        ]
        for group in sorted(self.groups, key=_leaks_first)[:SHOWN]:
            mark = "pool and eval" if group.across else group.splits[0]
            lines.append(f"  {group.similarity:.2f}  {mark:<13}  {', '.join(group.keys[:5])}{_more(group)}")
        if len(self.groups) > SHOWN:
            lines.append(f"  … and {len(self.groups) - SHOWN:,} more: --json lists them all")
        return "\n".join(lines)


def audit_duplicates(
    db: str | Path, *, threshold: AboveZeroShare = LIKE, progress: Progress | None = None
) -> DuplicateReport:
    """Find documents whose texts are the same or nearly so. Texts of fewer than 8 tokens count only when
    they are the same.

    Args:
        db: The project file.
        threshold: The share of their three-token sequences that they have in common (Jaccard).
        progress: Called with how far it is.

    Returns:
        The groups of such documents.

    Raises:
        StoreError: There is no such project.
    """
    with Store.open(db) as store:
        return find_duplicates(
            store.documents.iterate(), store.documents.count(), store, threshold, progress or silent
        )


def find_duplicates(
    documents: Iterable[Document], total: int, store: Store, threshold: float, progress: Progress
) -> DuplicateReport:
    """The groups among these documents; ``store`` knows their keys."""
    first: dict[bytes, int] = {}
    ids = array("q")
    texts: list[array[int] | None] = []
    groups = _Groups()
    count = 0
    for count, document in enumerate(documents, 1):
        same = first.setdefault(sha256(document.text.encode()).digest(), document.id)
        if same == document.id:
            shingles = shingles_of(document.text)
            ids.append(document.id)
            texts.append(None if shingles is None else array("I", shingles))
        else:
            groups.join(same, document.id, 1.0)
        if count % 500 == 0:
            progress(count, 2 * total, "reading documents")
    index = NearIndex(texts, threshold)
    for place, document_id in enumerate(ids):
        for other, similarity in index.alike(place):
            groups.join(ids[other], document_id, similarity)
        index.add(place)
        if place % 500 == 0:
            progress(total + place, 2 * total, "comparing documents")
    found = tuple(groups.named(store))
    across = sum(group.across for group in found)
    return DuplicateReport(count, texts.count(None), threshold, across, found)


class _Groups:
    """Which documents hang together, with the weakest link that holds each group."""

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}
        self._weakest: dict[int, float] = {}

    def _root(self, document_id: int) -> int:
        self._parent.setdefault(document_id, document_id)
        while self._parent[document_id] != document_id:
            self._parent[document_id] = self._parent[self._parent[document_id]]
            document_id = self._parent[document_id]
        return document_id

    def join(self, one: int, other: int, similarity: float) -> None:
        a, b = self._root(one), self._root(other)
        if a == b:
            return
        self._parent[b] = a
        self._weakest[a] = min(similarity, self._weakest.get(a, 1.0), self._weakest.get(b, 1.0))

    def named(self, store: Store) -> Iterator[Duplicates]:
        members: dict[int, list[int]] = defaultdict(list)
        for document_id in sorted(self._parent):
            members[self._root(document_id)].append(document_id)
        for root, ids in sorted(members.items(), key=_first_member):
            found = list(store.documents.fetch(ids))
            splits = tuple(document.split for document in found)
            keys = tuple(document.key for document in found)
            yield Duplicates(keys, splits, self._weakest[root], across=len(set(splits)) > 1)


def _first_member(group: tuple[int, list[int]]) -> int:
    return group[1][0]


def _leaks_first(group: Duplicates) -> tuple[bool, float]:
    return not group.across, -group.similarity


def _more(group: Duplicates) -> str:
    return f" and {len(group.keys) - 5} more" if len(group.keys) > 5 else ""
