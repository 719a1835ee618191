"""The same string in other documents, and two people at one document: the file and both pages judge."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.page_server import answers, spans_of
from support.steps import press, ready, saved, shown

from spanloop.store import Store

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TEXTS = [f"Report {n} names Acme and no Acmeville ." for n in range(1, 13)]


def test_a_string_is_proposed_in_the_whole_queue_after_a_look(
    page: Any, serve: Callable[..., Any], make_store: Callable[..., Path]
) -> None:
    documents = [(text, [(15, 19, "PER", 0.9)] if n == 2 else []) for n, text in enumerate(TEXTS)]
    path = make_store(documents, ["PER", "ORG"])
    with Store.open(path) as store:
        store.search.index()
    page.goto(serve(path).link)
    ready(page, "Report")
    page.locator(".token", has_text="Acme").first.dblclick()
    press(page, "2", "g")
    dialog = page.locator("dialog[open]")
    dialog.get_by_text("In 11 other documents").wait_for()
    boxes = dialog.locator("input[type=checkbox]")
    assert boxes.count() == 11
    assert dialog.get_by_text("now PER").count() == 1
    dialog.locator("li", has_text="Report 12").locator("input").uncheck()
    dialog.get_by_role("button", name="Apply in all").click()
    page.get_by_text("waits as ORG, marked =, in 10 other documents").wait_for()
    saved(page)
    with Store.open(path) as store:  # nothing was answered behind the person's back
        assert store.row("SELECT count(*) FROM annotations") == (0,)
        assert store.row("SELECT count(*) FROM drafts") == (11,)
    press(page, "a")
    ready(page, "2")
    assert shown(page) == [("Acme", "ORG")]
    assert page.locator(".mark.proposed").count() == 1
    assert "1 proposed" in page.locator(".card.active .hint").inner_text()
    press(page, "u")  # a proposal counts as unsure
    assert "from an equal string elsewhere" in page.locator("#focus").inner_text()
    press(page, "a")
    ready(page, "3")
    assert shown(page) == [("Acme", "ORG")]
    press(page, "Control+z")
    assert shown(page) == [("Acme", "PER")]
    press(page, "a")
    for n in range(4, 13):
        ready(page, str(n))
        press(page, "a")
    page.locator(".end").wait_for()
    found = answers(path, 12)
    labels = [[label for *_, label in spans_of(answer)] for answer in found]
    assert labels == [["ORG"], ["ORG"], ["PER"], *[["ORG"]] * 8, []]
    assert [s.action for s in found[1].spans] == ["added"]


def test_proposals_survive_a_reload_and_other_edits_of_the_document(
    page: Any, serve: Callable[..., Any], make_store: Callable[..., Path]
) -> None:
    path = make_store([(text, []) for text in TEXTS[:2]], ["PER", "ORG"])
    page.goto(serve(path).link)
    ready(page, "Report")
    press(page, "ArrowRight", "1", "ArrowRight", "ArrowRight", "ArrowRight", "2", "g")
    page.locator("dialog[open]").get_by_role("button", name="Apply in all").click()
    saved(page)
    press(page, "a")
    saved(page)
    page.reload()
    ready(page, "2")
    assert shown(page) == [("Acme", "ORG")]
    press(page, "ArrowRight", "1", "a")
    saved(page)
    assert [label for *_, label in spans_of(answers(path, 2)[1])] == ["PER", "ORG"]


def test_two_people_at_one_document_see_each_other(
    page: Any, serve: Callable[..., Any], make_store: Callable[..., Path], chromium: Any
) -> None:
    path = make_store([(text, []) for text in TEXTS], ["PER", "ORG"])
    server = serve(path)
    with Store.open(path) as store:
        tokens = {name: store.annotators.add(name) for name in ("anna", "bert")}
    server.stop()
    server.start()
    other = chromium.new_context().new_page()
    for one, name in ((page, "anna"), (other, "bert")):
        one.clock.install()
        one.goto(f"{server.link}enter?token={tokens[name]}")
        one.locator(".card.active .token").first.wait_for()
    press(other, "/")
    other.keyboard.type("Report 1 ")
    found = other.locator(".hit", has_text="Report 1 names")
    found.wait_for()
    assert "in hand: anna" in found.inner_text()
    found.click()
    ready(other, "1")
    assert other.locator(".card.active .others").inner_text() == "also open: anna"
    page.clock.run_for(31_000)
    page.get_by_text("also open: bert").wait_for()
    press(other, "a")
    saved(other)
    page.clock.run_for(31_000)
    page.get_by_text("also open: bert").wait_for(state="detached")
    other.context.close()
