"""The spans of a file's entries where their offsets put them, held against the text that they carry.

Where a text is not at its offsets, all of the file is looked at once: if another way of counting explains
more, the import is refused with the option that reads it right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats.counting import KINDS, Counting, Kind
from spanloop.recipes.formats.entry import Entry
from spanloop.recipes.formats.labelstudio_regions import NOT_THERE, OUTSIDE
from spanloop.recipes.table import counted
from spanloop.store.records import Span

SHOWN = 10
"""Lines that a message names."""


@dataclass(slots=True)
class _Seen:
    """What a look through the whole file found: spans with a text of their own, how many of them fit in each
    way of counting, an example of each, and the lines of those that do not fit as the file is read."""

    spans: int = 0
    fits: Counter[Kind] = field(default_factory=Counter)
    example: dict[Kind, tuple[int | None, str]] = field(default_factory=dict)
    misfits: int = 0
    lines: list[int] = field(default_factory=list)
    first: tuple[int | None, str] = (None, "")

    def best(self) -> Kind:
        """The way of counting in which most of them fit."""
        return max(KINDS, key=lambda kind: self.fits[kind])


@dataclass(slots=True)
class Offsets:
    """The spans of one file's entries as code points.

    ``kind``: how the file counts; ``again`` reads its entries from the beginning; ``lenient``: a text that no
    way of counting explains goes to the ledger with its span, as in exports of other tools.
    """

    file: Path
    kind: Kind
    again: Callable[[], Iterable[Entry]]
    lenient: bool
    unexplained: bool = False

    def read(self, entry: Entry) -> Entry:
        """The entry with its spans where they are; those whose text is elsewhere are ``refused``.

        Args:
            entry: What the file says.

        Returns:
            The entry, its ``spans``, ``negatives`` and ``ranges`` half-open code points.

        Raises:
            FormatError: Another way of counting explains the texts better, or none does and the file is no
                export of another tool.
        """
        if self.kind == "codepoint" and not any(entry.said):
            return entry
        counting, kept, refused = Counting(entry), list[Span](), list[tuple[Span, str]]()
        said = entry.said or (None,) * len(entry.spans or ())
        for span, text in zip(entry.spans or (), said, strict=True):
            if text is not None and not counting.fits(span, text, self.kind):
                self._explain(entry.line)
                refused.append((self._placed(counting, span) or span, NOT_THERE))
                continue
            placed = self._placed(counting, span)
            if placed is None and self.kind != "codepoint":
                refused.append((span, self._outside(entry, span)))
            else:
                kept.append(placed or span)
        if self.kind == "codepoint":
            return replace(entry, spans=tuple(kept), said=(), refused=(*entry.refused, *refused))
        negatives = [self._placed(counting, span) for span in entry.negatives]
        ranges = [counting.place(*pair, self.kind) for pair in entry.ranges or ()]
        if None in negatives or None in ranges:
            wrong = "its negatives or ranges lie outside the text"
            raise FormatError(self.file, entry.line, f"{wrong}, where offsets are {KINDS[self.kind]}")
        return replace(
            entry,
            spans=tuple(kept),
            said=(),
            negatives=tuple(span for span in negatives if span is not None),
            ranges=None if entry.ranges is None else tuple(pair for pair in ranges if pair is not None),
            refused=(*entry.refused, *refused),
        )

    def _placed(self, counting: Counting, span: Span) -> Span | None:
        place = counting.place(span.start, span.end, self.kind)
        return None if place is None else replace(span, start=place[0], end=place[1])

    def _outside(self, entry: Entry, span: Span) -> str:
        if self.lenient:
            return OUTSIDE
        where = f"the span {span.start}-{span.end} {span.label!r} is no place in the text"
        raise FormatError(self.file, entry.line, f"{where}, where offsets are {KINDS[self.kind]}")

    def _explain(self, line: int | None) -> None:
        """Look once through the whole file. FormatError unless the spans that do not fit are mistakes in an
        export of another tool."""
        if self.unexplained:
            return
        seen = self._look()
        best, first = seen.best(), seen.first
        if seen.fits[best] > seen.fits[self.kind]:
            where, example = seen.example[best]
            raise FormatError(
                self.file,
                where,
                f"{seen.misfits:,} of {counted(seen.spans, 'span')} with a text of their own have another "
                f"one at their offsets; as {KINDS[best]} {seen.fits[best]:,} fit, such as {example}: say "
                f"--offsets {best}",
            )
        if self.lenient:
            self.unexplained = True
            return
        lines = ", ".join(map(str, seen.lines)) + (", …" if seen.misfits > len(seen.lines) else "")
        raise FormatError(
            self.file,
            first[0] if first[0] is not None else line,
            f"{first[1]}; {counted(seen.misfits, 'span')} of {seen.spans:,} with a text of their own "
            f"{'is' if seen.misfits == 1 else 'are'} so (lines {lines}): mend the offsets or the texts",
        )

    def _look(self) -> _Seen:
        seen = _Seen()
        try:
            for entry in self.again():
                self._look_at(entry, seen)
        except FormatError:
            if not seen.spans:
                raise
        return seen

    def _look_at(self, entry: Entry, seen: _Seen) -> None:
        counting = Counting(entry)
        spans: Sequence[Span] = entry.spans or ()
        for span, said in zip(spans, entry.said, strict=False):
            if said is None:
                continue
            seen.spans += 1
            fitting = [kind for kind in KINDS if counting.fits(span, said, kind)]
            seen.fits.update(fitting)
            where = f"{said[:40]!r} at {span.start}-{span.end}"
            if self.kind in fitting:
                continue
            for kind in fitting:
                seen.example.setdefault(kind, (entry.line, where))
            there = entry.text[max(span.start, 0) : max(span.end, 0)]
            if not seen.misfits:
                seen.first = (entry.line, f"a span says {where}, where the text has {there[:40]!r}")
            seen.misfits += 1
            if entry.line is not None and len(seen.lines) < SHOWN and entry.line not in seen.lines:
                seen.lines.append(entry.line)
