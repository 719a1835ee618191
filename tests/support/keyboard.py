"""A person without a mouse: the key presses that turn suggestions into the spans that should be there."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

Range = tuple[int, int]
Labelled = tuple[int, int, str]


@dataclass
class Held:
    """A span as the page has it, in token indices, last included."""

    first: int
    last: int
    label: str


class Typist:
    """Knows what the page does for each key, so where its hands are; collects the presses in ``keys``."""

    def __init__(self, tokens: Sequence[Range], spans: Sequence[Labelled], labels: Sequence[str]) -> None:
        self.starts, self.ends = [start for start, _ in tokens], [end for _, end in tokens]
        self.labels = labels
        self.spans = sorted((self._held(span) for span in spans), key=lambda held: held.first)
        self.keys: list[str] = []
        self.cursor: int | None = None
        self.selected: Held | None = None

    def _held(self, span: Labelled) -> Held:
        start, end, label = span
        return Held(self.starts.index(start), self.ends.index(end), label)

    def press(self, key: str, times: int = 1) -> None:
        self.keys.extend([key] * times)

    def correct(self, gold: Sequence[Labelled]) -> list[str]:
        """Press what makes the spans ``gold``."""
        wanted = sorted((self._held(span) for span in gold), key=lambda held: held.first)
        matches = self._match(wanted)
        for held in list(self.spans):
            self._clean(held, matches.get(id(held)))
        for target in reversed(wanted):
            held = next((h for h in self.spans if matches.get(id(h)) is target), None)
            if held is None:
                self._add(target)
            else:
                self._grow(held, target)
        return self.keys

    def _match(self, wanted: list[Held]) -> dict[int, Held]:
        """Each suggestion with the wanted span it overlaps most, each of those once."""
        pairs = [
            (min(held.last, target.last) - max(held.first, target.first), held, target)
            for held in self.spans
            for target in wanted[bisect.bisect_left(wanted, held.first, key=lambda w: w.last) :][:3]
        ]
        matches: dict[int, Held] = {}
        for overlap, held, target in sorted(pairs, key=lambda pair: -pair[0]):
            if overlap >= 0 and id(held) not in matches and not any(target is m for m in matches.values()):
                matches[id(held)] = target
        return matches

    def _clean(self, held: Held, target: Held | None) -> None:
        """Delete a wrong suggestion; give a good one its label and take off what it has too much."""
        if target is None:
            self._select(held)
            self.press("d")
            self.spans.remove(held)
            self.cursor, self.selected = held.first, None
            return
        if held.label != target.label:
            self._select(held)
            self.press(str(self.labels.index(target.label) + 1))
            held.label = target.label
        self._move_edges(held, max(held.first, target.first), min(held.last, target.last))

    def _grow(self, held: Held, target: Held) -> None:
        self._move_edges(held, target.first, target.last)

    def _move_edges(self, held: Held, first: int, last: int) -> None:
        if (held.first, held.last) == (first, last):
            return
        self._select(held)
        self.press("w" if first > held.first else "q", abs(first - held.first))
        self.press("r" if last > held.last else "e", abs(last - held.last))
        held.first, held.last = first, last
        self.cursor = None

    def _add(self, target: Held) -> None:
        self._go_to(target.first)
        self.press("Shift+ArrowRight", target.last - target.first)
        self.press(str(self.labels.index(target.label) + 1))
        bisect.insort(self.spans, target, key=lambda held: held.first)
        self.cursor, self.selected = None, target

    def _select(self, held: Held) -> None:
        if self.selected is held:
            return
        self._hop(held)

    def _hop(self, held: Held) -> None:
        """Tab to a span."""
        here, on_span = self._place()
        if here < held.first or (here == held.first and not on_span):
            between = [
                h for h in self.spans if here < h.first <= held.first or (h.first == here and not on_span)
            ]
            self.press("Tab", len(between))
        else:
            between = [h for h in self.spans if held.first <= h.first < here]
            self.press("Shift+Tab", len(between))
            if (
                not between
            ):  # on its first token already, but with more tokens taken in: let go and come again
                self.press("Escape")
                self.press("Tab", self.spans.index(held) + 1)
        self.cursor, self.selected = None, held

    def _place(self) -> tuple[int, bool]:
        if self.selected is not None:
            return self.selected.first, True
        return (-1, False) if self.cursor is None else (self.cursor, False)

    def _go_to(self, token: int) -> None:
        """Put the cursor on a token: from a span close by, or along the tokens."""
        before = [held for held in self.spans if held.last < token]
        if before:
            self._hop(before[-1])
            self.press("ArrowRight", token - before[-1].last)
        else:
            self.press("Escape")
            self.press("ArrowRight", token + 1)
        self.cursor, self.selected = token, None
