"""Yes/no mode: one suggestion at a time; what was looked at is stored as ranges, the rest is not judged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.page_server import answers, spans_of
from support.steps import press, ready, saved

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LABELS = ["PER", "LOC"]
TEXT = "💩 Nobody knows. Ann met Bob in Rome. Then nothing."
DOCUMENTS = [
    (TEXT, [(16, 19, "PER", 0.9), (24, 27, "PER", 0.3), (31, 35, "LOC", 0.5)]),
    ("Oslo has no question .", [(0, 4, "LOC", 0.2)]),
    ("Eve is here .", [(0, 3, "PER", 0.6)]),
]


def test_questions_are_answered_with_one_key_each(
    page: Any, serve: Callable[..., Any], make_store: Callable[..., Path]
) -> None:
    path = make_store(DOCUMENTS, LABELS)
    page.goto(serve(path, view="binary", only="PER").link)
    ready(page, "Bob")
    assert page.locator(".paper").inner_text().strip() == "Ann met Bob in Rome."
    assert page.locator(".mark").all_text_contents() == ["Bob"]  # the less sure one first
    press(page, "d", "1", "Tab")  # nothing to edit here
    press(page, "x")
    page.locator(".mark", has_text="Ann").wait_for()
    press(page, "a")
    ready(page, "Eve")  # Oslo has no suggestion of that label
    press(page, "a")
    page.locator(".end").wait_for()
    saved(page)
    first, second, third = answers(path, 3)
    assert (first.ranges, spans_of(first)) == (((24, 27),), [])
    assert [s.action for s in first.spans] == ["rejected"]
    assert (second.ranges, spans_of(second)) == (((16, 19), (24, 27)), [(16, 19, "PER")])
    assert [s.action for s in second.spans] == ["taken", "rejected"]
    assert (third.document_id, spans_of(third)) == (3, [(0, 3, "PER")])


def test_a_decision_can_be_taken_back(
    page: Any, serve: Callable[..., Any], make_store: Callable[..., Path]
) -> None:
    path = make_store(DOCUMENTS[2:] + DOCUMENTS[:1], LABELS)
    page.goto(serve(path, view="binary").link)
    ready(page, "Eve")
    press(page, "x")
    page.locator(".mark", has_text="Bob").wait_for()
    press(page, "Backspace")
    page.locator(".mark", has_text="Eve").wait_for()
    press(page, "a")
    page.locator(".mark", has_text="Bob").wait_for()
    saved(page)
    first, second = answers(path, 2)
    assert (spans_of(first), spans_of(second)) == ([], [(0, 3, "PER")])
