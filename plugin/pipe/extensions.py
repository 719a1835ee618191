"""What the component leaves on a Doc beside spaCy's own fields: ``doc._.char_spans``,
``doc._.alignment_events``, ``doc._.token_scores``, ``doc._.spanloop_candidates``,
``doc._.spanloop_below_threshold``, ``span._.confidence``.

Doc extensions live in ``doc.user_data`` as plain lists under the pipe's name, so that ``doc.to_bytes`` (and
with it ``nlp.pipe(n_process=2)`` and DocBin with user data) carries them; reading gives the dataclasses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spacy.tokens import Doc, Span

from spanloop.plugin.alignment.values import AlignmentEvent, CharSpan, TokenScores

_SPANS = "spanloop.char_spans"
_EVENTS = "spanloop.alignment_events"
_SCORES = "spanloop.token_scores"
_CANDIDATES = "spanloop.candidates"
_BELOW = "spanloop.below_threshold"


def register() -> None:
    """Make the extensions known to spaCy; a second time changes nothing."""
    if Doc.has_extension("char_spans"):
        return
    Doc.set_extension("char_spans", getter=_char_spans)
    Doc.set_extension("alignment_events", getter=_alignment_events)
    Doc.set_extension("token_scores", getter=_token_scores)
    Doc.set_extension("spanloop_candidates", getter=_candidates)
    Doc.set_extension("spanloop_below_threshold", getter=_below_threshold)
    Span.set_extension("confidence", default=None)


def store_spans(doc: Doc, pipe: str, spans: Sequence[CharSpan]) -> None:
    doc.user_data.setdefault(_SPANS, {})[pipe] = [_row(span) for span in spans]


def store_below_threshold(doc: Doc, pipe: str, spans: Sequence[CharSpan]) -> None:
    doc.user_data.setdefault(_BELOW, {})[pipe] = [_row(span) for span in spans]


def store_candidates(doc: Doc, pipe: str, spans: Sequence[CharSpan]) -> None:
    doc.user_data.setdefault(_CANDIDATES, {})[pipe] = [_row(span) for span in spans]


def store_events(doc: Doc, pipe: str, events: Sequence[AlignmentEvent]) -> None:
    doc.user_data.setdefault(_EVENTS, {})[pipe] = [_row(event) for event in events]


def store_scores(doc: Doc, pipe: str, scores: TokenScores) -> None:
    parts = [scores.logprobs, scores.starts, scores.ends, list(scores.tags)]
    doc.user_data.setdefault(_SCORES, {})[pipe] = parts


def _row(value: CharSpan | AlignmentEvent) -> list[Any]:
    return [getattr(value, field) for field in value.__slots__]


def _all(doc: Doc, key: str) -> list[list[Any]]:
    """The rows of every pipe, in text order."""
    rows = [row for rows in doc.user_data.get(key, {}).values() for row in rows]
    return sorted(rows, key=_place)


def _place(row: Sequence[Any]) -> tuple[int, int]:
    return row[0], row[1]


def _most_probable(row: Sequence[Any]) -> tuple[int, int, float]:
    return row[0], row[1], -row[3]


def _char_spans(doc: Doc) -> list[CharSpan]:
    """Every span as the model meant it, exact on characters."""
    return [CharSpan(*row) for row in _all(doc, _SPANS)]


def _below_threshold(doc: Doc) -> list[CharSpan]:
    """The spans that a pipe found and was not sure enough of."""
    return [CharSpan(*row) for row in _all(doc, _BELOW)]


def _candidates(doc: Doc) -> list[CharSpan]:
    """Every span that may be there with its probability, where ``candidates`` is set; of one place the most
    probable first."""
    return [CharSpan(*row) for row in sorted(_all(doc, _CANDIDATES), key=_most_probable)]


def _alignment_events(doc: Doc) -> list[AlignmentEvent]:
    """What could not be placed on token boundaries as it was meant, and what became of it."""
    return [AlignmentEvent(*row) for row in _all(doc, _EVENTS)]


def _token_scores(doc: Doc) -> dict[str, TokenScores]:
    """The scores behind the spans by the pipe's name, where ``keep_scores`` is on."""
    stored = doc.user_data.get(_SCORES, {})
    return {
        pipe: TokenScores(logprobs, starts, ends, tuple(tags))
        for pipe, (logprobs, starts, ends, tags) in stored.items()
    }
