"""What a model is asked about below the document: the parts of it that are doubtful, stored for the queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from spanloop.plugin.alignment.values import TokenScores
from spanloop.recipes.active_learning.below import Below
from spanloop.recipes.suggest.refusal import Refused
from spanloop.recipes.suggest.run_pipeline import annotate, annotate_by_script, named
from spanloop.recipes.suggest.sources import Source
from spanloop.store import Store
from spanloop.store.records import Document, Range, Span

BLOCK = 64
"""Documents that the model looks at again together."""
Looked = Mapping[int, tuple[Range, ...]]
"""What answers have looked at, by document, as `Parts.looked_at` gives it."""


def asked_below(
    asks: Below,
    document: Document,
    scores: TokenScores,
    suggested: Sequence[Span],
    looked_at: Looked,
    parts: dict[int, Sequence[Range]],
) -> dict[str, float]:
    """Put what is asked of a document into ``parts``; its score for that, under the strategy's name.
    Documents of eval, and those that were answered as a whole, are not asked in parts."""
    before = looked_at.get(document.id)
    if document.split == "eval" or before == ():
        return {}
    found = asks.doubtful(document.text, scores, [(span.start, span.end) for span in suggested], before)
    parts[document.id] = found.parts
    return {asks.name: found.score}


def look_again(store: Store, source: Source, asks: Below) -> int:
    """Find the parts of documents that were predicted while the queue asked otherwise; how many those are."""
    every = store.queue.standing()[0] != asks.name
    further = store.parts.answered_in_part()
    ids = store.acquisition.to_look_at(source.model_id, asks.name, further, every=every)
    run = annotate_by_script if source.by_script else annotate
    for begin in range(0, len(ids), BLOCK):
        block = list(store.documents.fetch(ids[begin : begin + BLOCK]))
        looked_at = store.parts.looked_at([document.id for document in block])
        parts: dict[int, Sequence[Range]] = {}
        worth: list[tuple[int, float]] = []
        with named(source.name, store):
            annotated = run(source.nlp, [document.text for document in block])
        for document, found in zip(block, annotated, strict=True):
            said = store.predictions.get(document.id)
            if not isinstance(found, Refused) and found.scores is not None and said is not None:
                scores = asked_below(asks, document, found.scores, said.spans, looked_at, parts)
                worth += [(document.id, score) for score in scores.values()]
        store.parts.put(parts)
        store.acquisition.add(source.model_id, asks.name, worth)
    return len(ids)
