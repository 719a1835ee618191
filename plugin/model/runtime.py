"""How windows run through a model: batches by wordpiece budget, logits back to units. torch stays in here and
in its backend.

A backend is anything with `Backend.logits`; torch is the one there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from spanloop.plugin.alignment.subwords import NO_UNIT, Bools, Ints
from spanloop.plugin.alignment.windows import EncodedDoc, Window
from spanloop.plugin.model.device import no_room
from spanloop.plugin.model.errors import ModelError

if TYPE_CHECKING:
    import torch
    from spacy.tokens import Doc

Aggregation = Literal["first", "mean", "max"]
# ``none``: one row a wordpiece that belongs to a unit, as training on all wordpieces wants it.
Rows = Literal["first", "mean", "max", "none"]
# How far a stream is read ahead, whatever the batch size: bounds the memory.
LOOK_AHEAD_CHARS = 1_000_000
# Wordpieces that run together where nobody says how many, and from how many on little padding matters more.
CPU_WORDPIECES, GPU_WORDPIECES = 1024, 32_768
GPU_ENOUGH = 8192


class Backend(Protocol):
    """Runs one padded batch: ``input_ids`` and ``attention_mask`` of shape (windows, wordpieces) to logits of
    shape (windows, wordpieces, tags), a torch tensor on the CPU or the model's device."""

    def logits(self, input_ids: Ints, attention_mask: Ints) -> torch.Tensor: ...


def look_ahead(
    stream: Iterable[Doc], *, max_docs: int, max_chars: int = LOOK_AHEAD_CHARS
) -> Iterator[list[Doc]]:
    """The documents in groups of at most ``max_docs``, in order; a group ends once it passes
    ``max_chars``."""
    group: list[Doc] = []
    chars = 0
    for doc in stream:
        group.append(doc)
        chars += _chars(doc)
        if len(group) >= max_docs or chars >= max_chars:
            yield group
            group, chars = [], 0
    if group:
        yield group


def _chars(doc: Doc) -> int:
    """The length of its text, which spaCy would put together anew to tell it."""
    if not len(doc):
        return 0
    last = doc[-1]
    return int(last.idx) + len(last.text_with_ws)


def usual_budget(device: str) -> int:
    """How many wordpieces run together on this type of device where nobody says it: few fit the caches of a
    CPU, many keep a GPU at work."""
    return CPU_WORDPIECES if device == "cpu" else GPU_WORDPIECES


