"""Webhooks: what Label Studio tells goes into the store's inbox at once and is worked on afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.labelstudio.answers import take_answer, take_deletion
from spanloop.recipes.labelstudio.landing import land, project_number, source_of
from spanloop.recipes.labelstudio.layout import Layout, read_layout
from spanloop.recipes.table import counted
from spanloop.store import Store, StoreError
from spanloop.store.tables.inbox import Event

ANSWERED = ("ANNOTATION_CREATED", "ANNOTATION_UPDATED")
DELETED = ("ANNOTATIONS_DELETED", "ANNOTATION_DELETED")
TASKS = ("TASKS_CREATED",)
PROJECT = ("PROJECT_CREATED", "PROJECT_UPDATED")
TRAIN = "START_TRAINING"
KNOWN = (*ANSWERED, *DELETED, *TASKS, *PROJECT, TRAIN)

# What of an event is kept: the rest has secrets (a project's token, the login of its data).
_KEPT = {
    "annotation": (
        "id", "result", "was_cancelled", "ground_truth", "created_at", "updated_at", "lead_time",
        "completed_by",
    ),
    "task": ("id", "data"),
    "tasks": ("id", "data"),
    "annotations": ("id",),
    "project": ("id", "label_config"),
}  # fmt: skip


def enqueue(store: Store, told: Any) -> bool:
    """Put an event into the inbox; False for one that is of no use here. RecipeError for what is no event."""
    if not isinstance(told, Mapping) or not isinstance(told.get("action"), str):
        raise RecipeError('a webhook sends an object with an "action"')
    action = told["action"]
    if action not in KNOWN:
        return False
    body = {name: _trimmed(told[name], keys) for name, keys in _KEPT.items() if name in told}
    project = body.get("project")
    try:
        source = source_of(project["id"] if isinstance(project, Mapping) else None)
    except (KeyError, ValueError) as error:
        raise RecipeError('the webhook names no "project" with an "id": let it send its payload') from error
    store.inbox.add(source, action, body)
    return True


def _trimmed(value: Any, keys: Sequence[str]) -> Any:
    if isinstance(value, list):
        return [_trimmed(item, keys) for item in value]
    if isinstance(value, Mapping):
        return {name: value[name] for name in keys if name in value}
    return value


def work_off(store: Store, *, train: Callable[[], str], say: Callable[[str], None]) -> int:
    """Work on everything that waits, oldest first; one that cannot be worked on is set aside with the reason.

    ``train`` starts a round and tells in a line what came of it. Returns how many events there were.
    """
    done = 0
    while (event := store.inbox.next()) is not None:
        done += 1
        try:
            with store.write():
                note = _work_on(store, event, train)
                store.inbox.done(event.id)
        except (RecipeError, StoreError, ValueError, TypeError, KeyError, AttributeError) as error:
            store.inbox.fail(event.id, f"{type(error).__name__}: {error}")
            say(f"{event.source}: {event.action} could not be worked on: {error}")
        else:
            say(f"{event.source}: {event.action}: {note}")
    return done


def _work_on(store: Store, event: Event, train: Callable[[], str]) -> str:
    """What came of the event, in a few words."""
    project = project_number(event.source.rsplit("/", 1)[-1])
    if event.action == TRAIN:
        return train()
    if event.action in DELETED:
        gone = event.body.get("annotations") or [event.body["annotation"]]
        return ", ".join(f"{one['id']} {take_deletion(store, project, one['id'])}" for one in gone)
    layout = read_layout(event.body["project"].get("label_config"), store.labels.names())
    if event.action in PROJECT:
        return "noted" + unknown_labels(store, layout)
    if event.action in TASKS:
        landed = land(store, project, event.body["tasks"], layout)
        problems = [f"task {item.task}: {item.problem}" for item in landed if item.document is None]
        return "; ".join([counted(sum(item.new for item in landed), "new document"), *problems])
    (place,) = land(store, project, [event.body["task"]], layout)
    if place.document is None or place.task is None:
        raise RecipeError(place.problem or "its task has no number")
    annotation = event.body["annotation"]
    taken = take_answer(store, project, place.task, place.document, annotation)
    return f"task {place.task}, annotation {annotation['id']}: {taken.outcome}"


def unknown_labels(store: Store, layout: Layout) -> str:
    """What to say where Label Studio offers labels that the project here does not have; empty where not."""
    strangers = layout.strangers(store.labels.names())
    if not strangers:
        return ""
    names = ", ".join(strangers)
    return (
        f"; labels there that are not in this project: {names}. Their regions go to the ledger; to have them "
        f"learned: spanloop labels {store.named} add {strangers[0]}"
    )
