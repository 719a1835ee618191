"""Label Studio's JSON: the full export and the short one (JSON_MIN), with predictions and annotations.

``line`` counts the tasks of the file from 1: an export has no lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats.entry import Entry, Format, ReadOptions, WriteOptions, Written
from spanloop.recipes.formats.json_text import NotJson, parse
from spanloop.recipes.formats.labelstudio_regions import Regions, is_span_region, read_regions
from spanloop.recipes.formats.labelstudio_task import (
    GROUP,
    ID,
    META,
    SPLIT,
    Opinion,
    Record,
    annotations_of,
    document_of,
    model_of,
    opinion_of,
    predictions_of,
)
from spanloop.store.records import Document, NewDocument, Span

FROM_NAME, TO_NAME, FIELD = "label", "text", "text"
"""The names in the labelling configuration that we make, and in the regions that we write."""

_MIN_KEYS = ("id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement")
_OURS = re.compile(
    r'"(completions|completed_by|from_name|to_name|was_cancelled|model_version|annotation_id|lead_time)"\s*:'
    r'|"data"\s*:\s*\{'
)
_HEAD = re.compile(r'"(annotations|completions|predictions|annotation_id)"\s*:')


def read(path: Path, _options: ReadOptions) -> Iterator[Entry]:
    """One entry an annotation and one a prediction; a task with neither is one entry without spans.

    Skipped tasks are ``ignore``. FormatError names the task that cannot be read; the whole file is in memory.
    """
    tasks = [_whole(task) for task in _load(path)]
    knows_spans = any(_labels_spans(task) for task in tasks)
    for number, task in enumerate(tasks, start=1):
        try:
            yield from entries_of_task(task, number, knows_spans=knows_spans)
        except ValueError as error:
            named = f"task {task['id']}" if "id" in task else "this task"
            raise FormatError(path, number, f"{named} (number {number} of the file): {error}") from error


def _load(path: Path) -> list[Any]:
    raw = path.read_bytes()
    try:
        found = parse(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise FormatError(path, None, f"byte {error.start + 1} is no UTF-8: convert the file") from error
    except NotJson as error:
        raise FormatError(path, error.line, str(error)) from error
    tasks = found if isinstance(found, list) else [found]
    for number, task in enumerate(tasks, start=1):
        if not isinstance(task, Mapping):
            raise FormatError(path, number, f"task {number} is a {type(task).__name__}, not an object")
    return tasks


def _whole(task: Record) -> dict[str, Any]:
    """A task as the full export has it; one of JSON_MIN is built up again."""
    if isinstance(task.get("data"), Mapping):
        return dict(task)
    lists = {name: value for name, value in task.items() if _is_min_result(value)}
    data = {name: value for name, value in task.items() if name not in (*_MIN_KEYS, *lists)}
    whole = {"id": task.get("id"), "data": data, "project": task.get("project")}
    if "annotation_id" in task or lists:
        regions = [{"type": "labels", "value": value} for values in lists.values() for value in values]
        about = {name: task[name] for name in ("created_at", "updated_at", "lead_time") if name in task}
        person = {"id": task.get("annotation_id"), "completed_by": task.get("annotator")}
        whole["annotations"] = [{"result": regions, **person, **about}]
    return {name: value for name, value in whole.items() if value is not None}


def _is_min_result(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, Mapping) and {"start", "end", "labels"} <= set(item) for item in value)
    )


def _labels_spans(task: Record) -> bool:
    """Whether any annotation of the task labels characters: then the others say that there are none."""
    said = [task.get(name) for name in ("annotations", "completions", "predictions")]
    results = [
        one.get("result") for some in said if isinstance(some, list) for one in some if _is_object(one)
    ]
    return any(is_span_region(region) for result in results if isinstance(result, list) for region in result)


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping)


def entries_of_task(task: Record, number: int, *, knows_spans: bool = True) -> Iterator[Entry]:
    """What a task of the full form says, predictions first; ``number`` counts from 1. ValueError for a task
    that cannot be read."""
    document = document_of(task)
    said = [_of_prediction(document, one, number) for one in predictions_of(task)]
    for annotation in annotations_of(task):
        opinion = opinion_of(annotation, document.text, knows_spans=knows_spans)
        said.append(_of_opinion(document, opinion, number))
    for place, entry in enumerate(said or [_bare(document, number)]):
        yield replace(entry, continues=place > 0)


def _bare(document: NewDocument, number: int) -> Entry:
    return Entry(
        text=document.text,
        line=number,
        key=document.key,
        group=document.group,
        split=document.split,
        meta=document.meta,
    )


def _of_prediction(document: NewDocument, prediction: Record, number: int) -> Entry:
    regions = read_regions(prediction["result"], document.text)
    entry = replace(_bare(document, number), predicted_by=model_of(prediction))
    return _with_regions(entry, regions)


def _of_opinion(document: NewDocument, opinion: Opinion, number: int) -> Entry:
    entry = replace(
        _bare(document, number),
        annotator=opinion.annotator,
        origin=opinion.origin,
        answer=opinion.answer,
        created_at=opinion.changed_at,
        comment=opinion.comment,
    )
    return entry if opinion.regions is None else _with_regions(entry, opinion.regions)


def _with_regions(entry: Entry, regions: Regions) -> Entry:
    return replace(entry, spans=regions.spans, refused=regions.refused, moved=regions.moved)


def write(path: Path, entries: Iterable[Entry], _options: WriteOptions) -> Written:
    """A file that Label Studio imports: one task an entry, its spans as an annotation, or as a prediction
    where a model said them. ``reject`` is written as skipped: Label Studio has no such answer."""
    documents = spans = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for entry in entries:
            file.write("[\n" if not documents else ",\n")
            file.write(json.dumps(task_of(entry), ensure_ascii=False))
            documents, spans = documents + 1, spans + len(entry.spans or ())
        file.write("\n]\n" if documents else "[]\n")
    return Written(documents=documents, spans=spans)


def task_of(entry: Entry) -> dict[str, Any]:
    """The entry as a task for Label Studio's import."""
    task: dict[str, Any] = {
        "data": task_data(NewDocument(entry.text, entry.key, entry.meta, entry.group, entry.split))
    }
    if entry.spans is None and entry.answer == "accept":
        return task
    result = regions_of(entry.spans or (), entry.text)
    if entry.predicted_by is not None:
        task["predictions"] = [{"model_version": entry.predicted_by, "result": result}]
    else:
        task["annotations"] = [{"result": result, "was_cancelled": entry.answer != "accept"}]
    return task


