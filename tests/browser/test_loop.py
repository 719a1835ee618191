"""The hands of every day: suggestions corrected with keyboard and mouse, answers in the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.page_server import answers, answers_now, spans_of
from support.rounds_making import finish_round
from support.steps import drag, ready, token

from spanloop.recipes.active_learning.advice import advice
from spanloop.recipes.active_learning.outlook import outlook
from spanloop.store import Store

pytestmark = pytest.mark.browser
LABELS = ["PER", "LOC", "part number"]
DOCUMENTS = [
    ("Ann Lee met Bob in Rome .", [(0, 3, "PER", 0.93), (19, 23, "PER", 0.41)]),
    ("Nothing to see here .", [(0, 7, "LOC", 0.3)]),
    ("The pump PX-7 leaks in Oslo .", []),
]


def test_three_documents_corrected_with_keyboard_and_mouse(
    page: Any, serve: Callable[..., Any], make_store: Callable[..., Path]
) -> None:
    path = make_store(DOCUMENTS, LABELS, instructions="# Guide\n\n- mark **people**\n- and <b>places</b>")
    page.goto(serve(path, annotator="ann").link)

    ready(page, "Rome")
    token(page, "Rome").click()
    page.keyboard.press("2")  # the selected suggestion becomes LOC
    page.keyboard.press("Escape")
    drag(page, "Bob", "Bob")  # LOC is the current label
    page.keyboard.press("Control+z")
    page.keyboard.press("1")
    drag(page, "Bob", "Bob")
    page.keyboard.press("1")
    drag(page, "Ann", "Lee")  # replaces the narrower suggestion
    page.keyboard.press("a")

    ready(page, "Nothing")
    token(page, "Nothing").click()
    page.keyboard.press("Delete")
    page.keyboard.press("a")

    ready(page, "pump")
    page.keyboard.press("3")
    token(page, "PX-7").dblclick()
    page.keyboard.press("h")
    dialog = page.locator("dialog[open]")
    assert "and <b>places</b>" in dialog.inner_text()
    assert dialog.locator("strong").inner_text() == "people"
    page.keyboard.press("Escape")
    page.keyboard.press("a")

    page.locator(".end").wait_for()
    page.locator("#saved[data-state=saved]").wait_for()
    first, second, third = answers(path, 3)
    assert spans_of(first) == [(0, 7, "PER"), (12, 15, "PER"), (19, 23, "LOC")]
    assert [s.action for s in first.spans] == ["changed", "added", "changed"]
    assert (second.answer, [(s.label, s.action) for s in second.spans]) == ("accept", [("LOC", "rejected")])
    assert spans_of(third) == [(9, 13, "part number")]
    assert {a.annotator for a in (first, second, third)} == {"ann"}
    assert {a.origin for a in (first, second, third)} == {"human"}


def test_reject_ignore_and_backspace(
    page: Any, serve: Callable[..., Any], make_store: Callable[..., Path]
) -> None:
    path = make_store(DOCUMENTS, LABELS)
    page.goto(serve(path).link)
    ready(page, "Rome")
    page.keyboard.press("x")
    ready(page, "Nothing")
    page.keyboard.press(" ")
    ready(page, "pump")
    page.keyboard.press("Backspace")
    ready(page, "Nothing")
    page.keyboard.press("a")
    ready(page, "pump")
    found = answers(path, 3)
    assert [a.answer for a in found] == ["reject", "ignore", "accept"]
    assert found[1].document_id == found[2].document_id


def test_offsets_are_code_points_whatever_stands_before(
    page: Any, serve: Callable[..., Any], make_store: Callable[..., Path]
) -> None:
    text = "👩‍🔬💩 e\u0301te\u0301\r\n\r\nשלום Ann\u00a0Lee 東京 <script>alert(1)</script> Oslo"
    start = text.index("Oslo")
    path = make_store([(text, [(text.index("Ann"), text.index("Ann") + 3, "PER", 0.8)])], LABELS)
    page.goto(serve(path).link)
    ready(page, "Oslo")
    page.keyboard.press("2")
    token(page, "Oslo").dblclick()
    page.keyboard.press("a")
    (answer,) = answers(path, 1)
    assert [(text[s:e], label) for s, e, label in spans_of(answer)] == [("Ann", "PER"), ("Oslo", "LOC")]
    assert spans_of(answer)[1][0] == start


def test_every_token_is_one_text_node_at_its_offset(
    page: Any, serve: Callable[..., Any], make_store: Callable[..., Path]
) -> None:
    text = "  two  spaces\tand 💩emoji\n\n\nlines\r\nend  "
    path = make_store([(text, [])], LABELS)
    page.goto(serve(path).link)
    ready(page, "spaces")
    pieces = page.evaluate(
        "[...document.querySelectorAll('.paper [data-start]')].map(e =>"
        " [Number(e.dataset.start), e.childNodes.length, e.textContent])"
    )
    assert "".join(piece for _, _, piece in pieces) == text
    for start, children, piece in pieces:
        assert children == 1
        assert text[start : start + len(piece)] == piece


def test_an_answer_outlives_a_dead_server_and_a_reload(
    page: Any, serve: Callable[..., Any], make_store: Callable[..., Path]
) -> None:
    path = make_store(DOCUMENTS, LABELS)
    server = serve(path, annotator="ann")
    page.goto(server.link)
    ready(page, "Rome")
    page.wait_for_load_state("networkidle")
    server.stop()
    page.keyboard.press("a")
    page.locator("#saved[data-state=waiting]").wait_for()
    assert "1 answer waits" in page.locator("#saved").inner_text()
    assert answers_now(path) == []
    port = int(server.link.rsplit(":", 1)[1].strip("/"))
    server.options["port"] = port
    server.start()
    page.locator("#saved[data-state=saved]").wait_for()
    assert len(answers(path, 1)) == 1


def test_the_instructions_say_how_far_the_project_is(
    page: Any, serve: Callable[..., Any], make_store: Callable[..., Path]
) -> None:
    path = make_store(DOCUMENTS, LABELS, instructions="# Guide")
    with Store.open(path) as store:
        finish_round(store)
        known = advice(store, outlook(store))
    assert known is not None
    page.goto(serve(path).link)
    ready(page, "Rome")
    page.keyboard.press("h")
    section = page.locator("dialog[open] .advice")
    assert section.locator("h3").inner_text() == "When to stop"
    assert section.locator("li").all_inner_texts() == known.lines() != []
