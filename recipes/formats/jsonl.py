"""JSON Lines: one object a line with ``text`` and, where known, ``spans``, ``meta``, ``id``, ``group``,
``split``.

The format that carries everything: ``ranges`` and ``negatives`` of a document that was looked at in part, the
``known_labels`` of one that was annotated before some label was there, the model where one ``predicted_by``
its spans, the ``annotator`` and what belongs to their answer (`jsonl_answer`). Unknown keys go into ``meta``,
so nothing a file says is lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats.carrying import EVERYTHING
from spanloop.recipes.formats.entry import Entry, Format, ReadOptions, WriteOptions, Written
from spanloop.recipes.formats.header import TEXTS, is_wrapped
from spanloop.recipes.formats.json_text import NotJson, parse
from spanloop.recipes.formats.jsonl_answer import Answered, answer_record, answered
from spanloop.recipes.formats.lines import holds_one_of, numbered_lines
from spanloop.recipes.formats.span_shapes import (
    PLACES,
    TAGGED,
    is_offset,
    said_by,
    span_of,
    spans_of_record,
    tags_of_record,
)
from spanloop.recipes.formats.tagged import find_tokens, join_tokens
from spanloop.store.records import Answer, Range, Span, Split

ANSWERS = ("accept", "reject", "ignore")
SPLITS = ("pool", "eval")
_TOKENS = ('"tokens"', '"words"')
UNOPENED = ("label", "labels", "entities")
"""Where other tools write an empty list for documents that nobody has opened, too."""
_OURS = ("text", "meta", "id", "answer")
_SAYS_MORE = frozenset((
    *PLACES, *TAGGED, "tokens", "words", "answer", "ranges", "negatives", "predicted_by", "known_labels",
    "annotator", "origin", "created_at", "flagged", "comment",
))  # fmt: skip
"""Keys by which a record may say more than a text."""


def read(path: Path, options: ReadOptions) -> Iterator[Entry]:
    """One entry a line; blank lines are none. FormatError names file and line."""
    if options.task == "spans" and options.tag_names is None:
        options = replace(options, seen_tags=_tags_of(path))
    for line, raw in numbered_lines(path):
        if not raw.strip():
            continue
        try:
            record = parse(raw)
        except NotJson as error:
            raise FormatError(path, line, f"{error}: {raw[:60]!r}") from error
        if not isinstance(record, dict):
            raise FormatError(
                path, line, f'an object like {{"text": …}} is expected, not a {type(record).__name__}'
            )
        try:
            yield entry_of(record, line, options)
        except ValueError as error:
            raise FormatError(path, line, str(error)) from error


def _tags_of(path: Path) -> tuple[str, ...]:
    """Every tag of the file, where its documents have one a token: what one of them means is judged by all
    of them, a first pass. What cannot be read is told when its turn comes."""
    seen: set[str] = set()
    for _, raw in numbered_lines(path) if holds_one_of(path, _TOKENS) else ():
        if not any(name in raw for name in _TOKENS):
            continue
        with suppress(NotJson):
            record = parse(raw)
            if isinstance(record, dict):
                seen.update(tags_of_record(record, _tokens(record)))
    return tuple(sorted(seen))


def entry_of(record: Mapping[str, Any], line: int | None, options: ReadOptions) -> Entry:
    """What a record says, whatever file it stands in. ValueError says what is wrong with it, without the
    line."""
    if _SAYS_MORE.isdisjoint(record) and isinstance(record.get("text"), str):
        return _text_alone(record, line)
    tokens = _tokens(record)
    text_key = "text" if tokens is not None else text_key_of(record)
    text = record.get(text_key)
    if text is None and tokens is not None:
        text, _ = join_tokens(tokens)
    if not isinstance(text, str):
        given = f"has the keys {', '.join(record)}" if text is None else f'"text" is a {type(text).__name__}'
        raise ValueError(f'every document needs a "text" that is a string; this one {given}')
    spans, source = spans_of_record(record, text, tokens, options)
    answer = record.get("answer", "accept")
    if answer not in ANSWERS:
        raise ValueError(f'"answer" is {answer!r}; it can be {", ".join(ANSWERS)}')
    split = record.get("split")
    key, group = record.get("id"), record.get("group", record.get("doc"))
    looked_at = _ranges(record, text)
    predicted_by = record.get("predicted_by")
    part = None if split is None or split in SPLITS else str(split)
    taken = {*_OURS, source, text_key, "split", "ranges" if looked_at else ""}
    taken |= {"tokens", "words"} if tokens is not None else set()
    taken |= {name for name in ("spans", "tags") if record.get(name) is None}
    if source != "tags" and tokens is not None and _tags_say(record, text, tokens, spans, options):
        taken.add("tags")
    taken.add("group" if "group" in record else "doc")
    if isinstance(record.get("negatives"), list):
        taken.add("negatives")
    if isinstance(predicted_by, str):
        taken.add("predicted_by")
    labels = _known_labels(record)
    if labels is not None:
        taken.add("known_labels")
    said = Answered() if spans is None and answer == "accept" else answered(record)
    taken.update(said)
    return Entry(
        text=text,
        line=line,
        key=None if key is None else str(key),
        group=None if group is None else str(group),
        split=cast(Split, split) if split in SPLITS else None,
        meta={**_meta(record), **{name: value for name, value in record.items() if name not in taken}},
        spans=spans,
        said=said_by(record.get(source)) if spans else (),
        tokens=_places(text, tokens) if options.tokens and tokens is not None else None,
        answer=cast(Answer, answer),
        ranges=looked_at,
        negatives=_negatives(record),
        predicted_by=predicted_by if isinstance(predicted_by, str) else None,
        labels=labels,
        part=part,
        opened=bool(spans) or source not in UNOPENED,
        **said,
    )


def _text_alone(record: Mapping[str, Any], line: int | None) -> Entry:
    """What a record says that has a text and says nothing of it: most of those that wait to be annotated."""
    rest = dict(record)
    text, key, split = rest.pop("text"), rest.pop("id", None), rest.pop("split", None)
    rest.pop("meta", None)
    group = rest.pop("group" if "group" in rest else "doc", None)
    meta = _meta(record)
    return Entry(
        text,
        line,
        key if key is None else str(key),
        group if group is None else str(group),
        cast(Split, split) if split in SPLITS else None,
        {**meta, **rest} if meta else rest,
        part=None if split is None or split in SPLITS else str(split),
    )


def text_key_of(record: Mapping[str, Any]) -> str:
    """The key that has the text: ``text``, or the first of the names that other tools give it."""
    named = (name for name in TEXTS if isinstance(record.get(name), str))
    return "text" if "text" in record else next(named, "text")


def _tags_say(
    record: Mapping[str, Any],
    text: str,
    tokens: list[str],
    spans: tuple[Span, ...] | None,
    options: ReadOptions,
) -> bool:
    """Whether the tags of a record say once more what its spans say."""
    if options.task != "spans" or spans is None or not isinstance(record.get("tags"), list):
        return False
    try:
        found, _ = spans_of_record({"tags": record["tags"]}, text, tokens, options)
    except ValueError:
        return False
    places, others = (sorted((s.start, s.end, s.label) for s in some or ()) for some in (spans, found))
    return places == others


def _places(text: str, tokens: list[str]) -> tuple[Range, ...] | None:
    """Where the tokens stand; None where they do not spell the text."""
    try:
        return tuple(find_tokens(text, tokens))
    except ValueError:
        return None


def _known_labels(record: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The labels that the record speaks of; None for all, or where ``known_labels`` are something else."""
    found = record.get("known_labels")
    if not isinstance(found, list) or not all(isinstance(label, str) for label in found):
        return None
    return tuple(found)


