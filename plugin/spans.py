"""The two values that pass between the parts: a labelled stretch of text, and what became of one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CharSpan:
    """Characters ``start`` to ``end`` (excluded, code points of ``doc.text``) carry ``label``.

    ``score`` is the model's confidence, 0 to 1, where a model made the span.
    """

    start: int
    end: int
    label: str
    score: float | None = None

    @property
    def key(self) -> tuple[int, int, str]:
        """What makes two spans the same one: the score takes no part."""
        return (self.start, self.end, self.label)


@dataclass(frozen=True, slots=True)
class AlignmentEvent:
    """A span that could not stay where it was meant: what was done (snapped, dropped, trimmed ...) and why.

    ``placed_start`` and ``placed_end`` are the characters it covers now, None where it has no place at all.
    """

    start: int
    end: int
    label: str
    action: str
    reason: str
    placed_start: int | None = None
    placed_end: int | None = None
