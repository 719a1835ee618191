"""One training on one course of lessons: the plan, the loss, the checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from spanloop.plugin.training.checkpoint import claim, identity
from spanloop.plugin.training.class_weights import class_weights, tag_weights
from spanloop.plugin.training.config import Plan, TrainConfig, plan_of
from spanloop.plugin.training.training_set import Course, windows_of

if TYPE_CHECKING:
    from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe
    from spanloop.plugin.training.collate import TrainWindow
    from spanloop.plugin.training.validation import InnerSlice

FOCAL_GAMMA = 2.0
"""That of Lin et al. 2017."""
VERSIONS = ("spanloop", "torch", "transformers", "accelerate", "tokenizers", "spacy", "numpy", "seqeval")
"""The packages that decide what comes of a training."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What one course of lessons came to."""

    class_weights: dict[str, float]
    plan: Plan
    losses: list[float]
    steps: int


def fit_course(
    pipe: HFTokenClassifierPipe,
    course: Course,
    config: TrainConfig,
    inner: InnerSlice | None,
    progress: Callable[[float, str], None] | None,
    folder: Path,
) -> Fitted:
    """Train the pipe's model on the lessons of a course, and on the text without labels beside them.

    ``inner`` scores each epoch, None: nothing is held out. ``progress`` gets the share done, 0 to 1, and a
    line. ``folder`` is for checkpoints, of which that of the same training is gone on from.
    """
    from spanloop.plugin.training.loss import TokenLoss
    from spanloop.plugin.training.trainer import fit

    folder.mkdir(parents=True, exist_ok=True)
    weights = class_weights(config.weighting, course.label_counts(pipe), beta=config.beta)
    windows, planned = _planned(pipe, course, config)
    soft = course.unlabelled.targets
    losses, steps = fit(
        pipe.hf_model(),
        windows,
        TokenLoss(tag_weights(weights, pipe.tags, pipe.scheme), _gamma(config), course.choices.all, soft),
        config,
        planned,
        bf16=computes_in_bf16(pipe, config),
        pad_id=pipe.pretrained.pad_id,
        even=pipe.network.even_windows,
        progress=progress,
        inner=inner,
        folder=folder,
        resume_from=_checkpoint(pipe, config, course, windows, folder),
    )
    return Fitted(weights, planned, losses, steps)


def computes_in_bf16(pipe: HFTokenClassifierPipe, config: TrainConfig) -> bool:
    from spanloop.plugin.training.trainer import pays_in_bf16

    return pays_in_bf16(pipe.hf_model().device) if config.bf16 == "auto" else config.bf16


def _planned(
    pipe: HFTokenClassifierPipe, course: Course, config: TrainConfig
) -> tuple[list[TrainWindow], Plan]:
    """What the model reads, and what its size and the model's layers decide."""
    from spanloop.plugin.training.trainable import has_learned, stays

    model = pipe.hf_model()
    strategy, first = config.label_strategy, len(pipe.tags) + len(course.choices.all)
    taught = course.unlabelled.completed(course.lessons, course.taught, first)
    windows = [*windows_of(taught, strategy), *course.unlabelled.windows(first, strategy)]
    planned = plan_of(config, sum(map(len, windows)))
    rate = 1.0 if config.head_rate is None and has_learned(model) else planned.head_rate
    return windows, replace(planned, head_rate=rate, stays=stays(model, config))


def _checkpoint(
    pipe: HFTokenClassifierPipe,
    config: TrainConfig,
    course: Course,
    windows: Sequence[TrainWindow],
    folder: Path,
) -> Path | None:
    """What the training goes on from."""
    if config.checkpoint_seconds is None:
        return None
    return claim(folder, _identity(pipe, config, course, windows))


def _identity(
    pipe: HFTokenClassifierPipe, config: TrainConfig, course: Course, windows: Sequence[TrainWindow]
) -> str:
    """Whose checkpoints these are: the same settings, gold, text without labels and first weights."""
    settings = repr((config, course.choices.all, pipe.fingerprint(), [version(name) for name in VERSIONS]))
    read = [array for window in windows for array in (window.input_ids, window.labels)]
    return identity(settings, [*read, course.unlabelled.targets])


def _gamma(config: TrainConfig) -> float:
    """The gamma of the focal loss, 0 where another one is asked for."""
    if config.weighting != "focal":
        return 0.0
    return FOCAL_GAMMA if config.focal_gamma is None else config.focal_gamma
