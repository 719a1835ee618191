"""Prodigy's JSONL, as ``db-out`` writes it and ``db-in`` reads it: one task a line.

Rejected and ignored answers stay what they are and are never gold. Yes/no answers (``ner.teach``) to one text
become one annotation a person: the spans said yes to, those said no to as negatives, and their characters as
all that was looked at. What the format cannot carry back: relations, choices and other views' answers stay in
``meta``; hashes are kept, never made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from spanloop.recipes.errors import FormatError, RecipeError
from spanloop.recipes.formats.carrying import EVERYTHING
from spanloop.recipes.formats.entry import Entry, Format, ReadOptions, WriteOptions, Written
from spanloop.recipes.formats.json_text import NotJson, parse
from spanloop.recipes.formats.lines import numbered_lines
from spanloop.recipes.formats.placing import ANSWERED_AGAIN, SET_ASIDE
from spanloop.recipes.formats.prodigy_task import (
    OWN,
    entry_of,
    further_keys,
    is_binary,
    spans_of,
    timestamp_of,
    tokens_of,
)
from spanloop.recipes.formats.tagged import cut_tokens
from spanloop.store.records import Range, Span, Task

Place = tuple[int, int, str]
_KEYS = {"_input_hash", "_task_hash", "_view_id", "_session_id", "_annotator_id", OWN}
_PATTERN = ({"label", "pattern"}, {"label", "pattern", "id"})
_MARKS = re.compile(r'"_(?:input|task)_hash"\s*:\s*-?\d|"ws"\s*:\s*(?:true|false)|"_view_id"\s*:\s*"')


def read(path: Path, _options: ReadOptions) -> Iterator[Entry]:
    """One entry a task; all yes/no answers of one person to one text are one entry, and come first: an answer
    about the whole text is worth more, and the later one counts."""
    decisions: dict[tuple[str, str | None], Decisions] = {}
    for line, task in _tasks(path):
        if is_binary(task):
            entry = _entry(path, task, line)
            decisions.setdefault((entry.key or "", entry.annotator), Decisions(entry)).add(entry)
    for decided in decisions.values():
        yield decided.entry()
    for line, task in _tasks(path):
        if not is_binary(task):
            yield _entry(path, task, line)


def _tasks(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, raw in numbered_lines(path):
        if not raw.strip():
            continue
        try:
            task = parse(raw)
        except NotJson as error:
            raise FormatError(path, line, f"{error}: {raw[:60]!r}") from error
        if not isinstance(task, dict):
            raise FormatError(path, line, f"a task is an object, not a {type(task).__name__}")
        yield line, task


def _entry(path: Path, task: dict[str, Any], line: int) -> Entry:
    try:
        return entry_of(task, line)
    except ValueError as error:
        raise FormatError(path, line, str(error)) from error


@dataclass(slots=True)
class Decisions:
    """What one person said yes and no to in one text; of two answers to one span the later counts."""

    first: Entry
    answers: dict[Place, tuple[str, Span, str | None]] = field(default_factory=dict)
    latest: Entry | None = None
    left: list[tuple[Span, str]] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        self.latest = entry
        spans = entry.spans or ()
        if entry.answer == "ignore":
            self.left += [(span, SET_ASIDE) for span in spans]
            return
        for span, said in zip(spans, entry.said or (None,) * len(spans), strict=True):
            place = (span.start, span.end, span.label)
            before = self.answers.pop(place, None)
            if before is not None:
                self.left.append((before[1], ANSWERED_AGAIN))
            self.answers[place] = (entry.answer, span, said)

    def entry(self) -> Entry:
        """All of it as one entry; ``ignore`` where every question was set aside."""
        latest, left = self.latest or self.first, tuple(self.left)
        if not self.answers:
            return replace(
                self.first, spans=(), said=(), answer="ignore", created_at=latest.created_at, refused=left
            )
        answers = sorted(self.answers.items())
        yes = [(span, said) for _, (answer, span, said) in answers if answer == "accept"]
        return replace(
            self.first,
            answer="accept",
            spans=tuple(span for span, _ in yes),
            said=tuple(said for _, said in yes) if any(said for _, said in yes) else (),
            negatives=tuple(replace(span, score=None) for _, (a, span, _) in answers if a == "reject"),
            ranges=joined([(start, end) for (start, end, _), _ in answers] + list(self.first.ranges or ())),
            created_at=latest.created_at,
            flagged=self.first.flagged or latest.flagged,
            refused=left,
        )


def joined(ranges: list[Range]) -> tuple[Range, ...]:
    """The ranges in order, those that share characters as one."""
    joined: list[Range] = []
    for start, end in sorted(ranges):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


def write(path: Path, entries: Iterable[Entry], options: WriteOptions) -> Written:
    """One task a line, ready for ``db-in``; an entry with ``ranges`` is one yes/no task a span.

    Tokens are cut where a span begins or ends inside one, and counted. RecipeError for an entry without
    tokens.
    """
    documents = spans = cuts = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for entry in entries:
            if entry.tokens is None:
                raise RecipeError(f"document {entry.key} has no tokens: Prodigy's tasks show tokens")
            tokens = cut_tokens(entry.tokens, [*(entry.spans or ()), *entry.negatives])
            for task in tasks_of(entry, tokens, task=options.task):
                file.write(json.dumps(task, ensure_ascii=False) + "\n")
            documents, spans = documents + 1, spans + len(entry.spans or ())
            cuts += len(tokens) - len(entry.tokens)
    return Written(documents=documents, spans=spans, tokens_cut=cuts)


def tasks_of(entry: Entry, tokens: list[Range], *, task: Task) -> Iterator[dict[str, Any]]:
    """The task or tasks that say what the entry says."""
    if entry.ranges is None:
        view = "review" if entry.origin == "review" else "pos_manual" if task == "tags" else "ner_manual"
        yield _task(entry, tokens, entry.spans, entry.answer, view)
        return
    if not entry.spans and not entry.negatives:
        # nothing was found where somebody looked: no answer, else all of the text would be without spans
        yield _task(entry, tokens, (), entry.answer, "ner_manual", looked_at=entry.ranges)
    asked = joined([(span.start, span.end) for span in (*(entry.spans or ()), *entry.negatives)])
    further = None if asked == entry.ranges else entry.ranges
    for span in entry.spans or ():
        yield _task(entry, tokens, (span,), "accept", "ner", looked_at=further) | {"_is_binary": True}
    for span in entry.negatives:
        yield _task(entry, tokens, (span,), "reject", "ner", looked_at=further) | {"_is_binary": True}


def _task(
    entry: Entry,
    ranges: list[Range],
    spans: tuple[Span, ...] | None,
    answer: str,
    view: str,
    looked_at: tuple[Range, ...] | None = None,
) -> dict[str, Any]:
    """One task; without spans or said by a model it is a question, and has no answer. ``looked_at``: the
    characters that were, where its spans do not say it."""
    meta, further = further_keys(entry.meta)
    own: dict[str, Any] = {
        "key": entry.key,
        "group": entry.group,
        "split": entry.split,
        "predicted_by": entry.predicted_by,
    }
    own["ranges"] = looked_at
    tokens = tokens_of(entry.text, ranges)
    task: dict[str, Any] = {"text": entry.text, **further, "meta": meta, "tokens": tokens}
    if spans is not None:
        task["spans"] = spans_of(spans, tokens)
    nothing_there = spans == () and looked_at is not None
    if spans is not None and entry.predicted_by is None and not nothing_there:
        task |= {"answer": answer, "_view_id": view}
    elif entry.answer != "accept":
        task["answer"] = entry.answer
    if entry.annotator is not None:
        task |= {"_annotator_id": entry.annotator, "_session_id": entry.annotator}
    if entry.created_at is not None:
        task["_timestamp"] = timestamp_of(entry.created_at)
    if entry.flagged:
        task["flagged"] = True
    task[OWN] = {name: value for name, value in own.items() if value is not None}
    return task


def sniff(head: str) -> bool:
    """The first line is an object with one of Prodigy's own keys, or a match pattern, which the reader then
    names as such. Of a first line longer than ``head`` the keys are looked for as text."""
    first = next((line for line in head.splitlines() if line.strip()), "").strip()
    if not first.startswith("{"):
        return False
    try:
        task = parse(first)
    except NotJson:
        return len(first) > 1_000 and _MARKS.search(first) is not None and '"prodigy": {' not in first
    tokens = task.get("tokens")
    word = tokens[0] if isinstance(tokens, list) and tokens else None
    spelled = isinstance(word, dict) and ("ws" in word or {"start", "end", "id"} <= set(word))
    return spelled or bool(_KEYS & set(task)) or set(task) in _PATTERN


FORMAT = Format(
    name="prodigy",
    suffixes=(".jsonl",),
    read=read,
    write=write,
    sniff=sniff,
    needs_tokens=True,
    foreign=True,
    offsets=True,
    carries=EVERYTHING - {"comments", "refused_suggestions", "known_labels"},
    title="Prodigy's JSONL",
    detected="keys such as _input_hash and _view_id, or tokens with their place",
    skips=("relations, choices and answers of other views, which stay in the meta",),
    tried="exports of four public projects",
)
