"""What a page may show and take answers for: its split, its reviews, and no suggestion where it is blind."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.page_client import PageClient, page_of
from support.store_making import TEXT, add_model, make_store, predict_all, say

from spanloop.store import Store
from spanloop.store.records import NewDocument

POOL, EVAL, OTHER = 1, 2, 3


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Two documents of the pool and one of eval between them, all with suggestions."""
    with make_store(tmp_path) as store:
        splits = {"d1": "pool", "d2": "eval", "d3": "pool"}
        store.documents.add(
            NewDocument(f"{TEXT} {key}", key=key, split=split) for key, split in splits.items()
        )  # type: ignore[arg-type]
        predict_all(store, add_model(store))
        yield store


def answer(client: PageClient, document_id: int) -> Any:
    body = {
        "uuid": str(uuid.uuid4()),
        "document_id": document_id,
        "document_key": f"d{document_id}",
        "answer": "accept",
        "spans": [],
    }
    return client.post("/api/answers", json=body)


def everything(client: PageClient, document_id: int) -> list[tuple[int, str | None]]:
    """What each route that names a document says of this one."""
    key = f"d{document_id}"
    place = {"document_id": document_id, "document_key": key, "start": 0, "end": 3}
    replies = [
        client.get(f"/api/documents/{document_id}"),
        client.get(f"/api/documents/{document_id}/tokens"),
        client.post("/api/open", json={"client": "tab", "document_id": document_id}),
        client.post("/api/drafts", json={"document_id": document_id, "document_key": key, "draft": {"a": 1}}),
        client.post("/api/proposals", json={"text": "Ann", "label_id": 2, "places": [place]}),
        answer(client, document_id),
    ]
    return [(r.status_code, None if r.is_success else r.json()["reason"]) for r in replies]


def found(client: PageClient) -> list[int]:
    return [
        d["id"]
        for d in client.get("/api/search", params={"text": "met Bob", "client": "tab"}).json()["documents"]
    ]


def elsewhere(client: PageClient) -> set[int]:
    reply = client.get("/api/same", params={"text": "Bob", "label_id": 1, "client": "tab"}).json()
    return {place["document_id"] for place in reply["places"]}


@pytest.mark.parametrize(("split", "inside", "outside"), [("pool", [1, 3], [2]), ("eval", [2], [1, 3])])
def test_a_page_reaches_its_own_split_alone(
    store: Store, split: str, inside: list[int], outside: list[int]
) -> None:
    client = page_of(store, split=split, annotator="anna")
    assert found(client) == inside
    assert elsewhere(client) == set(inside)
    for document_id in outside:
        assert everything(client, document_id) == [(409, "split")] * 6
    assert store.row("SELECT count(*) FROM leases") == (0,)
    assert store.row("SELECT count(*) FROM drafts") == (0,)
    for document_id in inside:
        assert everything(client, document_id) == [(200, None)] * 6
    listed = [a["id"] for a in client.get("/api/answers").json()["answers"]]
    assert sorted(listed) == inside
    other = page_of(store, split={"pool": "eval", "eval": "pool"}[split], annotator="anna")
    assert other.get("/api/answers").json()["answers"] == []


def test_a_review_page_reaches_what_waits_for_review_alone(store: Store) -> None:
    store.annotations.add(say(POOL, "ben"))
    store.reviews.send([(POOL, "a doubt", 0.5), (EVAL, "another", 0.4)])
    client = page_of(store, review=True, annotator="lea")
    assert found(client) == [POOL, EVAL]
    assert everything(client, OTHER) == [(409, "review")] * 6
    assert store.annotations.history(OTHER) == []
    assert everything(client, POOL) == [(200, None)] * 6
    assert [a.origin for a in store.annotations.history(POOL)] == ["human", "review"]


def test_a_review_may_be_given_anew_by_whom_it_was_and_by_nobody_else(store: Store) -> None:
    store.reviews.send([(POOL, "a doubt", 0.5)])
    lea, max_ = (page_of(store, review=True, annotator=name) for name in ("lea", "max"))
    assert answer(lea, POOL).status_code == 200
    assert everything(max_, POOL) == [(409, "review")] * 6
    assert found(max_) == []
    assert answer(lea, POOL).status_code == 200
    assert found(lea) == [POOL]
    store.reviews.send([(POOL, "once more", 0.5)])
    assert answer(max_, POOL).status_code == 200


def test_a_stored_review_whose_reply_was_lost_is_taken_once_even_after_another_one(store: Store) -> None:
    store.reviews.send([(POOL, "a doubt", 0.5)])
    lea, max_ = (page_of(store, review=True, annotator=name) for name in ("lea", "max"))
    body = {
        "uuid": str(uuid.uuid4()),
        "document_id": 1,
        "document_key": "d1",
        "answer": "accept",
        "spans": [],
    }
    assert lea.post("/api/answers", json=body).json()["new"] is True
    store.reviews.send([(POOL, "once more", 0.5)])
    assert answer(max_, POOL).status_code == 200
    assert lea.post("/api/answers", json=body).json()["new"] is False
    assert len(store.annotations.history(POOL)) == 2


@pytest.mark.parametrize("review", [False, True])
def test_no_route_of_a_blind_page_shows_what_a_model_said(store: Store, review: bool) -> None:
    sighted = page_of(store)
    draft = {
        "document_id": 1,
        "document_key": "d1",
        "draft": {"base": [{"start": 0, "end": 3, "label_id": 1}]},
    }
    assert sighted.post("/api/drafts", json=draft).status_code == 200
    store.reviews.send([(POOL, "the model says PER (98% sure)", 0.5)])
    blind = page_of(store, blind=True, review=review)
    (item,) = blind.get("/api/next", params={"client": "tab", "n": 1}).json()["documents"]
    opened = blind.post("/api/open", json={"client": "tab", "document_id": POOL}).json()
    for shown in (item, opened, blind.get("/api/documents/1").json()):
        assert (shown["suggestions"], shown["prediction_id"], shown["model"]) == ([], None, None)
        assert (shown["draft"], shown["reason"]) == (None, "")
    same = blind.get("/api/same", params={"text": "Ann", "label_id": 2, "client": "tab"}).json()
    assert {now for place in same["places"] for now in place["now"]} == set()
    assert "PER" not in json.dumps([item, opened, same])
