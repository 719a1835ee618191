"""Open documents of the pool that a round learns from beside its gold (``--unlabelled``): which ones, and
which ones again."""

from __future__ import annotations

import random
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

    They are drawn by the seed and by nothing else: neither by the order in which people get documents, nor
    by that of chance from which a triage takes its sample (`store.queue.fair`). So a document that somebody
    answers later is as likely to have been among them as one that is left.
    """
    if not settings.unlabelled:
        return []
    waiting = list(store.documents.unanswered("pool"))
    number = min(settings.unlabelled, len(waiting))
    chosen = random.Random(f"unlabelled-{settings.random_seed}").sample(waiting, number)
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
