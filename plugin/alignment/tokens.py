"""The tokens of a Doc that are more than whitespace, and the characters they cover: what the model, the store
and the files mean by the tokens of a text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token


def visible_tokens(doc: Doc) -> Iterator[Token]:
    """The tokens that are not whitespace alone, in order."""
    return (token for token in doc if not token.is_space)


def token_ranges(doc: Doc) -> list[tuple[int, int]]:
    """The characters of each visible token, half-open."""
    return [(token.idx, token.idx + len(token)) for token in visible_tokens(doc)]


def tagged_ranges(doc: Doc, tag_of: Callable[[Token], str | None]) -> list[tuple[int, int, str]]:
    """The characters and the tag of each visible token that has one."""
    tags = map(tag_of, visible_tokens(doc))
    return [(start, end, tag) for (start, end), tag in zip(token_ranges(doc), tags, strict=True) if tag]
