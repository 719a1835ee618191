"""A file of patterns, spaCy's or Prodigy's JSONL: read, and each of them looked at before it is used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.pipeline import EntityRuler
from spacy.schemas import validate_token_pattern

from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats.json_text import NotJson, parse
from spanloop.recipes.formats.lines import numbered_lines

UNUSABLE = (ValueError, TypeError, KeyError, AttributeError, OverflowError, re.error)
"""What spaCy raises for a pattern that it cannot use, when it gets it or when it first meets a text."""
_FORM = 'a pattern is {"label": "PER", "pattern": "Ann" or [{"lower": "ann"}]}'
_ONCE = (None, "!", "1")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line of the file, as spaCy takes it."""

    line: int
    row: dict[str, Any]

    @property
    def endless(self) -> bool:
        """Whether matching it may take longer than anybody waits, or more memory than there is: a regular
        expression, or a token that may stand there a number of times."""
        tokens = self.row["pattern"]
        if isinstance(tokens, str):
            return False
        return any(token.get("OP", token.get("op")) not in _ONCE for token in tokens) or any(
            key.upper() == "REGEX" for token in tokens for key in _keys(token)
        )


def read_patterns(file: Path) -> list[Pattern]:
    """The patterns of a JSONL file: ``label`` and ``pattern``, a string or a list of token attributes.

    FormatError names the line that is none.
    """
    found: list[Pattern] = []
    for line, raw in numbered_lines(file):
        if raw.strip():
            found.append(Pattern(line, _row(file, line, raw)))
    if not found:
        raise FormatError(file, None, "there are no patterns in it")
    return found


def ruler(nlp: Language, file: Path, patterns: list[Pattern]) -> EntityRuler:
    """What finds them all. FormatError names the line of a pattern that spaCy cannot use."""
    made = EntityRuler(nlp)
    try:
        made.add_patterns([pattern.row for pattern in patterns])
    except UNUSABLE:
        for pattern in patterns:  # which one is it?
            try:
                EntityRuler(nlp).add_patterns([pattern.row])
            except UNUSABLE as error:
                raise FormatError(file, pattern.line, f"spaCy cannot use this pattern: {error}") from error
        raise
    return made


def _row(file: Path, line: int, raw: str) -> dict[str, Any]:
    try:
        row = parse(raw)
    except NotJson as error:
        raise FormatError(file, line, str(error)) from error
    if not isinstance(row, dict) or not isinstance(row.get("label"), str) or not row.get("pattern"):
        raise FormatError(file, line, _FORM)
    if not isinstance(row["pattern"], str | list) or not isinstance(row.get("id", ""), str):
        raise FormatError(file, line, _FORM)
    if any(_UNSTORABLE.search(text) for text in _strings(row)):
        raise FormatError(file, line, "the pattern has a NUL or half a surrogate pair: no text can hold it")
    if isinstance(row["pattern"], list):
        if not all(isinstance(token, dict) for token in row["pattern"]):
            raise FormatError(file, line, _FORM)
        wrong = validate_token_pattern(row["pattern"])
        if wrong:
            raise FormatError(file, line, f"spaCy knows no such pattern: {'; '.join(wrong)}")
    return {name: row[name] for name in ("label", "pattern", "id") if name in row}


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from _keys(inner)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from (key, *_strings(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
