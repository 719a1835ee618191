"""Every format that writes: what goes out comes in again, and what does not is what the format says.

A format that is added needs no line here. ``SPANLOOP_CONFORMANCE=2000`` makes the run long
(``make test-formats``).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast, get_args

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.drawn_entries import LABELS, VALUE, entries, one_with, without_blanks

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.formats.carrying import FEATURES, HAS, Uncarried
from spanloop.recipes.formats.entry import Entry, Format, ReadOptions, WriteOptions
from spanloop.recipes.formats.registry import by_name, formats
from spanloop.store.records import Task

PHASES = (Phase.generate, Phase.shrink)
EXAMPLES = int(os.environ.get("SPANLOOP_CONFORMANCE", "15"))
WRITING = [name for name, fmt in formats().items() if fmt.write is not None]
TASKS = cast("tuple[Task, ...]", get_args(Task))


def out_and_in(
    fmt: Format, folder: Path, task: Task, given: list[Entry], labels: tuple[str, ...] = LABELS
) -> tuple[list[Entry], list[Entry]]:
    """The entries as they were and as they come back, in one order."""
    path = folder / "x"
    path = path if fmt.folder is not None else path.with_suffix(next(iter(fmt.suffixes), ".x"))
    if fmt.folder is not None:
        path.mkdir()
    assert fmt.write is not None
    written = fmt.write(path, given, WriteOptions(task=task, labels=labels))
    assert written.documents == len(given)
    read = list(fmt.read(path, ReadOptions(task=task, labels=labels)))
    assert len(read) == len(given)
    if "ids" in fmt.carries:
        order = {entry.key: number for number, entry in enumerate(given)}
        read.sort(key=lambda entry: order[entry.key])
    assert written.spans == sum(len(entry.spans or ()) for entry in given if "spans" in fmt.carries)
    return given, read


def can_hold(fmt: Format, entry: Entry) -> bool:
    """Whether it has no letter that the format says it refuses."""
    return fmt.cannot_hold is None or fmt.cannot_hold.search(f"{entry.key}{entry.text}") is None


def refuses(fmt: Format, task: Task, folder: Path) -> str | None:
    """Why the format writes no project of this task, or no label with a blank; None where it does."""
    some = Entry(text="Ann", key="k", tokens=((0, 3),), spans=())
    try:
        out_and_in(fmt, folder, task, [some])
    except RecipeError as error:
        return str(error)
    return None


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", WRITING)
def test_what_goes_out_comes_in(name: str, task: Task, tmp_path_factory: pytest.TempPathFactory) -> None:
    fmt = by_name(name)
    why = refuses(fmt, task, tmp_path_factory.mktemp("asked"))
    labels = tuple(label for label in LABELS if " " not in label) if why and "blank" in why else LABELS
    if why and "blank" not in why:
        assert task == "tags" or "tags" in why
        return

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), phases=PHASES)
    @given(entries(task, labels), st.data())
    def law(given: list[Entry], data: st.DataObject) -> None:
        if name == "text":
            given = [e for e in given if "\n" not in e.text and "\r" not in e.text]
        given = [entry for entry in given if can_hold(fmt, entry)]
        if not given:
            return
        try:
            before, after = out_and_in(fmt, tmp_path_factory.mktemp(name), task, given, labels)
        except RecipeError as error:
            raise AssertionError(f"{error} {given}") from error
        counts = Uncarried(fmt.carries)
        assert list(counts.passing(before)) == before
        for one, other in zip(before, after, strict=True):
            compare(fmt, one, other)

    law()


@pytest.mark.parametrize("name", WRITING)
def test_what_a_format_is_said_to_lose_does_not_come_back(name: str, tmp_path: Path) -> None:
    """Else the report of an export, and the page of formats, would tell of a loss that is none."""
    fmt = by_name(name)
    task: Task = "tags" if refuses(fmt, "spans", tmp_path) and name.startswith("conllu") else "spans"
    for feature in FEATURES:
        if feature in fmt.carries:
            continue
        entry = one_with(feature, task)
        assert HAS[feature](entry), feature
        (tmp_path / feature).mkdir()
        [before], [after] = out_and_in(fmt, tmp_path / feature, task, [entry], ("PER", "LOC"))
        assert VALUE[feature](after) != VALUE[feature](before), f"{name} holds {feature}: say so"


def compare(fmt: Format, before: Entry, after: Entry) -> None:
    """What the format says that it holds is the same; of the text at least everything but its blanks."""
    if "blanks" in fmt.carries:
        assert after.text == before.text
    if "spans" in fmt.carries and after.answer == before.answer == "accept":
        assert without_blanks(after) == without_blanks(before)
    else:
        assert without_blanks(after)[0] == without_blanks(before)[0]
    for feature in fmt.carries - {"spans"}:
        if HAS[feature](before):
            assert VALUE[feature](after) == VALUE[feature](before), feature
    if {"spans", "blanks"} <= fmt.carries:
        assert VALUE["spans"](after) == VALUE["spans"](before)
