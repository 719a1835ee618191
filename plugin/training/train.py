"""Gold documents to a better pipe: the one training loop outside of ``spacy train``."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from spanloop.plugin.alignment.values import AlignmentEvent
from spanloop.plugin.tagging.gold import Gold
from spanloop.plugin.tagging.label_map import refuse_to_learn
from spanloop.plugin.training.checkpoint import forget
from spanloop.plugin.training.config import Plan, Stays, TrainConfig
from spanloop.plugin.training.divergence import Diverged, Divergence
from spanloop.plugin.training.one_course import VERSIONS, Fitted, computes_in_bf16, fit_course
from spanloop.plugin.training.training_set import Course, course_of
from spanloop.plugin.training.unlabelled import NOTHING, as_seen_now, in_part

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe
    from spanloop.plugin.tagging.calibrate import Calibration
    from spanloop.plugin.tagging.thresholds import Picked
    from spanloop.plugin.training.validation import InnerSlice

    Verdict = tuple[Calibration, Picked | None]

Progress = Callable[[float, str], None]
Result = TypeVar("Result")
_AT_THE_END = "at the end of the training"
_FIRST = "first"  # the folder in which the first of two trainings keeps what it goes on from


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
    of its tokens is held out, and the calibration is that of the first. ``documents_unlabelled`` are none of
    the others, ``documents_completed`` are gold documents of which only a part was looked at: a second
    training learned from the ``tokens_unlabelled`` of both, which are masked ones of the latter, as a first
    one saw them, and losses, steps and scores are those of the second. ``head_rate``: how many times the
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
    documents_unlabelled: int
    documents_completed: int
    tokens_unlabelled: int
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
    unlabelled: Sequence[Doc] = (),
    progress: Progress | None = None,
    folder: Path,
) -> TrainReport:
    """Train the pipe's model in place on ``golds`` and report. ``folder`` is for the loop's own files.

    ``unlabelled``: documents without labels, of which the first ``config.unlabelled`` are learned from; where
    that is not 0, what nobody has looked at in gold documents is, too.
    ``progress`` gets the share done, 0 to 1, and a line with the time left. The same seed, golds, machine and
    number of threads give the same weights. Diverged, saying what to try, where the training leaves the range
    of numbers; its checkpoints, which would come to the same end, are removed. ValueError without documents,
    for a label the pipe has not, where nothing is left to learn from, and for texts of which ``config`` says
    that none is learned from.
    """
    started = time.monotonic()
    _make_ready(pipe, config)
    if unlabelled and not config.unlabelled:
        raise ValueError("TrainConfig(unlabelled=...) says how many of the texts are learned from: give it")
    course = course_of(pipe, golds, config)
    held = [golds[place] for place in course.held]
    texts = list(unlabelled[: config.unlabelled])
    refit = config.refit and bool(held)
    with _forgotten_where_diverged(folder, folder / _FIRST):
        if refit or texts or (config.unlabelled and in_part(golds)):
            trained, judge, verdict = _twice(pipe, golds, course, held, texts, config, progress, folder)
        else:
            forget(folder / _FIRST)
            trained = judge = _once(pipe, course, held, config, progress, folder)
            verdict = _judged(judge, config)
    fitted, figures = trained.fitted, trained.course.figures() | {"documents_held_out": len(held)}
    return TrainReport(
        seconds=time.monotonic() - started,
        class_weights=fitted.class_weights,
        losses=fitted.losses,
        held_out_f1=judge.inner.f1,
        refit=refit,
        steps=fitted.steps,
        **_told(fitted.plan),
        bf16=computes_in_bf16(pipe, config),
        calibration=verdict[0],
        thresholds=verdict[1],
        versions={name: version(name) for name in VERSIONS},
        **figures,
    )


@dataclass(frozen=True, slots=True)
class _Trained:
    """One training that is over: its course, what came of it, and the slice that watched it."""

    course: Course
    fitted: Fitted
    inner: InnerSlice


def _once(
    pipe: HFTokenClassifierPipe,
    course: Course,
    held: Sequence[Gold],
    config: TrainConfig,
    progress: Progress | None,
    folder: Path,
) -> _Trained:
    """One training, watched by the gold that is held out. Diverged where its weights are no numbers."""
    from spanloop.plugin.training.validation import InnerSlice

    inner = InnerSlice(pipe, held, folder, config.patience, bf16=computes_in_bf16(pipe, config))
    done = fit_course(pipe, course, config, inner if held else None, progress, folder)
    inner.take_best()
    # adapters are merged by now
    Divergence(done.plan.learning_rate).check_weights(pipe.hf_model(), _AT_THE_END)
    return _Trained(course, done, inner)


def _twice(
    pipe: HFTokenClassifierPipe,
    golds: Sequence[Gold],
    course: Course,
    held: Sequence[Gold],
    texts: Sequence[Doc],
    config: TrainConfig,
    progress: Progress | None,
    folder: Path,
) -> tuple[_Trained, _Trained, Verdict]:
    """Two trainings from the same weights: the first looks at the texts without labels, and the second learns
    from them as it saw them. With ``refit`` the first one is judged by the gold held out, from which the
    second one learns too; else the second one is. Gives the second, the one that was judged, and how."""
    before = {name: weight.clone() for name, weight in pipe.hf_model().state_dict().items()}
    refit = config.refit and bool(held)
    until = len(golds) / (2 * len(golds) + len(texts))
    first = _once(pipe, course, held, config, _part(progress, 0.0, until, 1), folder / _FIRST)
    verdict = _judged(first, config) if refit else None
    seen = NOTHING
    if config.unlabelled:
        look = _looking(progress, until)
        seen = _scored(first, lambda: as_seen_now(pipe, texts, golds, progress=look))
    pipe.hf_model().load_state_dict(before)
    if refit:
        config, held = replace(config, held_out=0.0, refit=False, thresholds=None), []
        course = course_of(pipe, golds, config)
    beside = replace(course, unlabelled=seen)
    second = _once(pipe, beside, held, config, _part(progress, until, 1.0, 2), folder)
    if verdict is not None:
        return second, first, verdict
    return second, second, _judged(second, config)


def _judged(trained: _Trained, config: TrainConfig) -> Verdict:
    """The calibration and the thresholds of a model that was just trained."""
    return _scored(trained, lambda: trained.inner.calibrate(config.thresholds))


def _scored(trained: _Trained, score: Callable[[], Result]) -> Result:
    """What ``score`` gives after a training. Diverged where the model's scores are no numbers."""
    return Divergence(trained.fitted.plan.learning_rate).scored(_AT_THE_END, score)


def _part(progress: Progress | None, begin: float, end: float, number: int) -> Progress | None:
    """The progress of one of two trainings as that of a part of the whole."""
    if progress is None:
        return None
    return lambda share, line: progress(begin + share * (end - begin), f"training {number} of 2: {line}")


def _looking(progress: Progress | None, share: float) -> Callable[[], None] | None:
    """What is told between two trainings, which whoever cancels one waits for."""
    if progress is None:
        return None
    return lambda: progress(share, "training 1 of 2: reads the text without labels")


def _told(planned: Plan) -> dict[str, Any]:
    """The plan by the names of `TrainReport`."""
    told = asdict(planned)
    return {"frozen": told.pop("stays"), **told}


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
