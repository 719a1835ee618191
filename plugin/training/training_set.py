"""Gold documents made ready for one model: its windows, its tags, and a count of everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from spanloop.plugin.tagging.gold import UNKNOWN, Gold, UnitGold, put_on_units, unit_tags
from spanloop.plugin.tagging.reading import read_tags
from spanloop.plugin.training.choices import Choices, learnable
from spanloop.plugin.training.resampling import augment, oversample, undersample
from spanloop.plugin.training.unlabelled import NOTHING, Unlabelled

if TYPE_CHECKING:
    from spanloop.plugin.alignment.windows import EncodedDoc
    from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe
    from spanloop.plugin.training.collate import TrainWindow
    from spanloop.plugin.training.config import LabelStrategy, TrainConfig


class NothingToLearn(ValueError):
    """There is gold, perhaps, but no token of it is known."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """One gold document: its windows, its spans on units, and each unit's tag, its choice of tags where that
    is known in part, or `UNKNOWN`."""

    encoded: EncodedDoc
    placed: UnitGold
    unit_tags: NDArray[np.int64]


def lessons_of(
    pipe: HFTokenClassifierPipe, golds: Sequence[Gold], choices: Choices | None = None
) -> list[Lesson]:
    """A lesson for each gold document, in order. ``choices`` takes up those of units known in part; None: a
    document that does not know a label has none of it.

    NothingToLearn without documents or where every token is unknown; ValueError for a label that the pipe has
    not.
    """
    if not golds:
        raise NothingToLearn("there is nothing to train on: no document has been accepted yet")
    missing = {span.label for gold in golds for span in gold.spans} - set(pipe.labels)
    if missing:
        raise ValueError(f"the gold has labels that the model has not: {', '.join(sorted(missing))}")
    lessons = []
    for gold, encoded in zip(golds, pipe.encode([gold.doc for gold in golds]), strict=True):
        placed = put_on_units(
            gold.spans, encoded.starts, encoded.ends, ranges=gold.ranges, policy=pipe.cfg["alignment"]
        )
        tags = unit_tags(placed, pipe.tags, pipe.scheme)
        if choices is not None:
            tags = choices.widened(tags, gold, encoded.starts, encoded.ends)
        lessons.append(Lesson(encoded, placed, tags))
    if not any((lesson.unit_tags != UNKNOWN).any() for lesson in lessons):
        raise NothingToLearn(
            "there is nothing to train on: every token is masked, or the documents are empty"
        )
    return lessons


def windows_of(lessons: Sequence[Lesson], strategy: LabelStrategy) -> list[TrainWindow]:
    """What the model reads, in document order."""
    from spanloop.plugin.training.collate import training_windows

    return [
        window
        for lesson in lessons
        for window in training_windows(lesson.encoded, lesson.unit_tags, strategy)
    ]


@dataclass(frozen=True, slots=True)
class Course:
    """The lessons of one training. ``learned``, ``left_out`` and ``held`` are places of ``lessons``, each
    in one of the three; ``taught`` are those learned from, with what was repeated or made up beside them.
    ``choices`` are those of units known in part; ``unlabelled`` is text beside the gold."""

    choices: Choices
    lessons: list[Lesson]
    learned: list[int]
    left_out: list[int]
    held: list[int]
    taught: list[Lesson]
    unlabelled: Unlabelled = NOTHING

    def label_counts(self, pipe: HFTokenClassifierPipe) -> dict[str, int]:
        """The tokens of each label of the head and of "O" that are learned from, as they are annotated."""
        labels = read_tags(pipe.tags, pipe.scheme).names
        counts = Counter(dict.fromkeys(labels, 0))
        for lesson in self.taught:
            tags = self.choices.base(lesson.unit_tags)
            known, times = np.unique(tags[tags != UNKNOWN], return_counts=True)
            for tag, n in zip(known.tolist(), times.tolist(), strict=True):
                counts[labels[tag]] += n
        return dict(counts)

    def figures(self) -> dict[str, Any]:
        """The count of everything, by the names of `TrainReport`."""
        known = _tokens(self.taught, known=True)
        own = [self.lessons[place] for place in self.learned]
        trained = _tokens(own, known=True)
        return {
            "documents": len(self.lessons),
            "documents_held_out": len(self.held),
            "documents_left_out": len(self.left_out),
            "tokens_trained": trained,
            "tokens_masked": _tokens(own) - trained,
            "tokens_partly_known": sum(
                int((lesson.unit_tags != self.choices.base(lesson.unit_tags)).sum()) for lesson in own
            ),
            "tokens_held_out": _tokens([self.lessons[place] for place in self.held]),
            "tokens_left_out": _tokens([self.lessons[place] for place in self.left_out]),
            "tokens_added": known - trained,
            **self.unlabelled.figures(self.lessons, self.learned),
            "gold_spans": sum(len(lesson.placed.runs) + lesson.placed.lost for lesson in self.lessons),
            "gold_spans_lost": sum(lesson.placed.lost for lesson in self.lessons),
            "events": [lesson.placed.events for lesson in self.lessons],
        }


def course_of(pipe: HFTokenClassifierPipe, golds: Sequence[Gold], config: TrainConfig) -> Course:
    """What is learned from, what is left and held out, and what is added for the rare."""
    from spanloop.plugin.training.validation import hold_out

    rest, held = hold_out(golds, config.held_out, config.random_seed)
    kept = undersample([golds[place] for place in rest], config.undersample, config.random_seed)
    learned = [rest[place] for place in kept]
    left_out = sorted(set(rest) - set(learned))
    own = [golds[place] for place in learned]
    choices = Choices(pipe.tags, pipe.scheme, learnable(own))
    lessons = lessons_of(pipe, golds, choices)
    places = oversample(own, config.oversample, config.random_seed) if config.oversample else range(len(own))
    taught = [lessons[learned[place]] for place in places]
    made = augment(own, config.augment, config.random_seed, swap=config.swap)
    taught += lessons_of(pipe, made, choices) if made else []
    return Course(choices, lessons, learned, left_out, held, taught)


def _tokens(lessons: Sequence[Lesson], *, known: bool = False) -> int:
    return sum(
        int((lesson.unit_tags != UNKNOWN).sum()) if known else len(lesson.unit_tags) for lesson in lessons
    )
