"""What a person does on the page, as short words for the tests."""

from __future__ import annotations

from typing import Any


def token(page: Any, text: str) -> Any:
    """The first token of the active document that holds ``text``."""
    return page.locator(".card.active .token", has_text=text).first


def ready(page: Any, text: str) -> None:
    """Wait until the document is on the page with its real tokens."""
    token(page, text).wait_for()
    page.locator(".card.active .hint", has_text="tokens are being prepared").wait_for(state="detached")


def drag(page: Any, first: str, last: str) -> None:
    """Drag from the start of one token to the end of another."""
    start, end = token(page, first).bounding_box(), token(page, last).bounding_box()
    page.mouse.move(start["x"] + 2, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(end["x"] + end["width"] - 2, end["y"] + end["height"] / 2, steps=4)
    page.mouse.up()


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def shown(page: Any) -> list[tuple[str, str]]:
    """Text and label of every span of the active document, as the page draws them."""
    marks = page.locator(".card.active .mark").evaluate_all(
        "marks => marks.map(m => [m.dataset.span, m.textContent, m.querySelector('.first')?.dataset.label])"
    )
    whole: dict[str, list[str]] = {}
    for span, text, label in marks:
        entry = whole.setdefault(span, ["", ""])
        entry[0] += text
        entry[1] = entry[1] or label or ""
    return [(text, label) for text, label in whole.values()]


def saved(page: Any) -> None:
    page.locator("#saved[data-state=saved]").wait_for()


def drawn(page: Any) -> None:
    """Wait until the page has drawn what was done to it."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
