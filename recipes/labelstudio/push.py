"""Send predictions, and documents if asked, to Label Studio: in chunks, and only what it does not have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.formats.labelstudio import task_data
from spanloop.recipes.labelstudio.backend import prediction_of, standing_model, version_of
from spanloop.recipes.labelstudio.client import LabelStudio
from spanloop.recipes.labelstudio.confirmed import address_of
from spanloop.recipes.labelstudio.connect import meeting, mend_webhooks, number_of
from spanloop.recipes.labelstudio.events import unknown_labels
from spanloop.recipes.labelstudio.landing import land, source_of, task_named
from spanloop.recipes.labelstudio.layout import Layout, write_layout
from spanloop.recipes.labelstudio.replies import a_list, a_number, an_object
from spanloop.recipes.progress import Progress, silent
from spanloop.recipes.report import Count, Report
from spanloop.recipes.table import counted
from spanloop.store import Store
from spanloop.store.records import Model, Moment
from spanloop.store.tables.bridges import Bridge

CHUNK = 200  # rows a request


@dataclass(slots=True)
class Pushed(Report):
    """What was sent to Label Studio."""

    project: Count
    """The number of the project there."""
    version: str
    """The model that predicted."""
    tasks: Count = 0
    """Tasks that were made there."""
    predictions: Count = 0
    """Predictions that were sent."""
    there: Count = 0
    """Predictions that were there already."""
    unpredicted: Count = 0
    """Tasks of which the model has said nothing yet."""
    notes: list[str] = field(default_factory=list)
    """What else a person should know."""

    def text(self) -> str:
        lines = [f"project {self.project}: {counted(self.tasks, 'task')} made there"]
        lines.append(
            f"{counted(self.predictions, 'prediction')} of {self.version} sent, {self.there:,} there already"
        )
        return "\n".join([*lines, *self.notes])


def push(
    db: str | Path,
    *,
    url: str | None = None,
    project: int | None = None,
    create: bool = False,
    documents: bool = False,
    title: str | None = None,
    progress: Progress | None = None,
) -> Pushed:
    """Send what the promoted round (else the newest model) has predicted, for every task that lacks it.

    ``documents``: make tasks of the documents that Label Studio does not have. ``create``: make the project
    there with the labels of this one, and all its documents. Run again, it sends what is missing.
    """
    show = progress or silent
    with Store.open(db) as store:
        if create:
            project = _create(store, url, project, title or Path(db).stem)
        with meeting(store, url, project) as (studio, bridge, layout):
            model, moment = _model(store), store.moment()
            version = version_of(model)
            pushed = Pushed(number_of(bridge), version)
            have = _known_tasks(store, studio, bridge, layout, pushed)
            if create or documents:
                _send_documents(store, studio, bridge, pushed, show)
            _send_predictions(store, studio, bridge, layout, model, moment, have, pushed, show)
            _finish(store, studio, layout, pushed)
            return pushed


def _create(store: Store, url: str | None, project: int | None, title: str) -> int:
    if url is None or project is not None:
        raise RecipeError("--create makes a project at --url; leave --project out")
    address = address_of(url)
    known = [bridge for bridge in store.bridges.all() if bridge.url == address]
    if known:
        number = number_of(known[0])
        raise RecipeError(f"there is a project for this one already: --project {number} instead of --create")
    named = title if len(title) >= 3 else f"spanloop {title}"  # Label Studio wants three letters
    with LabelStudio(url) as studio:
        body = {
            "title": named[:50],
            "label_config": write_layout(store.labels.all()),
            "show_collab_predictions": True,
            "evaluate_predictions_automatically": True,
        }
        made = an_object(studio.post("/api/projects/", body), "a project that was made")
    number = a_number(made.get("id"), "a project that was made")
    store.bridges.put(Bridge(source_of(number), address))
    return number


def _model(store: Store) -> Model | None:
    """The promoted round's model, else the newest one that has predicted anything."""
    models = [model for model in store.models.all() if store.predictions.count(model.id)]
    return standing_model(store) or (models[-1] if models else None)


