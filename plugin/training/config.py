"""The settings of one training, and the plan that follows from them and the size of the gold: how long a
training lasts and in what steps, for a round of sixty sentences as for one of sixty thousand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from spanloop.plugin.training.class_weights import WEIGHTINGS
from spanloop.plugin.training.setting import Setting, SettingError, setting, settings_of

LabelStrategy = Literal["first", "all"]
Swap = Literal["mentions", "tokens"]
FREEZES = ("auto", "none", "embeddings", "half")
Stays = Literal["none", "embeddings", "half"] | int
"""What of an encoder stays as it is: nothing, the word embeddings (half of a small model), all embeddings
and the lower half of the layers, or all embeddings and so many layers from below."""
Freeze = Literal["auto"] | Stays
"""The same, or ``auto``: as the number of layers says (`spanloop.plugin.training.trainable.stays`)."""

HEAVIEST = 1e6
"""The largest class weight that makes sense; beyond it the loss leaves what a float can hold."""
# Small batches learn more from little text, large ones are faster on much: as many batches an epoch, within
# bounds.
_BATCHES_AN_EPOCH = 100
_SMALLEST, _LARGEST = 256, 512
# Little text is learned best at a high rate, much text at a low one: it falls as the gold grows, from the
# highest (up to 33,000 wordpieces) to the lowest (from 100,000 on).
HIGHEST_RATE, LOWEST_RATE = 3e-4, 1e-4
_RATE_TIMES_WORDPIECES = 10.0
# A head begins with random rows, where the encoder knows its language: at ten times its rate it is there in
# half of the steps, within what a linear layer bears.
_HEAD, _HIGHEST_OF_A_HEAD = 10, 3e-3
# A new head needs some hundred steps, however small the gold is; beyond eighteen epochs little more comes.
_STEPS = 160
_FEWEST, _MOST = 4, 18
_FAST = 0.6  # of the steps and epochs, for whoever is in a hurry


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """The settings of one training; each field says what it is, and `spanloop retrain` has an option of the
    same name.

    None means that the training decides: by the size of the gold (`plan`), the class weights ``sqrt``, the
    seed of the project. SettingError for a value out of its range and for settings that do not go together.
    """

    class_weights: str | Mapping[str, float] | None = setting(
        None,
        "How much a token of a label counts: none, sqrt, inverse, effective, focal, or PER=2,O=0.5.",
        str,
        default="sqrt",
    )
    beta: float | None = setting(
        None, "Of effective: how soon more tokens add nothing.", float, least=0, below=1, default="by size"
    )
    focal_gamma: float | None = setting(
        None, "Of focal: how little counts what is right already.", float, least=0, default="2"
    )
    epochs: int | None = setting(None, "Passes over the gold.", int, least=1, default="by size")
    learning_rate: float | None = setting(
        None, "The highest learning rate, after the warmup.", float, above=0, default="by size", short="--lr"
    )
    head_rate: float | None = setting(
        None,
        "How many times as fast as the encoder its head learns.",
        float,
        above=0,
        default="10 and at most 3e-3; 1 where it has learned before",
    )
    warmup: float = setting(
        0.1,
        "Share of the steps in which the learning rate rises; then it falls to 0.",
        float,
        least=0,
        most=1,
    )
    batch_wordpieces: int | None = setting(
        None, "Wordpieces a batch, padding included.", int, least=1, default="by size"
    )
    accumulate: int = setting(1, "Batches a step: less memory, the same loss.", int, least=1)
    weight_decay: float = setting(0.01, "AdamW's pull of the weights towards 0.", float, least=0)
    fast: bool = setting(
        False, "Three fifths of the epochs (where none are given), and the word embeddings stay.", bool
    )
    freeze: Freeze = setting(
        "auto",
        "What of the encoder stays: its word embeddings; all embeddings and half, or so many, of its layers.",
        str,
        choices=FREEZES,
    )
    lora: int = setting(
        0, "Learn adapters of this rank in the encoder's place; 0: none.", int, least=0, default="0 (off)"
    )
    patience: int | None = setting(
        None,
        "Stop when the score of the gold held out has not risen for so many epochs; keep the best.",
        int,
        least=1,
    )
    held_out: float = setting(
        0.1,
        "Share of the gold (from 50 documents up) that scores epochs and calibrates.",
        float,
        least=0,
        most=0.5,
    )
    refit: bool = setting(
        False, "Then learn once more, from the gold held out too; takes twice as long.", bool
    )
    unlabelled: int = setting(
        0,
        "Learn from so many documents without labels too, as a first training sees them; two trainings.",
        int,
        least=0,
    )
    thresholds: Literal["f1"] | float | None = setting(
        None,
        "Leave out unsure spans: f1 for the best F1 on the gold held out, or a precision, e.g. 0.95.",
        float,
        above=0,
        most=1,
        choices=("f1",),
    )
    oversample: float = setting(
        0.0, "Repeat documents with a label that fewer than this share of them has.", float, least=0, most=1
    )
    undersample: float = setting(
        0.0, "Leave out this share of the documents without any span.", float, least=0, most=1
    )
    augment: float = setting(
        0.0, "So many new documents for each old one, rare labels first.", float, least=0
    )
    swap: Swap = setting(
        "mentions", "What the new documents have others of.", str, choices=("mentions", "tokens")
    )
    label_strategy: LabelStrategy = setting(
        "first", "Learn from the first wordpiece of a token, or from all.", str, choices=("first", "all")
    )
    gradient_checkpointing: bool = setting(False, "Less memory, more time.", bool)
    bf16: Literal["auto"] | bool = setting(
        "auto",
        "Compute in bfloat16; auto: on a processor that has it, not on a GPU.",
        bool,
        choices=("auto",),
    )
    seed: int | None = setting(None, "Of everything that is drawn.", int, default="the project's, else 0")
    checkpoint_seconds: float | None = setting(
        None,
        "Keep a checkpoint at the end of an epoch, so often at most, and go on from one that is there.",
        float,
        least=0,
        default="a minute in a project, else none",
        option=False,
    )

    def __post_init__(self) -> None:
        for name, (described, default) in settings_of(self).items():
            value = getattr(self, name)
            if value != default and not _holds(name, described, value):
                told = described.range() or described.kind.__name__
                raise SettingError(f"{{{name}}} is {{value!r}}: give {told}", [name], value=value)
        _check_class_weights(self.class_weights)
        for wrong, told in self._conflicts():
            if wrong:
                raise SettingError(told, list(settings_of(self)))

    def _conflicts(self) -> tuple[tuple[bool, str], ...]:
        """Settings that do nothing or harm beside others: whether it is so here, and what to do."""
        return (
            (
                self.swap != "mentions" and not self.augment,
                "{swap} says how {augment} makes new documents: give {augment} too, e.g. 0.5",
            ),
            (
                self.beta is not None and self.class_weights != "effective",
                "{beta} belongs to {class_weights} effective: give that too",
            ),
            (
                self.focal_gamma is not None and self.class_weights != "focal",
                "{focal_gamma} belongs to {class_weights} focal: give that too",
            ),
            (
                self.patience is not None and not self.held_out,
                "{patience} watches the gold held out: leave {held_out} 0 out",
            ),
            (
                self.thresholds is not None and not self.held_out,
                "{thresholds} are chosen on the gold held out: leave {held_out} 0 out",
            ),
            (
                self.refit and not self.held_out,
                "{refit} learns from the gold held out too: leave {held_out} 0 out",
            ),
            (
                self.refit and self.patience is not None,
                "{refit} and {patience} do not go together: leave one of them out",
            ),
            (
                bool(self.lora) and self.patience is not None,
                "{lora} and {patience} do not go together: leave one of them out",
            ),
            (
                bool(self.lora) and self.checkpoint_seconds is not None,
                "{lora} keeps no checkpoints: leave {checkpoint_seconds} out",
            ),
            (
                bool(self.lora) and self.freeze not in ("auto", "none", "embeddings"),
                "{lora} puts adapters into every layer: leave {freeze} out",
            ),
        )

    def settled(self, seed: int = 0) -> TrainConfig:
        """The same with what is decided before anybody looks at the gold: the class weights, and the seed
        where none is given."""
        return replace(
            self,
            class_weights=self.weighting,
            seed=seed if self.seed is None else self.seed,
        )

    @property
    def weighting(self) -> str | Mapping[str, float]:
        """The class weights that count."""
        return "sqrt" if self.class_weights is None else self.class_weights

    @property
    def random_seed(self) -> int:
        """The seed that counts."""
        return self.seed or 0


def _holds(name: str, described: Setting, value: object) -> bool:
    if name == "class_weights":
        return isinstance(value, (str, Mapping))
    if name == "freeze" and isinstance(value, int) and not isinstance(value, bool):
        return value >= 0
    return described.holds(value)


def _check_class_weights(given: str | Mapping[str, float] | None) -> None:
    if isinstance(given, str) and given not in WEIGHTINGS:
        known = ", ".join(WEIGHTINGS)
        raise SettingError(
            "there are no class weights {given!r}; there are {known}", [], given=given, known=known
        )
    if isinstance(given, Mapping):
        for label, weight in given.items():
            if not (isinstance(weight, (int, float)) and 0 <= weight <= HEAVIEST):
                told = f"give a number from 0 to {HEAVIEST:,.0f}"
                template = "the class weight of {label!r} is {weight}: {told}"
                raise SettingError(template, [], label=str(label), weight=weight, told=told)


@dataclass(frozen=True, slots=True)
class Plan:
    """``batch_wordpieces``: padding included. ``epochs``: times that the gold is seen. ``learning_rate``: the
    highest, after the warmup. ``head_rate``: how many times that is the head's. ``stays``: what of the
    encoder is left as it is, which the model has a say in (`spanloop.plugin.training.trainable.stays`)."""

    batch_wordpieces: int
    epochs: int
    learning_rate: float
    head_rate: float
    stays: Stays = "none"


def plan(
    wordpieces: int,
    *,
    batch_wordpieces: int | None = None,
    epochs: int | None = None,
    learning_rate: float | None = None,
    head_rate: float | None = None,
    fast: bool = False,
) -> Plan:
    """A plan for gold of so many wordpieces; what is given stays as it is. ``fast``: three fifths of the
    epochs."""
    batch = batch_wordpieces or min(max(wordpieces // _BATCHES_AN_EPOCH, _SMALLEST), _LARGEST)
    steps = max(-(-wordpieces // batch), 1)
    usual = min(max(-(-_STEPS // steps), _FEWEST), _MOST)
    rate = learning_rate or min(max(_RATE_TIMES_WORDPIECES / max(wordpieces, 1), LOWEST_RATE), HIGHEST_RATE)
    head = head_rate or max(min(_HEAD, _HIGHEST_OF_A_HEAD / rate), 1)
    return Plan(batch, epochs or (round(_FAST * usual) if fast else usual), rate, head)


def plan_of(config: TrainConfig, wordpieces: int) -> Plan:
    """The plan of these settings for gold of so many wordpieces."""
    return plan(
        wordpieces,
        batch_wordpieces=config.batch_wordpieces,
        epochs=config.epochs,
        learning_rate=config.learning_rate,
        head_rate=config.head_rate,
        fast=config.fast,
    )
