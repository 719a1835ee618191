"""How the component keeps things on a Doc: rows by the characters they speak of.

spaCy moves what belongs to a span along (``Doc.from_docs`` adds where a document begins, ``span.as_doc``
takes away where the span begins) and leaves out, with a warning or without, what belongs to a whole
document. So everything here belongs to characters: the key is that of a span's own attribute, and the value a
list of rows, each with the name of the pipe in front. Rows are plain lists, which ``doc.to_bytes`` and DocBin
carry; a value is replaced and never changed, for copies of a Doc share it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from spacy.tokens import Doc

from spanloop.plugin.alignment.values import TokenScores

SPANS = "spanloop.char_spans"
EVENTS = "spanloop.alignment_events"
PLACED = "spanloop.placed"
BELOW = "spanloop.below_threshold"
CANDIDATES = "spanloop.candidates"
_SCORES = "spanloop.token_scores"
NOBODY = ""
"""Whose the rows are that came back from JSON, which names no pipe: the next pipe that writes replaces
them."""
Row = Sequence[Any]
Found = tuple[int, int, Row]
_UNDERSCORE = "._."  # how spaCy marks keys that it moves along


def _data(doc: Doc) -> dict[Any, Any]:
    data: dict[Any, Any] = doc.user_data  # spaCy states keys of text alone
    return data


def _key(name: str, start: int, end: int) -> tuple[str, str, int, int]:
    return (_UNDERSCORE, name, start, end)


def put(doc: Doc, name: str, pipe: str, rows: Iterable[Found]) -> None:
    """Keep these rows in place of those that the pipe left before.

    Args:
        doc: The document.
        name: What kind of rows: `SPANS`, `EVENTS`, `PLACED`, `BELOW` or `CANDIDATES`.
        pipe: The name of the pipe.
        rows: First character, end, and what to keep, without the pipe.
    """
    drop(doc, name, lambda _start, _end, row: row[0] in (pipe, NOBODY))
    for start, end, row in rows:
        key = _key(name, start, end)
        _data(doc)[key] = [*_data(doc).get(key, ()), [pipe, *row]]


def drop(doc: Doc, name: str, is_past: Callable[[int, int, Row], bool]) -> None:
    """Forget the rows of this kind that are past."""
    for key, value in list(_of(doc, name)):
        kept = [row for row in value if not is_past(key[2], key[3], row)]
        if len(kept) == len(value):
            continue
        if kept:
            _data(doc)[key] = kept
        else:
            del _data(doc)[key]


def clear(doc: Doc, name: str) -> None:
    """Forget every row of this kind."""
    drop(doc, name, lambda _start, _end, _row: True)


def rows(doc: Doc, name: str) -> list[Found]:
    """Every row of this kind in text order, the pipe's name in front. A Doc that was cut out of another one
    keeps those that lie in it whole."""
    length = _length(doc)
    found = [
        (key[2], key[3], row)
        for key, value in _of(doc, name)
        if key[2] >= 0 and key[3] <= length
        for row in value
    ]
    return sorted(found, key=_place)


def at(doc: Doc, name: str, start: int, end: int) -> Sequence[Row]:
    """The rows of this kind of exactly these characters."""
    value: Sequence[Row] = _data(doc).get(_key(name, start, end), ())
    return value


def put_scores(doc: Doc, pipe: str, scores: TokenScores) -> None:
    """Keep the scores behind a pipe's spans, in place of those that it left before."""
    drop(doc, _SCORES, lambda _start, _end, row: row[0] == pipe)
    key = _key(_SCORES, 0, _length(doc))
    row = [pipe, scores.logprobs, scores.starts, scores.ends, list(scores.tags)]
    _data(doc)[key] = [*_data(doc).get(key, ()), row]


def token_scores(doc: Doc) -> dict[str, TokenScores]:
    """The scores behind the spans by the pipe's name, where ``keep_scores`` is on.

    Of Docs that were put together, those of all of them in text order; a tag that the model of one did not
    have has the log probability minus infinity there.
    """
    parts: dict[str, list[TokenScores]] = {}
    for key, value in sorted(_of(doc, _SCORES), key=_begin):
        for pipe, logprobs, starts, ends, tags in value:
            moved = TokenScores(logprobs, starts + key[2], ends + key[2], tuple(tags))
            parts.setdefault(pipe, []).append(moved)
    return {pipe: _inside(_joined(found), _length(doc)) for pipe, found in parts.items()}


def _joined(parts: Sequence[TokenScores]) -> TokenScores:
    if len(parts) == 1:
        return parts[0]
    tags = tuple(dict.fromkeys(tag for part in parts for tag in part.tags))
    logprobs = np.full((sum(map(len, parts)), len(tags)), -np.inf, dtype=np.float32)
    row = 0
    for part in parts:
        logprobs[row : row + len(part), [tags.index(tag) for tag in part.tags]] = part.logprobs
        row += len(part)
    starts, ends = (np.concatenate([getattr(part, edge) for part in parts]) for edge in ("starts", "ends"))
    return TokenScores(logprobs, starts, ends, tags)


def _inside(scores: TokenScores, length: int) -> TokenScores:
    """The units that lie in the text whole: all of them, unless the Doc was cut out of another."""
    inside = (scores.starts >= 0) & (scores.ends <= length)
    if inside.all():
        return scores
    return TokenScores(scores.logprobs[inside], scores.starts[inside], scores.ends[inside], scores.tags)


def _of(doc: Doc, name: str) -> Iterator[tuple[tuple[str, str, int, int], Sequence[Row]]]:
    for key, value in _data(doc).items():
        if isinstance(key, tuple) and len(key) == 4 and key[:2] == (_UNDERSCORE, name):
            yield key, value


def _length(doc: Doc) -> int:
    """How far the text goes, without the whitespace behind its last token."""
    return int(doc[len(doc) - 1 :].end_char) if len(doc) else 0


def _place(found: Found) -> tuple[int, int]:
    return found[0], found[1]


def _begin(found: tuple[tuple[str, str, int, int], Any]) -> int:
    return found[0][2]
