"""Long documents: 20,000 words open, scroll and are edited; their last entity comes through."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import answers, spans_of
from .steps import press, shown, token

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
    token(page, "Oslo").wait_for(state="attached")
    assert page.locator(".token").count() > 20_000
    press(page, "u")
    assert page.locator(".mark.selected").text_content() == "Oslo"
    assert page.locator(".mark.selected").bounding_box()["y"] < 800
    press(page, "2")
    token(page, "Bob").dblclick()
    assert shown(page)[-2:] == [("Bob", "LOC"), ("Oslo", "LOC")]
    press(page, "a")
    (answer,) = answers(path, 1, seconds=30)
    assert [(text[s:e], label) for s, e, label in spans_of(answer)[-2:]] == [("Bob", "LOC"), ("Oslo", "LOC")]
    assert len(spans_of(answer)) == 1002
