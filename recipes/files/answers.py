"""What the answers of a file mean: whose word each is, what it goes on from, and when it says nothing new.

An answer of a file is the newest word of whoever gave it. Somebody who is named, by the file or by
``--annotator``, is a person like those at the page. An answer without a name stands below what people said;
where they had said otherwise before, it is put beside theirs, and the document is a conflict: it never loses
in silence. ``--as review`` has the last word.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from spanloop.recipes.errors import FormatError
from spanloop.recipes.files.entry_checks import As, CheckedEntry
from spanloop.recipes.files.import_report import ImportReport
from spanloop.recipes.files.spoken import known_labels
from spanloop.recipes.formats.entry import Entry
from spanloop.recipes.formats.placing import OVERLAP
from spanloop.store import Store
from spanloop.store.events import AlignmentEvent
from spanloop.store.records import Added, AnnotatedSpan, Annotation, NewAnnotation, Origin

NAMESPACE = uuid.UUID("6f1c4d0e-7b0a-4c55-9a3f-0f4f2f2f9a51")
_NAMESPACE_BYTES = NAMESPACE.bytes
NOBODY = "import"
"""Whose answers those of a file are that names nobody."""
REVIEW, PEOPLE, FILES = 1, 2, 3


@dataclass(slots=True)
class Answers:
    """Stores what one file says of documents. ``meanings``: what each name of a label stands for."""

    store: Store
    file: Path
    as_: As
    annotator: str | None
    spoken: Sequence[str] | None
    accept_overlaps: bool
    import_id: int
    meanings: Mapping[str, str]
    report: ImportReport

    def add(self, item: CheckedEntry, place: Added) -> None:
        """Store an answer to a document that was there, unless it says what its giver said last, and count
        it."""
        entry = item.entry
        known = known_labels(entry, self.meanings, self.spoken)
        voice = self._voice(entry)
        own = None if place.new else self._own(place.document_id, voice)
        said, carried = self._said(item, place, known, voice, own)
        first = said.uuid
        new = own is None or not (_same(own, said) and self._knows(own, said, first))
        if new and own is not None and self._is_older(entry, own):
            self.report.older += 1
            new = False
        if new:
            said = self._beside_others(said, place)
            said = replace(said, uuid=self._free_uuid(first, own))
            self.store.annotations.add(said)
            self._note_pushed_out(carried, place, entry.line)
        self.report.annotated += new
        self.report.count_stored(item, new=new)
        self.report.count_negatives(item, new=new)

    def first(self, pairs: Sequence[tuple[CheckedEntry, Added]]) -> list[NewAnnotation]:
        """What is said of documents that nobody has answered, counted as stored: there is nothing that it
        could repeat, go on from or stand beside."""
        said: list[NewAnnotation] = []
        for item, place in pairs:
            known = known_labels(item.entry, self.meanings, self.spoken)
            said.append(self._said(item, place, known, self._voice(item.entry), None)[0])
        self.report.annotated += len(pairs)
        for item, _ in pairs:
            self.report.count_stored(item, new=True)
            self.report.count_negatives(item, new=True)
        taken = self.store.annotations.known([one.uuid for one in said])
        return [
            replace(one, uuid=self._free_uuid(one.uuid, None)) if one.uuid in taken else one for one in said
        ]

    def _voice(self, entry: Entry) -> tuple[str, Origin]:
        """Whose answer it is, and of which kind."""
        name = entry.annotator or self.annotator
        if self.as_ == "review":
            return name or NOBODY, "review"
        if entry.origin is not None:
            return name or NOBODY, entry.origin
        return (NOBODY, "import") if name is None else (name, "human")

    def _own(self, document_id: int, voice: tuple[str, Origin]) -> Annotation | None:
        """What the same giver said last."""
        name, origin = voice
        ranks: tuple[int, ...] = {"review": (REVIEW,), "human": (PEOPLE,)}.get(origin, (FILES,))
        if voice == (NOBODY, "import"):
            ranks = (PEOPLE, FILES)  # it may have been put beside what people said
        return self.store.standing.newest(document_id, name, ranks)

    def _said(
        self,
        item: CheckedEntry,
        place: Added,
        known: tuple[str, ...] | None,
        voice: tuple[str, Origin],
        own: Annotation | None,
    ) -> tuple[NewAnnotation, list[AnnotatedSpan]]:
        """The answer, and the spans of the one that it goes on from which have no room in it."""
        entry = item.entry
        spans = [AnnotatedSpan(span.start, span.end, span.label) for span in item.spans or ()]
        refused = [AnnotatedSpan(s.start, s.end, s.label, "rejected") for s in item.negatives]
        pushed: list[AnnotatedSpan] = []
        labels, ranges = known, entry.ranges
        base = None if known is None or place.new else own or self._gold(place.document_id)
        if base is not None and known is not None and base.answer == entry.answer == "accept":
            rest = [span for span in base.spans if span.label not in known]
            rest, pushed = self._with_room(rest, spans, entry)
            taken_over = [AnnotatedSpan(s.start, s.end, s.label) for s in rest if s.action != "rejected"]
            spans = sorted([*spans, *taken_over], key=_place)
            refused += [span for span in rest if span.action == "rejected"]
            in_use = self.store.labels.names()
            both = {*known, *(in_use if base.labels is None else base.labels)}
            labels = tuple(name for name in in_use if name in both)
        name, origin = voice
        return NewAnnotation(
            uuid=_uuid(entry, name, place.key, spans, known),
            document_id=place.document_id,
            annotator=name,
            origin=origin,
            answer=entry.answer,
            spans=(*spans, *refused),
            ranges=ranges,
            created_at=entry.created_at,
            flagged=entry.flagged,
            comment=entry.comment,
            labels=labels,
            import_id=self.import_id,
        ), pushed

    def _with_room(
        self, rest: Iterable[AnnotatedSpan], spans: Sequence[AnnotatedSpan], entry: Entry
    ) -> tuple[list[AnnotatedSpan], list[AnnotatedSpan]]:
        """Of the spans that were there those that share no character with the file's, and the others."""
        room: list[AnnotatedSpan] = []
        pushed: list[AnnotatedSpan] = []
        for old in rest:
            over = [new for new in spans if new.start < old.end and old.start < new.end]
            if old.action != "rejected" and over and not self.accept_overlaps:
                new = over[0]
                raise FormatError(
                    self.file,
                    entry.line,
                    f"the span {new.start}-{new.end} {new.label!r} overlaps {old.start}-{old.end} "
                    f"{old.label!r}, which the document has already: with --accept-overlaps the one of this "
                    "file stands, and the other goes into the ledger",
                )
            (pushed if over and old.action != "rejected" else room).append(old)
        return room, pushed

    def _gold(self, document_id: int) -> Annotation | None:
        verdict = self.store.standing.verdict(document_id)
        if verdict is None or verdict.said != "accept":
            return None
        return self.store.annotations.get(verdict.annotation_id)

    def _knows(self, own: Annotation, said: NewAnnotation, first: str) -> bool:
        """Whether an answer is there that speaks of all the labels that this one speaks of. A file that says
        what it said before speaks of the labels that there were then."""
        if own.uuid == first or own.labels is None:
            return True
        labels = self.store.labels.names() if said.labels is None else said.labels
        return set(labels) <= set(own.labels)

    def _is_older(self, entry: Entry, own: Annotation) -> bool:
        """Whether the file itself says that this was said before what the same person said last."""
        known = entry.created_at is not None and own.created_at is not None
        return self.as_ == "auto" and known and (entry.created_at or "") < (own.created_at or "")

    def _beside_others(self, said: NewAnnotation, place: Added) -> NewAnnotation:
        """The answer in the rank in which it cannot lose in silence."""
        verdict = None if place.new else self.store.standing.verdict(place.document_id)
        if said.origin == "review" or verdict is None or verdict.rank > PEOPLE:
            return said
        other = self.store.annotations.get(verdict.annotation_id)
        if verdict.said == "accept" and other is not None and _same_words(other, said):
            return said
        if verdict.rank == REVIEW:
            self.report.against_review += 1
            return said
        if said.origin != "import":
            return said
        self.report.against_people += 1
        return replace(said, origin="human")

    def _free_uuid(self, first: str, own: Annotation | None) -> str:
        """The name of the answer: by what it says, and where that was said before, by what it comes after."""
        found = first
        while self.store.annotations.known([found]):
            found = _named(f"{found} after {own.uuid if own else ''}")
        return found

    def _note_pushed_out(self, spans: Sequence[AnnotatedSpan], place: Added, line: int | None) -> None:
        self.report.pushed_out += self.store.ledger.add(
            AlignmentEvent(
                place.document_id, span.start, span.end, span.label, "conflict", OVERLAP,
                source=str(self.file), line=line, import_id=self.import_id,
            )
            for span in spans
        )  # fmt: skip


