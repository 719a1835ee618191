"""How the documents that a model has predicted are put in an order: scores by the strategies that look at one
document, and what those that compare documents ask of the store and the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spanloop.plugin.alignment.values import TokenScores
from spanloop.plugin.tagging.candidates import expected_begins
from spanloop.recipes.active_learning import registry
from spanloop.recipes.active_learning.below import Below
from spanloop.recipes.active_learning.diversity import by_place
from spanloop.recipes.active_learning.parts import Ask, base_of, named
from spanloop.recipes.active_learning.pool import Asked, Ints, Pool, Spans
from spanloop.recipes.active_learning.strategy import Floats, PoolStrategy, chosen
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.suggest.our_component import classifier
from spanloop.recipes.suggest.refusal import make_doc
from spanloop.recipes.suggest.sources import Source
from spanloop.store import Store
from spanloop.store.tables.acquisition import INFORMATION, TOKENS, counts

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from spanloop.plugin.model.network import Network

BLOCK = 64
"""Documents that the model looks at again together."""


def chosen_strategy(
    source: Source,
    strategy: str | None,
    standing: str | None = None,
    ask: Ask | None = None,
    usual: Sequence[str] = registry.USUAL["spans"],
) -> str:
    """What the queue shall stand by.

    Args:
        source: What suggests.
        strategy: As asked for; None: as the queue stands, where that is a strategy that this source serves
            and not chance; else the first of ``usual`` that it serves, or chance where there are no token
            scores.
        standing: What the queue stands by now.
        ask: About what it shall ask; None: as the strategy's name says.
        usual: What projects of this task stand by where nobody chose.

    Raises:
        RecipeError: The strategy needs token scores, and what suggests gives none; or it looks into the
            model, and the encoder is shared.
    """
    first = next((name for name in usual if not _lacking(source, name)), "random")
    if ask is not None:
        strategy = named(_base(strategy, standing, ask, first), ask)
    if strategy is not None:
        if lacking := _lacking(source, strategy):
            raise RecipeError(lacking)
        return strategy
    if standing is None or standing == "random" or base_of(standing)[0] not in registry.names():
        return first
    return first if _lacking(source, standing) else standing


def _base(strategy: str | None, standing: str | None, ask: Ask, usual: str) -> str:
    """The strategy that asks about this, where ``--ask`` was typed: the one named, else the one that the
    queue stands by, where it can."""
    if strategy is not None:
        return base_of(strategy)[0]
    base, asked = ("random", "documents") if standing is None else base_of(standing)
    by_itself = asked != "documents" and base == registry.USUAL_BELOW
    if base == "random" or (ask == "documents" and by_itself):
        base = usual
    if ask != "documents" and not registry.looks_at_tokens(base):
        return registry.USUAL_BELOW
    return base


def _lacking(source: Source, strategy: str) -> str:
    """What keeps this source from serving a strategy, empty where nothing does."""
    found, needs = classifier(source.nlp), registry.by_name(strategy).needs
    if found is None and needs:
        return (
            f"the strategy {strategy} needs {' and '.join(sorted(needs))}, and {source.name} gives none: "
            "choose random, or suggest with a round or a token classifier"
        )
    if found is not None and needs & {"embeddings", "what the model would learn", "dropout passes"}:
        from spanloop.plugin.model.network import HFNetwork

        if not isinstance(found[1].network, HFNetwork):
            return (
                f"the strategy {strategy} looks into the model, and {source.name} runs on a shared encoder: "
                f"choose {registry.USUAL_BELOW}"
            )
    return ""


def scored(
    source: Source,
    scores: TokenScores,
    strategy: str | None,
    information: NDArray[np.float32] | None = None,
) -> dict[str, float]:
    """What is stored of one document while the model predicts: its scores by all strategies of ours that look
    at one document, by ``strategy`` too, and the counts that others are made of, with the mean of the
    ``information`` of its tokens where that was asked for."""
    found = classifier(source.nlp)
    assert found is not None  # there are no scores else
    pipe = found[1]
    begins = expected_begins(scores, scheme=pipe.scheme, temperature=pipe.temperature)
    spans: dict[int, float] = {}
    for label, likely in begins.items():
        if label in source.labels:
            label_id = source.labels[label]
            spans[label_id] = spans.get(label_id, 0.0) + float(likely.sum())
    looked = {} if information is None else {INFORMATION: _mean(information)}
    return registry.document_scores(scores.logprobs, strategy) | counts(len(scores), spans) | looked


def arrange(store: Store, source: Source, strategy: str) -> int:
    """Store the scores of a strategy that compares documents, for all that have none yet.

    The documents that it looks at come before all others, which stand behind them in the order of its base.

    Args:
        store: The project, whose documents the model has predicted.
        source: The model.
        strategy: Its name; nothing is done where it looks at single documents, whose scores are stored. Where
            it asks below the document, those are looked at again that were predicted before it was chosen.

    Returns:
        How many documents it looked at.

    Raises:
        RecipeError: It gave something else than one finite number a document.
    """
    one = registry.by_name(strategy)
    if isinstance(one, Below):
        from spanloop.recipes.suggest.asking import look_again  # late: it runs a pipeline, with spaCy

        return look_again(store, source, one)
    if not isinstance(one, PoolStrategy):
        return 0
    return arrange_by(store, source.model_id, strategy, one, Asking(store, source))


def arrange_by(store: Store, model_id: int, strategy: str, one: PoolStrategy, ask: Asked) -> int:
    """As `arrange`, of the model with this id; ``ask`` answers what the strategy asks."""
    waiting = store.acquisition.waiting(model_id, one.base, strategy)
    if waiting and one.again:
        store.acquisition.forget_the_candidates(model_id, strategy)
        waiting = store.acquisition.waiting(model_id, one.base, strategy)
    base = np.array([found.score for found in waiting], dtype=np.float64)
    chance = np.array([found.shuffle for found in waiting], dtype=np.int64)
    places = chosen(base, one.candidates, chance)
    candidates = [waiting[place] for place in places.tolist()]
    ids = np.array([found.document_id for found in candidates], dtype=np.int64)
    pool = Pool(ids, base[places], [found.group for found in candidates], chance[places], ask)
    values = one.scores(pool) if len(pool) else np.zeros(0)
    if values.shape != ids.shape or not np.isfinite(values).all():
        raise RecipeError(
            f"the strategy {strategy} gave {values.shape} for {len(ids)} documents, or numbers that are not "
            f"finite: choose another one, e.g. {registry.USUAL_BELOW}"
        )
    if one.candidates is not None:
        values = by_place(np.lexsort((pool.chance, -values)))
    store.acquisition.add(model_id, strategy, zip(ids.tolist(), values.tolist(), strict=True))
    if one.candidates is not None or len(waiting) < store.predictions.count(model_id):
        store.acquisition.add_the_others(model_id, strategy, one.base)
    return len(candidates)


class Asking:
    """Answers what a `Pool` is asked, from the store and by a closer look of the model."""

    def __init__(self, store: Store, source: Source) -> None:
        self.store = store
        self.source = source

    def tokens(self, ids: Ints) -> Floats:
        return _in_order(self._counts(TOKENS, ids), ids)

    def expected_spans(self, ids: Ints) -> Mapping[str, Floats]:
        in_use = self.store.labels.readings()
        found: dict[str, Floats] = {}
        for label_id in sorted(set(self.source.labels.values()) & in_use.keys()):
            stored = self._counts(f"count:{label_id}", ids)
            found[in_use[label_id]] = found.get(in_use[label_id], 0.0) + _in_order(stored, ids)
        return found

    def gold_spans(self) -> Mapping[str, int]:
        return Counter(
            span.label for gold in self.store.annotations.gold(split="pool") for span in gold.spans
        )

    def past(self, ids: Ints, at_most: int) -> Sequence[Sequence[Spans | None]]:
        own = self.source.model_id
        models = [own, *self.store.acquisition.past_rounds(own, at_most)]
        wanted = ids.tolist()
        said = (self.store.acquisition.said(model, wanted) for model in models)
        return [[found.get(document_id) for document_id in wanted] for found in said]

    def embeddings(self, ids: Ints) -> NDArray[np.float32]:
        from spanloop.plugin.model.closer import unit_vectors

        found = [rows.mean(axis=0) if len(rows) else None for rows in self._looked(ids, unit_vectors)]
        width = next((len(one) for one in found if one is not None), 1)
        nothing = np.zeros(width, dtype=np.float32)
        rows = [nothing if one is None else one for one in found]
        return np.array(rows, dtype=np.float32).reshape(len(rows), width)

    def information(self, ids: Ints) -> Floats:
        from spanloop.plugin.model.information import token_information

        stored = self._counts(INFORMATION, ids)
        missing = np.array([number for number in ids.tolist() if number not in stored], dtype=np.int64)
        if len(missing):  # predicted while nobody asked for it, or not by torch
            look = partial(token_information, seed=self.store.project.seed)
            looked = (_mean(one) for one in self._looked(missing, look))
            stored |= dict(zip(missing.tolist(), looked, strict=True))
        return _in_order(stored, ids)

    def passes(self, ids: Ints, passes: int) -> Sequence[NDArray[np.float32]]:
        from spanloop.plugin.model.closer import layer_passes

        look = partial(layer_passes, passes=passes, seed=self.store.project.seed)
        return list(self._looked(ids, look))

    def _counts(self, name: str, ids: Ints) -> dict[int, float]:
        return self.store.acquisition.counts(self.source.model_id, name, ids.tolist())

    def _looked(
        self, ids: Ints, look: Callable[[Network, list[Doc]], list[NDArray[np.float32]]]
    ) -> Iterator[NDArray[np.float32]]:
        """What a closer look at each document finds, in the units that a prediction labels."""
        from spanloop.recipes.suggest.run_pipeline import by_script  # late: it knows spaCy

        nlp, wanted = self.source.nlp, ids.tolist()
        found = classifier(nlp)
        assert found is not None  # chosen_strategy looked
        network = found[1].network

        def some(texts: Sequence[str]) -> list[NDArray[np.float32]]:
            return look(network, [make_doc(nlp, text) for text in texts])

        for begin in range(0, len(wanted), BLOCK):
            documents = self.store.documents.fetch(wanted[begin : begin + BLOCK])
            texts = [document.text for document in documents]
            yield from by_script(nlp, texts, some) if self.source.by_script else some(texts)


def _mean(information: NDArray[np.float32]) -> float:
    return float(information.mean()) if len(information) else 0.0


def _in_order(counted: Mapping[int, float], ids: Ints) -> Floats:
    return np.array([counted.get(document_id, 0.0) for document_id in ids.tolist()], dtype=np.float64)
