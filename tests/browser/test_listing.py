"""The list of documents in a real browser: found, filtered, opened and answered; the file judges."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.axe import serious
from support.page_server import answers, answers_now
from support.processes import PATIENCE_SECONDS
from support.steps import press, ready, saved
from support.store_making import say

from spanloop.store import Store

pytestmark = [pytest.mark.browser, pytest.mark.slow]
MANY = 1_060


@pytest.fixture
def path(make_store: Callable[..., Path]) -> Path:
    """47 documents; some are answered, flagged, in conflict or wait for review."""
    documents = [(f"Report {n} names Acme .", [(15, 19, "PER", n / 50)]) for n in range(1, 48)]
    path = make_store(documents, ["PER", "ORG"], meta={"source": "wire"})
    with Store.open(path) as store:
        store.set_project(overlap=2)
        for number in (3, 4):
            store.annotations.add(say(number, "anna", "15-19:ORG", flagged=number == 3))
            store.annotations.add(say(number, "ben", "15-19:PER"))
        store.annotations.add(say(5, "ben", flagged=True))
        store.set_project(overlap=1)
        store.search.index(20)  # the others are looked through one by one
    return path


def opened(page: Any) -> Any:
    """The list, once it has come to an end."""
    dialog = page.locator("dialog[open]")
    dialog.get_by_role("heading", name="Documents").wait_for()
    page.wait_for_function("!/…/.test(document.querySelector('.count').textContent)")
    return dialog


def counted(page: Any, text: str) -> None:
    page.locator(".count", has_text=text).wait_for()


def test_by_keyboard_alone_a_document_is_found_opened_and_answered(
    page: Any, serve: Callable[..., Any], path: Path
) -> None:
    page.goto(serve(path).link)
    ready(page, "Report")
    press(page, "/")
    opened(page)
    counted(page, "47 documents")
    page.keyboard.type("REPORT 3")
    counted(page, "11 documents")  # 3 and 30 to 39
    assert page.locator(".hit mark").all_inner_texts() == ["Report 3"] * 11
    assert "conflict between anna, ben" in page.locator(".hit").first.inner_text()
    assert "⚑ flagged by anna" in page.locator(".hit").first.inner_text()
    press(page, "ArrowDown", "ArrowDown", "Enter")
    ready(page, "30")
    assert page.locator(".card.active .token.cursor").inner_text() == "Report"
    press(page, "a")
    saved(page)
    with Store.open(path) as store:
        found = [d.text for d in store.documents.iterate() if store.annotations.latest(d.id, "me")]
    assert found == ["Report 30 names Acme ."]


def test_enter_opens_the_first_hit_even_before_the_list_is_there(
    page: Any, serve: Callable[..., Any], path: Path
) -> None:
    page.goto(serve(path).link)
    ready(page, "Report")
    press(page, "/")
    page.keyboard.type("Report 41")
    press(page, "Enter")
    ready(page, "41")
    assert page.locator("dialog[open]").count() == 0


def test_pages_follow_one_another_and_the_list_comes_back_as_it_was_left(
    page: Any, serve: Callable[..., Any], path: Path
) -> None:
    page.goto(serve(path).link)
    ready(page, "Report")
    page.get_by_role("button", name="Documents").click()
    dialog = opened(page)
    assert page.locator(".hit").count() == 20
    assert dialog.get_by_role("button", name="Previous").is_disabled()
    for shown in ("21 to 40", "41 to 47"):
        dialog.get_by_role("button", name="Next").click()
        dialog.get_by_text(shown).wait_for()
    assert dialog.get_by_role("button", name="Next").is_disabled()
    dialog.get_by_role("button", name="Previous").click()
    dialog.get_by_text("21 to 40").wait_for()
    page.locator(".hit").nth(4).click()
    ready(page, "25")
    press(page, "/")
    opened(page).get_by_text("21 to 40").wait_for()
    counted(page, "47 documents")
    assert "Report 25" in page.locator(".hit[aria-current]").inner_text()


def test_filters_let_through_what_they_say_and_a_flag_comes_back(
    page: Any, serve: Callable[..., Any], path: Path
) -> None:
    page.goto(serve(path).link)
    ready(page, "Report")
    first = page.locator(".card.active .paper").inner_text()
    press(page, "f", "a")
    answers(path, 6)
    press(page, "/")
    dialog = opened(page)
    dialog.locator("summary", has_text="Filters").click()
    for name, value, count in [
        ("state", "conflict", "2 documents"),
        ("state", "open", "43 documents"),
        ("state", "", "47 documents"),
        ("by", "ben", "3 documents"),
        ("source", "import", "No document fits."),
        ("source", "", "3 documents"),
        ("by", "", "47 documents"),
        ("label_id", "ORG", "2 documents"),
        ("label_id", "", "47 documents"),
        ("sure", "below=0.5", "24 documents"),
        ("sure", "", "47 documents"),
        ("meta", "source", "47 documents"),
    ]:
        chosen = {"label": value} if name == "label_id" and value else {"value": value}
        dialog.locator(f"select[name={name}]").select_option(**chosen)
        counted(page, count)
    dialog.get_by_label("… holds").fill("other")
    press(page, "Tab")
    counted(page, "No document fits.")
    dialog.get_by_role("button", name="Without filters").click()
    counted(page, "47 documents")
    dialog.get_by_label("Flagged").check()
    counted(page, "3 documents")
    assert [first.split()[1] in text for text in page.locator(".hit").all_inner_texts()].count(True) == 1
    with Store.open(path) as store:
        assert len(store.listing.flags()) == 3


def test_the_number_is_more_than_so_many_until_it_is_exact(
    page: Any, serve: Callable[..., Any], make_store: Callable[..., Path]
) -> None:
    path = make_store([(f"Line {n} .", []) for n in range(MANY)], ["PER"])
    page.goto(serve(path).link)
    ready(page, "Line")
    page.evaluate(
        "window.said = new Set(); new MutationObserver(() => {"
        " const count = document.querySelector('.count'); if (count) window.said.add(count.textContent) })"
        ".observe(document.body, { subtree: true, childList: true, characterData: true })"
    )
    press(page, "/")
    counted(page, f"{MANY:,} documents")
    page.wait_for_function("document.querySelector('.count').textContent === '1,060 documents'")
    said = page.evaluate("[...window.said]")
    numbers = [
        int(text.split(" documents")[0].split()[-1].replace(",", "")) for text in said if " doc" in text
    ]
    assert numbers == sorted(numbers)
    assert all(text.startswith("More than") for text in said if " doc" in text and "1,060" not in text), said


def test_a_page_for_the_eval_split_lists_that_split_and_a_blind_one_no_confidences(
    page: Any, serve: Callable[..., Any], path: Path
) -> None:
    with Store.open(path) as store:
        from spanloop.store.records import NewDocument

        store.documents.add([NewDocument("Kept apart .", key="e", split="eval")])
    page.goto(serve(path, split="eval", blind=True).link)
    ready(page, "Kept")
    press(page, "/")
    dialog = opened(page)
    counted(page, "1 document")
    dialog.locator("summary", has_text="Filters").click()
    assert dialog.locator("select[name=sure]").count() == 0
    assert dialog.locator("select[name=state]").count() == 1


@pytest.mark.parametrize(
    ("width", "height", "scheme"),
    [(320, 480, "light"), (320, 480, "dark"), (1280, 800, "dark"), (3840, 2160, "light")],
)
def test_the_list_shuts_nobody_out(
    chromium: Any, serve: Callable[..., Any], path: Path, width: int, height: int, scheme: str
) -> None:
    """By touch, on small and large windows: nothing wider than the window, no serious finding of axe-core."""
    context = chromium.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, has_touch=True
    )
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    page = context.new_page()
    page.goto(serve(path).link)
    ready(page, "Report")
    if page.locator("#menu-button").is_visible():  # narrow windows keep their buttons in it
        page.locator("#menu-button").tap()
    page.get_by_role("button", name="Documents").tap()
    dialog = opened(page)
    page.get_by_label("Text to find").fill("Report 3")
    counted(page, "11 documents")
    assert serious(page, "dialog") == []
    dialog.locator("summary", has_text="Filters").tap()
    dialog.get_by_label("Flagged").tap()
    counted(page, "1 document")
    assert serious(page, "dialog") == []
    wide = page.evaluate(
        "[...document.querySelectorAll('dialog *')].filter(e => e.scrollWidth > innerWidth).length"
    )
    assert wide == 0
    page.locator(".hit").first.tap()
    ready(page, "3")
    press(page, "a")
    saved(page)
    context.close()
    assert {a.document_id for a in answers_now(path) if a.annotator == "me"} == {3}
