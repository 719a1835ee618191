"""Let a model suggest: predictions, acquisition scores and token boundaries for every document that has none
yet."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from spanloop.recipes.active_learning import registry
from spanloop.recipes.calls.ranges import FromOne
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.formats.placing import part_overlaps
from spanloop.recipes.progress import Progress, silent
from spanloop.recipes.report import Count, Report, Seconds
from spanloop.recipes.suggest.choice import Choice, Used
from spanloop.recipes.suggest.manner import AggregationStrategy, Manner
from spanloop.recipes.suggest.refusal import TOKENIZER, Refusal, Refused, refusals_text
from spanloop.recipes.suggest.sources import Source, open_source, refuse_empty
from spanloop.recipes.table import counted
from spanloop.store import Store
from spanloop.store.events import AlignmentEvent
from spanloop.store.records import Document, QueueState, Range, Span, Split
from spanloop.store.tables.ledger import REFUSED

if TYPE_CHECKING:
    from spanloop.plugin.model.backends import BackendSetting
    from spanloop.plugin.model.device import Precision
    from spanloop.plugin.tagging.schemes import NamedScheme

BLOCK = 128
"""Documents a transaction: an interruption loses at most the work on these."""
SPLITS: tuple[Split, ...] = ("pool", "eval")
FIRST_BLOCK = 8
"""The first transaction is small, each further one twice as large: whoever asks for the next documents gets
fresh suggestions within a second, and the bulk of the work still goes in large blocks."""


@dataclass(frozen=True, slots=True)
class PrelabelReport(Report):
    """What was suggested."""

    model: str
    """The name of what suggested."""
    documents: Count
    """Documents with new suggestions."""
    spans: Count
    """Spans that were suggested in them."""
    events: Count
    """Spans that alignment had to change."""
    seconds: Seconds
    """How long it took."""
    documents_per_second: float | None
    """Null where there was no document."""
    strategy: str
    """What the queue stands by now."""
    refused: tuple[Refusal, ...]
    """Documents that the pipeline refuses and that were passed over."""
    used: Used
    """How its answer was read."""
    below_threshold: Count
    """Spans that it was not sure enough of; they are not suggested."""
    advice: str
    """What to type where labels of the model nearly agree with the project's; empty where none do."""

    def text(self) -> str:
        lines = [self._documents_text()]
        if self.refused:
            lines.append(refusals_text(self.refused))
        if self.below_threshold:
            lines.append(f"{counted(self.below_threshold, 'span')} below the threshold left out")
        if self.advice:
            lines.append(self.advice)
        if self.events:
            lines.append(f"{counted(self.events, 'alignment event')} in the ledger")
        return "\n".join(lines)

    def _documents_text(self) -> str:
        stands = f"the queue stands by {self.strategy}"
        if not self.documents:
            other = "other " if self.refused else ""
            return f"{self.model}: every {other}document has its prediction; {stands}"
        return (
            f"{self.model}: {counted(self.spans, 'span')} suggested in {counted(self.documents, 'document')} "
            f"({self.documents_per_second:,.1f} documents/s); {stands}"
        )


