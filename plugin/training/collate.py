"""Training windows and the batches they come in: the windows of inference, each unit labelled exactly
once."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Sampler

from spanloop.plugin.alignment.subwords import NO_UNIT
from spanloop.plugin.alignment.windows import EncodedDoc, Window
from spanloop.plugin.tagging.gold import UNKNOWN
from spanloop.plugin.training.config import LabelStrategy

# Lengths within one bucket count as equal when batches are drawn: little padding, yet other neighbours each
# epoch.
_BUCKET = 8


@dataclass(frozen=True, slots=True)
class TrainWindow:
    """What the model reads at once, and the tag of each wordpiece that is learned from (`UNKNOWN` elsewhere).

    ``lower``: ``[wordpiece, width]``, what frozen layers make of it, where that is known.
    """

    input_ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    lower: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.input_ids)


def training_windows(
    encoded: EncodedDoc, unit_tags: NDArray[np.int64], strategy: LabelStrategy
) -> list[TrainWindow]:
    """The windows of one document. ``unit_tags``: the tag of each unit, `UNKNOWN` where nobody knows it.

    A unit is labelled in the one window that owns it, there where its score is read from in prediction: on
    its first wordpiece (``first``) or on each of them (``all``). Windows that teach nothing are left out.
    """
    windows = [TrainWindow(w.input_ids, _wordpiece_tags(w, unit_tags, strategy)) for w in encoded.windows]
    return [window for window in windows if (window.labels != UNKNOWN).any()]


def _wordpiece_tags(
    window: Window, unit_tags: NDArray[np.int64], strategy: LabelStrategy
) -> NDArray[np.int64]:
    labelled = window.owned & (window.first if strategy == "first" else window.units != NO_UNIT)
    labels = np.full(len(window), UNKNOWN, dtype=np.int64)
    labels[labelled] = unit_tags[window.units[labelled]]
    return labels


class BudgetBatches(Sampler[list[int]]):
    """Batches of windows of like length, ``budget`` wordpieces with their padding at most (one window at
    least). ``even``: of one length, without any padding, for a model that padding changes.

    Each epoch mixes windows of like length anew and shuffles the batches, by seed and epoch alone; the
    number of batches is the same each time. With several processes each takes its share of every batch, so
    that together they make the step that one process would make; a share may be empty.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        *,
        budget: int,
        seed: int,
        rank: int = 0,
        world: int = 1,
        even: bool = False,
    ) -> None:
        step = 1 if even else _BUCKET
        self.buckets = [-(-length // step) for length in lengths]
        self.sizes = _batch_sizes(sorted(self.buckets, reverse=True), budget // step, even=even)
        self.seed = seed
        self.epoch = 0
        self.rank = rank
        self.world = world

    def set_epoch(self, epoch: int) -> None:
        """Called by HF Trainer before each epoch, also when it resumes."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.sizes)

    def __iter__(self) -> Iterator[list[int]]:
        rng = random.Random(f"{self.seed}-{self.epoch}")
        order = list(range(len(self.buckets)))
        rng.shuffle(order)
        order.sort(key=self.buckets.__getitem__, reverse=True)  # stable: equal lengths stay shuffled
        batches: list[list[int]] = []
        for size in self.sizes:
            batches.append(order[:size])
            order = order[size:]
        rng.shuffle(batches)
        for batch in batches:
            yield batch[self.rank :: self.world]


def _batch_sizes(buckets: Sequence[int], budget: int, *, even: bool) -> list[int]:
    """How many windows each batch takes of those sorted by length, longest first. ``budget`` counts what the
    buckets count."""
    sizes: list[int] = []
    longest = 0
    for bucket in buckets:
        if sizes and (sizes[-1] + 1) * longest <= budget and not (even and bucket != longest):
            sizes[-1] += 1
        else:
            sizes.append(1)
            longest = bucket
    return sizes


class Collator:
    """Pads the windows of a batch to the longest of them, and to ``shortest`` wordpieces at least.

    ``lower``, ``[window, wordpiece, width]``, is there where the windows have it.
    """

    def __init__(self, pad_id: int, shortest: int = 1) -> None:
        self.pad_id = pad_id
        self.shortest = shortest

    def __call__(self, windows: Sequence[TrainWindow]) -> dict[str, torch.Tensor]:
        longest = max([self.shortest, *map(len, windows)])
        shape = (max(len(windows), 1), longest)  # an empty share still takes part in the step
        input_ids = torch.full(shape, self.pad_id, dtype=torch.long)
        labels = torch.full(shape, UNKNOWN, dtype=torch.long)
        mask = torch.zeros(shape, dtype=torch.long)
        for row, window in enumerate(windows):
            input_ids[row, : len(window)] = torch.from_numpy(window.input_ids)
            labels[row, : len(window)] = torch.from_numpy(window.labels)
            mask[row, : len(window)] = 1
        if not windows:
            mask[0, 0] = 1
        batch = {"input_ids": input_ids, "attention_mask": mask, "labels": labels}
        lower = [window.lower for window in windows if window.lower is not None]
        return batch | {"lower": _padded(lower, longest)} if lower else batch


def _padded(arrays: Sequence[NDArray[np.float32]], longest: int) -> torch.Tensor:
    """``[window, wordpiece, width]``, 0 beyond the end of each window."""
    padded = torch.zeros(len(arrays), longest, arrays[0].shape[1])
    for row, array in enumerate(arrays):
        padded[row, : len(array)] = torch.from_numpy(array)
    return padded
