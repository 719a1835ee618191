"""Gold documents to a better pipe: the one training loop outside of ``spacy train``."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spanloop.plugin.alignment.values import AlignmentEvent
from spanloop.plugin.tagging.gold import Gold
from spanloop.plugin.tagging.label_map import refuse_to_learn
from spanloop.plugin.training.checkpoint import claim, forget, identity
from spanloop.plugin.training.class_weights import class_weights, tag_weights
from spanloop.plugin.training.config import Plan, Stays, TrainConfig, plan_of
from spanloop.plugin.training.divergence import Diverged, Divergence
from spanloop.plugin.training.training_set import Course, course_of, windows_of

if TYPE_CHECKING:
    from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe
    from spanloop.plugin.tagging.calibrate import Calibration
    from spanloop.plugin.tagging.thresholds import Picked
    from spanloop.plugin.training.choices import Choices
    from spanloop.plugin.training.collate import TrainWindow
    from spanloop.plugin.training.validation import InnerSlice

FOCAL_GAMMA = 2.0
"""That of Lin et al. 2017."""
_AT_THE_END = "at the end of the training"
_JUDGED = "judged"  # the folder in which a training that is only judged keeps what it goes on from
_VERSIONS = ("spanloop", "torch", "transformers", "accelerate", "tokenizers", "spacy", "numpy", "seqeval")


@dataclass(frozen=True)
class TrainReport:
    """What went in and what came of it.

    ``tokens_trained`` + ``tokens_masked`` + ``tokens_held_out`` + ``tokens_left_out`` are all tokens of the
    documents that the model can see, each once; ``tokens_added`` were repeated or made up beside them. Of
    those trained on, ``tokens_partly_known`` may have a label that their document does not know.
    ``gold_spans_lost`` of ``gold_spans`` could not be placed on tokens; ``events``, one list a gold document,
    say which, and which moved. ``losses``: the mean of each epoch; ``held_out_f1``: strict micro F1 of the
    inner slice after each, computed as the training computes. ``refit``: what was held out judged a first
    training, and a second one learned from it too: the tokens, losses and steps are those of the second, none
    of its tokens is held out, and the calibration is that of the first. ``head_rate``: how many times the
    ``learning_rate`` was the head's; ``frozen``: what of the encoder stayed as it was. ``thresholds``: what
    was chosen, None where none were asked for.
    """

    seconds: float
    class_weights: dict[str, float]
    documents: int
    documents_held_out: int
    documents_left_out: int
    tokens_trained: int
    tokens_masked: int
    tokens_partly_known: int
    tokens_held_out: int
    tokens_left_out: int
    tokens_added: int
    gold_spans: int
    gold_spans_lost: int
    events: list[list[AlignmentEvent]]
    losses: list[float]
    held_out_f1: list[float]
    refit: bool
    steps: int
    epochs: int
    batch_wordpieces: int
    learning_rate: float
    head_rate: float
    frozen: Stays
    bf16: bool
    calibration: Calibration
    thresholds: Picked | None
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
    number of threads give the same weights. Diverged, saying what to try, where the training leaves the range
    of numbers; its checkpoints, which would come to the same end, are removed. ValueError without documents,
    for a label the pipe has not, or where nothing is left to learn from.
    """
    from spanloop.plugin.training.validation import InnerSlice

    started = time.monotonic()
    _make_ready(pipe, config)
    course = course_of(pipe, golds, config)
    held = [golds[place] for place in course.held]
    again = config.refit and bool(held)
    judging = folder / _JUDGED if again else folder
    before = _weights(pipe) if again else None
    if not again:
        forget(folder / _JUDGED)
    with _forgotten_where_diverged(folder, judging):
        bf16 = _bf16(pipe, config)
        inner = InnerSlice(pipe, held, judging, config.patience, bf16=bf16)
        shown = _part(progress, 0.0, 0.5, "training 1 of 2: ") if again else progress
        fitted = _fitted(pipe, course, config, inner if held else None, shown, judging)
        inner.take_best()
        calibration, thresholds = _judged(pipe, inner, fitted.plan, config)
        if before is not None:
            pipe.hf_model().load_state_dict(before)
            all_of_it = replace(config, held_out=0.0, refit=False, thresholds=None)
            course = course_of(pipe, golds, all_of_it)
            shown = _part(progress, 0.5, 1.0, "training 2 of 2: ")
            fitted = _fitted(pipe, course, all_of_it, None, shown, folder)
            _check_weights(pipe, fitted.plan)
    figures = course.figures() | {"documents_held_out": len(held)}
    return TrainReport(
        seconds=time.monotonic() - started,
        class_weights=fitted.class_weights,
        losses=fitted.losses,
        held_out_f1=inner.f1,
        refit=again,
        steps=fitted.steps,
        **_told(fitted.plan),
        bf16=bf16,
        calibration=calibration,
        thresholds=thresholds,
        versions={name: version(name) for name in _VERSIONS},
        **figures,
    )


