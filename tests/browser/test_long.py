"""Long documents: 20,000 words open, scroll and are edited; their last entity comes through."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.page_server import answers, spans_of
from support.steps import press, shown, token

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("line_end", ["\n\n", " "])
def test_twenty_thousand_words(
    page: Any, serve: Callable[..., Any], make_store: Callable[..., Path], line_end: str
) -> None:
    sentence = (
        "The committee met Ann Lee in the small hall and spoke about nothing of any weight at all for hours ."
    )
    text = line_end.join([sentence] * 1000) + line_end + "At last Bob spoke 💩 in Oslo ."
    starts = [n * (len(sentence) + len(line_end)) + sentence.index("Ann") for n in range(1000)]
    oslo = text.index("Oslo")
    spans = [(start, start + 7, "PER", 0.9) for start in starts] + [(oslo, oslo + 4, "PER", 0.4)]
    path = make_store([(text, spans)], ["PER", "LOC"])
    page.goto(serve(path).link)
    page.locator(".card.active .token").first.wait_for()
    assert page.locator(".card.active .paper").evaluate("paper => paper.textContent") == text
    press(page, "u")
    assert page.locator(".mark.selected").text_content() == "Oslo"
    assert page.locator(".mark.selected").bounding_box()["y"] < 800
    press(page, "2")
    token(page, "Bob").dblclick()
    assert shown(page)[-2:] == [("Bob", "LOC"), ("Oslo", "LOC")]
    press(page, "a")
    (answer,) = answers(path, 1)
    assert [(text[s:e], label) for s, e, label in spans_of(answer)[-2:]] == [("Bob", "LOC"), ("Oslo", "LOC")]
    assert len(spans_of(answer)) == 1002


def test_far_text_comes_alive_before_it_is_seen_and_stays_where_it_was(
    page: Any, serve: Callable[..., Any], make_store: Callable[..., Path]
) -> None:
    """Runs far from the screen are plain text: tokens and marks must be there when they come into view."""
    sentence = "AVA met Ann Lee in the small hall and spoke about fifty official affairs for hours . "
    spans = [(n * len(sentence) + 8, n * len(sentence) + 15, "PER", 0.9) for n in range(600)]
    page.goto(serve(make_store([(sentence * 600, spans)], ["PER", "LOC"])).link)
    page.locator(".card.active .token").first.wait_for()
    assert page.locator(".mark").count() < 300
    height = page.evaluate("document.documentElement.scrollHeight")
    top = (
        "(() => { const range = document.createRange();"
        " range.selectNodeContents(document.querySelector('.paper p').lastElementChild.lastElementChild);"
        " return [...range.getClientRects()].at(-1).top + scrollY; })()"
    )
    last_line = page.evaluate(top)
    for part in range(1, 21):
        page.evaluate(f"scrollTo(0, {part} * {height} / 20)")
        page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        seen = page.evaluate(
            "[250, 400, 550].map(y => document.elementFromPoint(600, y).closest('.token, .gap'))"
            ".map(piece => piece?.textContent.length)"
        )
        assert all(length is None or length < 20 for length in seen), seen
    spans_shown = "new Set([...document.querySelectorAll('.mark')].map(mark => mark.dataset.span)).size"
    assert page.evaluate(spans_shown) == 600
    assert page.evaluate("document.documentElement.scrollHeight") == height
    assert abs(page.evaluate(top) - last_line) <= 1
