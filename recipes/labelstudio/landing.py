"""Tasks on their way into the store: every one with a usable text becomes, or is, a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from spanloop.recipes.formats.labelstudio_task import document_of
from spanloop.recipes.labelstudio.layout import Layout
from spanloop.recipes.labelstudio.messages import Isolated
from spanloop.store import Store
from spanloop.store.records import Document, NewDocument

DEEPEST = 100
"""Levels of objects and lists in a task's data; Python reads some hundred, wherever it happens to stand."""


@dataclass(frozen=True, slots=True)
class Landed:
    """What became of a task: its document, or why there is none. ``task`` is its number, where it has one;
    ``empty``: there is no document because there is no text."""

    task: int | None
    document: Document | None
    problem: str = ""
    new: bool = False
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Unread:
    """A task that could not even be read from the answer that had it."""

    problem: str


@dataclass(frozen=True, slots=True)
class _Read:
    """A task as it came: the text to be stored, or why there is none."""

    task: int | None
    document: NewDocument | None
    problem: str = ""
    empty: bool = False


def source_of(project: object) -> str:
    """What the links of a Label Studio project stand under; ``1.1795408323`` and 1 are the same project."""
    return f"labelstudio/{project_number(project)}"


def project_number(project: object) -> int:
    """The number of a project as Label Studio's calls name it. ValueError for what names none."""
    text = str(project).split(".", 1)[0]
    if isinstance(project, bool) or not text.isascii() or not text.isdigit() or len(text) > 15:
        raise ValueError(f"{project!r} names no project of Label Studio")
    return int(text)


def land(store: Store, project: int, tasks: Sequence[Any], layout: Layout) -> list[Landed]:
    """Store the documents of tasks in one transaction and remember which task is which; in their order.

    A task whose text is edited there becomes another document: documents do not change. One that the store
    cannot hold has its problem said, and the others are stored.
    """
    read = [_read(task, project, layout) for task in tasks]
    with store.write():
        with Isolated(lambda _: None):  # whose fault it is shows when each is stored by itself
            return _store(store, project, read)
        return [_store_alone(store, project, item) for item in read]


def _store_alone(store: Store, project: int, item: _Read) -> Landed:
    problems: list[str] = []
    with Isolated(problems.append):
        return _store(store, project, [item])[0]
    return Landed(item.task, None, problems[0])


def _store(store: Store, project: int, read: Sequence[_Read]) -> list[Landed]:
    """All of them, or none and what the store raises."""
    with store.write():
        texts: dict[str, str] = {}
        waiting = [_with_free_key(store, item.document, texts) for item in read if item.document is not None]
        added = iter(store.documents.add(waiting))
        landed: list[Landed] = []
        for item in read:
            if item.document is None:
                landed.append(Landed(item.task, None, item.problem, empty=item.empty))
                continue
            place = next(added)
            landed.append(Landed(item.task, store.documents.get(place.document_id), new=place.new))
        links = {one.task: one.document.id for one in landed if one.document and one.task is not None}
        store.bridges.link_tasks(source_of(project), links)
    return landed


def _read(task: Any, project: int, layout: Layout) -> _Read:
    if isinstance(task, Unread):
        return _Read(None, None, task.problem)
    if not isinstance(task, Mapping):
        return _Read(None, None, "a task must be an object")
    known = task_number(task.get("id"))
    problems: list[str] = []
    with Isolated(problems.append):
        return _checked(known, document_of({**task, "project": project, "id": known}, field=layout.field))
    return _Read(known, None, problems[0])


def task_number(value: object) -> int | None:
    """The number of a task or an annotation; None for what is no number that Label Studio counts with."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**53 else None


def task_named(task: Any) -> str:
    """How a task is called in a message."""
    number = task_number(task.get("id")) if isinstance(task, Mapping) else None
    return "a task" if number is None else f"task {number}"


def _checked(known: int | None, document: NewDocument) -> _Read:
    if not document.text.strip():
        return _Read(known, None, "its text is empty", empty=True)
    strings = (document.text, document.key or "", document.group or "")
    if any("\0" in one or any("\ud800" <= letter <= "\udfff" for letter in one) for one in strings):
        return _Read(known, None, "it has a NUL or half a surrogate pair, which no text can hold")
    if _is_deeper(document.meta, DEEPEST):
        return _Read(known, None, f"its data is nested more than {DEEPEST} levels deep")
    return _Read(known, document)


def _is_deeper(value: Any, levels: int) -> bool:
    """Whether objects and lists lie in each other more than so many levels deep."""
    layer = [value]
    for _ in range(levels + 1):
        insides = [one.values() if isinstance(one, Mapping) else one for one in layer]
        layer = [item for inside in insides for item in inside if isinstance(item, (Mapping, list))]
        if not layer:
            return False
    return True


def _with_free_key(store: Store, document: NewDocument, texts: dict[str, str]) -> NewDocument:
    """The document under its key; with a part of its hash behind it where another text has that key, in the
    store or among ``texts``, those of this call."""
    key = document.key
    if key is None:
        return document
    known = store.documents.by_key(key)
    if texts.setdefault(key, document.text if known is None else known.text) == document.text:
        return document
    digest = sha256(document.text.encode()).hexdigest()[:8]
    group = document.group or (key if known is None else known.group)
    return replace(document, key=f"{key}-{digest}", group=group)
