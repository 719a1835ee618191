"""What goes into a training: the settings, and the gold of the pool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from math import isfinite
from typing import TYPE_CHECKING, Any

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.suggest.refusal import Refused, make_doc
from spanloop.store import Store
from spanloop.store.records import Gold

if TYPE_CHECKING:
    from spacy.language import Language

    from spanloop.plugin.tagging.gold import Gold as TrainingGold
    from spanloop.plugin.training.config import TrainConfig


def train_config(
    store: Store,
    *,
    class_weights: str | Mapping[str, float] | None = None,
    epochs: int | None = None,
    learning_rate: float | None = None,
    batch_size: int | None = None,
    weight_decay: float | None = None,
    seed: int | None = None,
    fast: bool = False,
    **further: Any,
) -> TrainConfig:
    """The settings of a training; None: the default of the training function, for the seed the project's.

    ``further``: more fields of TrainConfig by name.
    RecipeError for class weights that do not exist, and for settings that do not go together.
    """
    from spanloop.plugin.training.config import TrainConfig

    given: dict[str, Any] = {
        "class_weights": _class_weights(class_weights, store.labels.names()),
        "epochs": epochs,
        "learning_rate": learning_rate,
        "batch_wordpieces": batch_size,
        "weight_decay": weight_decay,
        "fast": fast,
        "seed": store.project.seed if seed is None else seed,
    }
    chosen = {name: value for name, value in [*given.items(), *further.items()] if value is not None}
    _check_together(chosen)
    return TrainConfig(**chosen)


def _check_together(chosen: Mapping[str, Any]) -> None:
    """RecipeError for a setting that would do nothing, or that another one forbids."""
    weights = chosen.get("class_weights")
    if chosen.get("swap") is not None and not chosen.get("augment"):
        raise RecipeError("--swap says how --augment makes new documents: give --augment too, e.g. 0.5")
    if chosen.get("beta") is not None and weights != "effective":
        raise RecipeError("--beta belongs to --class-weights effective: give that too")
    if chosen.get("focal_gamma") is not None and weights != "focal":
        raise RecipeError("--focal-gamma belongs to --class-weights focal: give that too")
    if chosen.get("patience") is not None and chosen.get("held_out") == 0:
        raise RecipeError("--patience watches the gold held out: leave --held-out 0 out")
    if chosen.get("lora") and find_spec("peft") is None:
        raise RecipeError("--lora needs the package peft: pip install 'spanloop[lora]'")
    if chosen.get("lora") and chosen.get("patience") is not None:
        raise RecipeError("--lora and --patience do not go together: leave one of them out")
    if chosen.get("lora") and chosen.get("freeze") not in (None, "none", "embeddings"):
        raise RecipeError("--lora puts adapters into every layer: leave --freeze out")


def _class_weights(
    given: str | Mapping[str, float] | None, labels: Sequence[str]
) -> str | Mapping[str, float] | None:
    """The class weights as the training function takes them. RecipeError for those that nobody knows."""
    from spanloop.plugin.tagging.schemes import OUTSIDE
    from spanloop.plugin.training.class_weights import WEIGHTINGS

    weights = _weights_by_label(given) if isinstance(given, str) and "=" in given else given
    if isinstance(weights, str) and weights not in WEIGHTINGS:
        raise RecipeError(f"there are no class weights {weights!r}; there are {', '.join(WEIGHTINGS)}")
    if isinstance(weights, Mapping):
        known = [*labels, OUTSIDE]
        for label, weight in weights.items():
            if label not in known:
                raise RecipeError(f"a class weight is given for {label!r}; the labels are {', '.join(known)}")
            if not (weight >= 0 and isfinite(weight)):
                raise RecipeError(f"the class weight of {label!r} is {weight}: give a number from 0 up")
    return weights


def _weights_by_label(given: str) -> dict[str, float]:
    """``PER=2,O=0.5`` as a mapping. RecipeError where it is none."""
    weights: dict[str, float] = {}
    for part in given.split(","):
        label, _, weight = part.rpartition("=")
        try:
            weights[label.strip()] = float(weight)
        except ValueError as error:
            raise RecipeError(f"the class weight {part!r} is no LABEL=NUMBER, e.g. PER=2,O=0.5") from error
    return weights


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
    """The gold of the pool. RecipeError says what to type where there is none."""
    golds = list(store.annotations.gold(split="pool"))
    if not golds:
        raise RecipeError(
            f"there is no gold in the pool to train on; annotate with: spanloop correct {store.named}, "
            f"or import annotated documents: spanloop import {store.named} FILE"
        )
    return golds
