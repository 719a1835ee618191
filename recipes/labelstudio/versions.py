"""What suggests at the moment, and what Label Studio calls it: one name for /setup and /predict alike."""

from __future__ import annotations

from spanloop.store import Store
from spanloop.store.records import Model

UNTRAINED = "spanloop-untrained"


def standing_model(store: Store, named: int | None = None) -> Model | None:
    """The model of the promoted round, else the one that was named when the backend was started."""
    promoted = store.rounds.promoted()
    number = named if promoted is None else promoted.model_id
    return None if number is None else store.models.get(number)


def version_of(model: Model | None) -> str:
    """The name of a model's predictions. It changes with every promotion: Label Studio asks again only for
    versions that it has not seen."""
    if model is None:
        return UNTRAINED
    what = model.kind if model.round is None else f"round-{model.round}"
    return f"spanloop-{what}-{model.hash[:8]}"
