"""What goes into a training: the settings, and the gold of the pool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.suggest.refusal import Refused, make_doc
from spanloop.store import Store
from spanloop.store.records import Gold, Moment

if TYPE_CHECKING:
    from spacy.language import Language

    from spanloop.plugin.tagging.gold import Gold as TrainingGold
    from spanloop.plugin.training.config import TrainConfig


def settled(moment: Moment, config: TrainConfig | None) -> TrainConfig:
    """The settings of a training of this project; None: all by default. The seed is the project's where none
    is given.

    RecipeError for class weights of labels that the project has not, and for adapters without peft.
    """
    from spanloop.plugin.tagging.schemes import OUTSIDE
    from spanloop.plugin.training.config import TrainConfig

    chosen = (config or TrainConfig()).settled(moment.project.seed)
    known = [*moment.names, OUTSIDE]
    weights = chosen.class_weights if isinstance(chosen.class_weights, Mapping) else {}
    for label in weights:
        if label not in known:
            raise RecipeError(f"a class weight is given for {label!r}; the labels are {', '.join(known)}")
    if weights and not any(weights.get(label, 1) for label in known):
        raise RecipeError("every class weight is 0: nothing would be learned")
    if chosen.lora and find_spec("peft") is None:
        raise RecipeError("--lora needs the package peft: pip install 'spanloop[lora]'")
    return chosen


@contextmanager
def masked_gold_named(store: Store) -> Iterator[None]:
    """Training on gold of which no token is known ends in one line that says what to do."""
    from spanloop.plugin.training.training_set import NothingToLearn

    try:
        yield
    except NothingToLearn as error:
        raise RecipeError(f"{error}; annotate more with: spanloop correct {store.named}") from error


def training_golds(nlp: Language, golds: Sequence[Gold]) -> tuple[list[Gold], list[TrainingGold]]:
    """The gold that can be learned from, and the same as the training function takes it. What the tokenizer
    refuses is left out; RecipeError where it refuses all."""
    from spanloop.recipes.formats.docs import training_gold

    kept: list[Gold] = []
    ready: list[TrainingGold] = []
    refused: Refused | None = None
    for gold in golds:
        try:
            ready.append(training_gold(make_doc(nlp, gold.document.text), gold))
        except Refused as error:
            refused = error
        else:
            kept.append(gold)
    if refused is not None and not kept:
        raise RecipeError(f"the pipeline refuses every gold document, {refused}")
    return kept, ready


def pool_gold(store: Store) -> list[Gold]:
    """The gold of the pool that somebody vouches for: what a triage let a model answer teaches no model.

    RecipeError says what to type where there is none."""
    unseen = store.triages.accepted()
    golds = [gold for gold in store.annotations.gold(split="pool") if gold.annotation_id not in unseen]
    if not golds:
        raise RecipeError(
            f"there is no gold in the pool to train on; annotate with: spanloop correct {store.named}, "
            f"or import annotated documents: spanloop import {store.named} FILE"
        )
    return golds
