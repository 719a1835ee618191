"""Which documents an export takes, and what is said of each: gold, answers, predictions or all, filtered."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.formats.entry import Entry
from spanloop.store import Store
from spanloop.store.clock import moment, written
from spanloop.store.records import Annotation, Document, Gold, Prediction, Span, Split

What = Literal["gold", "answers", "predictions", "all"]


@dataclass(frozen=True, slots=True)
class Choice:
    """What to write, and the filters, all of which must fit.

    Attributes:
        what: Gold, everybody's newest answers, predictions, or all documents.
        split: Only this split.
        labels: Only documents with a span of one of these labels; empty: all.
        flagged: Only documents on which a flag stands.
        annotator: Only documents that this person has answered; of ``answers`` only theirs.
        since: Only what was said at this moment or later.
        tagged: Gold of this named version.
    """

    what: What = "gold"
    split: Split | None = None
    labels: tuple[str, ...] = ()
    flagged: bool = False
    annotator: str | None = None
    since: str | None = None
    tagged: str | None = None

    def check(self, store: Store) -> Choice:
        """The same with labels spelled as in the project and the moment as in the store. RecipeError for what
        cannot be, with what there is."""
        if self.tagged is not None and self.what != "gold":
            raise RecipeError("--tagged is about gold: leave --what out")
        if self.since is not None and self.what == "predictions":
            raise RecipeError(
                "predictions keep no time: leave --since out, or take --what gold, answers or all"
            )
        names = self.names(store)
        for label in self.labels:
            if label not in names:
                raise RecipeError(f"--label: there is no label {label!r}; the labels are {', '.join(names)}")
        if self.annotator is not None:
            people = store.picking.annotators()
            if self.annotator not in people:
                there = f"those who have are {', '.join(people)}" if people else "nobody has yet"
                raise RecipeError(f"--annotator: {self.annotator!r} has answered nothing; {there}")
        return self if self.since is None else replace(self, since=_moment(self.since))

    def names(self, store: Store) -> list[str]:
        """The labels as what is written has them: those in use, or in use when the version was named."""
        if self.tagged is None:
            return store.labels.names()
        labels = store.versions.labels(self.tagged)
        return [label.name for label_id, label in labels.items() if label.reads_as == label_id]

    def entries(self, store: Store) -> Iterator[Entry]:
        """The documents with what is said of them, in the order of the documents."""
        flags = _Flags(store)
        among = set(flags.comments) if self.flagged else None
        if self.annotator is not None and self.what != "answers":
            theirs = store.picking.answered_by(self.annotator)
            among = theirs if among is None else among & theirs
        for document, entry in self._said(store, among):
            if among is not None and document.id not in among:
                continue
            if self.labels and not any(span.label in self.labels for span in entry.spans or ()):
                continue
            yield flags.on(document, entry)

    def _said(self, store: Store, among: Collection[int] | None) -> Iterator[tuple[Document, Entry]]:
        if self.what == "answers":
            return self._answers(store)
        if self.what == "predictions":
            return _predictions(store, self.split)
        if self.what == "gold":
            return self._gold(store, among)
        return self._all(store)

    def _gold(self, store: Store, among: Collection[int] | None) -> Iterator[tuple[Document, Entry]]:
        names = self.names(store)
        if self.tagged is None:
            golds = store.annotations.gold(split=self.split, ids=among)
        else:
            found = sorted(store.versions.gold(self.tagged), key=lambda gold: gold.document.id)
            golds = (gold for gold in found if self.split in (None, gold.document.split))
        unseen = store.triages.accepted()
        return (
            (gold.document, _of_gold(gold, names, unseen)) for gold in golds if self._in_time(gold.created_at)
        )

    def _answers(self, store: Store) -> Iterator[tuple[Document, Entry]]:
        names = store.labels.names()
        for document, answer in store.picking.answers(self.split, self.annotator):
            if self._in_time(answer.created_at or ""):
                yield document, _of_answer(document, answer, names)

    def _all(self, store: Store) -> Iterator[tuple[Document, Entry]]:
        """Every document; since a moment: those that came or became gold since."""
        came = None if self.since is None else store.picking.imported_since(self.since)
        golds = store.annotations.gold(split=self.split)  # in the order of the documents, as they are
        gold, names, unseen = next(golds, None), store.labels.names(), store.triages.accepted()
        for document in store.documents.iterate(split=self.split):
            here = gold if gold is not None and gold.document.id == document.id else None
            if here is not None:
                gold = next(golds, None)
            if came is None or document.id in came or (here is not None and self._in_time(here.created_at)):
                yield document, _entry(document, None) if here is None else _of_gold(here, names, unseen)

    def _in_time(self, at: str) -> bool:
        return self.since is None or at >= self.since

    def nothing(self, db: str | Path) -> str:
        """What to say where there is nothing to write."""
        noun = {"all": "documents"}.get(self.what, self.what)
        if self.flagged and self == Choice(self.what, self.split, flagged=True):
            also = "" if self.what == "all" else "; --what all takes those without as well"
            return (
                f"there are no flagged {noun}{self._in_split()}: the key f of the page flags a document{also}"
            )
        filters = [
            f"--label {','.join(self.labels)}" if self.labels else "",
            "--flagged" if self.flagged else "",
            f"--annotator {self.annotator}" if self.annotator else "",
            f"--since {self.since}" if self.since else "",
        ]
        given = " ".join(filter(None, filters))
        if given:
            return f"no {noun}{self._in_split()} fit {given}: leave one of them out"
        advice = {
            "gold": f"annotate with: spanloop correct {db}",
            "answers": f"annotate with: spanloop correct {db}",
            "predictions": f"make them with: spanloop prelabel {db}",
            "all": f"import some with: spanloop import {db} FILE",
        }[self.what]
        return f"there are no {noun}{self._in_split()} to export yet; {advice}"

    def _in_split(self) -> str:
        return f" in the {self.split} split" if self.split else ""


class _Flags:
    """The flags that stand, and what was said with them."""

    def __init__(self, store: Store) -> None:
        self.comments: dict[int, list[str]] = {}
        for flag in store.listing.flags():
            said = self.comments.setdefault(flag.document_id, [])
            if flag.comment and flag.comment not in said:
                said.append(flag.comment)

    def on(self, document: Document, entry: Entry) -> Entry:
        """The entry with the flags of its document; an answer has its own."""
        if entry.annotator is not None or document.id not in self.comments:
            return entry
        return replace(entry, flagged=True, comment="; ".join(self.comments[document.id]) or entry.comment)


def _moment(text: str) -> str:
    try:
        return written(moment(text))
    except ValueError as error:
        raise RecipeError(
            f"--since: {text!r} is no day or moment: write 2026-01-31 or 2026-01-31T08:00, in UTC"
        ) from error


def _predictions(store: Store, split: Split | None) -> Iterator[tuple[Document, Entry]]:
    readings = store.labels.readings()
    for document in store.documents.iterate(split=split):
        prediction = store.predictions.get(document.id, names=readings)
        if prediction is not None:
            entry = _entry(document, prediction.spans)
            yield document, replace(entry, predicted_by=_name(store, prediction))


def _entry(document: Document, spans: tuple[Span, ...] | None) -> Entry:
    return Entry(
        text=document.text,
        key=document.key,
        group=document.group,
        split=document.split,
        meta=document.meta,
        spans=spans,
    )


def _name(store: Store, prediction: Prediction) -> str | None:
    model = store.models.get(prediction.model_id)
    return None if model is None else model.name


def _of_gold(gold: Gold, names: Sequence[str], unseen: Container[int]) -> Entry:
    """Refused suggestions matter where only they and their like were looked at, and where they are of a label
    that the document does not know; else the spans say all. ``names``: the labels in use
    then. ``unseen``: the answers that a triage accepted: a file says that they are a machine's."""
    entry = replace(_entry(gold.document, gold.spans), comment=gold.comment)
    if gold.annotation_id in unseen:
        entry = replace(entry, annotator=gold.annotator, origin="machine")
    if gold.ranges is not None:
        entry = replace(entry, ranges=gold.ranges, negatives=gold.negatives)
    if not gold.unknown:
        return entry
    known = tuple(name for name in names if name not in gold.unknown)
    refused = tuple(span for span in gold.negatives if span.label in gold.unknown)
    return replace(entry, labels=known, negatives=entry.negatives or refused)


def _of_answer(document: Document, answer: Annotation, names: Sequence[str]) -> Entry:
    """An answer as its person left it; ``names``: the labels in use."""
    kept = tuple(Span(s.start, s.end, s.label) for s in answer.spans if s.action != "rejected")
    refused = tuple(Span(s.start, s.end, s.label) for s in answer.spans if s.action == "rejected")
    return replace(
        _entry(document, kept),
        answer=answer.answer,
        annotator=answer.annotator,
        origin=answer.origin,
        created_at=answer.created_at,
        ranges=answer.ranges,
        negatives=refused,
        flagged=answer.flagged,
        comment=answer.comment,
        labels=None if answer.labels is None or set(names) <= set(answer.labels) else answer.labels,
    )
