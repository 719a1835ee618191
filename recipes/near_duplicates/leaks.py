"""Documents of the eval split that the model has, nearly, been trained on: a score over them says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.near_duplicates.shingles import shingles_of
from spanloop.recipes.near_duplicates.similarity import NearIndex
from spanloop.recipes.table import counted
from spanloop.store.records import Gold

WARN_ABOVE, REFUSE_ABOVE = 0.01, 0.05


@dataclass(frozen=True, slots=True)
class Leak:
    """An eval document and the training document it is like; ``similarity`` 1 = the same shingles."""

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
    return Leaks(tuple(found), len(eval_golds))


def refuse_leaks(leaks: Leaks, *, allowed: bool) -> None:
    """RecipeError where more than 5 % of the eval documents leak and nobody said that this is meant."""
    if leaks.share > REFUSE_ABOVE and not allowed:
        raise RecipeError(f"{leaks.text()}; take them out of the eval split, or say --allow-leaks")
