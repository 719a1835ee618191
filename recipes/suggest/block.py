"""One block of documents predicted and stored: suggestions, scores, what is asked below the document, and
token boundaries, in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spanloop.recipes.active_learning import registry
from spanloop.recipes.formats.placing import part_overlaps
from spanloop.recipes.suggest.refusal import TOKENIZER, Refusal, Refused
from spanloop.recipes.suggest.sources import Source
from spanloop.store import Store
from spanloop.store.events import AlignmentEvent
from spanloop.store.records import Document, Range, Span
from spanloop.store.tables.ledger import REFUSED

if TYPE_CHECKING:
    from spanloop.recipes.suggest.run_pipeline import Annotated


@dataclass(frozen=True, slots=True)
class Block:
    """What became of one block: documents predicted, their spans and alignment events, those refused, by
    document id, and the spans that were not sure enough."""

    documents: int
    spans: int
    events: int
    refused: dict[int, Refusal]
    below_threshold: int


def predict_block(
    store: Store, source: Source, block: Sequence[Document], tokenizer: str, strategy: str | None = None
) -> Block:
    """Predict and store one block in one transaction; ``strategy``: the one that was asked for."""
    from spanloop.plugin.alignment.tokens import token_ranges
    from spanloop.recipes.convert import store_events, store_spans
    from spanloop.recipes.suggest.arranging import scored
    from spanloop.recipes.suggest.asking import asked_below
    from spanloop.recipes.suggest.run_pipeline import found_events, found_spans, left_out
    from spanloop.recipes.suggest.tokenise import as_shown

    project = store.project
    standing = strategy or store.queue.standing()[0]
    asks = registry.below(standing)
    looked_at = {} if asks is None else store.parts.looked_at([document.id for document in block])
    parts: dict[int, Sequence[Range]] = {}
    said, events, below = [], list[AlignmentEvent](), 0
    names = source.used.label_map
    tokens: list[tuple[int, list[Range] | None]] = []
    refused: dict[int, tuple[Document, Refused]] = {}
    for document, found in zip(block, _annotated(store, source, block, standing), strict=True):
        if isinstance(found, Refused):
            refused[document.id] = (document, found)
            if found.by == TOKENIZER:
                tokens.append((document.id, None))
            continue
        doc, scores = found.doc, found.scores
        acquisition = {} if scores is None else scored(source, scores, strategy, found.information)
        told = found_spans(found, task=project.task, labels=source.labels, names=names)
        spans = store_spans(told)
        below += len(left_out(found))
        if asks is not None and scores is not None:
            acquisition |= asked_below(asks, document, scores, spans, looked_at, parts)
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
        store.parts.put(parts)
        store.ledger.add(_mark(*one, source.model_id) for one in refused.values())
    passed_over = {key: Refusal(document.key, why.by, str(why)) for key, (document, why) in refused.items()}
    return Block(len(rows), sum(len(kept) for _, kept, _ in rows), len(events), passed_over, below)


def _annotated(
    store: Store, source: Source, block: Sequence[Document], strategy: str | None
) -> list[Annotated | Refused]:
    """What the model says of each document, and what it would learn from it where the strategy asks that."""
    from spanloop.recipes.suggest.run_pipeline import annotate, annotate_by_script, named

    informed = store.project.seed if registry.wants_information(strategy) else None
    run = annotate_by_script if source.by_script else annotate
    with named(source.name, store):
        return run(source.nlp, [document.text for document in block], informed=informed)


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
