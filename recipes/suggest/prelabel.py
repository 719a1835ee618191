"""Let a model suggest: predictions, acquisition scores and token boundaries for every document that has none
yet."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from spanloop.recipes.active_learning import registry
from spanloop.recipes.active_learning.parts import Ask, check_task
from spanloop.recipes.calls.ranges import FromOne
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.progress import Progress, silent
from spanloop.recipes.report import Count, Report, Seconds
from spanloop.recipes.suggest.block import predict_block
from spanloop.recipes.suggest.choice import Choice, Used
from spanloop.recipes.suggest.manner import AggregationStrategy, Manner
from spanloop.recipes.suggest.refusal import Refusal, refusals_text
from spanloop.recipes.suggest.sources import Source, open_source, refuse_empty
from spanloop.recipes.table import counted
from spanloop.store import Store
from spanloop.store.records import Document, QueueState, Split

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
    ask: Ask | None = None,
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
    """Let a model suggest for every document that it has not seen, in queue order, and order the queue.

    A second run goes on where the first stopped. A document that is refused is passed over, and tried again.

    Args:
        db: The project file.
        model: A token classifier by hub id or folder; None, with the two below: the promoted round.
        pipeline: A spaCy pipeline, by name or folder.
        patterns: A JSONL file of spaCy or Prodigy patterns.
        strategy: What the queue stands by; None: as before, else that of `registry.USUAL`.
        ask: About what the queue asks: whole ``documents``, or their doubtful ``sentences`` or ``tokens``
            (of tags); None: as the strategy's name says, such as ``mnlp@sentences``.
        limit: Documents at most; None: all.
        open_only: Only documents that are still open: what is answered needs no suggestion.
        lang: Whose tokenizer cuts the texts for ``model``, in place of the project's; without it the model
            labels wordpieces where a text has no blanks and the project's language waits for some.
        precision: ``fp32`` or ``bf16``; None: as it was saved. What reads in another way, or of which
            something else is taken, is another model beside the first.
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
        return _predict_all(store, source, strategy, ask, limit, progress or silent, open_only=open_only)


def _predict_all(
    store: Store,
    source: Source,
    strategy: str | None,
    ask: Ask | None,
    limit: int | None,
    progress: Progress,
    *,
    open_only: bool,
) -> PrelabelReport:
    from spanloop.recipes.active_learning.registry import USUAL
    from spanloop.recipes.suggest.arranging import arrange, chosen_strategy
    from spanloop.recipes.suggest.tokenise import tokenizer_hash

    tokenizer = tokenizer_hash(source.nlp, store.project.unit)
    if store.project.tokenizer is None and source.own_tokens:
        store.set_project(tokenizer=tokenizer)
    chosen = chosen_strategy(source, strategy, store.queue.standing()[0], ask, USUAL[store.project.task])
    check_task(chosen, store.project.task)
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
        waiting = _waiting(store, source, chosen, room, state)
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


def _waiting(
    store: Store, source: Source, strategy: str, room: int | None, state: QueueState | None
) -> Iterator[Document]:
    """Of what the model has said nothing yet; below the document also what was answered in part, of which
    other parts may be asked."""
    yield from store.predictions.missing(source.model_id, limit=room, state=state)
    if state is not None and room is None and registry.below(strategy) is not None:
        yield from store.predictions.missing(source.model_id, among=store.parts.answered_in_part())
