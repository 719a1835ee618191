"""Webhooks: what Label Studio tells goes into the store's inbox at once and is worked on afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.labelstudio.answers import number_of_answer, take_answer, take_deletion
from spanloop.recipes.labelstudio.landing import land, project_number, source_of
from spanloop.recipes.labelstudio.layout import Layout, read_layout
from spanloop.recipes.labelstudio.messages import Isolated
from spanloop.recipes.table import counted
from spanloop.store import Store
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
MOST_PARTS = 20  # of an event that are named where they failed
_CUT = "spanloop_cut"  # in the body of an event of which only the numbers could be kept


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
    try:
        store.inbox.add(source, action, body)
    except RecursionError:
        why = f"it is nested too deeply to be kept: spanloop labelstudio pull {store.path} --all brings it"
        store.inbox.add(source, action, {**_numbers(body), _CUT: True}, why)
    return True


def _trimmed(value: Any, keys: Sequence[str]) -> Any:
    """The keys that are kept, of an object or of each in a list; Label Studio has no lists in lists."""
    if isinstance(value, list):
        return [None if isinstance(item, list) else _trimmed(item, keys) for item in value]
    if isinstance(value, Mapping):
        return {name: value[name] for name in keys if name in value}
    return value


def _numbers(body: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of what an event is about."""
    objects = {name: value for name, value in body.items() if isinstance(value, Mapping)}
    return {name: {"id": value["id"]} for name, value in objects.items() if isinstance(value.get("id"), int)}


@dataclass(frozen=True, slots=True)
class Worked:
    """What came of an event, in a few words; ``problem``: why all or a part of it could not be worked on, so
    that it was set aside."""

    event: Event
    note: str
    problem: str

    @property
    def failed_event(self) -> Event:
        """The event as it stands in the store now."""
        return replace(self.event, error=self.problem)

    def text(self) -> str:
        done = f": {self.note}" if self.note else ""
        failed = f"{'; but a part' if done else ''} could not be worked on: {self.problem}"
        return f"{self.event.source}: {self.event.action}{done}{failed if self.problem else ''}"


def work_off(
    store: Store,
    *,
    train: Callable[[], str],
    say: Callable[[str], None],
    begins: Callable[[Event], bool] = lambda _: True,
) -> int:
    """Work on everything that waits, oldest first; one that cannot be worked on is set aside with the reason.

    ``train`` starts a round and tells in a line what came of it. ``begins`` is told of each event before it
    is worked on and says whether to. Returns how many events there were.
    """
    done = 0
    while (event := store.inbox.next()) is not None and begins(event):
        done += 1
        say(work_on(store, event, train).text())
    return done


def work_on(store: Store, event: Event, train: Callable[[], str]) -> Worked:
    """Work on one event: what it says is stored and the event forgotten in one transaction.

    Whatever its values make fail is kept with the reason. Only StoreUnavailable and what nobody foresaw is
    raised, and then nothing of the event was stored and it waits as before.
    """
    parts: list[str] = []
    failed: list[str] = []
    with Isolated(failed.append), store.write():
        note = _work_on(store, event, train, parts)
        if parts:
            store.inbox.fail(event.id, _first_of(parts))
        else:
            store.inbox.done(event.id)
        return Worked(event, note, _first_of(parts))
    store.inbox.fail(event.id, failed[0])
    return Worked(event, "", failed[0])


def _first_of(parts: Sequence[str]) -> str:
    more = len(parts) - MOST_PARTS
    return "; ".join([*parts[:MOST_PARTS], *([f"and {more} more"] if more > 0 else [])])


def _work_on(store: Store, event: Event, train: Callable[[], str], parts: list[str]) -> str:
    """What came of the event, in a few words; what of it failed by itself is put into ``parts``."""
    project = project_number(event.source.rsplit("/", 1)[-1])
    body = event.body
    if body.get(_CUT):
        raise RecipeError(event.error or "only its numbers could be kept")
    if event.action == TRAIN:
        return train()
    if event.action in DELETED:
        return _take_deletions(store, project, body.get("annotations") or [body["annotation"]], parts)
    layout = read_layout(body["project"].get("label_config"), store.labels.names())
    if event.action in PROJECT:
        return "noted" + unknown_labels(store, layout)
    if event.action in TASKS:
        return _take_tasks(store, project, body["tasks"], layout, parts)
    (place,) = land(store, project, [body["task"]], layout)
    if place.document is None or place.task is None:
        raise RecipeError(place.problem or "its task has no number")
    annotation = body["annotation"]
    taken = take_answer(store, project, place.task, place.document, annotation, layout)
    return f"task {place.task}, annotation {annotation['id']}: {taken.outcome}"


def _take_deletions(store: Store, project: int, gone: Sequence[Any], parts: list[str]) -> str:
    done = []
    for one in gone:
        with Isolated(parts.append):
            number = number_of_answer(one)
            done.append(f"{number} {take_deletion(store, project, number)}")
    return ", ".join(done)


def _take_tasks(store: Store, project: int, tasks: Sequence[Any], layout: Layout, parts: list[str]) -> str:
    landed = land(store, project, tasks, layout)
    lost = [item for item in landed if not item.empty and (item.document is None or item.task is None)]
    parts += [f"task {item.task}: {item.problem or 'it has no number'}" for item in lost]
    empty = [f"task {item.task}: {item.problem}" for item in landed if item.empty]
    return "; ".join([counted(sum(item.new for item in landed), "new document"), *empty])


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