def _known_tasks(
    store: Store, studio: LabelStudio, bridge: Bridge, layout: Layout, pushed: Pushed
) -> set[int]:
    """Remember every task that is there; gives the numbers of those that have this version's prediction."""
    have: set[int] = set()
    for tasks in studio.tasks(number_of(bridge)):
        for task, place in zip(tasks, land(store, number_of(bridge), tasks, layout), strict=True):
            if place.task is None or place.document is None:
                pushed.notes.append(
                    f"{task_named(task)}: {place.problem or 'it has no number'}: it gets no prediction"
                )
            elif pushed.version in _versions(task):
                have.add(place.task)
    return have


def _versions(task: Mapping[str, Any]) -> set[str]:
    predictions = task.get("predictions")
    said = predictions if isinstance(predictions, list) else []
    versions = [one.get("model_version") for one in said if isinstance(one, Mapping)]
    return {version for version in versions if isinstance(version, str)}


def _send_documents(
    store: Store, studio: LabelStudio, bridge: Bridge, pushed: Pushed, show: Progress
) -> None:
    """A task for each document without one, its key in the task's data: sent once even if the answer is
    lost."""
    known = set(store.bridges.tasks(bridge.source).values())
    missing = [number for number in store.documents.ids() if number not in known]
    for chunk in _chunks(missing):
        waiting = list(store.documents.fetch(chunk))
        path = f"/api/projects/{pushed.project}/import"
        made = studio.post(path, [{"data": task_data(one)} for one in waiting], return_task_ids="true")
        told = an_object(made, "the tasks that were made").get("task_ids") or []
        numbers = [a_number(task, "the numbers of tasks") for task in a_list(told, "the numbers of tasks")]
        if len(numbers) != len(waiting):
            raise RecipeError(
                f"Label Studio took {len(numbers)} of {len(waiting)} tasks: run this again, it goes on"
            )
        links = {task: one.id for task, one in zip(numbers, waiting, strict=True)}
        store.bridges.link_tasks(bridge.source, links)
        pushed.tasks += len(waiting)
        show(pushed.tasks, len(missing), "sending documents")


def _send_predictions(
    store: Store,
    studio: LabelStudio,
    bridge: Bridge,
    layout: Layout,
    model: Model | None,
    moment: Moment,
    have: set[int],
    pushed: Pushed,
    show: Progress,
) -> None:
    tasks = store.bridges.tasks(bridge.source)
    missing = [task for task in tasks if task not in have]
    pushed.there = len(tasks) - len(missing)
    for chunk in _chunks(missing):
        with store.reading():
            found = (_row(store, task, tasks[task], model, moment, layout) for task in chunk)
            rows = [row for row in found if row]
        pushed.unpredicted += len(chunk) - len(rows)
        if rows:
            made = studio.post(f"/api/projects/{pushed.project}/import/predictions", rows)
            created = an_object(made, "the predictions that were made").get("created")
            if created != len(rows):
                raise RecipeError(f"Label Studio took {created} of {len(rows)} predictions")
        pushed.predictions += len(rows)
        show(pushed.predictions, len(missing), "sending predictions")


def _row(
    store: Store, task: int, document_id: int, model: Model | None, moment: Moment, layout: Layout
) -> dict[str, Any] | None:
    document = store.documents.get(document_id)
    if model is None or document is None:
        return None
    found = store.predictions.get(document_id, model.id, moment.readings)
    if found is None:
        return None
    return {"task": task, **prediction_of(store, document, found, layout, version_of(model))}


def _chunks(items: Sequence[int]) -> Iterator[list[int]]:
    for begin in range(0, len(items), CHUNK):
        yield list(items[begin : begin + CHUNK])


def _finish(store: Store, studio: LabelStudio, layout: Layout, pushed: Pushed) -> None:
    """Have Label Studio show this version, where no backend decides that; see to the webhooks; say what is
    left to do."""
    if pushed.predictions + pushed.there and not studio.backends(pushed.project):
        studio.patch(f"/api/projects/{pushed.project}/", {"model_version": pushed.version})
    pushed.notes += mend_webhooks(studio, pushed.project)
    if pushed.unpredicted:
        pushed.notes.append(
            f"{counted(pushed.unpredicted, 'task')} without a prediction here: spanloop prelabel "
            f"{store.named}, then push again"
        )
    if told := unknown_labels(store, layout):
        pushed.notes.append(told.removeprefix("; "))