def task_data(document: Document | NewDocument) -> dict[str, Any]:
    """A document as a task's ``data``: text, id, group, split, and the metadata as columns beside them."""
    ours = {FIELD: document.text, ID: document.key, GROUP: document.group, SPLIT: document.split}
    known = {name: value for name, value in ours.items() if value is not None}
    meta = dict(document.meta)
    if set(meta) & {FIELD, ID, GROUP, SPLIT, META}:
        return {**known, META: meta}
    return {**meta, **known}


def regions_of(
    spans: Iterable[Span], text: str, *, from_name: str = FROM_NAME, to_name: str = TO_NAME
) -> list[dict[str, Any]]:
    """The spans as regions of Label Studio, numbered in their order."""
    return [_region(number, span, text, from_name, to_name) for number, span in enumerate(spans)]


def _region(number: int, span: Span, text: str, from_name: str, to_name: str) -> dict[str, Any]:
    value: dict[str, Any] = {
        "start": span.start,
        "end": span.end,
        "text": text[span.start : span.end],
        "labels": [span.label],
    }
    region: dict[str, Any] = {
        "id": f"r{number}",
        "from_name": from_name,
        "to_name": to_name,
        "type": "labels",
    }
    if span.score is not None:
        region["score"] = value["score"] = span.score
    return {**region, "value": value}


def sniff(head: str) -> bool:
    """A JSON array or object over several keys that only Label Studio has."""
    begins = head.lstrip()
    if not begins.startswith(("[", "{")) or _HEAD.search(begins) is None:
        return False
    if begins.startswith("["):
        return _OURS.search(begins) is not None
    return re.search(r'"data"\s*:\s*\{', begins) is not None


FORMAT = Format(
    name="labelstudio",
    suffixes=(".json",),
    read=read,
    write=write,
    sniff=sniff,
    foreign=True,
    carries=frozenset(
        {
            "spans",
            "empty_documents",
            "open_documents",
            "ids",
            "groups",
            "splits",
            "metadata",
            "blanks",
            "scores",
            "models",
        }
    ),
    title="Label Studio's JSON and JSON_MIN",
    detected="keys such as annotations, predictions or annotation_id",
    skips=("regions that are no spans of text",),
    tried="exports of a Norwegian project and of the SDK's tests",
)
