"""Documents of the eval split that the model has, nearly, been trained on: a score over them says nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.table import counted
from spanloop.store.records import Gold

LEAST_WORDS = 8
"""Shorter texts are alike by chance."""
SHINGLE_WORDS = 3
LIKE = 0.8
WARN_ABOVE, REFUSE_ABOVE = 0.01, 0.05


@dataclass(frozen=True, slots=True)
class Leak:
    """An eval document and the training document it is like; ``similarity`` 1 = the same words."""

    eval_key: str
    train_key: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Leaks:
    """The leaks among ``documents`` eval documents."""

    found: tuple[Leak, ...]
    documents: int

    @property
    def share(self) -> float:
        return len(self.found) / self.documents if self.documents else 0.0

    def json(self) -> dict[str, object]:
        pairs = [
            {"eval": leak.eval_key, "train": leak.train_key, "similarity": leak.similarity}
            for leak in self.found
        ]
        return {"documents": len(self.found), "share": self.share, "pairs": pairs[:20]}

    def text(self) -> str:
        first = self.found[0]
        found = f"{counted(len(self.found), 'eval document')} of {self.documents} ({self.share:.1%})"
        return f"{found} nearly stand in training too, e.g. {first.eval_key} is like {first.train_key}"


def find_leaks(train: Sequence[Gold], held_out: Sequence[Gold]) -> Leaks:
    """Eval documents of at least 8 words whose three-word shingles overlap (Jaccard) by 0.8 or more with
    those of a training document; each is reported once, with the likest."""
    wanted = [(gold, _shingles(gold.document.text)) for gold in held_out]
    interesting = {shingle for _, shingles in wanted for shingle in shingles}
    holders: dict[int, list[int]] = defaultdict(list)
    sizes: list[int] = []
    for number, gold in enumerate(train):
        shingles = _shingles(gold.document.text)
        sizes.append(len(shingles))
        for shingle in shingles & interesting:
            holders[shingle].append(number)
    found = []
    for gold, shingles in wanted:
        best, similarity = _likest(shingles, holders, sizes)
        if best is not None and similarity >= LIKE:
            found.append(Leak(gold.document.key, train[best].document.key, similarity))
    return Leaks(tuple(found), len(held_out))


def _shingles(text: str) -> frozenset[int]:
    """Hashes of every three words in a row, without regard to case; none for a short text."""
    words = text.casefold().split()
    if len(words) < LEAST_WORDS:
        return frozenset()
    return frozenset(hash(tuple(words[i : i + SHINGLE_WORDS])) for i in range(len(words) - SHINGLE_WORDS + 1))


def _likest(
    shingles: frozenset[int], holders: dict[int, list[int]], sizes: Sequence[int]
) -> tuple[int | None, float]:
    shared: dict[int, int] = defaultdict(int)
    for shingle in shingles:
        for number in holders.get(shingle, ()):
            shared[number] += 1
    alike = {number: n / (len(shingles) + sizes[number] - n) for number, n in shared.items()}
    best = max(alike, key=alike.__getitem__, default=None)
    return best, alike.get(best, 0.0) if best is not None else 0.0


def refuse_leaks(leaks: Leaks, *, allowed: bool) -> None:
    """RecipeError where more than 5 % of the eval documents leak and nobody said that this is meant."""
    if leaks.share > REFUSE_ABOVE and not allowed:
        raise RecipeError(f"{leaks.text()}; take them out of the eval split, or say --allow-leaks")
