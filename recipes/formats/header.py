"""The names that columns and keys have in the files of the field: what people call a text, a token, a tag."""

from __future__ import annotations

import re
from collections.abc import Sequence

TEXTS = ("text", "content", "body", "document_text", "sentence_text", "review", "message", "utterance")
TOKENS = ("token", "tokens", "word", "words", "form")
TAGS = (
    "ner_tags",
    "ner_tag",
    "ner",
    "tags",
    "tag",
    "iob",
    "bio",
    "iob_tag",
    "bio_tag",
    "entity",
    "labels",
    "label",
)
SENTENCES = (
    *("sentence #", "sentence", "sentence_id", "sentence id", "sentence_idx", "sent_id", "sentid"),
    *("sentence number", "sentence_no", "sent"),
)
DOCUMENTS = ("document", "document_id", "doc", "doc_id", "docid", "file", "filename")
OTHERS = (
    *("pos", "lemma", "chunk", "pos_tag", "pos_tags", "id", "index", "start", "end", "unnamed: 0", ""),
    *("spans", "group", "split"),
)
_KNOWN = frozenset((*TEXTS, *TOKENS, *TAGS, *SENTENCES, *DOCUMENTS, *OTHERS))


def plain(name: str) -> str:
    """A name as it is compared: without blanks at its ends, in small letters."""
    return name.strip().lower()


def is_header(cells: Sequence[str]) -> bool:
    """Whether a line names columns: two at least, and all or most of them known names, one of them a text or
    a token."""
    names = [plain(cell) for cell in cells]
    known = sum(name in _KNOWN for name in names)
    return (
        len(names) > 1
        and known >= max(2, len(names) - 1)
        and any(n in (*TEXTS, *TOKENS, *SENTENCES) for n in names)
    )


def first_of(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    """The first of the wanted names that is there, as it is spelled there."""
    there = {plain(name): name for name in reversed(names)}
    return next((there[name] for name in wanted if name in there), None)


WRAPPERS = ("data", "rows", "documents", "records", "items", "sentences")
"""Where an object keeps its documents."""
_WRAPPED = re.compile(rf'\s*\{{\s*"(?:{"|".join(WRAPPERS)}|features)"\s*:\s*[\[{{]')


def is_wrapped(head: str) -> bool:
    """Whether a file begins as a JSON object whose first key holds documents."""
    return _WRAPPED.match(head) is not None