def _ranges(record: Mapping[str, Any], text: str) -> tuple[Range, ...] | None:
    """The characters looked at: pairs of start and end; None for all, or where ``ranges`` is something
    else."""
    found = record.get("ranges")
    if not isinstance(found, list) or not found:
        return None
    if not all(isinstance(pair, list) and len(pair) == 2 and all(map(is_offset, pair)) for pair in found):
        return None
    ranges = tuple((start, end) for start, end in found)
    edges = [edge for pair in ranges for edge in pair]
    if edges != sorted(edges) or edges[-1] > len(text) or any(start == end for start, end in ranges):
        raise ValueError(f'"ranges" are {found!r}; pairs inside the text, in order and apart, are expected')
    return ranges


def _negatives(record: Mapping[str, Any]) -> tuple[Span, ...]:
    """The suggestions that were refused, as export writes them."""
    found = record.get("negatives")
    if not isinstance(found, list):
        return ()
    return tuple(span_of(item, number) for number, item in enumerate(found, start=1))


def _meta(record: Mapping[str, Any]) -> dict[str, Any]:
    meta = record.get("meta")
    if meta is None:
        return {}
    return meta if isinstance(meta, dict) else {"meta": meta}


def _tokens(record: Mapping[str, Any]) -> list[str] | None:
    """The words of ``tokens``, given as strings or as objects with a ``text``; None where there are none."""
    tokens = record.get("tokens", record.get("words"))
    if not isinstance(tokens, list):
        return None
    words = [token.get("text") if isinstance(token, dict) else token for token in tokens]
    strings = [word for word in words if isinstance(word, str)]
    return strings if len(strings) == len(words) else None


