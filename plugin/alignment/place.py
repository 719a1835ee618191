"""Character spans put onto spaCy's tokens. What does not fit is recorded, never dropped in silence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from spacy.parts_of_speech import IDS
from spacy.tokens import Doc, Span, SpanGroup

from spanloop.plugin.alignment.values import AlignmentEvent, CharSpan

Alignment = Literal["snap", "strict"]
Change = Literal["snapped", "trimmed"]
Placed = tuple[Span, CharSpan]
Wanted = tuple[CharSpan, Span | None, Change | None]

INSIDE_A_TOKEN = "begins or ends inside a token"
NO_TOKEN = "covers no token"
OVERLAPS = "overlaps another entity once it is placed on tokens"
TAKEN = "overlaps an entity that was there before"
WHITESPACE = "begins or ends with whitespace"
_REASONS: dict[Change, str] = {"snapped": INSIDE_A_TOKEN, "trimmed": WHITESPACE}


def place(
    doc: Doc, spans: Sequence[CharSpan], *, alignment: Alignment, taken: Sequence[bool] | None = None
) -> tuple[list[Placed], list[AlignmentEvent]]:
    """The token span of each character span, in text order and without overlaps, and an event for each that
    is not where it was meant.

    ``snap``: to every token that the span touches; ``strict``: a span that cuts a token has no place. Where
    two want one token, the span that fits exactly goes before the one that had to be snapped, then the surer
    one. ``taken``: tokens that hold something already, one flag a token.
    """
    placed: list[Placed] = []
    events: list[AlignmentEvent] = []
    free = np.ones(len(doc), dtype=bool) if taken is None else ~np.asarray(taken, dtype=bool)
    was_free = free.copy()
    wanted = [(span, *_target(doc, span)) for span in spans]
    for span, target, change in sorted(wanted, key=_claim):
        if target is None:
            events.append(_dropped(span, NO_TOKEN))
        elif change == "snapped" and alignment == "strict":
            events.append(_dropped(span, INSIDE_A_TOKEN))
        elif not free[target.start : target.end].all():
            before = not was_free[target.start : target.end].all()
            events.append(_dropped(span, TAKEN if before else OVERLAPS))
        else:
            free[target.start : target.end] = False
            placed.append((target, span))
            if change is not None:
                where = (target.start_char, target.end_char)
                events.append(AlignmentEvent(*span.key, change, _REASONS[change], *where))
    return sorted(placed, key=_start), sorted(events, key=_place)


def _dropped(span: CharSpan, reason: str) -> AlignmentEvent:
    return AlignmentEvent(*span.key, "dropped", reason)


def _claim(wanted: Wanted) -> tuple[bool, float, int]:
    """Who goes first where two want one token."""
    span, _, change = wanted
    return change is not None, -(span.score or 0.0), span.start


def _start(placed: Placed) -> int:
    return placed[0].start


def _place(event: AlignmentEvent) -> tuple[int, int]:
    return event.start, event.end


def _target(doc: Doc, span: CharSpan) -> tuple[Span | None, Change | None]:
    """Every token that the span touches, less whitespace tokens at its edges, and what that did to the
    span."""
    target = doc.char_span(span.start, span.end, span.label, alignment_mode="expand")
    if target is None:
        return None, None
    start, end = target.start, target.end
    while start < end and doc[start].is_space:
        start += 1
    while start < end and doc[end - 1].is_space:
        end -= 1
    if start == end:
        return None, None
    target = Span(doc, start, end, span.label)
    if target.start_char < span.start or target.end_char > span.end:
        return target, "snapped"
    return target, "trimmed" if (target.start_char, target.end_char) != (span.start, span.end) else None


def set_ents(
    doc: Doc, spans: Sequence[CharSpan], *, alignment: Alignment, overwrite: bool
) -> list[AlignmentEvent]:
    """Make the spans ``doc.ents``, each with ``ent._.confidence``. Without ``overwrite``, entities and
    blocked tokens that are there stay, and a span that meets one has no place."""
    existing: list[Span] = [] if overwrite else list(doc.ents)
    blocked = [] if overwrite else [doc[t.i : t.i + 1] for t in doc if t.ent_iob_ == "B" and not t.ent_type]
    taken = np.zeros(len(doc), dtype=bool)
    for span in [*existing, *blocked]:
        taken[span.start : span.end] = True
    if overwrite:
        for ent in doc.ents:
            ent._.confidence = None
    placed, events = place(doc, spans, alignment=alignment, taken=taken.tolist())
    doc.set_ents([*existing, *(span for span, _ in placed)], blocked=blocked, default="outside")
    for span, meant in placed:
        span._.confidence = meant.score
    return events


def set_group(
    doc: Doc, key: str, spans: Sequence[CharSpan], *, alignment: Alignment, overwrite: bool
) -> list[AlignmentEvent]:
    """Make the spans ``doc.spans[key]`` with ``attrs["scores"]``, one a span. Without ``overwrite``, what is
    in the group stays in front (score nan where it had none)."""
    placed, events = place(doc, spans, alignment=alignment)
    members = [span for span, _ in placed]
    scores = [np.nan if meant.score is None else meant.score for _, meant in placed]
    if not overwrite and key in doc.spans:
        kept = list(doc.spans[key])
        known = list(doc.spans[key].attrs.get("scores", [np.nan] * len(kept)))
        members, scores = kept + members, known + scores
    doc.spans[key] = SpanGroup(
        doc, name=key, spans=members, attrs={"scores": np.array(scores, dtype="float32")}
    )
    for span, meant in placed:
        span._.confidence = meant.score
    return events


def set_tags(doc: Doc, spans: Sequence[CharSpan], *, field: Literal["tag", "pos"], overwrite: bool) -> None:
    """Make each span's label the tag (or part of speech) of the tokens that begin in it."""
    attribute = f"{field}_"
    for span in spans:
        if field == "pos" and span.label not in IDS:
            raise ValueError(f'"{span.label}" is no universal part of speech: set annotate = "tag" for it')
        target = doc.char_span(span.start, span.end, alignment_mode="expand")
        for token in target or ():
            if span.start <= token.idx < span.end and (overwrite or not getattr(token, attribute)):
                setattr(token, attribute, span.label)
