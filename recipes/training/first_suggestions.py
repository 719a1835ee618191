"""What whoever waits for a training waits for: suggestions of the new round, first of all for the documents
that they get next."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spanloop.recipes.errors import FAILURES, line_of
from spanloop.recipes.report import Count, Seconds, Shape
from spanloop.recipes.suggest.block import predict_block
from spanloop.recipes.suggest.choice import used_by
from spanloop.recipes.suggest.prelabel import FIRST_BLOCK
from spanloop.recipes.suggest.sources import Source
from spanloop.recipes.table import counted
from spanloop.store import Store
from spanloop.store.tables.rounds import FIRST_SUGGESTIONS

if TYPE_CHECKING:
    from spacy.language import Language


@dataclass(frozen=True, slots=True)
class FirstSuggestions(Shape):
    """How long it took from the start of a training to new suggestions."""

    documents: Count
    """The open documents that come first in the queue and have suggestions of the round already: eight, or as
    many as there are."""
    seconds: Seconds
    """From when the training was asked for until they were stored: the time that somebody waits."""
    error: str | None = None
    """Why there are none, where the round could not suggest."""

    @classmethod
    def kept(cls, manifest: Mapping[str, Any] | None) -> FirstSuggestions | None:
        """What the manifest of a round says; None of one that suggested nothing when it was trained."""
        told = (manifest or {}).get(FIRST_SUGGESTIONS)
        return None if told is None else cls(**told)

    def text(self) -> str:
        """The figure, and how to get suggestions for the others."""
        if self.error is not None:
            return f"no suggestions of it yet: {self.error}"
        what = (
            "the next document" if self.documents == 1 else f"the next {counted(self.documents, 'document')}"
        )
        return f"new suggestions for {what} {self.seconds:.0f} s after the start"


def suggest_for_next(store: Store, nlp: Language, number: int, begun: float) -> FirstSuggestions | None:
    """Let the round that was just trained and promoted suggest for the documents that somebody gets next, and
    keep with the round how long that took since the monotonic time ``begun``. None where no document is open.

    Whatever keeps it from suggesting is told and changes nothing else: the round is finished.
    """
    row = store.rounds.get(number)
    assert row.model_id is not None
    source = Source(nlp, row.model_id, f"round {number}", row.label_ids, used_by(nlp))
    try:
        documents = _suggest(store, source)
    except FAILURES as error:
        return FirstSuggestions(0, time.monotonic() - begun, line_of(error))
    if not documents:
        return None
    found = FirstSuggestions(documents, time.monotonic() - begun)
    store.rounds.keep_in_manifest(
        number, FIRST_SUGGESTIONS, {"documents": found.documents, "seconds": found.seconds}
    )
    return found


def _suggest(store: Store, source: Source) -> int:
    """Predict the open documents that come first in the queue, as many as the first block of `prelabel` has;
    how many that were. The queue keeps its order, and `prelabel` goes on from there."""
    from spanloop.recipes.suggest.tokenise import tokenizer_hash

    tokenizer = tokenizer_hash(source.nlp, store.project.unit)
    if store.project.tokenizer is None:
        store.set_project(tokenizer=tokenizer)
    block = list(store.predictions.missing(source.model_id, limit=FIRST_BLOCK, state="open"))
    return predict_block(store, source, block, tokenizer).documents if block else 0
