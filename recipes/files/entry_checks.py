"""What an entry of a file must be before it is stored: its text, its spans, its labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from typing import Literal, Protocol

from spanloop.recipes.errors import FormatError
from spanloop.recipes.files.offsets import Offsets
from spanloop.recipes.files.spoken import meaning
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
from spanloop.store.records import Span, Split

Overlaps = Rule
As = Literal["auto", "documents", "predictions", "annotations", "review"]
PARTS: dict[str, Split] = {
    "pool": "pool", "train": "pool", "training": "pool", "eval": "eval", "test": "eval",
}  # fmt: skip
"""The side of the split that a word of a file means; of ``DEV`` an option says it."""
DEV = ("dev", "development", "valid", "validation", "val")
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


@dataclass(slots=True)  # not frozen, as `Entry`
class CheckedEntry:
    """An entry that may be stored: spans inside the text, apart, without blanks at their edges.

    ``spans`` None: only the document is stored. Every span of the entry is in ``spans``, in ``negatives``, or
    with its reason in ``refused``; ``moved`` are those of ``spans`` that lie beside where the file has them:
    as it says, as they lie, why. ``accepted``: what is left where spans overlap is the truth. ``unopened``:
    nobody may have looked at it, so that no span means nothing. ``others``: spans left out for their label.
    """

    entry: Entry
    spans: tuple[Span, ...] | None
    negatives: tuple[Span, ...] = ()
    refused: tuple[tuple[Span, str], ...] = ()
    moved: tuple[tuple[Span, Span, str], ...] = ()
    accepted: bool = False
    unopened: bool = False
    others: int = 0

    @property
    def bare(self) -> bool:
        """Whether nothing is said of the document, and it is no other's continuation."""
        entry = self.entry
        said = self.spans is not None or entry.spans is not None or entry.refused or entry.negatives
        return not (said or self.unopened or entry.continues)

    @property
    def whole(self) -> bool:
        """Whether what is left is all that was said."""
        allowed = HARMLESS | {OVERLAP} if self.accepted else HARMLESS
        return all(reason in allowed for _, reason in self.refused)

    @property
    def usable(self) -> bool:
        """What is not whole cannot be gold; an answer that is none (reject, ignore) counts all the same."""
        return self.entry.answer != "accept" or self.whole


class Choices(Protocol):
    """What a person may choose about documents and spans; see `import_files`."""

    @property
    def split(self) -> Literal["auto", "pool", "eval"]: ...
    @property
    def dev(self) -> Split: ...
    @property
    def as_(self) -> As: ...
    @property
    def only_labels(self) -> Sequence[str] | None: ...
    @property
    def accept_overlaps(self) -> bool: ...
    @property
    def accept_empty(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class EntryChecks:
    """The checks of one file's entries; every FormatError names the file and the line.

    ``labels`` are those of the project, ``meanings`` says what each name that there was stands for.
    ``lenient``: spans that no text can have are set apart, as in exports of other tools, and not refused.
    ``offsets``: how those of the file are counted; None: as we do.
    """

    file: Path
    labels: Sequence[str]
    meanings: Mapping[str, str]
    manner: Choices
    overlaps: Overlaps
    lenient: bool = False
    offsets: Offsets | None = None

    def check(self, entry: Entry) -> CheckedEntry:
        """The entry with its spans where they lie, and those apart that have no place. FormatError for what
        cannot be."""
        wrong = unwritable(entry)
        if wrong is not None:
            raise FormatError(self.file, entry.line, wrong)
        if entry.part is not None:
            entry = self._on_its_side(entry)
        as_ = self.manner.as_
        if entry.spans is None or as_ == "documents":
            if entry.spans is None and as_ in ("annotations", "predictions", "review"):
                raise FormatError(self.file, entry.line, f'no "spans" here, and --as {as_} needs them')
            return CheckedEntry(entry, None)
        if not entry.opened and not entry.spans and not self.manner.accept_empty:
            return CheckedEntry(entry, None, unopened=True)
        if self.offsets is not None:
            entry = self.offsets.read(entry)
        if self._lie_well(entry):
            accepted = self.manner.accept_overlaps
            return CheckedEntry(entry, entry.spans, refused=entry.refused, accepted=accepted)
        known = self._spellings(entry)
        said, others = self._wanted(_claims(entry, known))
        refusals, unwanted = self._wanted([Claim(s, s) for s in _renamed(entry.negatives, known)])
        claims, refused = self._inside(entry, said)
        negatives, outside = self._inside(entry, refusals)
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
            accepted=self.manner.accept_overlaps,
            others=others + unwanted,
        )

    def _lie_well(self, entry: Entry) -> bool:
        """Whether all spans lie as they may, one behind the other, so that nothing below changes any of them,
        as in most documents."""
        if entry.moved or entry.negatives or self.manner.only_labels is not None:
            return False
        text, behind, labels = entry.text, 0, self.labels
        for span in entry.spans or ():
            start, end = span.start, span.end
            if not behind <= start < end <= len(text) or span.label not in labels:
                return False
            if text[start].isspace() or text[end - 1].isspace():
                return False
            behind = end
        return True

    def _on_its_side(self, entry: Entry) -> Entry:
        """The entry with its split, by the word that the file has for it."""
        if self.manner.split != "auto":
            return entry
        word = (entry.part or "").lower()
        split = self.manner.dev if word in DEV else PARTS.get(word)
        if split is None:
            raise FormatError(
                self.file,
                entry.line,
                f'"split" is {entry.part!r}; it can be {", ".join(PARTS)}, {", ".join(DEV)}: call it '
                "otherwise where it means something else, or give the file one side: --split pool",
            )
        return replace(entry, split=split)

    def _wanted(self, claims: Sequence[Claim]) -> tuple[list[Claim], int]:
        """Those of the labels that are to be read, and how many others there are."""
        only = self.manner.only_labels
        wanted = [claim for claim in claims if only is None or claim.label in only]
        return wanted, len(claims) - len(wanted)

    def _spellings(self, entry: Entry) -> dict[str, str]:
        """What the project calls the labels of an entry now, where that is something else: they were renamed
        or merged, or their letters are composed otherwise."""
        strange = {span.label for span in (*(entry.spans or ()), *entry.negatives)} - set(self.labels)
        found = {name: meaning(name, self.labels, self.meanings) for name in strange}
        return {name: meant for name, meant in found.items() if meant is not None}

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
