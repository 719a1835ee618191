"""What Label Studio asks a machine-learning backend, answered over one store. Imports no spaCy, no torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.formats.labelstudio import regions_of
from spanloop.recipes.labelstudio.events import enqueue, unknown_labels
from spanloop.recipes.labelstudio.landing import Landed, land, project_number
from spanloop.recipes.labelstudio.layout import Layout, read_layout
from spanloop.store import Store, StoreError
from spanloop.store.records import Document, Model, Prediction

PREDICT_SECONDS = 90.0  # Label Studio waits for 100
SETUP_SECONDS = 5.0  # and for an answer about the version, not so long
MOST_TASKS = 100_000


class Busy(RecipeError):
    """Not the caller's fault: the answer is not there (yet)."""


class Predicts(Protocol):
    """Has documents predicted and gives the id of the model that did it, None where there is none."""

    def predict(self, ids: Sequence[int], timeout: float) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Health:
    """``trouble``: why nothing is being worked on, empty where all is well. How many events wait and how many
    could not be worked on, None where the store cannot be read."""

    trouble: str
    waiting: int | None = None
    failed: int | None = None

    def json(self) -> dict[str, object]:
        state = {"status": "DOWN", "trouble": self.trouble} if self.trouble else {"status": "UP"}
        return {**state, "model_class": "spanloop", "inbox": {"waiting": self.waiting, "failed": self.failed}}


