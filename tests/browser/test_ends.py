"""The ends of things: of a text, of a comment, of the queue; and the first minute."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.page_server import answers, answers_now, spans_of
from support.steps import press, ready, saved, token

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LABELS = ["PER", "LOC"]
WORDS = "word " * 300


def opened(page: Any, path: Path, serve: Callable[..., Any], **options: Any) -> None:
    page.goto(serve(path, **options).link)
    page.locator(".card.active .token").first.wait_for()


def test_home_and_end_move_the_cursor_and_the_notice_says_how_much_was_taken(
    page: Any, serve: Any, make_store: Any
) -> None:
    path = make_store([("Ann " + WORDS + "Bob", []), ("Another one .", [])], LABELS)
    opened(page, path, serve)
    press(page, "End")
    assert page.locator(".token.cursor").all_text_contents() == ["Bob"]
    assert page.evaluate("document.querySelector('.cursor').getBoundingClientRect().bottom <= innerHeight")
    press(page, "Home", "ArrowRight", "p")
    ready(page, "Another")
    assert page.locator("#notice").inner_text().startswith("Accepted: the first 2 of 302 words.")
    assert answers(path, 1)[0].ranges == ((0, 8),)
    press(page, "Backspace")
    ready(page, "Ann")


def test_escape_keeps_the_comment(page: Any, serve: Any, make_store: Any) -> None:
    path = make_store([("Ann and Bob", []), ("Another one .", [])], LABELS)
    opened(page, path, serve)
    press(page, "c")
    page.keyboard.type("who is Bob")
    press(page, "Escape", "a")
    ready(page, "Another")
    assert answers(path, 1)[0].comment == "who is Bob"


def test_yes_and_no_count_questions(page: Any, serve: Any, make_store: Any) -> None:
    text = "Ann met Bob and Eve"
    spans = [(0, 3, "PER", 0.3), (8, 11, "PER", 0.5), (16, 19, "PER", 0.6)]
    path = make_store([(text, spans), ("Tom sat", [(0, 3, "PER", 0.9)])], LABELS)
    opened(page, path, serve, view="binary")
    press(page, "a")
    page.locator("#pace", has_text="1 question now").wait_for()
    press(page, "x", "a")
    page.locator("#pace", has_text="3 questions now").wait_for()
    page.locator("#progress-text", has_text="1 of 2 documents").wait_for()
    *_, answer = answers(path, 3)  # one a question, each with all that was looked at by then
    assert answer.ranges == ((0, 3), (8, 11), (16, 19))
    assert [span.action for span in answer.spans] == ["taken", "rejected", "taken"]


def test_the_end_of_the_queue_says_what_can_come_next(page: Any, serve: Any, make_store: Any) -> None:
    path = make_store([("Ann and Bob", [(0, 3, "PER", 0.9)]), ("Another one .", [])], LABELS)
    opened(page, path, serve)
    press(page, "a", " ")
    end = page.locator(".end")
    end.get_by_text("All documents are answered").wait_for()
    end.locator("code", has_text="--ignored last").wait_for()  # with the counts of the last answer
    assert end.locator("code").all_text_contents() == [
        "spanloop retrain project.db",
        "spanloop correct project.db --ignored last",
        "spanloop review project.db --flagged",
    ]
    for name in ("accept", "reject", "ignore"):
        assert page.locator(f"#verdicts .{name}").is_disabled()
    saved(page)
    assert "left" not in page.locator("#pace").inner_text()
    press(page, "a", "Enter")
    assert len(answers_now(path)) == 2
    press(page, "Backspace")
    page.locator(".card.active").wait_for()
    assert page.locator("#verdicts .accept").is_enabled()


def test_whoever_never_marked_anything_is_told_how(page: Any, serve: Any, make_store: Any) -> None:
    path = make_store([("Ann and Bob", [])], LABELS)
    opened(page, path, serve)
    assert page.locator("#focus").inner_text().startswith("Drag over words to mark them")
    token(page, "Bob").click()
    press(page, "1")
    press(page, "Escape")
    assert page.locator("#focus").inner_text() == ""
    saved(page)
    page.reload()
    ready(page, "Ann")
    assert page.locator("#focus").inner_text() == ""
    press(page, "a")
    assert spans_of(answers(path, 1)[0]) == [(8, 11, "PER")]
