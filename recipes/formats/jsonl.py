"""JSON Lines: one object a line with ``text`` and, where known, ``spans``, ``meta``, ``id``, ``group``,
``split``.

The format that carries everything: ``ranges`` and ``negatives`` of a document that was looked at in part, the
``known_labels`` of one that was annotated before some label was there, the model where one ``predicted_by``
its spans. Unknown keys go into ``meta``, so nothing a file says is lost.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from spanloop.plugin.tagging.reading import read_tags
from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats.entry import Entry, Format, ReadOptions, WriteOptions, Written
from spanloop.recipes.formats.json_text import NotJson, parse
from spanloop.recipes.formats.lines import numbered_lines
from spanloop.recipes.formats.tagged import find_tokens, join_tokens, spans_of_tags
from spanloop.store.records import Answer, Range, Span, Split

ANSWERS = ("accept", "reject", "ignore")
SPLITS = ("pool", "eval")
_TRIPLES = ("label", "labels", "entities")  # where other tools keep [start, end, label]
_OURS = ("text", "spans", "meta", "id", "group", "doc", "answer", "tokens", "tags", "negatives")


def read(path: Path, options: ReadOptions) -> Iterator[Entry]:
    """One entry a line; blank lines are none. FormatError names file and line."""
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
            yield _entry(record, line, options)
        except ValueError as error:
            raise FormatError(path, line, str(error)) from error


def _entry(record: dict[str, Any], line: int, options: ReadOptions) -> Entry:
    """What the record says. ValueError says what is wrong with it, without the line."""
    tokens = _tokens(record)
    text = record.get("text")
    if text is None and tokens is not None:
        text, _ = join_tokens(tokens)
    if not isinstance(text, str):
        given = f"has the keys {', '.join(record)}" if text is None else f'"text" is a {type(text).__name__}'
        raise ValueError(f'every document needs a "text" that is a string; this one {given}')
    spans, source = _spans(record, text, tokens, options)
    answer = record.get("answer", "accept")
    if answer not in ANSWERS:
        raise ValueError(f'"answer" is {answer!r}; it can be {", ".join(ANSWERS)}')
    split = record.get("split")
    key, group = record.get("id"), record.get("group", record.get("doc"))
    looked_at = _ranges(record, text)
    predicted_by = record.get("predicted_by")
    part = None if split is None or split in SPLITS else str(split)
    taken = {*_OURS, source, "split", "ranges" if looked_at else ""}
    if isinstance(predicted_by, str):
        taken.add("predicted_by")
    labels = _known_labels(record)
    if labels is not None:
        taken.add("known_labels")
    return Entry(
        text=text,
        line=line,
        key=None if key is None else str(key),
        group=None if group is None else str(group),
        split=cast(Split, split) if split in SPLITS else None,
        meta={**_meta(record), **{name: value for name, value in record.items() if name not in taken}},
        spans=spans,
        answer=cast(Answer, answer),
        ranges=looked_at,
        negatives=_negatives(record),
        predicted_by=predicted_by if isinstance(predicted_by, str) else None,
        labels=labels,
        part=part,
        opened=not (source in _TRIPLES and spans == ()),  # written for documents that nobody opened, too
    )


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
    if not all(isinstance(pair, list) and len(pair) == 2 and all(map(_is_offset, pair)) for pair in found):
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
    return tuple(_span(item, number) for number, item in enumerate(found, start=1))


def _meta(record: Mapping[str, Any]) -> dict[str, Any]:
    meta = record.get("meta")
    if meta is None:
        return {}
    return meta if isinstance(meta, dict) else {"meta": meta}


def _tokens(record: Mapping[str, Any]) -> list[str] | None:
    """The words of ``tokens``, given as strings or as objects with a ``text``; None where there are none."""
    tokens = record.get("tokens")
    if not isinstance(tokens, list):
        return None
    words = [token.get("text") if isinstance(token, dict) else token for token in tokens]
    strings = [word for word in words if isinstance(word, str)]
    return strings if len(strings) == len(words) else None


def _spans(
    record: Mapping[str, Any], text: str, tokens: list[str] | None, options: ReadOptions
) -> tuple[tuple[Span, ...] | None, str]:
    """The spans and the key they were found under; None where the record says nothing of spans."""
    tags = record.get("tags")
    tagged = tokens is not None and isinstance(tags, list) and len(tags) == len(tokens)
    if tagged and (options.task == "tags" or record.get("spans") is None):
        ranges = find_tokens(text, tokens or [])
        names = [str(tag) for tag in cast("list[Any]", tags)]
        reading = read_tags(dict.fromkeys(names), of_model=False)
        return spans_of_tags(ranges, names, task=options.task, reading=reading), "tags"
    for name in ("spans", *_TRIPLES):
        found = record.get(name)
        if isinstance(found, list) and (name == "spans" or all(_is_triple(item) for item in found)):
            return tuple(_span(item, number) for number, item in enumerate(found, start=1)), name
    if record.get("spans") is not None:
        raise ValueError(f'"spans" is a {type(record["spans"]).__name__}; a list is expected')
    return None, "spans"


def _is_triple(item: Any) -> bool:
    return isinstance(item, list) and len(item) == 3 and _is_offset(item[0]) and _is_offset(item[1])


def _is_offset(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _span(item: Any, number: int) -> Span:
    """A span from an object with start, end, label or from a triple; ``number`` counts from 1, for the
    message."""
    if isinstance(item, dict):
        start, end, label, score = item.get("start"), item.get("end"), item.get("label"), item.get("score")
    elif _is_triple(item):
        (start, end, label), score = item, None
    else:
        raise ValueError(
            f'span {number} is {item!r}; {{"start", "end", "label"}} or [start, end, label] is expected'
        )
    if not (_is_offset(start) and _is_offset(end)):
        raise ValueError(f"span {number} has start {start!r} and end {end!r}; both must be whole numbers")
    if not isinstance(label, str) or not label:
        raise ValueError(f"span {number} has the label {label!r}; a name is expected")
    return Span(cast(int, start), cast(int, end), label, _score(score, number))


def _score(score: Any, number: int) -> float | None:
    if not isinstance(score, int | float) or isinstance(score, bool):
        return None
    if not -sys.float_info.max <= score <= sys.float_info.max:
        raise ValueError(f"span {number} has a score that is no number to reckon with: {score!r}")
    return float(score)


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
    record.update(group=entry.group, split=entry.split, meta=dict(entry.meta) or None)
    return {name: value for name, value in record.items() if value is not None}


def _span_record(span: Span) -> dict[str, Any]:
    record: dict[str, Any] = {"start": span.start, "end": span.end, "label": span.label}
    if span.score is not None:
        record["score"] = span.score
    return record


def sniff(head: str) -> bool:
    """The first line with something on it is a JSON object of its own."""
    first = next((line for line in head.splitlines() if line.strip()), "")
    return first.lstrip().startswith("{") and first.rstrip().endswith("}")


FORMAT = Format(
    name="jsonl",
    suffixes=(".jsonl", ".ndjson"),
    read=read,
    write=write,
    sniff=sniff,
    ranges=True,
    general=True,
)