def write(path: Path, entries: Iterable[Entry], _options: WriteOptions) -> Written:
    """One object a line, keys in a fixed order, letters as they are. What ``read`` reads back is the same."""
    documents = spans = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for entry in entries:
            file.write(json.dumps(as_record(entry), ensure_ascii=False) + "\n")
            documents, spans = documents + 1, spans + len(entry.spans or ())
    return Written(documents=documents, spans=spans)


def as_record(entry: Entry) -> dict[str, Any]:
    """The entry as the object that is written; what it does not know is left out."""
    record: dict[str, Any] = {"id": entry.key, "text": entry.text}
    if entry.spans is not None:
        record["spans"] = [_span_record(span) for span in entry.spans]
    if entry.answer != "accept":
        record["answer"] = entry.answer
    if entry.ranges is not None:
        record["ranges"] = [list(pair) for pair in entry.ranges]
    if entry.negatives:
        record["negatives"] = [_span_record(span) for span in entry.negatives]
    if entry.labels is not None:
        record["known_labels"] = list(entry.labels)
    record["predicted_by"] = entry.predicted_by
    record.update(answer_record(entry))
    record.update(group=entry.group, split=entry.split, meta=dict(entry.meta) or None)
    return {name: value for name, value in record.items() if value is not None}


def _span_record(span: Span) -> dict[str, Any]:
    record: dict[str, Any] = {"start": span.start, "end": span.end, "label": span.label}
    if span.score is not None:
        record["score"] = span.score
    return record


def sniff(head: str) -> bool:
    """The first line is a JSON object of its own; of a line that is longer than ``head`` the beginning."""
    first = next((line for line in head.split("\n") if line.strip()), "")
    return (
        not is_wrapped(head)
        and first.lstrip().startswith("{")
        and (first.rstrip().endswith("}") or "\n" not in head)
    )


FORMAT = Format(
    name="jsonl",
    suffixes=(".jsonl", ".ndjson"),
    read=read,
    write=write,
    sniff=sniff,
    general=True,
    offsets=True,
    carries=EVERYTHING,
    title="JSON Lines, one document a line",
    detected="a JSON object on the first line",
    tried="the real corpora of the tests",
)
