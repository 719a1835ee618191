"""What an answer must satisfy before it may be submitted, and what is written down beside it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from spanloop.recipes.prodigy.contract import Task


def refuse_unusable(task: Task, labels: Collection[str], *, one_token: bool = False) -> None:
    """Raise ValueError, in one line for the person at the page, where accepted spans overlap, do not begin
    and end at tokens, or carry a label that the project has not. ``one_token``: a tags project."""
    if task.get("answer") in ("reject", "ignore"):
        return
    text, tokens = str(task.get("text", "")), task.get("tokens") or []
    starts = {token["start"]: token["id"] for token in tokens}
    ends = {token["end"]: token["id"] for token in tokens}
    last: dict[str, Any] | None = None
    for span in sorted(task.get("spans") or [], key=_place):
        start, end, label = span["start"], span["end"], span.get("label")
        what = f"{text[start:end]!r} ({label}, characters {start} to {end})"
        if label not in labels:
            raise ValueError(f"{what}: the project has no label {label!r}, only {', '.join(labels)}")
        if start not in starts or end not in ends or not text[start:end].strip():
            raise ValueError(f"{what} does not begin and end at a token: mark whole tokens")
        if (span.get("token_start", starts[start]), span.get("token_end", ends[end])) != (
            starts[start],
            ends[end],
        ):
            raise ValueError(f"{what} names other tokens than its characters do: delete it and mark it again")
        if one_token and starts[start] != ends[end]:
            raise ValueError(f"{what} covers several tokens: each token has a tag of its own")
        if last is not None and start < last["end"]:
            over = f"{text[last['start'] : last['end']]!r} ({last.get('label')})"
            raise ValueError(f"{what} overlaps {over}: keep one of them")
        last = span


def _place(span: dict[str, Any]) -> tuple[int, int]:
    return span["start"], span["end"]


def spelled(tasks: Sequence[Task]) -> list[Task]:
    """The answers with the characters of each span written beside it, as the dataset keeps them."""
    for task in tasks:
        text = task.get("text")
        for span in task.get("spans") or []:
            if isinstance(text, str):
                span["text"] = text[span["start"] : span["end"]]
    return list(tasks)
