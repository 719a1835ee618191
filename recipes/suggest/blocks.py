"""Documents that a model suggests for in one transaction, one step of `prelabel`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from spanloop.recipes.active_learning import strategies
from spanloop.recipes.formats.placing import part_overlaps
from spanloop.recipes.suggest.refusal import TOKENIZER, Refusal, Refused
from spanloop.recipes.suggest.sources import Source
from spanloop.store import Store
from spanloop.store.events import AlignmentEvent
from spanloop.store.records import Document, Range, Span
from spanloop.store.tables.ledger import REFUSED

FIRST_BLOCK = 8
"""The first transaction is small, each further one twice as large: whoever asks for the next documents gets
fresh suggestions within a second, and the bulk of the work still goes in large blocks."""


def tokenizer_of(store: Store, source: Source) -> str:
    """The hash of the source's tokenizer, which the project keeps from its first suggestions on."""
    from spanloop.recipes.suggest.tokenise import tokenizer_hash

    tokenizer = tokenizer_hash(source.nlp, store.project.unit)
    if store.project.tokenizer is None and source.own_tokens:
        store.set_project(tokenizer=tokenizer)
    return tokenizer


def suggest_first(store: Store, source: Source) -> int:
    """Predict the open documents that come first in the queue, as many as the first block of `prelabel` has;
    how many that were. The queue keeps its order, and `prelabel` goes on from there."""
    tokenizer = tokenizer_of(store, source)
    block = list(store.predictions.missing(source.model_id, limit=FIRST_BLOCK, state="open"))
    return predict_block(store, source, block, tokenizer).documents if block else 0


@dataclass(frozen=True, slots=True)
class Block:
    """What became of one block: documents predicted, their spans and alignment events, those refused, by
    document id, and the spans that were not sure enough."""

    documents: int
    spans: int
    events: int
    refused: dict[int, Refusal]
    below_threshold: int


def predict_block(store: Store, source: Source, block: Sequence[Document], tokenizer: str) -> Block:
    """Predict and store one block in one transaction."""
    from spanloop.plugin.alignment.tokens import token_ranges
    from spanloop.recipes.convert import store_events, store_spans
    from spanloop.recipes.suggest.run_pipeline import (
        annotate,
        annotate_by_script,
        found_events,
        found_spans,
        left_out,
        named,
    )
    from spanloop.recipes.suggest.tokenise import as_shown

    project = store.project
    said, events, below = [], list[AlignmentEvent](), 0
    names = source.used.label_map
    tokens: list[tuple[int, list[Range] | None]] = []
    refused: dict[int, tuple[Document, Refused]] = {}
    with named(source.name, store):
        run = annotate_by_script if source.by_script else annotate
        annotated = run(source.nlp, [document.text for document in block])
    for document, found in zip(block, annotated, strict=True):
        if isinstance(found, Refused):
            refused[document.id] = (document, found)
            if found.by == TOKENIZER:
                tokens.append((document.id, None))
            continue
        doc, scores = found.doc, found.scores
        known = None if scores is None else scores.logprobs
        acquisition = strategies.acquisition(known, seed=project.seed, key=document.key)
        told = found_spans(found, task=project.task, labels=source.labels, names=names)
        spans = store_spans(told)
        below += len(left_out(found))
        said.append((document.id, spans, acquisition))
        tokens.append((document.id, as_shown(document.text, token_ranges(doc), project.unit)))
        events += store_events(found_events(found), document_id=document.id, model_id=source.model_id)
    with store.write():
        in_use = store.labels.readings()
        usable = {name for name, label_id in source.labels.items() if label_id in in_use}
        rows = []
        for document_id, spans, acquisition in said:
            kept, left = _sort_out(spans, usable)
            rows.append((document_id, kept, acquisition))
            events += [_dropped(span, reason, document_id, source.model_id) for span, reason in left]
        store.predictions.add(source.model_id, rows, events=events, labels=source.labels)
        store.tokenizations.put(tokenizer, tokens)
        store.ledger.add(_mark(*one, source.model_id) for one in refused.values())
    passed_over = {key: Refusal(document.key, why.by, str(why)) for key, (document, why) in refused.items()}
    return Block(len(rows), sum(len(kept) for _, kept, _ in rows), len(events), passed_over, below)


def _mark(document: Document, why: Refused, model_id: int) -> AlignmentEvent:
    """The row of the ledger that says that the pipeline of this model refuses the document."""
    reason = f"refused by {why.by}"
    return AlignmentEvent(document.id, 0, len(document.text), "", REFUSED, reason, model_id=model_id)


def _sort_out(
    spans: Sequence[Span], usable: Collection[str]
) -> tuple[tuple[Span, ...], list[tuple[Span, str]]]:
    """The spans that can be stored, and those that no label in use or no room is left for."""
    strangers = [(span, "label not in project") for span in spans if span.label not in usable]
    kept, overlapping = part_overlaps([span for span in spans if span.label in usable])
    return kept, [*strangers, *overlapping]


def _dropped(span: Span, reason: str, document_id: int, model_id: int) -> AlignmentEvent:
    return AlignmentEvent(document_id, span.start, span.end, span.label, "dropped", reason, model_id=model_id)
