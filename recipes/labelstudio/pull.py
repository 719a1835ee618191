"""Bring what was annotated in Label Studio into the store: its webhooks come at most once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.formats.labelstudio_task import annotations_of
from spanloop.recipes.labelstudio.answers import Taken, number_of_answer, take_answer, take_deletion
from spanloop.recipes.labelstudio.client import LabelStudio
from spanloop.recipes.labelstudio.connect import meeting, mend_webhooks, number_of
from spanloop.recipes.labelstudio.events import unknown_labels
from spanloop.recipes.labelstudio.landing import Landed, land, source_of, task_named
from spanloop.recipes.labelstudio.layout import Layout, read_layout
from spanloop.recipes.labelstudio.messages import Isolated
from spanloop.recipes.progress import Progress, silent
from spanloop.recipes.report import Count, Report
from spanloop.recipes.table import counted
from spanloop.store import Store

WORDS = {
    "new": "new",
    "changed": "changed",
    "skipped": "skipped there",
    "ledger": "with regions that could not be kept: no gold, see the ledger",
    "deleted": "deleted there",
    "unchanged": "known already",
    "stale": "older than what is known",
}


@dataclass(slots=True)
class Pulled(Report):
    """What came from Label Studio."""

    tasks: Count = 0
    """Tasks that changed there."""
    documents: Count = 0
    """Documents that are new here."""
    annotations: Counter[str] = field(default_factory=Counter)
    """Annotations by what became of them."""
    kept: Count = 0
    """Spans that are gold where they were meant."""
    moved: Count = 0
    """Spans that are gold beside where they were meant, as the ledger says."""
    set_aside: Count = 0
    """Spans that are stored with an answer that is no gold: skipped there, or not whole."""
    ledger: Count = 0
    """Spans that are not stored, each in the ledger with its reason."""
    problems: list[str] = field(default_factory=list)
    """What could not be read, and was left out."""
    notes: list[str] = field(default_factory=list)
    """What else a person should know."""

    def count(self, taken: Taken) -> None:
        """Count an annotation, and each of its spans once."""
        self.annotations[taken.outcome] += 1
        self.kept, self.moved = self.kept + taken.kept, self.moved + taken.moved
        self.set_aside, self.ledger = self.set_aside + taken.set_aside, self.ledger + taken.ledger

    def text(self) -> str:
        lines = [
            f"{counted(self.tasks, 'task')} changed there, {counted(self.documents, 'document')} new here"
        ]
        lines += [
            f"{counted(self.annotations[name], 'annotation')} {words}"
            for name, words in WORDS.items()
            if self.annotations[name]
        ]
        told = [f"spans: kept {self.kept:,}, ledger {self.ledger:,}"]
        told += [f"moved {self.moved:,}"] if self.moved else []
        told += [f"stored without being gold {self.set_aside:,}"] if self.set_aside else []
        number = self.kept + self.moved + self.set_aside + self.ledger
        lines.append(f"{', '.join(told)}; {number:,} in all")
        return "\n".join([*lines, *self.problems, *self.notes])


def pull(
    db: str | Path,
    *,
    url: str | None = None,
    project: int | None = None,
    create: bool = False,
    everything: bool = False,
    progress: Progress | None = None,
) -> Pulled:
    """Bring in tasks and annotations that changed since the last pull, however often it is run.

    ``url`` and ``project`` are remembered. ``create``: make the project file, with the labels there.
    ``everything``: look at every task, whenever it changed. What cannot be read is named and left out.
    """
    if create and not Path(db).exists():
        _create(db, url, project)
    pulled = Pulled()
    show = progress or silent
    with Store.open(db) as store, meeting(store, url, project) as (studio, bridge, layout):
        since = None if everything else bridge.pulled_until
        until = None
        for tasks in studio.tasks(number_of(bridge), since):
            until = until or studio.asked_at
            with store.write():
                _take(store, number_of(bridge), tasks, layout, pulled)
            show(pulled.tasks, None, "pulling tasks")
        if until is not None:
            store.bridges.put(replace(bridge, pulled_until=until))
        if pulled.problems:
            pulled.notes.append(f"to look at them again: spanloop labelstudio pull {store.path} --all")
        pulled.notes += mend_webhooks(studio, number_of(bridge))
        if told := unknown_labels(store, layout):
            pulled.notes.append(told.removeprefix("; "))
    return pulled


def _create(db: str | Path, url: str | None, project: int | None) -> None:
    if url is None or project is None:
        raise RecipeError("--create needs --url and --project, whose labels the new project file gets")
    with LabelStudio(url) as studio:
        layout = read_layout(studio.project(project).get("label_config"))
    if not layout.labels:
        raise RecipeError(
            "the project there takes its labels from its tasks: make the file with spanloop init"
        )
    Store.create(db, labels=list(dict.fromkeys(layout.labels)), base_model="offline", lang="en").close()


def _take(store: Store, project: int, tasks: Sequence[Any], layout: Layout, pulled: Pulled) -> None:
    """One page of tasks, in the caller's transaction."""
    landed = land(store, project, tasks, layout)
    for task, place in zip(tasks, landed, strict=True):
        pulled.tasks += 1
        pulled.documents += place.new
        if place.document is None or place.task is None:
            pulled.problems.append(f"{task_named(task)}: {place.problem or 'it has no number'}")
            continue
        problems: list[str] = []
        with Isolated(problems.append):
            _take_answers(store, project, task, place, layout, pulled, problems)
        pulled.problems += [f"{task_named(task)}: {problem}" for problem in problems]


def _take_answers(
    store: Store,
    project: int,
    task: Mapping[str, Any],
    place: Landed,
    layout: Layout,
    pulled: Pulled,
    problems: list[str],
) -> None:
    """Every annotation by itself; what cannot be read of one is added to ``problems``."""
    if place.document is None or place.task is None:
        return
    numbers = set()
    for annotation in annotations_of(task):
        with Isolated(problems.append):
            numbers.add(number_of_answer(annotation))
            taken = take_answer(store, project, place.task, place.document, annotation, layout)
            pulled.count(taken)
    if problems:
        return  # which of the known ones are still there cannot be told
    for known in store.bridges.answers(source_of(project), place.task):
        if known.answer not in numbers:
            pulled.annotations[take_deletion(store, project, known.answer)] += 1
