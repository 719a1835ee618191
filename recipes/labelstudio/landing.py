"""Tasks on their way into the store: every one with a usable text becomes, or is, a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from spanloop.recipes.formats.labelstudio_task import document_of
from spanloop.recipes.labelstudio.layout import Layout
from spanloop.store import Store
from spanloop.store.records import Document, NewDocument


@dataclass(frozen=True, slots=True)
class Landed:
    """What became of a task: its document, or why there is none. ``task`` is its number, where it has one."""

    task: int | None
    document: Document | None
    problem: str = ""
    new: bool = False


@dataclass(frozen=True, slots=True)
class _Read:
    """A task as it came: the text to be stored, or why there is none."""

    task: int | None
    document: NewDocument | None
    problem: str = ""


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

    A task whose text is edited there becomes another document: documents do not change.
    """
    read = [_read(task, project, layout) for task in tasks]
    with store.write():
        texts: dict[str, str] = {}
        waiting = [_with_free_key(store, item.document, texts) for item in read if item.document is not None]
        added = iter(store.documents.add(waiting))
        landed: list[Landed] = []
        for item in read:
            if item.document is None:
                landed.append(Landed(item.task, None, item.problem))
                continue
            place = next(added)
            landed.append(Landed(item.task, store.documents.get(place.document_id), new=place.new))
        links = {one.task: one.document.id for one in landed if one.document and one.task is not None}
        store.bridges.link_tasks(source_of(project), links)
    return landed


def _read(task: Any, project: int, layout: Layout) -> _Read:
    if not isinstance(task, Mapping):
        return _Read(None, None, "a task must be an object")
    number = task.get("id")
    known = (
        number if isinstance(number, int) and not isinstance(number, bool) and 0 < number < 2**53 else None
    )
    try:
        document = document_of({**task, "project": project, "id": known}, field=layout.field)
    except ValueError as error:
        return _Read(known, None, str(error))
    strings = (document.text, document.key or "", document.group or "")
    problem = "its text is empty" if not document.text.strip() else ""
    if any("\0" in one or any("\ud800" <= letter <= "\udfff" for letter in one) for one in strings):
        problem = "it has a NUL or half a surrogate pair, which no text can hold"
    return _Read(known, None, problem) if problem else _Read(known, document)


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
