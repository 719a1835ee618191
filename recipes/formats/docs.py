"""Between spaCy's Doc and an entry of a file: the only file that knows both Doc and the store's records.
Offsets are code points on both sides."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from spacy.tokens import Doc
from spacy.vocab import Vocab

from spanloop.plugin.alignment.place import ENTS
from spanloop.plugin.alignment.tokens import tagged_ranges, token_ranges
from spanloop.plugin.pipe import on_doc
from spanloop.plugin.tagging.parts_of_speech import TagField
from spanloop.recipes.convert import char_spans
from spanloop.recipes.formats.entry import Entry, ReadOptions
from spanloop.recipes.formats.json_text import parse
from spanloop.recipes.formats.jsonl import as_record, entry_of
from spanloop.recipes.formats.span_shapes import is_offset
from spanloop.recipes.formats.tagged import cut_tokens, known_ranges
from spanloop.store.records import Gold, Range, Span, Task

if TYPE_CHECKING:
    from spanloop.plugin.tagging.gold import Gold as TrainingGold

META = "spanloop"
"""Where a Doc of ours carries what a line of our JSONL says beside text and spans, as JSON:
``doc.user_data["spanloop"]``."""
SCORES = "scores"
"""Under it there the scores of spans: first character, end, score."""
EMPTY = "empty"
"""Under it there whether somebody said that there are no spans."""


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
        at_random=gold.at_random,
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
    if task == "spans" and entry.spans is not None:
        doc.set_ents(ents)
        _keep_scores(doc, entry)
    about = {name: value for name, value in as_record(entry).items() if name not in ("text", "spans")}
    scores = [[span.start, span.end, span.score] for span in spans if span.score is not None]
    if scores:
        about[SCORES] = scores
    if entry.spans == ():
        about[EMPTY] = True  # no tag is no annotation to spaCy
    doc.user_data[META] = json.dumps(about)  # msgpack, which carries user data, has no large numbers
    return doc, len(tokens) - len(entry.tokens), lost


def _keep_scores(doc: Doc, entry: Entry) -> None:
    """Scores where a pipe of ours has them, so that ``ent._.spanloop_confidence`` says them."""
    rows = [(s.start, s.end, (ENTS, s.label, s.score)) for s in entry.spans or () if s.score is not None]
    if rows:
        on_doc.put(doc, on_doc.PLACED, entry.predicted_by or META, rows)


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
    about = {name: value for name, value in _about(note).items() if value is not None}
    scores = _scores(about.pop(SCORES, None))
    spans = _spans_of_doc(doc, task, field)
    if about.pop(EMPTY, False) is True and spans is None:
        spans = ()
    record = {**about, "text": doc.text} | ({} if spans is None else {"spans": []})
    entry = entry_of(record, line, ReadOptions())
    scored = None if spans is None else tuple(replace(s, score=scores.get((s.start, s.end))) for s in spans)
    tokens = tuple(token_ranges(doc))
    if task == "spans" and doc.has_annotation("ENT_IOB") and entry.ranges is None:
        # spaCy has 0 for a token of which nobody said whether it is in an entity
        known = [token.ent_iob != 0 for token in doc if token.text.strip()]
        entry = replace(entry, ranges=known_ranges(tokens, known))
    return replace(entry, spans=scored, tokens=tokens)


def _scores(found: Any) -> dict[tuple[int, int], float]:
    """The scores of spans by their characters; what is something else is passed over."""
    rows = found if isinstance(found, list) else []
    return {
        (row[0], row[1]): float(row[2])
        for row in rows
        if isinstance(row, list)
        and len(row) == 3
        and is_offset(row[0])
        and is_offset(row[1])
        and isinstance(row[2], int | float)
        and 0 <= row[2] <= 1
    }


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
