"""Gold documents to a better pipe: the one training loop outside of ``spacy train``."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from spanloop.plugin.balance import BETA, class_weights, tag_weights
from spanloop.plugin.gold import Gold, UnitGold, put_on_units
from spanloop.plugin.schemes import OUTSIDE, encode, tag_ids, tag_label
from spanloop.plugin.spans import AlignmentEvent

if TYPE_CHECKING:
    from spanloop.plugin.collate import LabelStrategy, TrainWindow
    from spanloop.plugin.component import HFTokenClassifierPipe
    from spanloop.plugin.windows import EncodedDoc

__all__ = ["Gold", "TrainConfig", "TrainReport", "train"]

_UNKNOWN = -100
_VERSIONS = ("spanloop", "torch", "transformers", "accelerate", "tokenizers", "spacy", "numpy", "seqeval")


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """The knobs of one training.

    ``batch_wordpieces``: wordpieces a batch, padding included. ``accumulate``: batches a step. ``warmup``:
    the share of steps in which the learning rate rises before it falls linearly to 0. ``class_weights``:
    none, inverse, sqrt, effective, focal, or label to weight. ``label_strategy``: the label on the first
    wordpiece of a token, or on all of them. ``bf16``: bfloat16 autocast, auto = where the processor has it.
    """

    epochs: int = 5
    learning_rate: float = 1e-4
    batch_wordpieces: int = 1024
    accumulate: int = 1
    weight_decay: float = 0.01
    warmup: float = 0.1
    class_weights: str | Mapping[str, float] = "effective"
    beta: float = BETA
    focal_gamma: float = 2.0
    label_strategy: LabelStrategy = "first"
    bf16: Literal["auto"] | bool = "auto"
    seed: int = 0


@dataclass(frozen=True)
class TrainReport:
    """What went in and what came of it.

    ``tokens_trained`` + ``tokens_masked`` are all tokens of the documents that the model can see, each once.
    ``gold_spans_lost`` of ``gold_spans`` could not be placed on tokens; ``events`` say which, and which
    moved. ``losses``: the mean of each epoch.
    """

    seconds: float
    class_weights: dict[str, float]
    documents: int
    tokens_trained: int
    tokens_masked: int
    gold_spans: int
    gold_spans_lost: int
    events: list[list[AlignmentEvent]]
    losses: list[float]
    steps: int
    bf16: bool
    versions: dict[str, str] = field(default_factory=dict)


def train(
    pipe: HFTokenClassifierPipe,
    golds: Sequence[Gold],
    config: TrainConfig,
    *,
    progress: Callable[[float, str], None] | None = None,
    folder: Path,
) -> TrainReport:
    """Train the pipe's model in place on ``golds`` and report. ``folder`` is for the loop's own files.

    ``progress`` gets the share done, 0 to 1, and a line with the time left. ``events`` of the report has
    one list a gold document. The same seed, golds, machine and number of threads give the same weights.
    ValueError without documents, for a label the pipe has not, or where nothing is left to learn from.
    """
    from spanloop.plugin.loss import TokenLoss
    from spanloop.plugin.trainer import Settings, fit, native_bf16

    started = time.monotonic()
    encoded, placed, unit_tags = _prepare(pipe, golds)
    counts = _label_counts(pipe, unit_tags)
    weights = class_weights(config.class_weights, counts, beta=config.beta)
    bf16 = native_bf16() if config.bf16 == "auto" else config.bf16
    losses, steps = fit(
        pipe.hf_model(),
        _windows(encoded, unit_tags, config.label_strategy),
        TokenLoss(
            tag_weights(weights, pipe.tags, pipe.scheme),
            gamma=config.focal_gamma if config.class_weights == "focal" else 0.0,
        ),
        Settings(
            epochs=config.epochs,
            learning_rate=config.learning_rate,
            batch_wordpieces=config.batch_wordpieces,
            accumulate=config.accumulate,
            weight_decay=config.weight_decay,
            warmup=config.warmup,
            seed=config.seed,
            bf16=bf16,
        ),
        pad_id=pipe.pretrained.pad_id,
        progress=progress,
        folder=folder,
    )
    trained = sum(counts.values())
    return TrainReport(
        seconds=time.monotonic() - started,
        class_weights=weights,
        documents=len(golds),
        tokens_trained=trained,
        tokens_masked=sum(len(tags) for tags in unit_tags) - trained,
        gold_spans=sum(len(gold.spans) for gold in golds),
        gold_spans_lost=sum(units.lost for units in placed),
        events=[units.events for units in placed],
        losses=losses,
        steps=steps,
        bf16=bf16,
        versions={name: version(name) for name in _VERSIONS},
    )


def _prepare(
    pipe: HFTokenClassifierPipe, golds: Sequence[Gold]
) -> tuple[list[EncodedDoc], list[UnitGold], list[NDArray[np.int64]]]:
    """Each document's windows, its gold on units, and the tag of each unit (-100 where it is unknown)."""
    if not golds:
        raise ValueError("there is nothing to train on: no document has been accepted yet")
    missing = {span.label for gold in golds for span in gold.spans} - set(pipe.labels)
    if missing:
        raise ValueError(f"the gold has labels that the model has not: {', '.join(sorted(missing))}")
    encoded = pipe.encode([gold.doc for gold in golds])
    policy = pipe.cfg["alignment"]
    placed = [
        put_on_units(gold.spans, doc.starts, doc.ends, ranges=gold.ranges, policy=policy)
        for gold, doc in zip(golds, encoded, strict=True)
    ]
    ids = tag_ids(pipe.tags, pipe.scheme)
    unit_tags = []
    for units in placed:
        tags = encode(units.runs, len(units.unknown), pipe.scheme)
        # Without an outside tag in the head (part of speech), a token without a tag is unknown.
        codes = np.array([ids.get(tag, _UNKNOWN) for tag in tags], dtype=np.int64)
        unit_tags.append(np.where(units.unknown, _UNKNOWN, codes))
    if not any((tags != _UNKNOWN).any() for tags in unit_tags):
        raise ValueError("there is nothing to train on: every token is masked, or the documents are empty")
    return encoded, placed, unit_tags


def _label_counts(pipe: HFTokenClassifierPipe, unit_tags: Sequence[NDArray[np.int64]]) -> dict[str, int]:
    """The training tokens of each label of the head and of "O"."""
    labels = [tag_label(tag, pipe.scheme) or OUTSIDE for tag in pipe.tags]
    counts = Counter(dict.fromkeys(labels, 0))
    for tags in unit_tags:
        known, times = np.unique(tags[tags != _UNKNOWN], return_counts=True)
        for tag, n in zip(known.tolist(), times.tolist(), strict=True):
            counts[labels[tag]] += n
    return dict(counts)


def _windows(
    encoded: Sequence[EncodedDoc], unit_tags: Sequence[NDArray[np.int64]], strategy: LabelStrategy
) -> list[TrainWindow]:
    from spanloop.plugin.collate import training_windows

    return [
        window
        for doc, tags in zip(encoded, unit_tags, strict=True)
        for window in training_windows(doc, tags, strategy)
    ]
