"""Documents that are asked in parts: what the page is sent, and what of its answers is stored."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.page_client import PageClient, page_of
from support.store_making import add_model, make_store, predict_all, say

from spanloop.store import Store
from spanloop.store.records import Annotation

FIRST, SECOND = [0, 7], [8, 19]
ROME = {"start": 15, "end": 19, "label_id": 2}
ANN = {"start": 0, "end": 3, "label_id": 1}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Three documents with a suggestion, of two of which a part is asked."""
    with make_store(tmp_path, documents=3) as store:
        model = add_model(store)
        predict_all(store, model)
        store.acquisition.add(model, "mnlp@sentences", [(1, 3.0), (2, 2.0), (3, 1.0)])
        store.queue.prioritise("mnlp@sentences", model)
        store.parts.put({1: [(8, 19)], 2: [(0, 7)]})
        yield store


def dealt(client: PageClient, n: int = 3) -> dict[int, dict[str, Any]]:
    found = client.get("/api/next", params={"client": "tab", "n": n}).json()["documents"]
    return {document["id"]: document for document in found}


def post(client: PageClient, shown: dict[str, Any], spans: list[dict[str, Any]], **fields: Any) -> Any:
    body = {
        "uuid": str(uuid.uuid4()),
        "document_id": shown["id"],
        "document_key": shown["key"],
        "answer": "accept",
        "prediction_id": shown["prediction_id"],
        "spans": spans,
        "ranges": shown["parts"],
        "in_parts": shown["parts"] is not None,
    }
    return client.post("/api/answers", json={**body, **fields})


def newest(store: Store, document_id: int) -> Annotation:
    said = store.annotations.latest(document_id)
    assert said is not None
    return said


def test_parts_add_up_once_however_often_an_answer_is_sent(store: Store) -> None:
    client = page_of(store, annotator="anna")
    shown = dealt(client)
    assert {number: one["parts"] for number, one in shown.items()} == {1: [SECOND], 2: [FIRST], 3: None}
    assert post(client, shown[1], [ROME]).is_success
    assert newest(store, 1).ranges == ((8, 19),)
    store.parts.put({1: [(0, 7)]})
    again = dealt(client)[1]
    assert (again["parts"], again["answer"]["ranges"]) == ([FIRST], [SECOND])
    key = str(uuid.uuid4())
    for new in (True, False):
        assert post(client, again, [ANN], uuid=key).json()["new"] is new
    said = newest(store, 1)
    assert (said.ranges, [(s.start, s.end, s.label) for s in said.spans if s.action != "rejected"]) == (
        ((0, 7), (8, 19)), [(0, 3, "PER"), (15, 19, "LOC")],
    )  # fmt: skip
    assert len(store.annotations.history(1)) == 2
    assert post(client, again, [ANN], uuid=key, ranges=[[0, 5]]).is_success  # of what is stored it is a part
    assert post(client, again, [], uuid=key).status_code == 409  # the same uuid, and says otherwise
    assert store.queue.counts("pool")["open"] == 2


def test_who_sets_a_part_aside_keeps_the_other_and_is_not_asked_again(store: Store) -> None:
    client = page_of(store, annotator="anna")
    assert post(client, dealt(client)[1], [ROME]).is_success
    store.parts.put({1: [(0, 7)]})
    assert post(client, dealt(client)[1], [], answer="ignore", ranges=None).is_success
    said = newest(store, 1)
    assert (said.answer, said.ranges, len(said.spans)) == ("accept", ((8, 19),), 1)
    assert 1 not in dealt(client)
    shown = dealt(client)[2]
    assert post(client, shown, [], answer="ignore", ranges=None).is_success
    assert newest(store, 2).answer == "ignore"  # nothing was said of it before


@pytest.mark.parametrize("settings", [{"blind": True}, {"view": "binary"}, {"review": True}])
def test_other_pages_ask_about_whole_documents(store: Store, settings: dict[str, Any]) -> None:
    store.reviews.send([(1, "a doubt", 0.5)])
    shown = dealt(page_of(store, annotator="anna", **settings))
    assert shown
    assert {one["parts"] for one in shown.values()} == {None}


def test_what_chance_drew_and_what_comes_without_suggestions_is_asked_whole(store: Store) -> None:
    client = page_of(store, annotator="anna")
    store.queue.next("anna", n=3, random_share=1.0)
    assert {one["parts"] for one in dealt(client).values()} == {None}
    store.queue.release("anna")
    store.set_project(unaided_share=0.5)
    for number, one in dealt(client).items():
        assert one["suggestions"] or one["parts"] is None, number


def test_an_answer_about_parts_that_is_opened_again_is_about_the_same_parts(store: Store) -> None:
    client = page_of(store, annotator="anna")
    assert post(client, dealt(client)[1], [ROME]).is_success
    store.annotations.add(say(3, ranges=((0, 7),)))  # done up to the cursor: the rest waits
    for number, parts in ((1, [SECOND]), (3, None)):
        opened = client.post("/api/open", json={"client": "tab", "document_id": number}).json()
        assert opened["parts"] == parts
