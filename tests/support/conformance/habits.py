"""The ways in which models name the rows of their heads, and how each is meant to be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from seqeval.metrics.sequence_labeling import get_entities

LABELS = ("PER", "LOC")
Run = tuple[int, int, str]
"""First word, end (excluded), label."""
Prefixes = Callable[[int, bool], str]
"""The letters of a span: how many words it has, and whether it follows a span of its own label."""


def _iob1(length: int, touches: bool) -> str:
    return ("B" if touches else "I") + "I" * (length - 1)


def _iob2(length: int, touches: bool) -> str:
    return "B" + "I" * (length - 1)


def _bioes(length: int, touches: bool) -> str:
    return "S" if length == 1 else "B" + "I" * (length - 2) + "E"


def _bilou(length: int, touches: bool) -> str:
    return "U" if length == 1 else "B" + "I" * (length - 2) + "L"


def _bios(length: int, touches: bool) -> str:
    return "S" if length == 1 else _iob2(length, touches)


def _io(length: int, touches: bool) -> str:
    return "I" * length


@dataclass(frozen=True, slots=True)
class Habit:
    """One way to name tags.

    Attributes:
        letters: the letters that tags begin with.
        prefixes: which of them a span has.
        spelled: a tag from its letter and its label.
        reading: who says what its tags mean: Hugging Face's pipeline (``pipeline``), seqeval (``seqeval``),
            or every word with a tag is one span (``word``).
        further: rows of the head that name no label of ours.
    """

    letters: str
    prefixes: Prefixes
    spelled: Literal["{letter}-{label}", "{label}-{letter}", "{label}"]
    reading: Literal["pipeline", "seqeval", "word"]
    further: tuple[str, ...] = ()
    numbered: bool = False

    @property
    def tags(self) -> tuple[str, ...]:
        """The rows of the head, O first."""
        inside = [self.tag(letter, label) for label in LABELS for letter in self.letters]
        return self._named(("O", *dict.fromkeys(inside), *self.further))

    def tag(self, letter: str, label: str) -> str:
        """How the tag of this letter and label is spelled."""
        return self.spelled.format(letter=letter, label=label)

    def rows(self, runs: Sequence[Run], words: int) -> list[int]:
        """The row of the head that is right for each word."""
        names = ("O", *dict.fromkeys(self.tag(a, b) for b in LABELS for a in self.letters), *self.further)
        rows, previous = [0] * words, (-1, "")
        for start, end, label in runs:
            letters = self.prefixes(end - start, previous == (start, label))
            rows[start:end] = [names.index(self.tag(letter, label)) for letter in letters]
            previous = (end, label)
        return rows

    def _named(self, tags: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"LABEL_{row}" for row in range(len(tags))) if self.numbered else tags


HABITS: dict[str, Habit] = {
    "IOB1": Habit("BI", _iob1, "{letter}-{label}", "pipeline"),
    "IOB2": Habit("BI", _iob2, "{letter}-{label}", "pipeline"),
    "BIOES": Habit("BIES", _bioes, "{letter}-{label}", "seqeval"),
    "BILOU": Habit("BILU", _bilou, "{letter}-{label}", "seqeval"),
    "BIOS": Habit("BIS", _bios, "{letter}-{label}", "seqeval"),
    "IO": Habit("I", _io, "{letter}-{label}", "pipeline"),
    "plain": Habit("I", _io, "{label}", "pipeline"),
    "suffix": Habit("BI", _iob2, "{label}-{letter}", "seqeval"),
    "odd": Habit("BI", _iob2, "{letter}-{label}", "pipeline", ("DATE", "[PAD]")),
    "numbers": Habit("BI", _iob2, "{letter}-{label}", "word", (), True),
}


def seqeval_runs(tags: Sequence[str], habit: Habit) -> list[Run]:
    """The spans that seqeval reads in these tags; L and U, which it does not know, are E and S to it."""
    known = [{"L-": "E-", "U-": "S-"}.get(tag[:2], tag[:2]) + tag[2:] for tag in tags]
    suffix = habit.spelled == "{label}-{letter}"
    found = get_entities(list(tags) if suffix else known, suffix=suffix)
    return [(start, end + 1, label) for label, start, end in found]