@dataclass(frozen=True, slots=True)
class _Fitted:
    """What one course of lessons came to."""

    class_weights: dict[str, float]
    plan: Plan
    losses: list[float]
    steps: int


def _fitted(
    pipe: HFTokenClassifierPipe,
    course: Course,
    config: TrainConfig,
    inner: InnerSlice | None,
    progress: Callable[[float, str], None] | None,
    folder: Path,
) -> _Fitted:
    """Train the pipe's model on the lessons of a course."""
    from spanloop.plugin.training.loss import TokenLoss
    from spanloop.plugin.training.trainer import fit

    folder.mkdir(parents=True, exist_ok=True)
    weights = class_weights(config.weighting, course.label_counts(pipe), beta=config.beta)
    windows, planned = _planned(pipe.hf_model(), course, config)
    losses, steps = fit(
        pipe.hf_model(),
        windows,
        TokenLoss(tag_weights(weights, pipe.tags, pipe.scheme), _gamma(config), course.choices.all),
        config,
        planned,
        bf16=_bf16(pipe, config),
        pad_id=pipe.pretrained.pad_id,
        even=pipe.network.even_windows,
        progress=progress,
        inner=inner,
        folder=folder,
        resume_from=_checkpoint(pipe, config, course.choices, windows, folder),
    )
    return _Fitted(weights, planned, losses, steps)


def _bf16(pipe: HFTokenClassifierPipe, config: TrainConfig) -> bool:
    from spanloop.plugin.training.trainer import native_bf16

    return native_bf16(pipe.hf_model().device) if config.bf16 == "auto" else config.bf16


def _weights(pipe: HFTokenClassifierPipe) -> dict[str, Any]:
    """A copy of all weights, for the second training begins where the first one did."""
    return {name: weight.clone() for name, weight in pipe.hf_model().state_dict().items()}


def _part(
    progress: Callable[[float, str], None] | None, begin: float, end: float, what: str
) -> Callable[[float, str], None] | None:
    """The progress of one training as that of a part of the whole."""
    if progress is None:
        return None
    return lambda share, line: progress(begin + share * (end - begin), what + line)


def _told(planned: Plan) -> dict[str, Any]:
    """The plan by the names of `TrainReport`."""
    told = asdict(planned)
    return {"frozen": told.pop("stays"), **told}


def _planned(model: Any, course: Course, config: TrainConfig) -> tuple[list[TrainWindow], Plan]:
    """What the model reads, and what its size and the model's layers decide."""
    from spanloop.plugin.training.trainable import has_learned, stays

    windows = windows_of(course.taught, config.label_strategy)
    planned = plan_of(config, sum(map(len, windows)))
    rate = 1.0 if config.head_rate is None and has_learned(model) else planned.head_rate
    return windows, replace(planned, head_rate=rate, stays=stays(model, config))


def _make_ready(pipe: HFTokenClassifierPipe, config: TrainConfig) -> None:
    """Refuse what cannot be trained, and take the thresholds away: they are about the confidences of the
    model that it was."""
    refuse_to_learn(pipe.name, pipe.label_map)
    if config.checkpoint_seconds is not None and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ValueError("several processes keep no checkpoints: leave checkpoint_seconds out")
    pipe.threshold = None


@contextmanager
def _forgotten_where_diverged(*folders: Path) -> Iterator[None]:
    try:
        yield
    except Diverged:
        for folder in folders:
            forget(folder)
        raise


def _judged(
    pipe: HFTokenClassifierPipe, inner: InnerSlice, planned: Plan, config: TrainConfig
) -> tuple[Calibration, Picked | None]:
    """The calibration and the thresholds of a model that was found to be sound. Diverged where it is not."""
    divergence = _check_weights(pipe, planned)
    return divergence.scored(_AT_THE_END, lambda: inner.calibrate(config.thresholds))


def _check_weights(pipe: HFTokenClassifierPipe, planned: Plan) -> Divergence:
    """Diverged where a weight is no number. Adapters are merged by now."""
    divergence = Divergence(planned.learning_rate)
    divergence.check_weights(pipe.hf_model(), _AT_THE_END)
    return divergence


def _checkpoint(
    pipe: HFTokenClassifierPipe,
    config: TrainConfig,
    choices: Choices,
    windows: Sequence[TrainWindow],
    folder: Path,
) -> Path | None:
    """What the training goes on from."""
    if config.checkpoint_seconds is None:
        return None
    return claim(folder, _identity(pipe, config, choices, windows))


def _gamma(config: TrainConfig) -> float:
    """The gamma of the focal loss, 0 where another one is asked for."""
    if config.weighting != "focal":
        return 0.0
    return FOCAL_GAMMA if config.focal_gamma is None else config.focal_gamma


def _identity(
    pipe: HFTokenClassifierPipe, config: TrainConfig, choices: Choices, windows: Sequence[TrainWindow]
) -> str:
    """Whose checkpoints these are: the same settings, gold and first weights."""
    settings = repr((config, choices.all, pipe.fingerprint(), [version(name) for name in _VERSIONS]))
    return identity(settings, (array for window in windows for array in (window.input_ids, window.labels)))
