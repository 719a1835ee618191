"""A tablet: spans are chosen, made, widened and deleted with a finger; every button is big enough for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.page_server import answers, spans_of
from support.processes import PATIENCE_SECONDS
from support.steps import ready, shown, token

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TEXT = "Ann Lee met Bob Ray in New York City near the Bob Ray Cafe ."
SPANS = [(0, 3, "PER", 0.95), (12, 15, "PER", 0.6)]


@pytest.fixture
def tablet(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(
        viewport={"width": 820, "height": 1180}, has_touch=True, is_mobile=True, device_scale_factor=2
    )
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


def middle(element: Any) -> tuple[float, float]:
    box = element.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def slide(page: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    """A finger goes from one place to another."""
    touch = page.context.new_cdp_session(page)
    places = [
        {"x": start[0] + (end[0] - start[0]) * part / 8, "y": start[1] + (end[1] - start[1]) * part / 8}
        for part in range(9)
    ]
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [places[0]]})
    for place in places[1:]:
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [place]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def label(page: Any, name: str) -> None:
    page.locator(f".label[data-label={name}]").tap()


@pytest.fixture
def opened(tablet: Any, serve: Callable[..., Any], make_store: Callable[..., Path]) -> tuple[Any, Path]:
    path = make_store([(TEXT, SPANS), ("The next one .", [])], ["PER", "LOC", "ORG"])
    tablet.goto(serve(path).link)
    ready(tablet, "Ann")
    return tablet, path


def test_a_document_is_corrected_with_a_finger(opened: tuple[Any, Path]) -> None:
    page, path = opened
    token(page, "Ann").tap()
    end = page.locator('.edge[data-edge="end"]')
    slide(page, middle(end), middle(token(page, "Lee")))
    assert shown(page)[0] == ("Ann Lee", "PER")
    token(page, "Bob").tap()
    page.locator("#tools [data-command=delete]").tap()
    assert shown(page) == [("Ann Lee", "PER")]
    token(page, "New").tap()  # a word, then on over the next two
    slide(page, middle(token(page, "New")), middle(token(page, "City")))
    assert page.locator(".token.cursor").all_text_contents() == ["New", "York", "City"]
    label(page, "LOC")
    assert shown(page)[1] == ("New York City", "LOC")
    token(page, "Cafe").tap()
    label(page, "PER")
    label(page, "ORG")  # the new span stays chosen, so another label is one tap
    page.locator("#verdicts .accept").tap()
    ready(page, "next")
    found = spans_of(answers(path, 1)[0])
    assert [(TEXT[s:e], name) for s, e, name in found] == [
        ("Ann Lee", "PER"),
        ("New York City", "LOC"),
        ("Cafe", "ORG"),
    ]


def test_what_the_tablet_itself_selected_takes_a_label(opened: tuple[Any, Path]) -> None:
    page, _ = opened
    page.evaluate(
        "() => { const words = document.querySelectorAll('.token');"
        " getSelection().setBaseAndExtent(words[6].firstChild, 0, words[8].firstChild, 2); }"
    )
    label(page, "LOC")
    assert shown(page)[-1] == ("New York City", "LOC")


def test_a_finger_elsewhere_scrolls_and_marks_nothing(
    tablet: Any, serve: Callable[..., Any], make_store: Callable[..., Path]
) -> None:
    tablet.goto(serve(make_store([("Many words to read . " * 400, [])], ["PER"])).link)
    tablet.locator(".card.active .token").first.wait_for()
    slide(tablet, (400, 800), (400, 300))
    tablet.wait_for_function("scrollY > 100")
    assert shown(tablet) == []


def test_buttons_are_as_big_as_fingers_and_nothing_runs_over_the_side(opened: tuple[Any, Path]) -> None:
    page, _ = opened
    token(page, "Ann").tap()
    small = page.evaluate(
        "[...document.querySelectorAll('button')].filter(b => b.offsetParent)"
        ".map(b => [b.textContent, b.getBoundingClientRect()])"
        ".filter(([, box]) => box.width < 44 || box.height < 44).map(([text]) => text)"
    )
    assert small == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 820
