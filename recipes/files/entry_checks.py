"""What an entry of a file must be before it is stored: its text, its spans, its labels."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from typing import Literal

from spanloop.recipes.errors import FormatError
from spanloop.recipes.files.offsets import Offsets
from spanloop.recipes.formats.entry import Entry
from spanloop.recipes.formats.placing import (
    BLANK,
    EDGES,
    HARMLESS,
    OVERLAP,
    Rule,
    part_overlaps,
    trimmed,
)
from spanloop.recipes.formats.writable import unwritable
from spanloop.recipes.table import counted
from spanloop.store.records import Span
from spanloop.store.tables.label_names import find

Overlaps = Rule
As = Literal["auto", "documents", "predictions", "annotations"]
FURTHEST = 2**53
"""Beyond it neither SQLite nor a browser counts characters."""
ZERO_LENGTH = "zero length"
OUTSIDE = "outside the text"


@dataclass(frozen=True, slots=True)
class Claim:
    """A span of a file: as the file has it, as it lies in the text, and why these differ (empty: they do
    not)."""

    given: Span
    span: Span
    reason: str = ""

    @property
    def start(self) -> int:
        return self.span.start

    @property
    def end(self) -> int:
        return self.span.end

    @property
    def label(self) -> str:
        return self.span.label


@dataclass(frozen=True, slots=True)
class CheckedEntry:
    """An entry that may be stored: spans inside the text, apart, without blanks at their edges.

    ``spans`` None: only the document is stored. Every span of the entry is in ``spans``, in ``negatives``, or
    with its reason in ``refused``; ``moved`` are those of ``spans`` that lie beside where the file has them:
    as it says, as they lie, why. ``accepted``: what is left where spans overlap is the truth.
    """

    entry: Entry
    spans: tuple[Span, ...] | None
    negatives: tuple[Span, ...] = ()
    refused: tuple[tuple[Span, str], ...] = ()
    moved: tuple[tuple[Span, Span, str], ...] = ()
    accepted: bool = False

    @property
    def whole(self) -> bool:
        """Whether what is left is all that was said."""
        allowed = HARMLESS | {OVERLAP} if self.accepted else HARMLESS
        return all(reason in allowed for _, reason in self.refused)

    @property
    def usable(self) -> bool:
        """What is not whole cannot be gold; an answer that is none (reject, ignore) counts all the same."""
        return self.entry.answer != "accept" or self.whole


@dataclass(frozen=True, slots=True)
class EntryChecks:
    """The checks of one file's entries; every FormatError names the file and the line.

    ``labels`` are those of the project in ``db``, ``spoken`` those that the file is said to speak of (None:
    all). ``lenient``: spans that no text can have are set apart, as in exports of other tools, and not
    refused. ``accept_overlaps``: what is left where spans overlap is gold. ``offsets``: how those of the file
    are counted; None: as we do.
    """

    file: Path
    db: Path
    labels: Collection[str]
    as_: As
    overlaps: Overlaps
    spoken: Collection[str] | None = None
    lenient: bool = False
    accept_overlaps: bool = False
    offsets: Offsets | None = None

    def check(self, entry: Entry) -> CheckedEntry:
        """The entry with its spans where they lie, and those apart that have no place. FormatError for what
        cannot be."""
        wrong = unwritable(entry)
        if wrong is not None:
            raise FormatError(self.file, entry.line, wrong)
        if entry.spans is None or self.as_ == "documents":
            if entry.spans is None and self.as_ in ("annotations", "predictions"):
                raise FormatError(self.file, entry.line, f'no "spans" here, and --as {self.as_} needs them')
            return CheckedEntry(entry, None)
        if self.offsets is not None:
            entry = self.offsets.read(entry)
        known = self._spellings(entry)
        claims, refused = self._inside(entry, _claims(entry, known))
        negatives, outside = self._inside(entry, [Claim(s, s) for s in _renamed(entry.negatives, known)])
        refused += [*outside, *entry.refused]
        placed: list[Claim] = []
        for claim in claims:
            span = trimmed(claim.span, entry.text)
            if span is None:
                refused.append((claim.given, BLANK))
            else:
                reason = claim.reason or ("" if span == claim.span else EDGES)
                placed.append(replace(claim, span=span, reason=reason))
        kept, left = part_overlaps(sorted(placed, key=attrgetter("reason")), self.overlaps)
        self._refuse_overlap(entry, kept, left)
        return CheckedEntry(
            entry,
            spans=tuple(claim.span for claim in kept),
            negatives=tuple(claim.span for claim in negatives),
            refused=(*refused, *((claim.given, reason) for claim, reason in left)),
            moved=tuple((claim.given, claim.span, claim.reason) for claim in kept if claim.reason),
            accepted=self.accept_overlaps,
        )

    def _spellings(self, entry: Entry) -> dict[str, str]:
        """The project's spelling of labels whose letters the entry composes otherwise."""
        strange = {span.label for span in (*(entry.spans or ()), *entry.negatives)} - set(self.labels)
        return {name: meant for name in strange if (meant := find(name, self.labels)) is not None}

    def _inside(self, entry: Entry, claims: Sequence[Claim]) -> tuple[list[Claim], list[tuple[Span, str]]]:
        """The spans that lie inside the text, and the others with their reason, where the file may have such.
        FormatError where it may not."""
        inside: list[Claim] = []
        others: list[tuple[Span, str]] = []
        for claim in claims:
            span = claim.span
            if 0 <= span.start < span.end <= len(entry.text):
                inside.append(claim)
            elif self.lenient and max(abs(span.start), abs(span.end)) < FURTHEST:
                others.append((claim.given, ZERO_LENGTH if span.start == span.end else OUTSIDE))
            else:
                raise FormatError(
                    self.file,
                    entry.line,
                    f"the span {span.start}-{span.end} {span.label!r} does not lie inside the text of "
                    f"{counted(len(entry.text), 'character')}",
                )
        return inside, others

    def _refuse_overlap(self, entry: Entry, kept: Sequence[Claim], left: Sequence[tuple[Claim, str]]) -> None:
        """FormatError for the first two spans that overlap, where none may."""
        over = [claim for claim, reason in left if reason == OVERLAP]
        if self.overlaps != "error" or not over:
            return
        both = sorted((*kept, *over), key=attrgetter("start", "end", "label"))
        one, other = next(pair for pair in pairwise(both) if pair[1].start < pair[0].end)
        raise FormatError(
            self.file,
            entry.line,
            f"the spans {one.start}-{one.end} {one.label!r} and {other.start}-{other.end} {other.label!r} "
            "overlap: mend them, or keep the longest, as suggestions for whoever confirms the document, with "
            "--overlaps longest",
        )

    def refuse_unknown_labels(self, checked: Sequence[CheckedEntry]) -> None:
        """FormatError that names every label of these entries that the project has not."""
        unknown: dict[str, int | None] = {}
        for item in checked:
            for span in (*(item.spans or ()), *item.negatives):
                if span.label not in self.labels:
                    unknown.setdefault(span.label, item.entry.line)
        if unknown:
            name, line = next(iter(unknown.items()))
            others = f" (further unknown ones: {', '.join(list(unknown)[1:])})" if len(unknown) > 1 else ""
            raise FormatError(
                self.file,
                line,
                f"the label {name!r} is not one of this project's{others}; "
                f"add it with: spanloop labels {self.db} add {_quoted(name)}",
            )
        self._refuse_unspoken(checked)

    def _refuse_unspoken(self, checked: Sequence[CheckedEntry]) -> None:
        """FormatError for a span with a label that the file is said not to speak of."""
        if self.spoken is None:
            return
        for item in checked:
            for span in item.spans or ():
                if span.label not in self.spoken:
                    raise FormatError(
                        self.file,
                        item.entry.line,
                        f"the span {span.start}-{span.end} has the label {span.label!r}, which --labels "
                        f"{','.join(self.spoken)} does not name: name it there too",
                    )


def _claims(entry: Entry, known: Mapping[str, str]) -> list[Claim]:
    """The spans of an entry, each with where the file has it."""
    origins: dict[Span, list[tuple[Span, str]]] = {}
    for before, after, reason in entry.moved:
        origins.setdefault(after, []).append((before, reason))
    claims: list[Claim] = []
    for span, named in zip(entry.spans or (), _renamed(entry.spans or (), known), strict=True):
        given, reason = origins[span].pop() if origins.get(span) else (span, "")
        claims.append(Claim(given, named, reason))
    return claims


def _renamed(spans: Sequence[Span], known: Mapping[str, str]) -> tuple[Span, ...]:
    return tuple(replace(span, label=known[span.label]) if span.label in known else span for span in spans)


def _quoted(name: str) -> str:
    return name if name.isidentifier() else f'"{name}"'
