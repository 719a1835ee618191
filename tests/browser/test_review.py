"""What waits for review: the page says why, starts from what counts now, and the answer has the last word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.page_server import spans_of
from support.steps import press, ready, saved

from spanloop.store import Store
from spanloop.store.records import AnnotatedSpan, NewAnnotation

pytestmark = [pytest.mark.browser, pytest.mark.slow]
REASON = "“Rome”: gold has PER, the model says LOC (98% sure)"


def test_a_doubtful_document_is_corrected(
    page: Any, serve: Callable[..., Any], make_store: Callable[..., Path]
) -> None:
    path = make_store([("Ann met Bob in Rome .", []), ("Eve is here .", [])], ["PER", "LOC"])
    with Store.open(path) as store:
        wrong = (AnnotatedSpan(0, 3, "PER"), AnnotatedSpan(15, 19, "PER"))
        store.annotations.add(NewAnnotation("u1", 1, "anna", "human", "accept", wrong))
        store.reviews.send([(1, REASON, 0.9)])
    page.goto(serve(path, review=True, annotator="lea").link)
    ready(page, "Rome")
    assert page.locator(".reason").inner_text() == REASON
    assert page.locator(".mark").all_text_contents() == ["Ann", "Rome"]
    page.locator(".mark", has_text="Rome").click()
    press(page, "2")  # LOC
    press(page, "a")
    page.locator(".end").wait_for()  # Eve does not wait for review
    saved(page)
    with Store.open(path) as store:
        last = store.annotations.history(1)[-1]
        (gold,) = store.annotations.gold(ids=[1])
        assert (last.annotator, last.origin) == ("lea", "review")
        assert spans_of(last) == [(0, 3, "PER"), (15, 19, "LOC")]
        assert gold.annotation_id == last.id
        assert store.reviews.waiting() == 0
        assert store.annotations.history(2) == []
