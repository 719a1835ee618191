"""Text without labels, learned from as a model sees it: self-training with soft targets.

A first training on the gold says how likely each tag of each unit is, and a second one learns these
probabilities beside the gold (self-training as in Yarowsky 1995, with the soft targets of Hinton et al. 2015,
"Distilling the Knowledge in a Neural Network"). Text without labels are whole documents, and of gold
documents that were looked at in part the rest (Tomanek and Hahn 2009, "Semi-Supervised Active Learning for
Sequence Labeling").
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc

from spanloop.plugin.tagging.gold import UNKNOWN, Gold

if TYPE_CHECKING:
    from spanloop.plugin.alignment.windows import EncodedDoc
    from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe
    from spanloop.plugin.training.collate import TrainWindow
    from spanloop.plugin.training.config import LabelStrategy
    from spanloop.plugin.training.training_set import Lesson

_BLOCK = 256  # documents


@dataclass(frozen=True, slots=True)
class Unlabelled:
    """Text without labels and what a model said of it.

    ``encoded``: the whole documents; ``parts``: the places of the gold documents that were looked at in part.
    ``targets``: ``[unit, tag]``, the probabilities of the tags of each unit, of all documents one after the
    other, those of ``parts`` last.
    """

    encoded: list[EncodedDoc]
    targets: NDArray[np.float32]
    parts: tuple[int, ...] = ()

    def windows(self, first: int, strategy: LabelStrategy) -> list[TrainWindow]:
        """What the model reads of the whole documents, in order. The label of a unit is ``first`` plus its
        row of ``targets``; the numbers below are those of known tags."""
        from spanloop.plugin.training.collate import training_windows

        found: list[TrainWindow] = []
        for doc in self.encoded:
            numbers = np.arange(first, first + len(doc.starts), dtype=np.int64)
            found += training_windows(doc, numbers, strategy)
            first += len(numbers)
        return found

    def completed(self, lessons: Sequence[Lesson], taught: Sequence[Lesson], first: int) -> list[Lesson]:
        """The lessons that are ``taught``, with labels as those of `windows` for what nobody has looked at.

        ``lessons``: those of all gold documents, by place."""
        begin = first + sum(len(doc.starts) for doc in self.encoded)
        numbers: dict[int, NDArray[np.int64]] = {}
        for lesson in (lessons[place] for place in self.parts):
            numbers[id(lesson)] = np.arange(begin, begin + len(lesson.unit_tags), dtype=np.int64)
            begin += len(lesson.unit_tags)
        return [
            replace(one, unit_tags=np.where(one.unit_tags == UNKNOWN, numbers[id(one)], one.unit_tags))
            if id(one) in numbers
            else one
            for one in taught
        ]

    def figures(self, lessons: Sequence[Lesson], learned: Collection[int]) -> dict[str, int]:
        """How many documents and units are learned from so, by the names of `TrainReport`. ``learned``: the
        places of the gold documents that are learned from."""
        rests = [int((lessons[place].unit_tags == UNKNOWN).sum()) for place in set(self.parts) & set(learned)]
        return {
            "documents_unlabelled": len(self.encoded),
            "documents_completed": sum(rest > 0 for rest in rests),
            "tokens_unlabelled": sum(len(doc.starts) for doc in self.encoded) + sum(rests),
        }


NOTHING = Unlabelled([], np.zeros((0, 0), np.float32))
"""No text."""


def in_part(golds: Sequence[Gold]) -> list[int]:
    """The places of the documents that were looked at in part."""
    return [place for place, gold in enumerate(golds) if gold.ranges is not None]


def as_seen_now(
    pipe: HFTokenClassifierPipe,
    docs: Sequence[Doc],
    golds: Sequence[Gold] = (),
    *,
    progress: Callable[[], None] | None = None,
) -> Unlabelled:
    """The documents, and the rest of the gold documents that were looked at in part, as the pipe sees them
    with the weights that it has now, without any temperature.

    ``progress`` is called every few hundred documents. NotFinite where the model gives no numbers."""
    parts = in_part(golds)
    read, said = [*docs, *(golds[place].doc for place in parts)], []
    for begin in range(0, len(read), _BLOCK):
        if progress is not None:
            progress()
        scores = pipe.predict(read[begin : begin + _BLOCK])
        said += [np.exp(one.logprobs, dtype=np.float32) for one in scores]
    targets = np.concatenate([np.zeros((0, len(pipe.tags)), np.float32), *said])
    return Unlabelled(pipe.encode(docs), targets, tuple(parts))
