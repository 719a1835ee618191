"""Tags: every word has one, or is told of and kept out of training; the cursor goes on by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.page_server import answers, answers_now, spans_of
from support.pipe_making import make
from support.steps import drag, press, ready, saved, shown, token

from spanloop.plugin.tagging.gold import UNKNOWN
from spanloop.plugin.training.training_set import lessons_of
from spanloop.recipes.training.input import pool_gold, training_golds
from spanloop.store import Store

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TAGS = ["NOUN", "VERB", "ADV"]
TEXT = "Dogs run fast on roads"
SPANS = [(0, 4, "NOUN", 0.9), (17, 22, "NOUN", 0.9)]
NEXT = "Cats sleep"


@pytest.fixture
def open_page(page: Any, serve: Callable[..., Any], make_store: Callable[..., Path]) -> Callable[..., Path]:
    def start(*documents: Any) -> Path:
        path = make_store(list(documents) or [(TEXT, SPANS), (NEXT, [])], TAGS, task="tags")
        page.goto(serve(path).link)
        page.locator(".card.active .token").first.wait_for()
        return path

    return start


def notice(page: Any) -> str:
    return str(page.locator("#notice").inner_text())


def test_what_has_no_tag_is_counted_told_and_masked(page: Any, open_page: Any, encoder: Path) -> None:
    path = open_page()
    ready(page, "Dogs")
    assert "3 of 5 words have no tag" in page.locator(".card.active .hint").inner_text()
    press(page, "a")
    assert notice(page).startswith("3 have no tag.")
    assert page.locator(".token.cursor").all_text_contents() == ["run"]
    assert answers_now(path) == []
    press(page, "2")  # "run": after an edit the next press tells again
    assert page.locator(".token.cursor").all_text_contents() == ["fast"]
    press(page, "a")
    assert notice(page).startswith("2 have no tag.")
    press(page, "a")
    ready(page, "Cats")
    (answer,) = answers(path, 1)
    assert spans_of(answer) == [(0, 4, "NOUN"), (5, 8, "VERB"), (17, 22, "NOUN")]
    assert answer.ranges == ((0, 8), (17, 22))
    nlp, pipe = make(encoder, annotate="tag")
    pipe.set_labels(TAGS, seed=0)
    with Store.open(path) as store:
        _, golds = training_golds(nlp, pool_gold(store))
    (lesson,) = lessons_of(pipe, golds)
    trained = [tag != UNKNOWN for tag in lesson.unit_tags]
    assert dict(zip(TEXT.split(), trained, strict=True)) == {
        "Dogs": True,
        "run": True,
        "fast": False,
        "on": False,
        "roads": True,
    }


def test_a_document_without_any_tag_is_not_accepted(page: Any, open_page: Any) -> None:
    path = open_page((NEXT, []), (TEXT, SPANS))
    ready(page, "Cats")
    for _ in range(3):
        press(page, "a")
        assert notice(page).startswith("No word here has a tag")
    press(page, "z")
    assert "every word has one" in notice(page)
    saved(page)
    assert answers_now(path) == []
    press(page, "1", "2", "a")  # from the first word on
    ready(page, "Dogs")
    (answer,) = answers(path, 1)
    assert (spans_of(answer), answer.ranges) == ([(0, 4, "NOUN"), (5, 10, "VERB")], None)


def test_the_cursor_goes_on_after_a_tag_key_and_a_range_is_tagged_at_once(page: Any, open_page: Any) -> None:
    open_page()
    ready(page, "Dogs")
    press(page, "ArrowRight", "2", "2")
    assert shown(page)[:2] == [("Dogs", "VERB"), ("run", "VERB")]
    drag(page, "fast", "on")
    assert page.locator(".token.cursor").all_text_contents() == ["fast", "on"]
    press(page, "3")
    assert [tag for text, tag in shown(page) if text in ("fast", "on")] == ["ADV", "ADV"]
    assert page.locator(".token.cursor").all_text_contents() == ["roads"]
    token(page, "run").click()
    press(page, "1")
    assert shown(page)[1] == ("run", "NOUN")
    assert page.locator(".token.cursor").all_text_contents() == ["fast"]


def test_a_sheet_tells_of_all_its_documents(page: Any, open_page: Any) -> None:
    path = open_page((TEXT, SPANS), ("Cats sleep", [(0, 4, "NOUN", 0.9)]), ("So", [(0, 2, "ADV", 0.9)]))
    page.locator("#stack").click()
    page.locator(".card").nth(2).wait_for()
    press(page, "Enter")
    assert notice(page).startswith("4 in 2 documents have no tag.")
    assert answers_now(path) == []
    press(page, "Enter")
    page.locator(".end").wait_for()
    found = {answer.document_id: answer.ranges for answer in answers(path, 3)}
    assert found == {1: ((0, 4), (17, 22)), 2: ((0, 4),), 3: None}


def test_a_part_of_a_document_of_tags_is_asked_about_too(page: Any, open_page: Any) -> None:
    path = open_page()
    ready(page, "Dogs")
    press(page, "ArrowRight", "ArrowRight", "ArrowRight", "p")
    assert notice(page).startswith("2 have no tag.")
    press(page, "p")
    page.locator("#notice", has_text="the first 3 of 5 words").wait_for()
    (answer,) = answers(path, 1)
    assert (spans_of(answer), answer.ranges) == ([(0, 4, "NOUN")], ((0, 4),))
