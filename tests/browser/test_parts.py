"""A document that is asked in parts: what is asked stands out, and nothing else is stored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.axe import serious
from support.page_server import answers, spans_of
from support.steps import press, ready, saved, token

from spanloop.store import Store
from spanloop.store.records import Range

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TEXT = "Ann met Bob in Rome. Then Eve saw York. Max left."
SPANS = [(0, 3, "PER", 0.99), (26, 29, "PER", 0.6), (40, 43, "PER", 0.9)]
PART = (21, 39)
ASKED = ".card.active .token:not(.unasked)"


def ask(path: Path, parts: dict[int, list[Range]], name: str) -> None:
    """The queue asks about these parts, by a strategy that does so."""
    with Store.open(path) as store:
        scores = [(document.id, -float(document.id)) for document in store.documents.iterate()]
        store.acquisition.add(1, name, scores)
        store.queue.prioritise(name, 1)
        store.parts.put(parts)


def test_a_person_sees_what_is_asked_and_only_that_is_stored(
    page: Any, serve: Callable[..., Any], make_store: Callable[..., Path]
) -> None:
    path = make_store([(TEXT, SPANS), ("Eve is here .", [])], ["PER", "LOC"])
    ask(path, {1: [PART]}, "mnlp@sentences")
    page.goto(serve(path).link)
    ready(page, "Ann")
    assert page.locator(ASKED).all_text_contents() == ["Then", "Eve", "saw", "York", "."]
    assert page.locator(".mark:not(.unasked)").all_text_contents() == ["Eve"]
    assert "asked: 5 of 14 words" in page.locator(".card.active .hint").inner_text()
    assert page.locator(".token.cursor").all_text_contents() == ["Then"]  # where the part begins
    assert serious(page) == []
    press(page, "Tab")  # goes through what is asked alone
    assert page.locator(".mark.selected").all_text_contents() == ["Eve"]
    token(page, "York").click()
    press(page, "2", "a")
    ready(page, "here")
    press(page, "Backspace")  # back, and once more: the answer is about the same part
    press(page, "z")
    ready(page, "here")
    press(page, "Backspace")
    token(page, "Rome").click()  # what is changed elsewhere is stored with its own characters
    press(page, "2")
    token(page, "Max").click()
    press(page, "d", "a")
    ready(page, "here")
    saved(page)
    first, second, third = answers(path, 3)
    assert (first.ranges, spans_of(first)) == ((PART,), [(26, 29, "PER"), (34, 38, "LOC")])
    assert [span.action for span in first.spans] == ["taken", "added"]
    assert (second.ranges, spans_of(second)) == ((PART,), [])
    assert (third.ranges, spans_of(third)) == (((15, 19), PART, (40, 43)), [(15, 19, "LOC")])
    with Store.open(path) as store:
        store.parts.put({1: [(44, 49)]})  # a later model doubts another part
    page.reload()
    ready(page, "here")  # it was in hand before
    press(page, "a")
    ready(page, "Ann")
    assert page.locator(ASKED).all_text_contents() == ["left", "."]
    press(page, "a")
    page.locator(".end").wait_for()
    saved(page)
    both = answers(path, 5)[-1]
    assert both.ranges == ((15, 19), PART, (40, 43), (44, 49))
    assert spans_of(both) == spans_of(third)


def test_of_tags_the_cursor_goes_from_one_asked_word_to_the_next(
    page: Any, serve: Callable[..., Any], make_store: Callable[..., Path]
) -> None:
    path = make_store(
        [("Dogs run fast on roads", [(0, 4, "NOUN", 0.9), (9, 13, "ADV", 0.5)])],
        ["NOUN", "VERB", "ADV"],
        task="tags",
    )
    ask(path, {1: [(5, 8), (14, 22)]}, "mnlp@tokens")
    page.goto(serve(path).link)
    ready(page, "Dogs")
    assert "asked: 3 of 5 words" in page.locator(".card.active .hint").inner_text()
    assert "3 of 3 words have no tag" in page.locator("#focus").inner_text()
    press(page, "2")
    assert page.locator(".token.cursor").all_text_contents() == ["on"]
    press(page, "a")
    assert page.locator("#notice").inner_text().startswith("2 have no tag.")
    press(page, "a")
    page.locator(".end").wait_for()
    saved(page)
    (said,) = answers(path, 1)
    assert (said.ranges, spans_of(said)) == (((5, 8),), [(5, 8, "VERB")])
