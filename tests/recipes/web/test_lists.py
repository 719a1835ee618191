"""The list of documents over HTTP: filters, counts that are exact or say that they are not, and powers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.page_client import PageClient, page_of
from support.store_making import add_model, make_store, predict_all, say

from spanloop.recipes.web import lists
from spanloop.recipes.web.excerpt import excerpt
from spanloop.store import Store
from spanloop.store.records import NewDocument
from spanloop.store.tables.listing import Listing


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with make_store(tmp_path, documents=6) as store:
        store.documents.add([NewDocument("Ann met Bob in eval", key="e", split="eval", meta={"source": "x"})])
        predict_all(store, add_model(store))
        store.annotations.add(say(1, "anna", "0-3:LOC", flagged=True))
        store.annotations.add(say(2, "ben", answer="reject"))
        yield store


def look(client: PageClient, **query: Any) -> dict[str, Any]:
    reply = client.get("/api/search", params=query)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def ids(client: PageClient, **query: Any) -> list[int]:
    return [document["id"] for document in look(client, **query)["documents"]]


def test_each_hit_says_how_it_stands(store: Store) -> None:
    client = page_of(store, annotator="anna")
    store.reviews.send([(2, "why", 0.5)])
    store.queue.next("ben")
    listed = {document["id"]: document for document in look(client, text="BOB IN")["documents"]}
    assert list(listed) == [1, 2, 3, 4, 5, 6]
    first = listed[1]
    assert (first["state"], first["answered_by"], first["flagged_by"]) == ("answered", ["anna"], ["anna"])
    assert (first["source"], first["review"]) == ("human", False)
    assert (listed[2]["state"], listed[2]["answered_by"], listed[2]["review"]) == ("rejected", ["ben"], True)
    assert [number for number, document in listed.items() if document["others"] == ["ben"]] != []
    assert first["pieces"] == [["Ann met ", False], ["Bob in", True], [" Rome 1", False]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"state": "open"}, [3, 4, 5, 6]),
        ({"flagged": "true"}, [1]),
        ({"by": "ben"}, [2]),
        ({"source": "human"}, [1, 2]),
        ({"label_id": "1"}, [3, 4, 5, 6]),
        ({"label_id": "2"}, [1]),
        ({"below": "0.5"}, []),
        ({"least": "0.9", "state": "rejected"}, [2]),
        ({"meta": "source"}, []),
        ({"text": "6"}, [6]),
    ],
)
def test_filters_of_a_query(store: Store, query: dict[str, str], found: list[int]) -> None:
    assert ids(page_of(store), **query) == found


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"state": "done"}, "'state' must be 'open', 'answered'"),
        ({"below": "70 %"}, "'below' must be a number of at least 0"),
        ({"below": "nan"}, "'below' must be"),
        ({"n": "-1"}, "'n' must be whole numbers"),
        ({"value": "x"}, "must name with 'meta'"),
        ({"text": "x" * 201}, "at most 200 characters"),
    ],
)
def test_what_is_wrong_in_a_query_is_told(store: Store, query: dict[str, str], told: str) -> None:
    reply = page_of(store).get("/api/search", params=query)
    assert reply.status_code == 400
    assert told in reply.json()["error"]


def test_pages_follow_one_another_and_a_count_says_whether_it_is_whole(store: Store) -> None:
    client = page_of(store)
    first = look(client, n=2, most=3)
    assert ([d["id"] for d in first["documents"]], first["counted"], first["whole"]) == ([1, 2], 3, False)
    assert first["until"] == 3
    assert ids(client, n=2, after=2) == [3, 4]
    rest = look(client, n=0, after=first["until"])
    assert (rest["documents"], rest["counted"], rest["whole"]) == ([], 3, True)


def test_a_look_that_is_out_of_time_says_how_far_it_came_and_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(Listing.look, "__kwdefaults__", {**Listing.look.__kwdefaults__, "block": 4})
    client = page_of(store)
    first = look(client, text="met")
    assert ([d["id"] for d in first["documents"]], first["whole"]) == ([1, 2, 3, 4], False)
    assert (first["until"], first["last"]) == (4, 7)
    second = look(client, text="met", after=first["until"])
    assert ([d["id"] for d in second["documents"]], second["whole"]) == ([5, 6], True)


def test_a_blind_page_tells_by_no_filter_what_a_model_said(store: Store) -> None:
    store.annotations.add(say(4, "robot", origin="machine"))
    client = page_of(store, blind=True)
    assert ids(client, label_id="1") == []
    assert ids(client, label_id="2") == [1]  # what a person said
    for query in ({"below": "0.5"}, {"least": "0.1"}):
        reply = client.get("/api/search", params=query)
        assert (reply.status_code, "blind" in reply.json()["error"]) == (400, True)


def test_nobody_finds_by_the_labels_of_others_what_they_are_to_answer_too(store: Store) -> None:
    anna, ben = page_of(store, annotator="anna"), page_of(store, annotator="ben")
    assert ids(ben, label_id="2") == [1]
    store.set_project(overlap=2)
    assert ids(ben, label_id="2") == []
    assert ids(anna, label_id="2") == [1]
    store.reviews.send([(1, "why", 0.5)])
    assert ids(page_of(store, annotator="lea", review=True), label_id="2") == [1]


def test_the_choices_are_those_within_reach(store: Store) -> None:
    assert page_of(store, annotator="me").get("/api/choices").json() == {
        "people": ["anna", "ben", "me"],
        "keys": [],
    }
    assert page_of(store, split="eval").get("/api/choices").json()["keys"] == ["source"]


@settings(max_examples=200, deadline=None)
@given(text=st.text("abAB ßİé😀", min_size=1, max_size=400), wanted=st.text("abß İ", min_size=1, max_size=3))
def test_an_excerpt_is_of_the_text_and_marks_what_was_wanted(text: str, wanted: str) -> None:
    pieces = excerpt(text, wanted)
    shown = "".join(piece for piece, _ in pieces)
    assert shown.removeprefix("… ").removesuffix(" …") in text or shown in text
    marked = [piece for piece, hit in pieces if hit]
    assert bool(marked) == (wanted.casefold() in text.casefold())
    if marked:
        assert wanted.casefold() in marked[0].casefold()
