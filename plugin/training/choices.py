"""Units whose tag is known only in part, because not every label was there when they were annotated.

A unit that has no label by an annotation that knew PER and LOC alone is outside, or it has a label that
nobody could give then. Which tags are possible is a *choice*, numbered behind the tags of the head; the loss
(`loss.TokenLoss`) asks for the sum of their probabilities. So what was annotated before a label was added
teaches all it says, and nothing against the new label.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from spanloop.plugin.tagging.gold import UNKNOWN, Gold
from spanloop.plugin.tagging.reading import read_tags
from spanloop.plugin.tagging.schemes import ALONE, Scheme

Ints = NDArray[np.int64]


def learnable(golds: Sequence[Gold]) -> frozenset[str]:
    """The labels that some document knows and has: of these what knows them not can be left open.

    A label that nobody who knew it ever gave is learned as absent everywhere: with nothing that says where it
    is not, a model that may say it for nothing would say it anywhere.
    """
    return frozenset(span.label for gold in golds for span in gold.spans if span.label not in gold.unknown)


class Choices:
    """The choices of one training, numbered as they are met.

    ``tags`` and ``scheme`` are those of the head, ``open``: the labels that may be left open.
    """

    def __init__(self, tags: Sequence[str], scheme: Scheme, open: frozenset[str]) -> None:
        reading = read_tags(tags, scheme)
        self._outside = reading.ids().get(ALONE)
        self._first = len(tags)
        self._of_label: dict[str, list[int]] = {}
        for number, label in enumerate(reading.names):
            if label in open:
                self._of_label.setdefault(label, []).append(number)
        self._numbers: dict[tuple[int, ...], int] = {}

    @property
    def all(self) -> list[tuple[int, ...]]:
        """The tags of each choice, the one that the annotation has first, in the order of their numbers."""
        return list(self._numbers)

    def base(self, codes: Ints) -> Ints:
        """Tags and choices as tags: a choice as the one that the annotation has."""
        own = np.array([*range(self._first), *(tags[0] for tags in self._numbers)], dtype=np.int64)
        return np.where(codes == UNKNOWN, UNKNOWN, own[np.maximum(codes, 0)])

    def widened(self, unit_tags: Ints, gold: Gold, starts: Ints, ends: Ints) -> Ints:
        """The tags of a document's units with choices for those known in part.

        These are the units outside of every label; where the head has no outside tag (one tag a token) all of
        them, since a tag that was added later was taken from the others. What was refused is known: a refused
        label is none of the choices of the units that it covers.
        """
        unknown = [label for label in gold.unknown if label in self._of_label]
        if not unknown:
            return unit_tags
        outside = self._outside
        partly = unit_tags != UNKNOWN if outside is None else unit_tags == outside
        refused: dict[int, set[str]] = {}
        for span in gold.negatives:
            if span.label in unknown:
                for unit in np.flatnonzero((ends > span.start) & (starts < span.end)).tolist():
                    refused.setdefault(unit, set()).add(span.label)
        widened: Ints = unit_tags.copy()
        for unit in np.flatnonzero(partly).tolist():
            widened[unit] = self._code(int(unit_tags[unit]), unknown, refused.get(unit, ()))
        return widened

    def _code(self, tag: int, unknown: Sequence[str], refused: Collection[str]) -> int:
        more = [t for label in unknown if label not in refused for t in self._of_label[label] if t != tag]
        if not more:
            return tag
        tags = (tag, *more)
        return self._numbers.setdefault(tags, self._first + len(self._numbers))