def batches(
    lengths: Sequence[int], budget: int, *, enough: int | None = None, even: bool = False
) -> list[list[int]]:
    """The indices of windows that run together, longest first, each batch at most ``budget`` wordpieces with
    its padding (a window longer than that runs alone). ``enough``: from so many wordpieces on, a window that
    would be a quarter padding begins the next batch. ``even``: no padding at all, one length a batch."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)
    groups: list[list[int]] = []
    for index in order:
        longest = lengths[groups[-1][0]] if groups else 0
        fits = groups and (len(groups[-1]) + 1) * longest <= budget
        fits = fits and not (even and lengths[index] != longest)
        filled = enough is not None and groups and len(groups[-1]) * longest >= enough
        if fits and not (filled and 4 * lengths[index] < 3 * longest):
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups


def pad(windows: Sequence[Window], pad_id: int) -> tuple[Ints, Ints]:
    """``input_ids`` and ``attention_mask`` of one batch, padded on the right."""
    lengths = np.array([len(window) for window in windows])
    filled = np.arange(lengths.max()) < lengths[:, np.newaxis]
    input_ids = np.full(filled.shape, pad_id, dtype=np.int64)
    input_ids[filled] = np.concatenate([window.input_ids for window in windows])
    return input_ids, filled.astype(np.int64)


def begin(
    backend: Backend,
    docs: Sequence[EncodedDoc],
    *,
    aggregation: Rows,
    budget: int,
    enough: int | None,
    pad_id: int,
    n_tags: int,
    even: bool = False,
) -> Callable[[], list[torch.Tensor]]:
    """Run the windows of these documents. A GPU may still be at work on them when this returns; what it
    returns waits for that and gives the scores. ``even``: as for `batches`.

    Returns:
        A function that gives the scores of each document's units, one tensor of shape (units, tags) a
        document, on the CPU; with aggregation ``none`` those of its wordpieces, in the order of
        `wordpiece_units`.

    Raises:
        ModelError: where the memory of the GPU does not hold one window.
    """
    places = [(doc, number) for doc, encoded in enumerate(docs) for number in range(len(encoded.windows))]
    windows = [docs[doc].windows[number] for doc, number in places]
    running = _Running(backend, windows, aggregation, pad_id)
    for group in batches([len(window) for window in windows], budget, enough=enough, even=even):
        running.add(group)
    running.fetch()

    def scores() -> list[torch.Tensor]:
        kept = dict(zip(places, running.rows(), strict=True))
        return [
            _merge(
                encoded, [kept[doc, number] for number in range(len(encoded.windows))], aggregation, n_tags
            )
            for doc, encoded in enumerate(docs)
        ]

    return scores


class _Running:
    """Batches on their way through the model: of each, the rows that take part in a score are kept where they
    were computed, and all of them come to the CPU in one copy."""

    def __init__(self, backend: Backend, windows: Sequence[Window], aggregation: Rows, pad_id: int) -> None:
        self._backend = backend
        self._windows = windows
        self._pad_id = pad_id
        self._needed = _needed_of(windows, aggregation)
        self._order: list[int] = []
        self._parts: list[torch.Tensor] = []
        self._arrived: Any = None

    def add(self, group: Sequence[int]) -> None:
        """Run one batch; half of it at a time where the memory of the GPU does not hold it."""
        try:
            self._parts.append(self._run(group))
        except RuntimeError as error:
            if not no_room(error):
                raise
            if len(group) == 1:
                raise ModelError(
                    f"the memory of the GPU does not hold one window of {len(self._windows[group[0]])} "
                    "wordpieces: end what else uses it, make max_wordpieces smaller, or choose the device cpu"
                ) from error
        else:
            self._order += group
            return
        half = len(group) // 2
        self.add(group[:half])
        self.add(group[half:])

    def _run(self, group: Sequence[int]) -> torch.Tensor:
        import torch

        windows = [self._windows[index] for index in group]
        input_ids, attention_mask = pad(windows, self._pad_id)
        logits = self._backend.logits(input_ids, attention_mask)
        filled = np.flatnonzero(attention_mask)
        wanted = torch.from_numpy(filled[np.concatenate([self._needed[index] for index in group])])
        if logits.is_cuda:
            wanted = wanted.pin_memory()
        wanted = wanted.to(logits.device, non_blocking=True)
        return logits.flatten(0, 1).index_select(0, wanted).float()

    def fetch(self) -> None:
        """Send the rows to the CPU, without waiting for them."""
        import torch

        if not self._parts:
            return
        rows = self._parts[0] if len(self._parts) == 1 else torch.cat(self._parts)
        if rows.is_cuda:
            self._parts = [rows.to("cpu", non_blocking=True)]
            self._arrived = torch.cuda.current_stream(rows.device).record_event()
        else:
            self._parts = [rows.cpu()]

    def rows(self) -> list[torch.Tensor]:
        """The rows of each window, in the order of the windows."""
        import torch

        if not self._parts:
            return []
        if self._arrived is not None:
            self._arrived.synchronize()
        sizes = [int(np.count_nonzero(self._needed[index])) for index in self._order]
        found = torch.split(self._parts[0], sizes)
        return [part for _, part in sorted(zip(self._order, found, strict=True), key=_window)]


def _needed_of(windows: Sequence[Window], aggregation: Rows) -> list[Bools]:
    return [_needed(window, aggregation) for window in windows]


def _window(pair: tuple[int, Any]) -> int:
    return pair[0]


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
    logits = parts[0] if len(parts) == 1 else torch.cat(list(parts))
    if aggregation == "none":
        return logits
    units, n_units = _units(encoded, aggregation), len(encoded.starts)
    if aggregation == "first" and len(units) == n_units and (units[1:] > units[:-1]).all():
        return logits  # a row a unit, in the order of the text: the usual case
    return aggregate(logits, units, n_units, aggregation)


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
