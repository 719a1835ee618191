"""Documents of the eval split that the model has, nearly, been trained on: a score over them says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.near_duplicates.shingles import shingles_of
from spanloop.recipes.near_duplicates.similarity import NearIndex
from spanloop.recipes.report import UNTOLD, Count, Shape, Share
from spanloop.recipes.table import counted
from spanloop.store.records import Gold

WARN_ABOVE, REFUSE_ABOVE = 0.01, 0.05
TOLD = 20


@dataclass(frozen=True, slots=True)
class Leak(Shape):
    """An eval document and the training document that it is like, by their keys."""

    eval: str
    train: str
    similarity: Share
    """1: the same three-token sequences."""


@dataclass(frozen=True, slots=True)
class Leaks(Shape):
    """Eval documents that nearly stand in training too."""

    found: tuple[Leak, ...] = field(metadata=UNTOLD)
    looked_at: int = field(metadata=UNTOLD)
    documents: Count
    """How many they are."""
    share: Share
    """Their share of all eval documents."""
    pairs: tuple[Leak, ...]
    """The first of them."""

    @classmethod
    def among(cls, documents: int, found: Sequence[Leak]) -> Leaks:
        """What was found among so many eval documents."""
        share = len(found) / documents if documents else 0.0
        return cls(tuple(found), documents, len(found), share, tuple(found[:TOLD]))

    def text(self) -> str:
        first = self.found[0]
        found = f"{counted(self.documents, 'eval document')} of {self.looked_at} ({self.share:.1%})"
        return f"{found} nearly stand in training too, e.g. {first.eval} is like {first.train}"


def find_leaks(train: Sequence[Gold], eval_golds: Sequence[Gold]) -> Leaks:
    """Eval documents that nearly repeat a training document, as import and audit measure it (Jaccard 0.8 of
    three tokens in a row, from 8 tokens up); each is reported once, with the likest."""
    sets = [shingles_of(gold.document.text) for gold in (*eval_golds, *train)]
    index = NearIndex(sets)
    for place in range(len(eval_golds)):
        index.add(place)
    likest: dict[int, tuple[float, Gold]] = {}
    for place, gold in enumerate(train, len(eval_golds)):
        for other, similarity in index.alike(place):
            if other not in likest or similarity > likest[other][0]:
                likest[other] = similarity, gold
    found = [
        Leak(eval_golds[place].document.key, gold.document.key, similarity)
        for place, (similarity, gold) in sorted(likest.items(), key=itemgetter(0))
    ]
    return Leaks.among(len(eval_golds), found)


def refuse_leaks(leaks: Leaks, *, allowed: bool) -> None:
    """RecipeError where more than 5 % of the eval documents leak and nobody said that this is meant."""
    if leaks.share > REFUSE_ABOVE and not allowed:
        raise RecipeError(f"{leaks.text()}; take them out of the eval split, or say --allow-leaks")
