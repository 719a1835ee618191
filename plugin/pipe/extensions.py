"""What the component leaves on a Doc beside spaCy's own fields: ``doc._.spanloop_char_spans``,
``doc._.spanloop_alignment_events``, ``doc._.spanloop_token_scores``, ``doc._.spanloop_confidence``,
``doc._.spanloop_candidates``, ``doc._.spanloop_below_threshold`` and ``span._.spanloop_confidence``.
Importing this module makes them known to spaCy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from spacy.tokens import Doc, Span

from spanloop.plugin.alignment.place import ENTS, Key, Placed
from spanloop.plugin.alignment.values import AlignmentEvent, CharSpan
from spanloop.plugin.pipe import on_doc

PREFIX = "spanloop_"
"""What the names begin with, so that they are nobody else's."""


class Confidence(NamedTuple):
    """How sure ``pipe`` is of a span that it put on tokens: characters, label, confidence from 0 to 1 (None
    where the span had none), and where it wrote it, ``ents`` or ``spans_KEY``."""

    start: int
    end: int
    label: str
    confidence: float | None
    pipe: str
    where: str


class OnDoc(NamedTuple):
    """What one pipe left on a document, as the attributes say it of all pipes."""

    spans: tuple[CharSpan, ...] = ()
    below_threshold: tuple[CharSpan, ...] = ()
    candidates: tuple[CharSpan, ...] = ()
    events: tuple[AlignmentEvent, ...] = ()


def left_by(doc: Doc, pipe: str) -> OnDoc:
    """What the pipe of this name left on the document; of another one in the same pipeline nothing."""
    return OnDoc(
        tuple(_spans(doc, on_doc.SPANS, pipe)),
        tuple(_spans(doc, on_doc.BELOW, pipe)),
        tuple(_by_place(_spans(doc, on_doc.CANDIDATES, pipe))),
        tuple(_events(doc, pipe)),
    )


def register() -> None:
    """Make the extensions known to spaCy; a second time changes nothing."""
    for owner, name, settings in _extensions():
        if not owner.has_extension(PREFIX + name):
            owner.set_extension(PREFIX + name, **settings)


def short_names() -> None:
    """Make what the component leaves on Docs known by short names too: ``span._.confidence`` beside
    ``span._.spanloop_confidence``, ``doc._.char_spans`` beside ``doc._.spanloop_char_spans`` and so on.

    It holds for this process, and is nothing that a saved pipeline remembers: call it in each one. A second
    time changes nothing.

    Raises:
        ValueError: Where you, or another package, registered one of the short names. Then none is made known.
    """
    taken = []
    for owner, name, _ in _extensions():
        there = owner.get_extension(name) if owner.has_extension(name) else None
        if there not in (None, owner.get_extension(PREFIX + name)):
            taken.append(f"{owner.__name__}._.{name}")
    if taken:
        raise ValueError(
            f"the short names cannot be used: {', '.join(taken)} is registered already, by your code or "
            f"another package. Use the full names, such as {taken[0].replace('._.', f'._.{PREFIX}')}"
        )
    for owner, name, settings in _extensions():
        owner.set_extension(name, force=True, **settings)


def _extensions() -> list[tuple[Any, str, dict[str, Any]]]:
    """Who has which, without the prefix. The setters are what ``doc.from_json`` calls."""
    return [
        (Doc, "char_spans", {"getter": _char_spans, "setter": _set_char_spans}),
        (Doc, "below_threshold", {"getter": _below_threshold, "setter": _set_below_threshold}),
        (Doc, "candidates", {"getter": _candidates, "setter": _set_candidates}),
        (Doc, "alignment_events", {"getter": _alignment_events, "setter": _set_alignment_events}),
        (Doc, "confidence", {"getter": _confidences, "setter": _set_confidences}),
        (Doc, "token_scores", {"getter": on_doc.token_scores}),
        (Span, "confidence", {"getter": _confidence}),
    ]


def store_spans(doc: Doc, pipe: str, spans: Iterable[CharSpan]) -> None:
    """Keep every span as the model meant it, in place of those that the pipe left there before."""
    _put(doc, on_doc.SPANS, pipe, spans)


def store_below_threshold(doc: Doc, pipe: str, spans: Iterable[CharSpan]) -> None:
    """Keep the spans that the pipe was not sure enough of."""
    _put(doc, on_doc.BELOW, pipe, spans)


def store_candidates(doc: Doc, pipe: str, spans: Iterable[CharSpan]) -> None:
    """Keep every span that may be there."""
    _put(doc, on_doc.CANDIDATES, pipe, spans)


def _put(doc: Doc, name: str, pipe: str, spans: Iterable[CharSpan]) -> None:
    on_doc.put(doc, name, pipe, [(s.start, s.end, (s.label, s.score)) for s in spans])


def store_events(doc: Doc, pipe: str, events: Iterable[AlignmentEvent]) -> None:
    """Keep what became of the spans that are not where they were meant."""
    on_doc.put(doc, on_doc.EVENTS, pipe, [_event_row(event) for event in events])