def prelabel(
    db: str | Path,
    *,
    model: str | None = None,
    pipeline: str | None = None,
    patterns: str | Path | None = None,
    strategy: str | None = None,
    limit: FromOne | None = None,
    open_only: bool = False,
    lang: str | None = None,
    precision: Precision | None = None,
    backend: BackendSetting | None = None,
    choice: Choice | None = None,
    scheme: NamedScheme | None = None,
    aggregation_strategy: AggregationStrategy | None = None,
    progress: Progress | None = None,
) -> PrelabelReport:
    """Let a model suggest for every document that it has not seen, in queue order, few documents a
    transaction at first, then up to 128; then put the queue in order.

    A second run goes on where the first stopped and adds nothing to what is there. A document that the
    pipeline refuses is marked, told and passed over; the next run tries it again.

    Args:
        db: The project file.
        model: A token classifier by hub id or folder; None, with the two below: the promoted round.
        pipeline: A spaCy pipeline, by name or folder.
        patterns: A JSONL file of spaCy or Prodigy patterns.
        strategy: What the queue stands by; None: as before, else ``mnlp``, or ``random`` without scores.
        limit: Documents at most; None: all.
        open_only: Only documents that are still open: what is answered needs no suggestion.
        lang: Whose tokenizer cuts the texts for ``model``, in place of the project's; without it the model
            labels wordpieces where a text is written without blanks and the project's language waits for
            some.
        precision: How exactly the model computes, ``fp32`` or ``bf16``; None: as it was saved. What reads
            in another way, or of which something else is taken, is another model beside the first.
        backend: As of `predict`; ``auto`` compares on documents of the project, before it predicts.
        choice: What of the model's answer is taken: its labels under other names, spans that are sure enough.
        scheme: Which tagging scheme the model's tags are read in; None: as it was saved.
        aggregation_strategy: How the scores of a word come from those of its wordpieces, ``first``,
            ``average`` or ``max``; None: as it was saved.
        progress: Called with how far it is.

    Returns:
        How many documents and spans, and what was refused.

    Raises:
        RecipeError: More than one source, an unknown strategy, no document, or no round to suggest with yet.
        ModelError: The model cannot be read.
    """
    named = [name for name in (model, pipeline, patterns) if name is not None]
    if len(named) > 1:
        raise RecipeError("give one of --model, --pipeline and --patterns")
    if strategy is not None:
        registry.check([strategy])
    with Store.open(db) as store:
        refuse_empty(store)
        manner = Manner(precision, backend, scheme, aggregation_strategy)
        source = open_source(store, model, pipeline, patterns, manner, choice, lang)
        return _predict_all(store, source, strategy, limit, progress or silent, open_only=open_only)


def _predict_all(
    store: Store,
    source: Source,
    strategy: str | None,
    limit: int | None,
    progress: Progress,
    *,
    open_only: bool,
) -> PrelabelReport:
    from spanloop.recipes.suggest.arranging import arrange, chosen_strategy
    from spanloop.recipes.suggest.tokenise import tokenizer_hash

    tokenizer = tokenizer_hash(source.nlp, store.project.unit)
    if store.project.tokenizer is None and source.own_tokens:
        store.set_project(tokenizer=tokenizer)
    chosen = chosen_strategy(source, strategy, store.queue.standing()[0])
    state: QueueState | None = "open" if open_only else None
    still_open = (store.queue.counts(split)["open"] for split in SPLITS)
    there = sum(still_open) if open_only else store.documents.count()
    total = there if limit is None else min(limit, there)
    documents = spans = events = below = 0
    refused: dict[int, Refusal] = {}
    begin = time.monotonic()
    progress(0, total, f"prelabel with {source.name}")
    size = FIRST_BLOCK
    before = -1
    while before != documents:  # once more, for what was imported meanwhile
        before = documents
        room = None if limit is None else limit - documents
        waiting = store.predictions.missing(source.model_id, limit=room, state=state)
        fresh = (document for document in waiting if document.id not in refused)
        while block := list(islice(fresh, size)):
            done = predict_block(store, source, block, tokenizer, chosen)
            documents, spans, events = documents + done.documents, spans + done.spans, events + done.events
            below += done.below_threshold
            refused |= done.refused
            size = min(2 * size, BLOCK)
            progress(documents, total, f"prelabel with {source.name}")
    seconds = time.monotonic() - begin
    arrange(store, source, chosen)
    store.queue.prioritise(chosen, source.model_id)
    speed = documents / seconds if documents and seconds > 0 else None
    refusals = tuple(refused.values())
    return PrelabelReport(
        model=source.name,
        documents=documents,
        spans=spans,
        events=events,
        seconds=seconds,
        documents_per_second=speed,
        strategy=chosen,
        refused=refusals,
        used=source.used,
        below_threshold=below,
        advice=source.advice,
    )


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
        acquisition = {} if scores is None else scored(source, scores, strategy)
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
