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
_VERSIONS = ("spanloop", "torch", "transformers", "accelerate", "tokenizers", "spacy", "numpy", "seqeval")


@dataclass(frozen=True)
class TrainReport:
    """What went in and what came of it.

    ``tokens_trained`` + ``tokens_masked`` + ``tokens_held_out`` + ``tokens_left_out`` are all tokens of the
    documents that the model can see, each once; ``tokens_added`` were repeated or made up beside them. Of
    those trained on, ``tokens_partly_known`` may have a label that their document does not know.
    ``gold_spans_lost`` of ``gold_spans`` could not be placed on tokens; ``events``, one list a gold document,
    say which, and which moved. ``losses``: the mean of each epoch; ``held_out_f1``: strict micro F1 of the
    inner slice after each, computed as the training computes. ``head_rate``: how many times the
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
    from spanloop.plugin.training.loss import TokenLoss
    from spanloop.plugin.training.trainer import fit, pays_in_bf16
    from spanloop.plugin.training.validation import InnerSlice

    started = time.monotonic()
    _make_ready(pipe, config)
    course, model = course_of(pipe, golds, config), pipe.hf_model()
    weights = class_weights(config.weighting, course.label_counts(pipe), beta=config.beta)
    windows, planned = _planned(model, course, config)
    bf16 = pays_in_bf16(model.device) if config.bf16 == "auto" else config.bf16
    inner = InnerSlice(pipe, [golds[place] for place in course.held], folder, config.patience, bf16=bf16)
    loss = TokenLoss(tag_weights(weights, pipe.tags, pipe.scheme), _gamma(config), course.choices.all)
    with _forgotten_where_diverged(folder):
        losses, steps = fit(
            model,
            windows,
            loss,
            config,
            planned,
            bf16=bf16,
            pad_id=pipe.pretrained.pad_id,
            even=pipe.network.even_windows,
            progress=progress,
            inner=inner if course.held else None,
            folder=folder,
            resume_from=_checkpoint(pipe, config, course.choices, windows, folder),
        )
        inner.take_best()
        calibration, thresholds = _judged(pipe, inner, planned, config)
    return TrainReport(
        seconds=time.monotonic() - started,
        class_weights=weights,
        losses=losses,
        held_out_f1=inner.f1,
        steps=steps,
        **_told(planned),
        bf16=bf16,
        calibration=calibration,
        thresholds=thresholds,
        versions={name: version(name) for name in _VERSIONS},
        **course.figures(),
    )


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
def _forgotten_where_diverged(folder: Path) -> Iterator[None]:
    try:
        yield
    except Diverged:
        forget(folder)
        raise


def _judged(
    pipe: HFTokenClassifierPipe, inner: InnerSlice, planned: Plan, config: TrainConfig
) -> tuple[Calibration, Picked | None]:
    """The calibration and the thresholds of a model that was found to be sound. Diverged where it is not."""
    divergence, when = Divergence(planned.learning_rate), "at the end of the training"
    divergence.check_weights(pipe.hf_model(), when)  # adapters are merged by now
    return divergence.scored(when, lambda: inner.calibrate(config.thresholds))


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
