"""One Prodigy task: how tokens and spans are spelled in it, and what an answered one says.

Facts of the format (Prodigy's documentation and exports): offsets are half-open code points, ``token_end`` of
a span is *inclusive*, ``ws`` says that one space follows the token, hashes are signed 32-bit numbers that
other programs cannot reproduce and that are kept as they are.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, TypeGuard, cast

from spanloop.recipes.formats.entry import Entry
from spanloop.store import clock
from spanloop.store.records import Answer, Range, Span, Split

ANSWERS = ("accept", "reject", "ignore")
OWN = "spanloop"
"""Where a task carries what Prodigy has no word for: key, group, split and the model that suggested."""
BINARY_VIEWS = ("ner", "spans", "pos")
OTHER_VIEWS = ("classification", "choice", "text", "html", "text_input", "compare", "diff")
"""Views that ask about a whole text: their answers say nothing of spans."""

_READ = {"text", "meta", "spans", "tokens", "answer", "flagged", OWN}
_ANSWER = {"_annotator_id", "_session_id", "_timestamp", "_view_id", "_is_binary"}
_STALE = {"_task_hash", "relations", "versions", "sessions"}
_UNNAMED = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d$")
_SUGGESTED = {"score", "rank", "input_hash", "pattern"}


def tokens_of(text: str, ranges: Sequence[Range]) -> list[dict[str, Any]]:
    """Prodigy's tokens, which must spell the text: what stands between two tokens, one space aside, becomes a
    token of its own, as in spaCy."""
    tokens: list[dict[str, Any]] = []
    position = 0
    for start, end in [*ranges, (len(text), len(text))]:
        if position < start and tokens and text[position] == " ":
            tokens[-1]["ws"] = True
            position += 1
        for begin, stop in ((position, start), (start, end)):
            if begin < stop:
                place = {"start": begin, "end": stop, "id": len(tokens), "ws": False}
                tokens.append({"text": text[begin:stop], **place})
        position = end
    return tokens


def spans_of(spans: Sequence[Span], tokens: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Prodigy's spans; ``token_start`` and the inclusive ``token_end`` where they begin and end at tokens."""
    first = {token["start"]: token["id"] for token in tokens}
    last = {token["end"]: token["id"] for token in tokens}
    rows: list[dict[str, Any]] = []
    for span in spans:
        row: dict[str, Any] = {"start": span.start, "end": span.end, "label": span.label}
        if span.start in first and span.end in last:
            row |= {"token_start": first[span.start], "token_end": last[span.end]}
        if span.score is not None:
            row["score"] = span.score
        rows.append(row)
    return rows


def key_of(text: str) -> str:
    """The key of a text without one: what the store derives as well, so that every task about one text is
    about one document."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def is_binary(task: Mapping[str, Any]) -> bool:
    """Whether the answer is a yes or no to the spans shown, and says nothing of the rest of the text.

    Exports of old versions name neither view nor kind: there a suggestion without tokens is one.
    """
    view, said = task.get("_view_id"), task.get("_is_binary")
    if isinstance(said, bool):
        return said and view not in OTHER_VIEWS
    if view is not None:
        return view in BINARY_VIEWS
    spans = task.get("spans")
    alone = isinstance(spans, list) and len(spans) == 1 and isinstance(spans[0], dict)
    return alone and "tokens" not in task and bool(_SUGGESTED & set(cast("list[Any]", spans)[0]))


def annotator_of(task: Mapping[str, Any]) -> str | None:
    """The named session that answered; a session without a name is named by its time and is nobody."""
    for name in ("_annotator_id", "_session_id"):
        value = task.get(name)
        if isinstance(value, str) and value.strip() and not _UNNAMED.search(value):
            return value
    return None


def entry_of(task: Mapping[str, Any], line: int | None = None) -> Entry:
    """What a task says. ValueError says what is wrong with it.

    An accepted task of a span view without ``spans`` says that there are none; that of another view says
    nothing of spans. A task without ``answer`` counts as accepted, as in ``db-in``.
    """
    text = task.get("text")
    if not isinstance(text, str):
        raise ValueError(_no_text(task))
    own = _mapping(task.get(OWN))
    answer = task.get("answer") or "accept"
    if answer not in ANSWERS:
        raise ValueError(f'"answer" is {answer!r}; it can be {", ".join(ANSWERS)}')
    tokens = _tokens(task.get("tokens"), text)
    spans = _spans(task, tokens)
    predicted_by, split, group = own.get("predicted_by"), own.get("split"), _group(task, own)
    return Entry(
        text=text,
        line=line,
        key=str(own["key"]) if own.get("key") else key_of(text),
        group=group,
        split=cast(Split, split) if split in ("pool", "eval") else None,
        meta=_meta(task),
        spans=spans,
        said=_said(task, spans or ()),
        answer=cast(Answer, answer),
        tokens=None if tokens is None else tuple(t for t in tokens if text[slice(*t)].strip()),
        annotator=annotator_of(task),
        origin="review" if task.get("_view_id") == "review" else None,
        created_at=_created(task.get("_timestamp")),
        ranges=_ranges(own.get("ranges"), len(text)),
        flagged=task.get("flagged") is True,
        predicted_by=predicted_by if isinstance(predicted_by, str) else None,
    )


def _ranges(found: Any, length: int) -> tuple[Range, ...] | None:
    """The characters that somebody looked at, as we write them; None for anything else."""
    if not isinstance(found, list) or not all(isinstance(one, list) and len(one) == 2 for one in found):
        return None
    edges = [edge for one in found for edge in one]
    sound = all(map(_is_offset, edges)) and edges == sorted(edges) and max(edges, default=0) <= length
    return tuple((start, end) for start, end in found) if sound else None


def _no_text(task: Mapping[str, Any]) -> str:
    if "pattern" in task:
        return "these are patterns, not tasks: suggest with them by spanloop prelabel DB --patterns FILE"
    return f'a task about text needs a "text"; this one has the keys {", ".join(task)}'


def _group(task: Mapping[str, Any], own: Mapping[str, Any]) -> str | None:
    """Sentences that were cut from one source stay together: they carry its id."""
    found = (
        source.get(name) for source, name in ((own, "group"), (task, "group"), (task, "doc"), (task, "id"))
    )
    return next((str(value) for value in found if isinstance(value, str | int) and str(value)), None)


def _meta(task: Mapping[str, Any]) -> dict[str, Any]:
    """The task's meta; every further key, hashes among them, is kept under ``prodigy``."""
    meta = task.get("meta")
    kept = dict(meta) if isinstance(meta, dict) else {} if meta is None else {"meta": meta}
    further = {name: value for name, value in task.items() if name not in _READ | _ANSWER}
    if further:
        kept["prodigy"] = {**_mapping(kept.get("prodigy")), **further}
    return kept


