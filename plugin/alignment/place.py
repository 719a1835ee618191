"""Character spans put onto spaCy's tokens. What does not fit is recorded, never dropped in silence."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from spacy.parts_of_speech import IDS
from spacy.tokens import Doc, Span, SpanGroup

from spanloop.plugin.alignment.values import AlignmentEvent, CharSpan

Alignment = Literal["snap", "strict"]
Overwrite = bool | Literal["all"]
"""What becomes of what other components wrote before: True: it goes where a span of ours takes its place;
False: it stays, and a span of ours that meets it has no place; ``all``: all of it goes."""
Key = tuple[int, int, str]
Change = Literal["snapped", "trimmed"]
Placed = tuple[Span, CharSpan]
Wanted = tuple[CharSpan, Span | None, Change | None]

INSIDE_A_TOKEN = "begins or ends inside a token"
NO_TOKEN = "covers no token"
OVERLAPS = "overlaps another entity once it is placed on tokens"
TAKEN = "overlaps an entity that was there before"
ENTS = "ents"
REPLACED = "replaced"
GAVE_WAY = "overlaps what came later"
SWEPT = "was there before, and overwrite is all"
WHITESPACE = "begins or ends with whitespace"
_REASONS: dict[Change, str] = {"snapped": INSIDE_A_TOKEN, "trimmed": WHITESPACE}


class Written(NamedTuple):
    """What was written to a Doc: the spans that have a place, each with the one that was meant, and an event
    for each that is not where it was meant or was there before and is no more."""

    placed: list[Placed]
    events: list[AlignmentEvent]


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
    doc: Doc,
    spans: Sequence[CharSpan],
    *,
    alignment: Alignment,
    overwrite: Overwrite,
    own: Collection[Key] = (),
) -> Written:
    """Make the spans ``doc.ents``, beside those of other components that ``overwrite`` keeps.

    Args:
        doc: The document.
        spans: What the model means.
        alignment: As `place` has it.
        overwrite: Which entities and blocked tokens that are there stay.
        own: Entities that the same pipe wrote before: they go in any case, and without an event.

    Returns:
        What was written, and an event for each span that is not where it was meant.
    """
    existing = [ent for ent in doc.ents if _key(ent) not in own]
    blocked = [doc[t.i : t.i + 1] for t in doc if t.ent_iob_ == "B" and not t.ent_type]
    taken = _covered(doc, [*existing, *blocked]) if overwrite is False else None
    placed, events = place(doc, spans, alignment=alignment, taken=taken)
    kept, gone = _parted(doc, existing, placed, overwrite)
    still_blocked, _ = _parted(doc, blocked, placed, overwrite)
    doc.set_ents([*kept, *(span for span, _ in placed)], blocked=still_blocked, default="outside")
    return Written(placed, sorted([*events, *gone], key=_place))


def set_group(
    doc: Doc,
    key: str,
    spans: Sequence[CharSpan],
    *,
    alignment: Alignment,
    overwrite: Overwrite,
    own: Collection[Key] = (),
) -> Written:
    """Make the spans ``doc.spans[key]`` with ``attrs["scores"]``, one a span, behind those of other
    components that ``overwrite`` keeps (score nan where they had none).

    Args:
        doc: The document.
        key: The group's name.
        spans: What the model means.
        alignment: As `place` has it.
        overwrite: Which spans of the group stay; with False all of them, for spans may overlap.
        own: Spans that the same pipe wrote there before: they go in any case, and without an event.

    Returns:
        What was written, and an event for each span that is not where it was meant.
    """
    placed, events = place(doc, spans, alignment=alignment)
    group = doc.spans[key] if key in doc.spans else SpanGroup(doc, name=key)
    known = list(group.attrs.get("scores", [np.nan] * len(group)))
    score_of = {(_key(span)): score for span, score in zip(group, known, strict=True)}
    existing = [span for span in group if _key(span) not in own]
    kept, gone = _parted(doc, existing, placed, overwrite)
    scores = [score_of[_key(span)] for span in kept]
    scores += [np.nan if meant.score is None else meant.score for _, meant in placed]
    doc.spans[key] = SpanGroup(
        doc,
        name=key,
        spans=[*kept, *(span for span, _ in placed)],
        attrs={"scores": np.array(scores, dtype="float32")},
    )
    return Written(placed, sorted([*events, *gone], key=_place))


def set_tags(
    doc: Doc,
    spans: Sequence[CharSpan],
    *,
    field: Literal["tag", "pos"],
    overwrite: Overwrite,
    own: Collection[Key] = (),
) -> Written:
    """Make each span's label the tag (or part of speech) of the tokens that begin in it.

    Args:
        doc: The document.
        spans: One tag each.
        field: Which of the two.
        overwrite: False leaves a token its tag. Tokens that no span reaches keep theirs in any case.
        own: Tags that the same pipe wrote before, whose replacement is no event.

    Returns:
        An event for each tag of another component that another one replaced.

    Raises:
        ValueError: For a part of speech that is none.
    """
    attribute = f"{field}_"
    events: list[AlignmentEvent] = []
    for span in spans:
        if field == "pos" and span.label not in IDS:
            raise ValueError(f'"{span.label}" is no universal part of speech: set annotate = "tag" for it')
        target = doc.char_span(span.start, span.end, alignment_mode="expand")
        for token in target or ():
            before = getattr(token, attribute)
            if not span.start <= token.idx < span.end or (before and overwrite is False):
                continue
            at = doc[token.i : token.i + 1]
            if before not in ("", span.label) and (at.start_char, at.end_char, before) not in own:
                event = (at.start_char, at.end_char, before, REPLACED, GAVE_WAY)
                events.append(AlignmentEvent(*event))
            setattr(token, attribute, span.label)
    return Written([], events)


def _key(span: Span) -> Key:
    return span.start_char, span.end_char, span.label_


def _covered(doc: Doc, spans: Iterable[Span]) -> list[bool]:
    """Of each token, whether one of the spans covers it."""
    covered = np.zeros(len(doc), dtype=bool)
    for span in spans:
        covered[span.start : span.end] = True
    flags: list[bool] = covered.tolist()
    return flags


def _parted(
    doc: Doc, existing: Sequence[Span], placed: Sequence[Placed], overwrite: Overwrite
) -> tuple[list[Span], list[AlignmentEvent]]:
    """Of the spans that were there, those that stay, and an event for each that goes. The same span placed
    anew is not gone."""
    if overwrite is False:
        return list(existing), []
    ours = _covered(doc, [span for span, _ in placed])
    same = {_key(span) for span, _ in placed}
    kept: list[Span] = []
    gone: list[AlignmentEvent] = []
    for span in existing:
        meets = any(ours[span.start : span.end])
        if not meets and overwrite is True:
            kept.append(span)
        elif _key(span) not in same:
            reason = GAVE_WAY if meets else SWEPT
            gone.append(AlignmentEvent(*_key(span), REPLACED, reason))
    return kept, gone
