"""The ways in which records of JSON spell spans: ours, those of spaCy, doccano, Hugging Face and of people.

A list is read as spans where everything in it has a start, an end and a label; so a list of something else
under the same name stays what it is.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, cast

from spanloop.plugin.tagging.reading import read_tags
from spanloop.recipes.formats.entry import ReadOptions
from spanloop.recipes.formats.tagged import find_tokens, spans_of_tags
from spanloop.store.records import Span

PLACES = ("spans", "entities", "label", "labels", "annotations", "annotation", "ents")
"""Where spans are looked for, in this order."""
TAGGED = (
    "tags",
    "ner_tags",
    "ner",
    "labels",
    "label",
    "bio",
    "iob",
    "tag",
    "pos_tags",
    "pos",
    "upos",
    "chunk_tags",
)
"""Where one tag a token is looked for."""
_OF_DOCUMENTS = ("label", "labels", "tag")
"""Names under which there may be labels of the whole document as well."""
STARTS = ("start", "start_offset", "start_char", "startOffset", "begin", "begin_offset", "char_start")
ENDS = ("end", "end_offset", "end_char", "endOffset", "finish", "char_end")
_LABELS = ("label", "tag", "type", "entity_group", "entity", "class", "entity_type", "ner", "name", "labels")

_SAID = ("text", "mention", "surface", "surface_form", "covered_text", "span_text")
"""Where a span may carry its own text."""


_MAY_SAY = frozenset(_SAID)


def said_by(items: Any) -> tuple[str | None, ...]:
    """The text that each span of a list carries; empty where none does."""
    if not isinstance(items, list):
        return ()
    objects = [item if isinstance(item, dict) else {} for item in items]
    if all(map(_MAY_SAY.isdisjoint, objects)):
        return ()
    said = [next((o[n] for n in _SAID if isinstance(o.get(n), str)), None) for o in objects]
    return tuple(said) if any(text is not None for text in said) else ()


def spans_of_record(
    record: Mapping[str, Any], text: str, tokens: Sequence[str] | None, options: ReadOptions
) -> tuple[tuple[Span, ...] | None, str]:
    """The spans of a record and the key under which they stand.

    Args:
        record: What the file says of the document.
        text: Its text.
        tokens: Its tokens, where it has such.
        options: The task, and the names of tags that are numbers.

    Returns:
        None where the record says nothing of spans.

    Raises:
        ValueError: Spans or tags cannot be read; says why.
    """
    if tokens is not None and (options.task == "tags" or record.get("spans") is None):
        name = _tagged(record, len(tokens), options)
        if name is not None:
            return _of_tags(record[name], name, text, tokens, options), name
    if record.get("spans") is not None and not isinstance(record["spans"], list):
        raise ValueError(f'"spans" is a {type(record["spans"]).__name__}; a list is expected')
    chosen = "spans" if record.get("spans") else _place_of_spans(record)
    if chosen is None:
        return None, "spans"
    return tuple(span_of(item, number) for number, item in enumerate(record[chosen], start=1)), chosen


def _place_of_spans(record: Mapping[str, Any]) -> str | None:
    """The key of the first list that has spans, else of the first that is empty."""
    lists = [name for name in PLACES if isinstance(record.get(name), list)]
    fitting = [name for name in lists if name == "spans" or all(map(is_span, record[name]))]
    return next((name for name in fitting if record[name]), fitting[0] if fitting else None)


def tags_of_record(record: Mapping[str, Any], tokens: Sequence[str] | None) -> list[str]:
    """The tags of a record that are texts, one a token; none where it has none, or is not right in itself."""
    if tokens is None or record.get("spans") is not None:
        return []
    try:
        name = _tagged(record, len(tokens), ReadOptions())
    except ValueError:  # told when the record is read
        return []
    return [] if name is None else [tag for tag in record[name] if isinstance(tag, str)]


def _tagged(record: Mapping[str, Any], length: int, options: ReadOptions) -> str | None:
    """The key with one tag a token; where several are, in a tags project the one with the labels."""
    found = [name for name in TAGGED if _are_tags(record.get(name))]
    for name in found:
        if len(record[name]) != length and name not in _OF_DOCUMENTS:
            raise ValueError(
                f'"{name}" has {len(record[name])} tags for {length} tokens; one each is expected'
            )
    found = [name for name in found if len(record[name]) == length]
    if options.task == "tags" and options.labels:
        known = [n for n in found if {*record[n]} <= {*options.labels, "_", "O"}]
        found = known or found
    return found[0] if found else None


def _are_tags(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(tag, str) or is_offset(tag) for tag in value)


def _of_tags(
    tags: Sequence[Any], name: str, text: str, tokens: Sequence[str], options: ReadOptions
) -> tuple[Span, ...]:
    names = [_tag_name(tag, name, options.tag_names) for tag in tags]
    # all names that are known say more of what a tag means than those of one document
    known = options.tag_names or options.seen_tags or names
    reading = read_tags(dict.fromkeys((*known, *names)), of_model=False)
    return spans_of_tags(find_tokens(text, tokens), names, task=options.task, reading=reading)


def _tag_name(tag: str | int, where: str, names: Sequence[str] | None) -> str:
    if isinstance(tag, str):
        return tag
    if names is None:
        raise ValueError(f'"{where}" are numbers: say what they stand for, e.g. --tag-names O,B-PER,I-PER')
    if not 0 <= tag < len(names):
        raise ValueError(f'"{where}" has {tag}, and there are the names 0 to {len(names) - 1}')
    return names[tag]


def is_span(item: Any) -> bool:
    """Whether it looks like a span in one of the spellings."""
    if isinstance(item, dict):
        start, end, label = _parts(item)
        return is_offset(start) and is_offset(end) and isinstance(label, str)
    return _is_triple(item)


def _parts(item: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    start, end, label = (
        next((item[name] for name in names if item.get(name) is not None), None)
        for names in (STARTS, ENDS, _LABELS)
    )
    return start, end, label[0] if isinstance(label, list) and len(label) == 1 else label


def _is_triple(item: Any) -> bool:
    return isinstance(item, list) and len(item) == 3 and is_offset(item[0]) and is_offset(item[1])


def is_offset(value: Any) -> bool:
    """Whether it is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def span_of(item: Any, number: int) -> Span:
    """The span; ``number`` counts from 1, for the message. ValueError for what is none."""
    if type(item) is dict:  # as nearly all are spelled
        start, end, label, score = item.get("start"), item.get("end"), item.get("label"), item.get("score")
        if type(start) is type(end) is int and type(label) is str and label:
            return Span(start, end, label, None if score is None else _score(score, number))
    score = None
    if isinstance(item, dict):
        (start, end, label), score = _parts(item), item.get("score")
    elif _is_triple(item):
        start, end, label = item
    else:
        raise ValueError(
            f'span {number} is {item!r}; {{"start", "end", "label"}} or [start, end, label] is expected'
        )
    if not (is_offset(start) and is_offset(end)):
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
