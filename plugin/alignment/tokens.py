"""The tokens of a Doc that are more than whitespace, and the characters they cover: what the model, the store
and the files mean by the tokens of a text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from spacy.attrs import IDX, IS_SPACE, LENGTH

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token


def visible_tokens(doc: Doc) -> Iterator[Token]:
    """The tokens that are not whitespace alone, in order."""
    return (token for token in doc if not token.is_space)


def token_bounds(doc: Doc) -> NDArray[np.int64]:
    """The characters of each visible token, half-open, an array of shape (tokens, 2)."""
    if not len(doc):
        return np.zeros((0, 2), dtype=np.int64)
    begins, lengths, space = doc.to_array([IDX, LENGTH, IS_SPACE]).astype(np.int64).T
    bounds: NDArray[np.int64] = np.stack([begins, begins + lengths], axis=1)[space == 0]
    return bounds


def token_ranges(doc: Doc) -> list[tuple[int, int]]:
    """The same as pairs."""
    return [(start, end) for start, end in token_bounds(doc).tolist()]


def tagged_ranges(doc: Doc, tag_of: Callable[[Token], str | None]) -> list[tuple[int, int, str]]:
    """The characters and the tag of each visible token that has one."""
    tags = map(tag_of, visible_tokens(doc))
    return [(start, end, tag) for (start, end), tag in zip(token_ranges(doc), tags, strict=True) if tag]