class Backend:
    """The answers to ``/setup``, ``/predict``, ``/webhook`` and ``/versions``, each from a JSON body.

    ``named``: the model that suggests as long as no round is promoted. ``wake`` tells the worker that the
    inbox has something; ``trouble`` says why that does not work off anything, empty where it does; ``say``
    gets a line for people, never one with a secret in it. ``as_saved`` False: rounds compute in another way
    than the one that they were saved with, so that what they say may be another model's; the predictor knows
    whose.
    """

    def __init__(
        self,
        store: Store,
        predictor: Predicts,
        *,
        wake: Callable[[], None],
        say: Callable[[str], None],
        trouble: Callable[[], str] = lambda: "",
        named: int | None = None,
        as_saved: bool = True,
    ) -> None:
        self.store = store
        self.predictor = predictor
        self.wake = wake
        self.trouble = trouble
        self.say = say
        self.named = named
        self.as_saved = as_saved
        self._said_by: dict[int, int] = {}
        self._told = ""

    def setup(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The version of the moment; RecipeError where the project there has nothing that we label.

        The body's access token is neither kept nor used.
        """
        layout = self._layout(body.get("schema"))
        return {
            "model_version": version_of(self._known()),
            "unknown_labels": list(layout.strangers(self.store.labels.names())),
        }

    def versions(self) -> dict[str, Any]:
        """The versions of every finished round, the standing one first."""
        models = [self.store.models.get(row.model_id) for row in self.store.rounds.all() if row.model_id]
        names = [
            version_of(self._known()),
            *(version_of(m) for m in models[::-1] if m),
        ]
        return {"versions": list(dict.fromkeys(names))}

    def webhook(self, body: Any) -> dict[str, Any]:
        """Keep the event and answer; the work is done afterwards."""
        kept = enqueue(self.store, body)
        if kept:
            self.wake()
        return {"status": "kept" if kept else "of no use here"}

    def refused(self, why: str) -> None:
        """Tell people of a webhook that could not be kept: Label Studio looks at no answer and sends nothing
        twice."""
        self.say(
            f"a webhook was refused: {why}; spanloop labelstudio pull {self.store.path} brings what it told"
        )

    def health(self) -> Health:
        """Whether what comes in is worked on, and how much of it waits or has failed."""
        trouble = self.trouble()
        try:
            return Health(trouble, self.store.inbox.waiting(), self.store.inbox.set_aside())
        except StoreError as error:
            return Health(trouble or str(error))

    def predict(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """One answer a task, in their order: a prediction, or none where no model has learned anything yet.

        A task without a usable text gets an empty prediction with score 0.
        """
        tasks = body.get("tasks")
        if not isinstance(tasks, list) or len(tasks) > MOST_TASKS:
            raise RecipeError(f'"tasks" must be a list of at most {MOST_TASKS:,} tasks')
        layout = self._layout(body.get("label_config"))
        try:
            project = project_number(body.get("project"))
        except ValueError as error:
            raise RecipeError(f'"project": {error}') from error
        landed = land(self.store, project, tasks, layout)
        for item in landed:
            if item.document is None:
                self.say(f"task {item.task}: {item.problem}: it gets no suggestion")
        model = self._predicted([item.document for item in landed if item.document is not None])
        version = version_of(model)
        with self.store.reading():
            results = [[] if model is None else self._answer(item, model, layout, version) for item in landed]
        return {"results": results, "model_version": version}

    def _layout(self, xml: object) -> Layout:
        labels = self.store.labels.names()
        layout = read_layout(xml, labels)
        if not layout.offered(labels):
            raise RecipeError(
                f"Label Studio's labels ({', '.join(layout.labels or ())}) and this project's "
                f"({', '.join(labels)}) have none in common"
            )
        told = unknown_labels(self.store, layout)
        if told and told != self._told:
            self.say(told.removeprefix("; "))
        self._told = told
        return layout

    def _predicted(self, documents: Sequence[Document]) -> Model | None:
        """The model that has predicted all of these documents by now; None where there is none."""
        model = self._standing(PREDICT_SECONDS)
        if model is None:
            return None
        missing = [d.id for d in documents if self.store.predictions.get(d.id, model.id) is None]
        if not missing:
            return model
        used = self._ask(missing, PREDICT_SECONDS)
        if used == model.id:
            return model
        self._said_by.clear()
        raise Busy("another round was promoted just now: ask again")

    def _standing(self, seconds: float) -> Model | None:
        """Whose predictions are given. Busy where the predictor has to say it, and does not in time."""
        saved = standing_model(self.store, self.named)
        if self.as_saved or saved is None or saved.round is None:
            return saved
        if saved.id not in self._said_by:
            used = self._ask([], seconds)
            self._said_by[saved.id] = saved.id if used is None else used
        return self.store.models.get(self._said_by[saved.id])

    def _known(self) -> Model | None:
        """The same for who only wants to know the version: as saved where the predictor is busy."""
        try:
            return self._standing(SETUP_SECONDS)
        except Busy:
            return standing_model(self.store, self.named)

    def _ask(self, ids: Sequence[int], seconds: float) -> int | None:
        try:
            return self.predictor.predict(ids, seconds)
        except RecipeError as error:
            raise Busy(str(error)) from error

    def _answer(self, item: Landed, model: Model, layout: Layout, version: str) -> dict[str, Any]:
        found = None if item.document is None else self.store.predictions.get(item.document.id, model.id)
        if item.document is None or found is None:
            return {"result": [], "score": 0.0, "model_version": version}
        return prediction_of(self.store, item.document, found, layout, version)


def prediction_of(
    store: Store, document: Document, found: Prediction, layout: Layout, version: str
) -> dict[str, Any]:
    """A stored prediction as Label Studio takes it; labels that cannot be chosen there are left out."""
    offered = layout.offered(span.label for span in found.spans)
    spans = [span for span in found.spans if span.label in offered]
    prediction: dict[str, Any] = {
        "result": regions_of(spans, document.text, from_name=layout.from_name, to_name=layout.to_name),
        "model_version": version,
    }
    score = _score(store, found)
    return prediction if score is None else {**prediction, "score": score}


def _score(store: Store, found: Prediction) -> float | None:
    """A number from 0 to 1 by which Label Studio sorts, lowest first, as the queue stands here.

    By `mnlp` or by chance: how sure the model is of the whole document, the geometric mean of its tokens'
    probabilities; without token scores, the spans' mean. By another strategy: 1 / (1 + its score).
    """
    strategy, model_id = store.queue.standing()
    if strategy not in (None, "random", "mnlp") and model_id == found.model_id:
        worth = store.predictions.acquisition(found.document_id, found.model_id, strategy)
        if worth is not None:
            return round(1 / (1 + max(worth, 0.0)), 6)
    doubt = store.predictions.acquisition(found.document_id, found.model_id, "mnlp")
    if doubt is not None:
        return round(min(1.0, math.exp(-doubt)), 6)
    scores = [span.score for span in found.spans if span.score is not None]
    return round(sum(scores) / len(scores), 6) if scores else None


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
