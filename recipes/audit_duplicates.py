"""Documents that stand in the project twice, or nearly: an eval set that leaks into training is worthless.

Near-duplicates are found by MinHash and locality-sensitive hashing (Broder 1997; Indyk and Motwani 1998,
through datasketch) over three tokens in a row, and every pair is then measured exactly: a similarity that is
reported is the Jaccard similarity of the two texts and not an estimate.
"""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from spanloop.recipes.progress import Progress, silent
from spanloop.recipes.table import counted
from spanloop.store import Store
from spanloop.store.records import Document

if TYPE_CHECKING:
    from datasketch import MinHash

LEAST_TOKENS = 8  # shorter texts are alike by chance
SHINGLE_TOKENS = 3
LIKE = 0.8
PERMUTATIONS = 128
SLACK = 0.15  # candidates are looked for below the threshold: an estimate must not lose a pair
SHOWN = 20
# a word, or one character of a script that writes without spaces
TOKEN = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+")


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Documents that are alike, each with another of them by ``similarity`` at least (1.0 = the same)."""

    keys: tuple[str, ...]
    splits: tuple[str, ...]
    similarity: float

    @property
    def across(self) -> bool:
        """Whether some lie in the pool and others in eval."""
        return len(set(self.splits)) > 1


@dataclass(frozen=True, slots=True)
class DuplicateReport:
    """What the audit found among ``documents``; the ``too_short`` ones count only where they are the same."""

    documents: int
    too_short: int
    threshold: float
    groups: tuple[Duplicates, ...]

    @property
    def across(self) -> tuple[Duplicates, ...]:
        """The groups that lie in both splits."""
        return tuple(group for group in self.groups if group.across)

    def json(self) -> dict[str, object]:
        """For ``--json``."""
        groups = [
            {
                "keys": group.keys,
                "splits": group.splits,
                "similarity": group.similarity,
                "across": group.across,
            }
            for group in self.groups
        ]
        return {
            "schema": 1,
            "documents": self.documents,
            "too_short": self.too_short,
            "threshold": self.threshold,
            "across_splits": len(self.across),
            "groups": groups,
        }

    def text(self) -> str:
        """For people: the leaks first."""
        if not self.groups:
            return f"no duplicates among {counted(self.documents, 'document')}"
        alike = sum(len(group.keys) for group in self.groups)
        lines = [
            f"{counted(alike, 'document')} of {self.documents:,} in {counted(len(self.groups), 'group')}"
            f" of duplicates, {len(self.across):,} of them in both pool and eval"
        ]
        for group in sorted(self.groups, key=_leaks_first)[:SHOWN]:
            mark = "pool and eval" if group.across else group.splits[0]
            lines.append(f"  {group.similarity:.2f}  {mark:<13}  {', '.join(group.keys[:5])}{_more(group)}")
        if len(self.groups) > SHOWN:
            lines.append(f"  … and {len(self.groups) - SHOWN:,} more: --json lists them all")
        return "\n".join(lines)


def audit_duplicates(
    db: str | Path, *, threshold: float = LIKE, progress: Progress | None = None
) -> DuplicateReport:
    """Find the documents whose texts are the same, or share ``threshold`` (Jaccard, 0-1) of their three-token
    sequences. Texts of fewer than 8 tokens count only when they are the same."""
    with Store.open(db) as store:
        return find_duplicates(
            store.documents.iterate(), store.documents.count(), store, threshold, progress or silent
        )


def find_duplicates(
    documents: Iterable[Document], total: int, store: Store, threshold: float, progress: Progress
) -> DuplicateReport:
    """The groups among these documents; ``store`` gives a candidate's text once more."""
    from datasketch import MinHashLSH

    index = MinHashLSH(threshold=max(0.1, threshold - SLACK), num_perm=PERMUTATIONS)
    same: dict[bytes, int] = {}
    groups = _Groups()
    count = too_short = 0
    for count, document in enumerate(documents, 1):
        assert document.id is not None
        first = same.setdefault(sha256(document.text.encode()).digest(), document.id)
        if first != document.id:
            groups.join(first, document.id, 1.0)
            continue
        shingles = shingles_of(document.text)
        if shingles is None:
            too_short += 1
            continue
        sketch = _sketch(shingles)
        for other in store.documents.fetch(sorted(index.query(sketch))):
            similarity = _jaccard(shingles, shingles_of(other.text) or frozenset())
            if similarity >= threshold:
                groups.join(other.id or 0, document.id, similarity)
        index.insert(document.id, sketch, check_duplication=False)
        if count % 500 == 0:
            progress(count, total, "comparing documents")
    return DuplicateReport(count, too_short, threshold, tuple(groups.named(store)))


def shingles_of(text: str) -> frozenset[str] | None:
    """Every three tokens in a row, case aside; None for a text that is too short to tell."""
    tokens = TOKEN.findall(text.casefold())
    if len(tokens) < LEAST_TOKENS:
        return None
    return frozenset(
        " ".join(tokens[i : i + SHINGLE_TOKENS]) for i in range(len(tokens) - SHINGLE_TOKENS + 1)
    )


def _sketch(shingles: frozenset[str]) -> MinHash:
    from datasketch import MinHash

    sketch = MinHash(num_perm=PERMUTATIONS, seed=1, hashfunc=zlib.crc32)
    sketch.update_batch([shingle.encode("utf-8", "surrogatepass") for shingle in shingles])
    return sketch


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other)


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
            yield Duplicates(
                tuple(document.key or "" for document in found),
                tuple(document.split or "" for document in found),
                self._weakest[root],
            )


def _first_member(group: tuple[int, list[int]]) -> int:
    return group[1][0]


def _leaks_first(group: Duplicates) -> tuple[bool, float]:
    return not group.across, -group.similarity


def _more(group: Duplicates) -> str:
    return f" and {len(group.keys) - 5} more" if len(group.keys) > 5 else ""
