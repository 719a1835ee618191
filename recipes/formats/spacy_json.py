"""JSON for training with spaCy: pairs of a text and its annotations (``["Ann ran", {"entities": [[0, 3,
"PER"]]}]``), as lines, as an array or as tools write them under ``annotations``; and the training JSON of
spaCy 2, with ``paragraphs`` of ``sentences`` of ``tokens``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from spanloop.plugin.tagging.reading import read_tags
from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats.entry import Entry, Format, ReadOptions
from spanloop.recipes.formats.json_values import first_record, first_sign, lines_or_array, records
from spanloop.recipes.formats.json_writing import write_spacy_v2
from spanloop.recipes.formats.jsonl import entry_of
from spanloop.recipes.formats.tagged import find_tokens, join_tokens, known_ranges, spans_of_tags

_PAIRS = re.compile(r'\s*\[\s*(?:\[\s*)?"(?:[^"\\]|\\.)*"\s*,\s*\{')
_WRAPPED = re.compile(
    r'\s*\{\s*(?:"classes"\s*:\s*\[[^\]]*\]\s*,\s*)?"annotations"\s*:\s*\[\s*(?:null\s*,\s*)*\[\s*"'
)


def read(path: Path, options: ReadOptions) -> Iterator[Entry]:
    """One entry a pair, or a paragraph of the training JSON."""
    for line, value in _values(path):
        try:
            if isinstance(value, Mapping) and isinstance(value.get("paragraphs"), list):
                yield from _paragraphs(value, line, options)
            elif value is not None:  # a tool writes null for a text that was skipped
                yield _pair(value, line, options)
        except ValueError as error:
            raise FormatError(path, line, str(error)) from error


def _values(path: Path) -> Iterator[tuple[int | None, Any]]:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        wrapped = _WRAPPED.match(file.read(64_000)) is not None
    if wrapped or first_sign(path) != "[":
        yield from ((line, value) for line, value, _ in records(path, "annotations"))
    else:
        yield from lines_or_array(path)


def _pair(value: Any, line: int | None, options: ReadOptions) -> Entry:
    if not (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], Mapping)
    ):
        raise ValueError('a pair like ["a text", {"entities": [[0, 3, "PER"]]}] is expected')
    text, said = value
    spans, name = said.get("entities"), "entities"
    if spans is None and isinstance(said.get("spans"), Mapping):
        spans, name = [span for group in said["spans"].values() for span in group], "spans"
    rest = {other: one for other, one in said.items() if other != name}
    if spans is None:
        return entry_of({"text": text, "meta": rest}, line, options)
    return entry_of({"text": text, "spans": spans, "meta": rest}, line, options)


def _paragraphs(document: Mapping[str, Any], line: int | None, options: ReadOptions) -> Iterator[Entry]:
    group = None if document.get("id") is None else str(document["id"])
    for number, paragraph in enumerate(document["paragraphs"]):
        sentences = paragraph.get("sentences") if isinstance(paragraph, Mapping) else None
        if not isinstance(sentences, list):
            raise ValueError(f'paragraph {number} has no "sentences"')
        tokens = [token for sentence in sentences for token in _tokens(sentence, number)]
        key = None if group is None or len(document["paragraphs"]) == 1 else f"{group}-{number}"
        entry = _of_tokens(paragraph.get("raw"), tokens, options)
        yield replace(entry, line=line, key=key or group, group=group)


def _tokens(sentence: Any, number: int) -> Sequence[Mapping[str, Any]]:
    tokens = sentence.get("tokens") if isinstance(sentence, Mapping) else None
    if not isinstance(tokens, list) or not all(
        isinstance(t, Mapping) and isinstance(t.get("orth"), str) for t in tokens
    ):
        raise ValueError(f'paragraph {number} has a sentence without "tokens" that have an "orth"')
    return tokens


def _of_tokens(raw: Any, tokens: Sequence[Mapping[str, Any]], options: ReadOptions) -> Entry:
    words = [token["orth"] for token in tokens]
    name = "tag" if options.task == "tags" else "ner"
    tags = [token.get(name) for token in tokens]
    text = raw if isinstance(raw, str) else join_tokens(words)[0]
    if not any(isinstance(tag, str) for tag in tags):
        return Entry(text=text)
    # "-", as no tag at all, is what nobody knows in spaCy 2: these tokens were not looked at
    known = [isinstance(tag, str) and tag != "-" for tag in tags]
    names = [str(tag) if there else "O" for tag, there in zip(tags, known, strict=True)]
    reading = read_tags(dict.fromkeys(names), of_model=False)
    places = find_tokens(text, words)
    spans = spans_of_tags(places, names, task=options.task, reading=reading)
    return Entry(
        text=text, spans=spans, ranges=None if options.task == "tags" else known_ranges(places, known)
    )


def sniff(head: str) -> bool:
    """A text and an object in a list, alone, in an array or under ``annotations``; or ``paragraphs``."""
    if _PAIRS.match(head) is not None or _WRAPPED.match(head) is not None:
        return True
    record = first_record(head)
    return isinstance(record, Mapping) and isinstance(record.get("paragraphs"), list)


FORMAT = Format(
    name="spacy_json",
    suffixes=(".json",),
    read=read,
    write=write_spacy_v2,
    sniff=sniff,
    offsets=True,
    carries=frozenset({"spans", "empty_documents", "open_documents", "blanks"}),
    title="spaCy's training pairs and the training JSON of spaCy 2",
    detected="a list of a text and an object, or a first object with paragraphs",
    skips=("heads, lemmas and categories",),
    tried="files written from the documentation of spaCy 2",
)
