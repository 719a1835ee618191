"""Where one tag a token goes on a Doc: the one place that decides between ``pos`` and ``tag``."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

TagField = Literal["tag", "pos"]
UNIVERSAL = frozenset(
    {"ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM"}
    | {"PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM", "VERB", "X"}
)
"""The universal parts of speech (universaldependencies.org/u/pos): all that ``token.pos_`` takes."""


def field_of(labels: Collection[str]) -> TagField:
    """The field of a token that takes these tags.

    Args:
        labels: The labels of a project of tags, or of a head.

    Returns:
        ``pos`` where all of them are universal parts of speech, else ``tag``, as for none at all.
    """
    return "pos" if labels and UNIVERSAL.issuperset(labels) else "tag"