def further_keys(meta: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A document's meta as a task has it, and the keys that stood beside it; those that belong to one answer
    and its tokens are left out, they would be stale."""
    rest = {name: value for name, value in meta.items() if name != "prodigy"}
    kept = meta.get("prodigy")
    if not isinstance(kept, dict):
        return dict(meta), {}
    return rest, {name: value for name, value in kept.items() if name not in _STALE | _READ | _ANSWER}


def _tokens(found: Any, text: str) -> list[Range] | None:
    """The characters of each token; None where the task has none, or only their words."""
    if not isinstance(found, list) or not all(isinstance(token, dict) for token in found):
        return None
    ranges = [(token.get("start"), token.get("end")) for token in found]
    if not all(_is_offset(start) and _is_offset(end) for start, end in ranges):
        return None
    end_before = 0
    for number, (start, end) in enumerate(ranges):
        word = found[number].get("text")
        if not end_before <= start < end <= len(text) or (isinstance(word, str) and text[start:end] != word):
            raise ValueError(
                f"token {number} is {word!r} at {start}-{end}, where the text has {text[start:end]!r}"
            )
        end_before = end
    return ranges


def _spans(task: Mapping[str, Any], tokens: list[Range] | None) -> tuple[Span, ...] | None:
    found = task.get("spans")
    if task.get("_view_id") in OTHER_VIEWS:
        return None
    if found is None:
        shown = task.get("_view_id") is not None or "tokens" in task
        return () if shown and task.get("answer") else None
    if not isinstance(found, list):
        raise ValueError(f'"spans" is a {type(found).__name__}; a list is expected')
    return tuple(_span(item, number, tokens) for number, item in enumerate(found, start=1))


def _span(item: Any, number: int, tokens: list[Range] | None) -> Span:
    """A span by its characters, else by its tokens; ``number`` counts from 1, for the message."""
    if not isinstance(item, dict):
        raise ValueError(f'span {number} is {item!r}; {{"start", "end", "label"}} is expected')
    start, end = item.get("start"), item.get("end")
    first, last = item.get("token_start"), item.get("token_end")
    if start is None and tokens and _is_offset(first) and _is_offset(last) and max(first, last) < len(tokens):
        start, end = tokens[first][0], tokens[last][1]
    if not (_is_whole(start) and _is_whole(end)):
        raise ValueError(f"span {number} has start {start!r} and end {end!r}; both must be whole numbers")
    label, score = item.get("label"), item.get("score")
    if not isinstance(label, str) or not label:
        raise ValueError(f"span {number} has the label {label!r}; a name is expected")
    known = isinstance(score, int | float) and not isinstance(score, bool) and 0 <= score <= 1
    return Span(start, end, label, float(cast(float, score)) if known else None)


def _said(task: Mapping[str, Any], spans: Sequence[Span]) -> tuple[str | None, ...]:
    """The text that each span carries; empty where none does."""
    found = [item.get("text") for item in task["spans"]] if spans else []
    said = tuple(text if isinstance(text, str) else None for text in found)
    return said if any(text is not None for text in said) else ()


def _is_offset(value: Any) -> TypeGuard[int]:
    return _is_whole(value) and value >= 0


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _created(timestamp: Any) -> str | None:
    """Unix seconds as the store writes times."""
    if isinstance(timestamp, bool) or not isinstance(timestamp, int | float) or not 0 < timestamp < 1e11:
        return None
    return clock.written(datetime.fromtimestamp(timestamp, timezone.utc))


def timestamp_of(created_at: str) -> int | float:
    """The other way: whole seconds where it is whole."""
    seconds = clock.moment(created_at).timestamp()
    return int(seconds) if seconds == int(seconds) else seconds
