"""Text without labels, learned from as a model sees it: self-training with soft targets.

A first training on the gold says how likely each tag of each unit is, and a second one learns these
probabilities beside the gold (self-training as in Yarowsky 1995, with the soft targets of Hinton et al. 2015,
"Distilling the Knowledge in a Neural Network").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc

if TYPE_CHECKING:
    from spanloop.plugin.alignment.windows import EncodedDoc
    from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe
    from spanloop.plugin.training.collate import TrainWindow
    from spanloop.plugin.training.config import LabelStrategy


@dataclass(frozen=True, slots=True)
class Unlabelled:
    """Documents without labels and what a model said of them.

    ``targets``: ``[unit, tag]``, the probabilities of the tags of each unit, of all documents one after the
    other.
    """

    encoded: list[EncodedDoc]
    targets: NDArray[np.float32]

    def windows(self, first: int, strategy: LabelStrategy) -> list[TrainWindow]:
        """What the model reads, in document order. The label of a unit is ``first`` plus its row of
        ``targets``; the numbers below are those of known tags."""
        from spanloop.plugin.training.collate import training_windows

        found: list[TrainWindow] = []
        for doc in self.encoded:
            numbers = np.arange(first, first + len(doc.starts), dtype=np.int64)
            found += training_windows(doc, numbers, strategy)
            first += len(numbers)
        return found


def as_seen_now(pipe: HFTokenClassifierPipe, docs: Sequence[Doc]) -> Unlabelled:
    """The documents as the pipe sees them with the weights that it has now, without any temperature.

    NotFinite where its model gives no numbers."""
    said = [np.exp(scores.logprobs, dtype=np.float32) for scores in pipe.predict(docs)]
    return Unlabelled(pipe.encode(docs), np.concatenate([np.zeros((0, len(pipe.tags)), np.float32), *said]))
