"""What the page says of a span while it is worked on is what the store will say of it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from support.page_server import answers
from support.steps import press, ready, saved

from spanloop.recipes.settle import Place, settle
from spanloop.store.records import Span

pytestmark = [pytest.mark.browser, pytest.mark.slow]
JUDGE = """async (cases) => {
  const { fates } = await import(FILE);
  return cases.map(({ spans, suggestions }) => {
    const found = fates(spans, suggestions);
    return spans.map((span) => found.get(span)?.id ?? null);
  });
}"""


def apart(luck: Random) -> list[Place]:
    """Some spans of a text of thirty characters, no two of which share any."""
    edges = sorted(luck.sample(range(31), luck.randint(0, 12)))
    return [(start, end, luck.choice("AB")) for start, end in pairwise(edges) if luck.random() < 0.7]


def by_name(place: Place) -> dict[str, object]:
    return dict(zip(("start", "end", "label"), place, strict=True))


def test_the_page_and_the_store_follow_one_rule(
    page: Any, serve: Callable[..., Any], make_store: Callable[..., Path]
) -> None:
    luck = Random(1)
    cases = [(apart(luck), apart(luck)) for _ in range(2000)]
    page.goto(serve(make_store([("Ann met Bob .", [])], ["PER"])).link)
    ready(page, "Ann")
    file = page.evaluate(
        "performance.getEntriesByType('resource').find((e) => e.name.endsWith('/fates.js')).name"
    )
    shown = page.evaluate(
        JUDGE.replace("FILE", repr(file)),
        [
            {
                "spans": [by_name(span) for span in spans],
                "suggestions": [{**by_name(place), "id": number} for number, place in enumerate(places)],
            }
            for spans, places in cases
        ],
    )
    for (spans, places), told in zip(cases, shown, strict=True):
        suggestions = [Span(*place, id=number) for number, place in enumerate(places)]
        rows = settle(spans, suggestions, keep_rejected=False)
        assert told == [row.prediction_span_id for row in rows], (spans, places)


def test_the_marks_say_what_is_stored(
    page: Any, serve: Callable[..., Any], make_store: Callable[..., Path]
) -> None:
    """A suggestion deleted and marked again otherwise is a changed one, on the page as in the store."""
    path = make_store([("Ann Smith met Bob .", [(0, 9, "PER", 0.9)])], ["PER", "LOC"])
    page.goto(serve(path).link)
    ready(page, "Smith")
    page.locator(".mark.suggested").wait_for()
    press(page, "Tab", "d")
    page.locator(".mark").wait_for(state="detached")
    press(page, "1")
    page.locator(".mark.changed", has_text="Ann").wait_for()
    press(page, "a")
    saved(page)
    (answer,) = answers(path, 1)
    assert [(s.start, s.end, s.action) for s in answer.spans] == [(0, 3, "changed")]
