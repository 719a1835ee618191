"""One label asked about in yes/no mode on gold that does not know it: all else stays as it was."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.page_client import PageClient, page_of
from support.store_making import add_model, make_store, say

from spanloop.recipes.web.correct import correct
from spanloop.store import Store, StoreError
from spanloop.store.records import Span

ORG = 3


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Three documents with gold of before ORG; the model suggests two ORG in the first, none in the second,
    and one in the third over what the gold calls a place."""
    with make_store(tmp_path, documents=3) as store:
        for number in (1, 2, 3):
            store.annotations.add(say(number, spans="0-3:PER 15-19:LOC", prediction_id=None))
        store.labels.add("ORG")
        said = {1: [Span(0, 3, "PER", 0.9), Span(4, 7, "ORG", 0.6), Span(8, 11, "ORG", 0.8)], 2: [], 3: []}
        said[3] = [Span(15, 19, "ORG", 0.7)]
        store.predictions.add(add_model(store), [(number, spans, {}) for number, spans in said.items()])
        store.reviews.send([(i, "annotated before ORG", s) for i, s in store.label_sets.without("ORG")])
        yield store


@pytest.fixture
def page(store: Store) -> PageClient:
    return page_of(store, review=True, view="binary", only="ORG")


def decide(
    page: PageClient,
    number: int,
    spans: list[tuple[int, int]],
    ranges: list[tuple[int, int]],
    key: str | None = None,
) -> Any:
    (document,) = [
        d for d in page.get("/api/next?client=c&n=9").json()["documents"] if d["id"] == number
    ] or [page.get(f"/api/documents/{number}").json()]
    return page.post(
        "/api/answers",
        json={
            "uuid": key or str(uuid.uuid4()),
            "document_id": number,
            "document_key": f"d{number}",
            "answer": "accept",
            "spans": [{"start": start, "end": end, "label_id": ORG} for start, end in spans],
            "ranges": ranges,
            "prediction_id": document["prediction_id"],
            "labels": [1, 2, ORG],
        },
    )


def gold(store: Store, number: int) -> tuple[set[tuple[int, int, str]], set[tuple[int, int, str]], Any, Any]:
    (found,) = store.annotations.gold(ids=[number])
    sets = [{(s.start, s.end, s.label) for s in spans} for spans in (found.spans, found.negatives)]
    return sets[0], sets[1], found.ranges, found.unknown


def test_those_with_most_to_ask_come_first_and_those_without_a_question_not_at_all(page: PageClient) -> None:
    assert [d["id"] for d in page.get("/api/next?client=c&n=9").json()["documents"]] == [1, 3]


def test_what_is_decided_is_added_to_the_gold_and_the_rest_stays_open(page: PageClient, store: Store) -> None:
    assert decide(page, 1, [(8, 11)], [(8, 11)]).status_code == 200
    before = {(0, 3, "PER"), (15, 19, "LOC")}
    assert gold(store, 1) == (before | {(8, 11, "ORG")}, set(), None, ("ORG",))
    decide(page, 1, [(8, 11)], [(4, 7), (8, 11)])
    assert gold(store, 1) == (before | {(8, 11, "ORG")}, {(4, 7, "ORG")}, None, ("ORG",))
    decide(page, 1, [], [(8, 11)])  # the yes is taken back
    assert gold(store, 1) == (before, {(4, 7, "ORG"), (8, 11, "ORG")}, None, ("ORG",))


def test_a_yes_takes_the_place_of_what_stood_there(page: PageClient, store: Store) -> None:
    decide(page, 3, [(15, 19)], [(15, 19)])
    assert gold(store, 3) == ({(0, 3, "PER"), (15, 19, "ORG")}, set(), None, ("ORG",))


def test_an_answer_whose_reply_was_lost_is_sent_again_and_taken(page: PageClient, store: Store) -> None:
    decided = [(1, [(8, 11)], [(4, 7), (8, 11)]), (3, [(15, 19)], [(15, 19)]), (2, [], [(4, 7)])]
    for number, spans, ranges in decided:
        key = str(uuid.uuid4())
        first = decide(page, number, spans, ranges, key)
        said = gold(store, number)
        again = decide(page, number, spans, ranges, key)
        assert (first.status_code, again.status_code) == (200, 200), again.text
        assert (first.json()["new"], again.json()["new"]) == (True, False)
        assert again.json()["annotation_id"] == first.json()["annotation_id"]
        assert gold(store, number) == said
        changed = decide(page, number, [(0, 3)], [(0, 3)], key)
        assert changed.status_code == 409


def test_an_answer_of_whole_documents_is_not_taken_for_a_yes_or_no(page: PageClient, store: Store) -> None:
    session = page_of(store, review=True).session()
    said = {"uuid": "u", "document_id": 1, "document_key": "d1", "answer": "accept", "spans": [], **session}
    reply = page.post("/api/answers", json=said)
    assert (reply.status_code, reply.json()["reason"]) == (409, "mode")


def test_review_asks_about_one_label_only_where_it_is_named(store: Store) -> None:
    with pytest.raises(StoreError, match="add --only LABEL"):
        correct(store.path, review=True, view="binary", browser=False)
