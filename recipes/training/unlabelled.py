"""Open documents of the pool that a round learns from beside its gold (``--unlabelled``): which ones, and
which ones again."""

from __future__ import annotations

from hashlib import blake2b
from heapq import nsmallest
from typing import TYPE_CHECKING

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.table import counted
from spanloop.store import Store
from spanloop.store.records import Document, Round

if TYPE_CHECKING:
    from spanloop.plugin.training.config import TrainConfig

KEPT = "unlabelled_documents"
"""The entry of a manifest: the ids of the documents that were drawn."""


def drawn(store: Store, settings: TrainConfig) -> list[Document]:
    """As many open documents of the pool as ``settings.unlabelled`` asks for, all where there are fewer.

    They are the first in an order of chance that follows from the seed and the document alone. An answer or
    an import in between changes little of it, so that a training that was killed can go on. It is neither the
    order in which people get documents, nor that of chance from which a triage takes its sample
    (`store.queue.fair`): a document that somebody answers later is as likely to have been among them as one
    that is left.
    """
    if not settings.unlabelled:
        return []
    seed = settings.random_seed

    def place(document_id: int) -> bytes:
        return blake2b(f"{seed}-{document_id}".encode(), digest_size=8).digest()

    chosen = nsmallest(settings.unlabelled, store.documents.unanswered("pool"), key=place)
    return list(store.documents.fetch(chosen))


def drawn_then(store: Store, row: Round) -> list[Document]:
    """The documents that a finished round drew. RecipeError where some of them are gone."""
    ids = list((row.manifest or {}).get(KEPT, ()))
    found = list(store.documents.fetch(ids))
    if len(found) < len(ids):
        raise RecipeError(
            f"round {row.number} learned from {counted(len(ids), 'open document')} beside its gold, and "
            f"{len(ids) - len(found)} of them were taken out of the project since: it cannot be trained again"
        )
    return found


def refuse_unlabelled(config: TrainConfig | None, what: str) -> None:
    """RecipeError where ``what`` looks at what gold teaches and is asked to learn from other text too."""
    if config is not None and config.unlabelled:
        raise RecipeError(f"{what} learns from gold alone: leave unlabelled {config.unlabelled} out")
