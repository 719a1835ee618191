"""How offsets can be counted, and whether a span that carries its own text says so.

Ours are half-open code points. Others count an end that is inside the span, UTF-16 units (JavaScript, Java),
bytes of UTF-8, or tokens.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal

from spanloop.recipes.formats.entry import Entry
from spanloop.store.records import Range, Span

Kind = Literal["codepoint", "inclusive", "utf16", "bytes", "token", "token-inclusive"]
KINDS: dict[Kind, str] = {
    "codepoint": "code points, the end outside of the span",
    "inclusive": "code points, the end inside the span",
    "utf16": "UTF-16 units",
    "bytes": "bytes of UTF-8",
    "token": "tokens, the end outside of the span",
    "token-inclusive": "tokens, the last one inside the span",
}
"""Each kind, in the order in which they are believed where several fit."""
_WORDS = re.compile(r"\S+")


def places_of_units(text: str, encoding: Literal["utf16", "bytes"] = "utf16") -> dict[int, int]:
    """The code point at which each unit begins a character.

    Args:
        text: The text.
        encoding: What the units are: of UTF-16, or bytes of UTF-8.

    Returns:
        The place of each unit that begins a character, and of the end; empty where the two ways of counting
        are one.
    """
    if text.isascii() or (encoding == "utf16" and max(text) < "\U00010000"):
        return {}
    widths = (1 + (c > "\uffff") if encoding == "utf16" else len(c.encode("utf-8", "replace")) for c in text)
    return {unit: index for index, unit in enumerate(accumulate(widths, initial=0))}


@dataclass(slots=True)
class Counting:
    """The ways of counting in the text of one entry; a token is what the file calls so, else what stands
    between blanks."""

    entry: Entry
    units: dict[str, dict[int, int]] = field(default_factory=dict)
    words: list[Range] = field(default_factory=list)

    def place(self, start: int, end: int, kind: Kind) -> Range | None:
        """The code points of a span that is counted in this way; None where it is no place in the text."""
        found = self._place(start, end, kind)
        inside = found is not None and 0 <= found[0] < found[1] <= len(self.entry.text)
        return found if inside else None

    def _place(self, start: int, end: int, kind: Kind) -> Range | None:
        if kind == "codepoint":
            return start, end
        if kind == "inclusive":
            return start, end + 1
        if kind == "utf16" or kind == "bytes":
            if kind not in self.units:
                self.units[kind] = places_of_units(self.entry.text, kind)
            units = self.units[kind]
            if not units:
                return start, end
            return (units[start], units[end]) if start in units and end in units else None
        last = end - (kind == "token")
        tokens = self._tokens()
        return (tokens[start][0], tokens[last][1]) if 0 <= start <= last < len(tokens) else None

    def _tokens(self) -> list[Range]:
        if not self.words:
            found = [match.span() for match in _WORDS.finditer(self.entry.text)]
            self.words = list(self.entry.tokens) if self.entry.tokens else found
        return self.words

    def fits(self, span: Span, said: str, kind: Kind) -> bool:
        """Whether the span's own text stands there, but for how its blanks are written."""
        place = self.place(span.start, span.end, kind)
        if place is None:
            return False
        there = self.entry.text[slice(*place)]
        return there == said or there.split() == said.split()


def misplaced(entry: Entry) -> str | None:
    """What is wrong with the first span whose own text is not at its offsets, in words; None where there is
    none."""
    counting = Counting(entry)
    for span, said in zip(entry.spans or (), entry.said, strict=False):
        if said is not None and not counting.fits(span, said, "codepoint"):
            there = entry.text[max(span.start, 0) : max(span.end, 0)]
            return (
                f"the span {span.start}-{span.end} {span.label!r} says {said[:60]!r}, where the text has "
                f"{there[:60]!r}"
            )
    return None
