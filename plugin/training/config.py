"""The settings of one training, and the plan that follows from them and the size of the gold: how long a
training lasts and in what steps, for a round of sixty sentences as for one of sixty thousand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from spanloop.plugin.training.collate import LabelStrategy
    from spanloop.plugin.training.resampling import Swap
    from spanloop.plugin.training.trainable import Freeze

# Small batches learn more from little text, large ones are faster on much: as many batches an epoch, within
# bounds.
_BATCHES_AN_EPOCH = 100
_SMALLEST, _LARGEST = 256, 512
# Little text is learned best at a high rate, much text at a low one: it falls as the gold grows, from the
# highest (up to 33,000 wordpieces) to the lowest (from 100,000 on).
HIGHEST_RATE, LOWEST_RATE = 3e-4, 1e-4
_RATE_TIMES_WORDPIECES = 10.0
# A new head needs some hundred steps, however small the gold is; beyond thirty epochs nothing more comes.
_STEPS = 250
_FEWEST, _MOST = 5, 30
_FAST = 0.6  # of the steps and epochs, for whoever is in a hurry


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


@dataclass(frozen=True, slots=True)
class Plan:
    """``batch_wordpieces``: padding included. ``epochs``: times that the gold is seen. ``learning_rate``: the
    highest, after the warmup."""

    batch_wordpieces: int
    epochs: int
    learning_rate: float


def plan(
    wordpieces: int,
    *,
    batch_wordpieces: int | None = None,
    epochs: int | None = None,
    learning_rate: float | None = None,
    fast: bool = False,
) -> Plan:
    """A plan for gold of so many wordpieces; what is given stays as it is. ``fast``: three fifths of the
    epochs."""
    batch = batch_wordpieces or min(max(wordpieces // _BATCHES_AN_EPOCH, _SMALLEST), _LARGEST)
    steps = max(-(-wordpieces // batch), 1)
    usual = min(max(-(-_STEPS // steps), _FEWEST), _MOST)
    rate = min(max(_RATE_TIMES_WORDPIECES / max(wordpieces, 1), LOWEST_RATE), HIGHEST_RATE)
    return Plan(batch, epochs or (round(_FAST * usual) if fast else usual), learning_rate or rate)


def plan_of(config: TrainConfig, wordpieces: int) -> Plan:
    """The plan of these settings for gold of so many wordpieces."""
    return plan(
        wordpieces,
        batch_wordpieces=config.batch_wordpieces,
        epochs=config.epochs,
        learning_rate=config.learning_rate,
        fast=config.fast,
    )