def _place(span: AnnotatedSpan) -> tuple[int, int]:
    return span.start, span.end


def _words(said: NewAnnotation, *, rejected: bool) -> list[tuple[int, int, str]]:
    return sorted((s.start, s.end, s.label) for s in said.spans if (s.action == "rejected") == rejected)


def _same_words(one: NewAnnotation, other: NewAnnotation) -> bool:
    """Whether both give the document the same answer."""
    return (one.answer, one.ranges, _words(one, rejected=False)) == (
        other.answer,
        other.ranges,
        _words(other, rejected=False),
    )


def _same(own: Annotation, said: NewAnnotation) -> bool:
    """Whether an answer is there already, with all that belongs to it."""
    beside = (own.flagged, own.comment, _words(own, rejected=True))
    return _same_words(own, said) and beside == (said.flagged, said.comment, _words(said, rejected=True))


def _uuid(
    entry: Entry,
    annotator: str,
    key: str,
    spans: Sequence[AnnotatedSpan],
    spoken: Sequence[str] | None,
) -> str:
    """Named by what was said: projects that import the same file share its answers, and a merge knows it."""
    content: list[object] = [annotator, key, entry.answer, [(s.start, s.end, s.label) for s in spans]]
    negatives = [(s.start, s.end, s.label) for s in entry.negatives]
    further = [entry.origin, entry.ranges, negatives, entry.created_at, entry.flagged, entry.comment]
    if any(further):
        content += further
    if spoken is not None:
        content.append({"labels": sorted(spoken)})
    return _named(json.dumps(content))


def _named(what: str) -> str:
    """`uuid.uuid5` of our namespace as text: the class takes three times as long as the hash."""
    digest = bytearray(hashlib.sha1(_NAMESPACE_BYTES + what.encode(), usedforsecurity=False).digest()[:16])
    digest[6], digest[8] = digest[6] & 0x0F | 0x50, digest[8] & 0x3F | 0x80
    spelled = digest.hex()
    return f"{spelled[:8]}-{spelled[8:12]}-{spelled[12:16]}-{spelled[16:20]}-{spelled[20:]}"
