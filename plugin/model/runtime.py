"""How windows run through a model: batches by wordpiece budget, logits back to units. torch stays in here.

A backend is anything with `Backend.logits`; torch is the one there is.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from spanloop.plugin.alignment.subwords import NO_UNIT, Bools, Ints
from spanloop.plugin.alignment.windows import EncodedDoc, Window

if TYPE_CHECKING:
    import torch
    from spacy.tokens import Doc

Aggregation = Literal["first", "mean", "max"]
# ``none``: one row a wordpiece that belongs to a unit, as training on all wordpieces wants it.
Rows = Literal["first", "mean", "max", "none"]
# How far a stream is read ahead, whatever the batch size: bounds the memory.
LOOK_AHEAD_CHARS = 1_000_000


class Backend(Protocol):
    """Runs one padded batch: ``input_ids`` and ``attention_mask`` of shape (windows, wordpieces) to logits of
    shape (windows, wordpieces, tags), a torch tensor on the CPU or the model's device."""

    def logits(self, input_ids: Ints, attention_mask: Ints) -> torch.Tensor: ...


class TorchBackend:
    """The model as Hugging Face runs it. A gradient is kept where the caller has not switched it off."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self._pid = os.getpid()

    def logits(self, input_ids: Ints, attention_mask: Ints) -> torch.Tensor:
        import torch

        if os.getpid() != self._pid:
            # A forked child has none of OpenMP's threads and waits for them for ever (spaCy #4667): one
            # thread.
            torch.set_num_threads(1)
            self._pid = os.getpid()
        device = self.model.device
        output = self.model(
            input_ids=torch.from_numpy(input_ids).to(device),
            attention_mask=torch.from_numpy(attention_mask).to(device),
        )
        logits: torch.Tensor = output.logits
        return logits


def look_ahead(
    stream: Iterable[Doc], *, max_docs: int, max_chars: int = LOOK_AHEAD_CHARS
) -> Iterator[list[Doc]]:
    """The documents in groups of at most ``max_docs``, in order; a group ends once it passes
    ``max_chars``."""
    group: list[Doc] = []
    chars = 0
    for doc in stream:
        group.append(doc)
        chars += len(doc.text)
        if len(group) >= max_docs or chars >= max_chars:
            yield group
            group, chars = [], 0
    if group:
        yield group


def batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """The indices of windows that run together, longest first, each batch at most ``budget`` wordpieces with
    its padding (a window longer than that runs alone)."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
    groups: list[list[int]] = []
    for index in order:
        if groups and (len(groups[-1]) + 1) * lengths[groups[-1][0]] <= budget:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups


def pad(windows: Sequence[Window], pad_id: int) -> tuple[Ints, Ints]:
    """``input_ids`` and ``attention_mask`` of one batch, padded on the right."""
    longest = max(len(window) for window in windows)
    input_ids = np.full((len(windows), longest), pad_id, dtype=np.int64)
    attention_mask = np.zeros_like(input_ids)
    for row, window in enumerate(windows):
        input_ids[row, : len(window)] = window.input_ids
        attention_mask[row, : len(window)] = 1
    return input_ids, attention_mask


def unit_logits(
    backend: Backend,
    docs: Sequence[EncodedDoc],
    *,
    aggregation: Rows,
    budget: int,
    pad_id: int,
    n_tags: int,
) -> list[torch.Tensor]:
    """The scores of each document's units, one tensor of shape (units, tags) a document, on the CPU; with
    aggregation ``none`` those of its wordpieces, in the order of `wordpiece_units`."""
    import torch

    places = [(doc, number) for doc, encoded in enumerate(docs) for number in range(len(encoded.windows))]
    kept: dict[tuple[int, int], torch.Tensor] = {}
    for group in batches([len(docs[doc].windows[number]) for doc, number in places], budget):
        windows = [docs[places[index][0]].windows[places[index][1]] for index in group]
        logits = backend.logits(*pad(windows, pad_id)).cpu().float()
        for row, (index, window) in enumerate(zip(group, windows, strict=True)):
            wanted = torch.from_numpy(np.flatnonzero(_needed(window, aggregation)))
            kept[places[index]] = logits[row].index_select(0, wanted)
    return [
        _merge(encoded, [kept[doc, number] for number in range(len(encoded.windows))], aggregation, n_tags)
        for doc, encoded in enumerate(docs)
    ]


def wordpiece_units(encoded: EncodedDoc) -> Ints:
    """The unit of each wordpiece of a document that belongs to one, in the order of the text."""
    return _units(encoded, "none")


def _units(encoded: EncodedDoc, aggregation: Rows) -> Ints:
    parts = [window.units[_needed(window, aggregation)] for window in encoded.windows]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def _needed(window: Window, aggregation: Rows) -> Bools:
    """The wordpieces whose logits take part in a unit's score."""
    return window.owned & (window.first if aggregation == "first" else window.units != NO_UNIT)


def _merge(
    encoded: EncodedDoc, parts: Sequence[torch.Tensor], aggregation: Rows, n_tags: int
) -> torch.Tensor:
    """The windows' logits of one document, laid side by side and made one row a unit."""
    import torch

    if not parts:
        return torch.zeros((0, n_tags))
    logits = torch.cat(list(parts))
    if aggregation == "none":
        return logits
    return aggregate(logits, _units(encoded, aggregation), len(encoded.starts), aggregation)


def aggregate(logits: torch.Tensor, units: Ints, n_units: int, aggregation: Aggregation) -> torch.Tensor:
    """One row a unit from the rows of its wordpieces (`units` says whose each row is).

    ``first``: the first wordpiece's logits. ``mean``: the logarithm of the mean probability. ``max``: the
    logits of the wordpiece that is surest of its tag. The same three as Hugging Face's ``first, average,
    max``.
    """
    import torch

    if aggregation == "mean":
        index = torch.from_numpy(units)
        total = torch.zeros((n_units, logits.shape[1])).index_add(0, index, logits.softmax(dim=1))
        counts = torch.from_numpy(np.bincount(units, minlength=n_units)).unsqueeze(1)
        return (total / counts).clamp_min(torch.finfo(torch.float32).tiny).log()
    rank = np.zeros(len(units)) if aggregation == "first" else -_sureness(logits)
    # Stable: of several wordpieces alike, the first of the text.
    order = np.lexsort((rank, units))
    chosen = order[np.searchsorted(units[order], np.arange(n_units))]
    return logits.index_select(0, torch.from_numpy(chosen))


def _sureness(logits: torch.Tensor) -> NDArray[np.float64]:
    sureness: NDArray[np.float64] = logits.detach().softmax(dim=1).amax(dim=1).double().numpy()
    return sureness
