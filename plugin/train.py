"""Gold documents to a better pipe: the one training loop outside of ``spacy train``."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from spanloop.plugin.augment import Swap
from spanloop.plugin.balance import class_weights, tag_weights
from spanloop.plugin.checkpoint import claim, identity
from spanloop.plugin.gold import Gold
from spanloop.plugin.lessons import course_of, label_counts, windows_of
from spanloop.plugin.plan import plan
from spanloop.plugin.spans import AlignmentEvent

if TYPE_CHECKING:
    from spanloop.plugin.calibrate import Calibration
    from spanloop.plugin.collate import LabelStrategy, TrainWindow
    from spanloop.plugin.freeze import Freeze
    from spanloop.plugin.pipe import HFTokenClassifierPipe

__all__ = ["Gold", "TrainConfig", "TrainReport", "train"]

_VERSIONS = ("spanloop", "torch", "transformers", "accelerate", "tokenizers", "spacy", "numpy", "seqeval")


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """The knobs of one training.

    ``epochs``, ``learning_rate`` and ``batch_wordpieces`` (wordpieces a batch, padding included) None: as
    `plan` sees fit.
    ``accumulate``: batches a step. ``warmup``: the share of steps in which the learning rate rises before
    it falls linearly to 0. ``bf16``: bfloat16 autocast, auto = where the processor has it.
    ``label_strategy``: the label on the first wordpiece of a token, or on all of them. ``freeze``: what of
    the encoder is left as it is; a number: the embeddings and so many layers, from below. ``fast``: three
    fifths of the epochs (where none are given), and the word embeddings left as they are at least. ``lora``:
    the rank of adapters learned in its place, 0: none (takes peft; neither frozen layers nor ``patience``
    nor checkpoints with it). ``gradient_checkpointing``: less memory, more time.
    ``class_weights``: none, inverse, sqrt, effective, focal, or label to weight. ``oversample``: documents
    with a label that fewer than this share of them has are repeated. ``undersample``: this share of the
    documents without any span is left out. ``augment``: so many new documents for each old one, their
    mentions or tokens (``swap``) replaced.
    ``held_out``: the share of the gold (from 50 documents up, 200 at most) that is kept to score each epoch
    and to fit confidences on. ``patience``: stop when that score has not risen for so many epochs and keep
    the best; None: never. ``checkpoint_seconds``: keep a checkpoint at the end of an epoch, so often at
    most, and go on from one that a killed training left.
    """

    epochs: int | None = None
    learning_rate: float | None = None
    batch_wordpieces: int | None = None
    accumulate: int = 1
    weight_decay: float = 0.01
    warmup: float = 0.1
    class_weights: str | Mapping[str, float] = "sqrt"
    beta: float | None = None
    focal_gamma: float = 2.0
    label_strategy: LabelStrategy = "first"
    bf16: Literal["auto"] | bool = "auto"
    oversample: float = 0.0
    undersample: float = 0.0
    augment: float = 0.0
    swap: Swap = "mentions"
    freeze: Freeze = "none"
    fast: bool = False
    lora: int = 0
    gradient_checkpointing: bool = False
    held_out: float = 0.1
    patience: int | None = None
    checkpoint_seconds: float | None = None
    seed: int = 0

    @property
    def frozen(self) -> Freeze:
        """What of the encoder is left as it is."""
        return "embeddings" if self.fast and self.freeze == "none" else self.freeze


@dataclass(frozen=True)
class TrainReport:
    """What went in and what came of it.

    ``tokens_trained`` + ``tokens_masked`` + ``tokens_held_out`` + ``tokens_left_out`` are all tokens of the
    documents that the model can see, each once; ``tokens_added`` were repeated or made up beside them.
    ``gold_spans_lost`` of ``gold_spans`` could not be placed on tokens; ``events``, one list a gold document,
    say which, and which moved. ``losses``: the mean of each epoch; ``held_out_f1``: strict micro F1 of the
    inner slice after each.
    """

    seconds: float
    class_weights: dict[str, float]
    documents: int
    documents_held_out: int
    documents_left_out: int
    tokens_trained: int
    tokens_masked: int
    tokens_held_out: int
    tokens_left_out: int
    tokens_added: int
    gold_spans: int
    gold_spans_lost: int
    events: list[list[AlignmentEvent]]
    losses: list[float]
    held_out_f1: list[float]
    steps: int
    epochs: int
    batch_wordpieces: int
    learning_rate: float
    bf16: bool
    calibration: Calibration
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

    ``progress`` gets the share done, 0 to 1, and a line with the time left. The same seed, golds, machine and
    number of threads give the same weights.
    ValueError without documents, for a label the pipe has not, or where nothing is left to learn from.
    """
    from spanloop.plugin.inner import InnerSlice
    from spanloop.plugin.loss import TokenLoss
    from spanloop.plugin.trainer import fit, native_bf16

    started = time.monotonic()
    _check(config)
    course = course_of(pipe, golds, config)
    weights = class_weights(config.class_weights, label_counts(pipe, course.taught), beta=config.beta)
    windows = windows_of(course.taught, config.label_strategy)
    planned = plan(
        sum(map(len, windows)),
        batch_wordpieces=config.batch_wordpieces,
        epochs=config.epochs,
        learning_rate=config.learning_rate,
        fast=config.fast,
    )
    bf16 = native_bf16() if config.bf16 == "auto" else config.bf16
    inner = InnerSlice(pipe, [golds[place] for place in course.held], folder, config.patience)
    resume_from = None
    if config.checkpoint_seconds is not None:
        resume_from = claim(folder, _identity(pipe, config, windows))
    gamma = config.focal_gamma if config.class_weights == "focal" else 0.0
    losses, steps = fit(
        pipe.hf_model(),
        windows,
        TokenLoss(tag_weights(weights, pipe.tags, pipe.scheme), gamma=gamma),
        config,
        planned,
        bf16=bf16,
        pad_id=pipe.pretrained.pad_id,
        progress=progress,
        inner=inner if course.held else None,
        folder=folder,
        resume_from=resume_from,
    )
    inner.take_best()
    return TrainReport(
        seconds=time.monotonic() - started,
        class_weights=weights,
        losses=losses,
        held_out_f1=inner.f1,
        steps=steps,
        epochs=planned.epochs,
        batch_wordpieces=planned.batch_wordpieces,
        learning_rate=planned.learning_rate,
        bf16=bf16,
        calibration=inner.calibrate(),
        versions={name: version(name) for name in _VERSIONS},
        **course.figures(),
    )


def _check(config: TrainConfig) -> None:
    """Settings that do not go together."""
    if config.lora and (config.patience is not None or config.checkpoint_seconds is not None):
        raise ValueError("lora goes with neither patience nor checkpoints: leave one of them out")
    if config.lora and config.freeze not in ("none", "embeddings"):
        raise ValueError("lora puts adapters into every layer: leave freeze out")
    if config.checkpoint_seconds is not None and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ValueError("several processes keep no checkpoints: leave checkpoint_seconds out")


def _identity(pipe: HFTokenClassifierPipe, config: TrainConfig, windows: Sequence[TrainWindow]) -> str:
    """Whose checkpoints these are: the same settings, gold and first weights."""
    settings = repr((config, pipe.fingerprint(), [version(name) for name in _VERSIONS]))
    return identity(settings, (array for window in windows for array in (window.input_ids, window.labels)))
