"""Between spaCy's Doc and an entry of a file: the only file that knows both Doc and the store's records.
Offsets are code points on both sides."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, cast

from spacy.tokens import Doc
from spacy.vocab import Vocab

from spanloop.plugin.alignment.tokens import tagged_ranges, token_ranges
from spanloop.plugin.tagging.parts_of_speech import TagField
from spanloop.recipes.convert import char_spans
from spanloop.recipes.formats.entry import Entry
from spanloop.recipes.formats.json_text import parse
from spanloop.recipes.formats.tagged import cut_tokens
from spanloop.store.records import Gold, Range, Span, Split, Task

if TYPE_CHECKING:
    from spanloop.plugin.tagging.gold import Gold as TrainingGold

META = "spanloop"
"""Where a Doc of ours carries id, group, split and meta, as JSON: ``doc.user_data["spanloop"]``."""


def training_gold(doc: Doc, gold: Gold) -> TrainingGold:
    """A stored gold document as the training function takes it; ``doc``: its text cut into tokens."""
    from spanloop.plugin.tagging.gold import Gold as TrainingGold

    return TrainingGold(
        doc=doc,
        spans=char_spans(gold.spans),
        ranges=gold.ranges,
        negatives=char_spans(gold.negatives),
        group=gold.document.group,
        unknown=gold.unknown,
    )


def doc_of_entry(vocab: Vocab, entry: Entry, *, task: Task, field: TagField = "tag") -> tuple[Doc, int, int]:
    """A Doc with the entry's text and spans, how many tokens were cut at span edges, and how many spans had
    no token (whitespace only). ``field``: where the tags of a tags project go. ValueError for an entry
    without tokens."""
    if entry.tokens is None:
        raise ValueError(f"document {entry.key} has no tokens")
    spans = entry.spans or ()
    tokens = cut_tokens(entry.tokens, spans)
    words, spaces = _words(entry.text, tokens)
    doc = Doc(vocab, words=words, spaces=spaces)
    lost = 0
    ents = []
    for span in spans:
        found = doc.char_span(span.start, span.end, label=span.label, alignment_mode="contract")
        if found is None or not found.text.strip():
            lost += 1
        elif task == "tags":
            for token in found:
                setattr(token, f"{field}_", span.label)
        else:
            ents.append(found)
    if task == "spans":
        doc.set_ents(ents)
    about = {"id": entry.key, "group": entry.group, "split": entry.split, "meta": dict(entry.meta)}
    doc.user_data[META] = json.dumps(about)  # msgpack, which carries user data, has no large numbers
    return doc, len(tokens) - len(entry.tokens), lost


def _words(text: str, tokens: Sequence[Range]) -> tuple[list[str], list[bool]]:
    """Words and trailing spaces that spell the text exactly: what stands between tokens becomes tokens of its
    own."""
    words: list[str] = []
    spaces: list[bool] = []
    position = 0
    for start, end in [*tokens, (len(text), len(text))]:
        gap = text[position:start]
        if gap.startswith(" ") and words:
            spaces[-1] = True
            gap = gap[1:]
        if gap:
            words.append(gap)
            spaces.append(False)
        if end > start:
            words.append(text[start:end])
            spaces.append(False)
        position = end
    return words, spaces


def entry_of_doc(doc: Doc, line: int, *, task: Task, note: str | None, field: TagField = "tag") -> Entry:
    """What a Doc says, as a file entry; ``line`` counts the Docs of its file from 1. A Doc on which nobody
    set entities (or tags) says nothing of spans. ``note``: what stood in its user data under META. ``field``:
    where the tags of the project stand; the other one counts where a Doc has only that. ValueError or
    KeyError where its attributes contradict each other."""
    about = _about(note)
    key, group, split, meta = (about.get(name) for name in ("id", "group", "split", "meta"))
    return Entry(
        text=doc.text,
        line=line,
        key=None if key is None else str(key),
        group=None if group is None else str(group),
        split=cast(Split, split) if split in ("pool", "eval") else None,
        meta=meta if isinstance(meta, dict) else {} if meta is None else {"meta": meta},
        spans=_spans_of_doc(doc, task, field),
        tokens=tuple(token_ranges(doc)),
    )


def _about(note: str | None) -> Mapping[str, Any]:
    """What a Doc carries of its document. ValueError where that is no JSON object."""
    if note is None:
        return {}
    about = parse(note)
    if not isinstance(about, dict):
        raise ValueError(f"user_data[{META!r}] is a {type(about).__name__}, not an object")
    return about


def _spans_of_doc(doc: Doc, task: Task, field: TagField) -> tuple[Span, ...] | None:
    if task == "spans":
        if not doc.has_annotation("ENT_IOB"):
            return None
        return tuple(Span(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents)
    other: TagField = "tag" if field == "pos" else "pos"
    name = field if doc.has_annotation(field.upper()) else other
    if not doc.has_annotation(name.upper()):
        return None
    return tuple(Span(*found) for found in tagged_ranges(doc, attrgetter(f"{name}_")))
