"""What goes into a training: the settings, and the gold of the pool."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from spanloop.recipes.errors import RecipeError
from spanloop.store import Store
from spanloop.store.records import Gold

if TYPE_CHECKING:
    from spanloop.plugin.train import TrainConfig


def train_config(
    store: Store,
    *,
    class_weights: str | Mapping[str, float] = "effective",
    epochs: int | None = None,
    learning_rate: float | None = None,
    batch_size: int | None = None,
    weight_decay: float | None = None,
    seed: int | None = None,
    fast: bool = False,
    **further: Any,
) -> TrainConfig:
    """The settings of a training; None: the default of the training function, for the seed the project's.

    ``fast`` leaves the lower half of the encoder as it is. ``further``: more fields of TrainConfig by name.
    RecipeError for class weights that do not exist.
    """
    from spanloop.plugin.balance import WEIGHTINGS
    from spanloop.plugin.train import TrainConfig

    if isinstance(class_weights, str) and "=" in class_weights:
        class_weights = _weights_by_label(class_weights)
    elif isinstance(class_weights, str) and class_weights not in WEIGHTINGS:
        raise RecipeError(f"there are no class weights {class_weights!r}; there are {', '.join(WEIGHTINGS)}")
    given: dict[str, Any] = {
        "epochs": epochs,
        "learning_rate": learning_rate,
        "batch_wordpieces": batch_size,
        "weight_decay": weight_decay,
        "freeze": "half" if fast else None,
    }
    chosen = {name: value for name, value in [*given.items(), *further.items()] if value is not None}
    if chosen.get("lora"):
        _check_adapters(chosen)
    return TrainConfig(
        class_weights=class_weights, seed=store.project.seed if seed is None else seed, **chosen
    )


def _check_adapters(chosen: Mapping[str, Any]) -> None:
    if find_spec("peft") is None:
        raise RecipeError("--lora needs the package peft: pip install 'spanloop[lora]'")
    if chosen.get("patience") is not None:
        raise RecipeError("--lora and --patience do not go together: leave one of them out")


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


def pool_gold(store: Store) -> list[Gold]:
    """The gold of the pool. RecipeError says what to type where there is none."""
    golds = list(store.annotations.gold(split="pool"))
    if not golds:
        raise RecipeError(
            f"there is no gold in the pool to train on; annotate with: spanloop correct {store.path}, "
            f"or import annotated documents: spanloop import {store.path} FILE"
        )
    return golds
