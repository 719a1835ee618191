"""From the page into a round: it trains on exactly the answers that were given there."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.page_server import answers
from support.steps import press, ready, saved

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.training.retrain import RoundReport, retrain
from spanloop.store import Store
from spanloop.store.records import AnnotatedSpan, NewAnnotation, NewDocument

pytestmark = [pytest.mark.browser, pytest.mark.slow]
DOCUMENTS = [
    ("Ann Lee met Bob in Rome .", [(0, 7, "PER", 0.9), (19, 23, "PER", 0.4)]),
    ("Eve lives in Oslo .", [(0, 3, "PER", 0.9)]),
    ("Nothing to see here .", [(0, 7, "LOC", 0.3)]),
    ("This one is skipped .", []),
]


def test_a_round_trains_on_exactly_the_answers_of_the_page(
    page: Any, serve: Callable[..., Any], make_store: Callable[..., Path]
) -> None:
    path = make_store(DOCUMENTS, ["PER", "LOC"])
    page.goto(serve(path).link)
    ready(page, "Rome")
    press(page, "Tab", "Tab", "2", "a")
    ready(page, "Oslo")
    press(page, "Tab", "ArrowRight", "ArrowRight", "ArrowRight", "2", "a")
    ready(page, "Nothing")
    press(page, "z")
    ready(page, "skipped")
    press(page, " ")
    page.locator(".end").wait_for()
    saved(page)
    given = answers(path, 4)
    with Store.open(path) as store:
        (added,) = store.documents.add([NewDocument("Zoë went to Paris .", key="e", split="eval")])
        spans = (AnnotatedSpan(0, 3, "PER"), AnnotatedSpan(12, 17, "LOC"))
        gold = NewAnnotation(str(uuid.uuid4()), added.document_id, "import", "import", "accept", spans)
        store.annotations.add(gold)
    report = retrain(path, TrainConfig(epochs=1))
    assert isinstance(report, RoundReport)
    with Store.open(path) as store:
        trained = store.rounds.annotation_ids(1, role="train")
        assert sorted(trained) == [annotation.id for annotation in given if annotation.answer == "accept"]
        golds = {
            g.document.id: [(s.start, s.end, s.label) for s in g.spans]
            for g in store.annotations.gold("pool")
        }
    assert golds == {1: [(0, 7, "PER"), (19, 23, "LOC")], 2: [(0, 3, "PER"), (13, 17, "LOC")], 3: []}