def store_placed(doc: Doc, pipe: str, where: str, placed: Iterable[Placed]) -> None:
    """Keep the confidence of the spans that the pipe put on tokens, ``where``: ``ents`` or ``spans_KEY``.

    What another pipe had put into ``ents`` and is no entity any more has no confidence either."""
    found = [(span.start_char, span.end_char, (where, span.label_, meant.score)) for span, meant in placed]
    on_doc.put(doc, on_doc.PLACED, pipe, found)
    if where == ENTS and any(row[0] != pipe for _, _, row in on_doc.rows(doc, on_doc.PLACED)):
        standing = {(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents}
        ours = {(start, end, label) for start, end, (_, label, _) in found}

        def is_past(start: int, end: int, row: Sequence[Any]) -> bool:
            owner, target, label = row[0], row[1], row[2]
            key = (start, end, label)
            return target == ENTS and (key not in standing or (owner != pipe and key in ours))

        on_doc.drop(doc, on_doc.PLACED, is_past)


def own_before(doc: Doc, pipe: str, where: str) -> set[Key]:
    """What the pipe wrote there when it last saw the document: a tag of each token, or spans."""
    if where in ("tag", "pos"):
        return {(start, end, row[1]) for start, end, row in on_doc.rows(doc, on_doc.SPANS) if row[0] == pipe}
    return {
        (start, end, label)
        for start, end, (owner, target, label, _) in on_doc.rows(doc, on_doc.PLACED)
        if (owner, target) == (pipe, where)
    }


def _char_spans(doc: Doc) -> list[CharSpan]:
    """Every span as the model meant it, exact on characters, in text order."""
    return _spans(doc, on_doc.SPANS)


def _spans(doc: Doc, name: str, pipe: str | None = None) -> list[CharSpan]:
    """Those of one pipe, or of all."""
    found = on_doc.rows(doc, name)
    return [
        CharSpan(start, end, label, score)
        for start, end, (owner, label, score) in found
        if pipe in (None, owner)
    ]


def _set_char_spans(doc: Doc, values: Iterable[Sequence[Any]]) -> None:
    _set_spans(doc, on_doc.SPANS, values)


def _set_spans(doc: Doc, name: str, values: Iterable[Sequence[Any]]) -> None:
    on_doc.clear(doc, name)
    _put(doc, name, on_doc.NOBODY, [CharSpan(*value) for value in values])


def _below_threshold(doc: Doc) -> list[CharSpan]:
    """The spans that a pipe found and was not sure enough of."""
    return _spans(doc, on_doc.BELOW)


def _set_below_threshold(doc: Doc, values: Iterable[Sequence[Any]]) -> None:
    _set_spans(doc, on_doc.BELOW, values)


def _candidates(doc: Doc) -> list[CharSpan]:
    """Every span that may be there with its probability, where ``candidates`` is set; of one place the most
    probable first."""
    return _by_place(_spans(doc, on_doc.CANDIDATES))


def _by_place(spans: Iterable[CharSpan]) -> list[CharSpan]:
    return sorted(spans, key=_most_probable)


def _most_probable(span: CharSpan) -> tuple[int, int, float]:
    return span.start, span.end, -(span.score or 0.0)


def _set_candidates(doc: Doc, values: Iterable[Sequence[Any]]) -> None:
    _set_spans(doc, on_doc.CANDIDATES, values)


def _alignment_events(doc: Doc) -> list[AlignmentEvent]:
    """What could not be placed on token boundaries as it was meant, and what became of it."""
    return _events(doc)


def _events(doc: Doc, pipe: str | None = None) -> list[AlignmentEvent]:
    return [
        AlignmentEvent(start, end, *what, *(None if by is None else start + by for by in moved))
        for start, end, (owner, *what, moved) in on_doc.rows(doc, on_doc.EVENTS)
        if pipe in (None, owner)
    ]


def _set_alignment_events(doc: Doc, values: Iterable[Sequence[Any]]) -> None:
    on_doc.clear(doc, on_doc.EVENTS)
    store_events(doc, on_doc.NOBODY, [AlignmentEvent(*value) for value in values])


def _event_row(event: AlignmentEvent) -> tuple[int, int, tuple[Any, ...]]:
    # Counted from the span's start, so that they move along with it.
    moved = [None if at is None else at - event.start for at in (event.placed_start, event.placed_end)]
    return event.start, event.end, (event.label, event.action, event.reason, moved)


def _confidences(doc: Doc) -> list[Confidence]:
    """What each pipe of ours put on tokens, in text order, with how sure it is."""
    return [
        Confidence(start, end, label, score, pipe, where)
        for start, end, (pipe, where, label, score) in on_doc.rows(doc, on_doc.PLACED)
    ]


def _set_confidences(doc: Doc, values: Iterable[Sequence[Any]]) -> None:
    on_doc.clear(doc, on_doc.PLACED)
    found = [Confidence(*value) for value in values]
    for pipe in dict.fromkeys(one.pipe for one in found):
        rows = [(c.start, c.end, (c.where, c.label, c.confidence)) for c in found if c.pipe == pipe]
        on_doc.put(doc, on_doc.PLACED, pipe, rows)


def _confidence(span: Span) -> float | None:
    """How probable it is that this is exactly one whole span of its label, as the pipe says that wrote it;
    None for a span of another component.

    An entity answers for ``doc.ents`` alone: a pipe that put the same span into a group does not speak of it.
    """
    rows = on_doc.at(span.doc, on_doc.PLACED, span.start_char, span.end_char)
    scores = {where: score for _, where, label, score in rows if label == span.label_}
    if not scores:
        return None
    if ENTS in scores or _is_entity(span):
        return scores.get(ENTS)
    score: float | None = list(scores.values())[-1]
    return score


def _is_entity(span: Span) -> bool:
    """Whether the span stands in ``doc.ents``: looked up on its tokens, for spaCy makes the list anew."""
    tokens = list(span)
    if not tokens or tokens[0].ent_iob_ != "B":
        return False
    behind = span.doc[span.end].ent_iob_ if span.end < len(span.doc) else "O"
    inside = all(token.ent_iob_ == "I" for token in tokens[1:])
    return inside and behind != "I" and tokens[0].ent_type_ == span.label_


register()
