"""Equal strings in other open documents, and who has a document in hand; the file is the judge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.page_client import PageClient, page_of
from support.store_making import add_model, make_store, say

from spanloop.store import Store
from spanloop.store.records import NewDocument, Span
from spanloop.store.tables.drafts import DraftOf

LABELS = {"PER": 1, "LOC": 2}
TEXTS = ["Acme sued Acme .", "Acmeville is no Acme .", "acme in small", "Nothing .", "At Acme again ."]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with make_store(tmp_path) as store:
        store.documents.add(NewDocument(text, key=f"k{n}") for n, text in enumerate(TEXTS, 1))
        yield store


def same(client: PageClient, text: str = "Acme", label: str = "PER", page: str = "tab") -> dict[str, Any]:
    reply = client.get("/api/same", params={"text": text, "label_id": LABELS[label], "client": page})
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def listed(found: dict[str, Any]) -> list[tuple[int, int]]:
    return [(place["document_id"], place["start"]) for place in found["places"]]


def propose(client: PageClient, found: dict[str, Any], text: str = "Acme", label: str = "PER") -> Any:
    places = [{name: p[name] for name in ("document_id", "document_key", "start", "end")} for p in found]
    body = {"text": text, "label_id": LABELS.get(label, 77), "places": places}
    return client.post("/api/proposals", json=body)


def drafts_of(store: Store, annotator: str = "me") -> dict[int, Any]:
    kept = {n: store.drafts.get(DraftOf(annotator, n)) for n in range(1, len(TEXTS) + 1)}
    return {n: json.loads(body) for n, body in kept.items() if body is not None}


@pytest.mark.parametrize("indexed", [False, True])
def test_places_are_whole_words_of_open_documents_and_say_what_stood_outside_the_index(
    store: Store, indexed: bool
) -> None:
    store.annotations.add(say(5, "me", ""))
    if indexed:
        store.search.index()
    found = same(page_of(store))
    assert listed(found) == [(1, 0), (1, 10), (2, 16)]
    assert (found["places"][1]["before"], found["places"][1]["after"]) == ("Acme sued ", " .")
    assert (found["more"], found["unindexed"]) == (False, 0 if indexed else 5)


def test_tokens_decide_where_they_are_known(store: Store) -> None:
    store.set_project(tokenizer="t" * 32)
    store.tokenizations.put("t" * 32, [(2, [(0, 4), (4, 9), (16, 20)]), (1, [(0, 9)])])
    assert listed(same(page_of(store))) == [(2, 0), (2, 16), (5, 3)]


def test_a_place_that_the_model_has_so_already_is_left_out_and_another_label_named(store: Store) -> None:
    spans = [Span(0, 4, "PER", 0.9), Span(10, 14, "LOC", 0.9)]
    store.predictions.add(add_model(store), [(1, spans, {"mnlp": 1.0})])
    found = same(page_of(store))
    assert listed(found) == [(1, 10), (2, 16), (5, 3)]
    assert [place["now"] for place in found["places"]] == [["LOC"], [], []]


def test_documents_in_other_hands_are_counted_and_not_listed(store: Store) -> None:
    client = page_of(store)
    store.queue.reopen(1, "bert")
    client.post("/api/sittings", json={"client": "other", "held": [2]})
    found = same(client)
    assert (listed(found), found["in_other_hands"]) == ([(5, 3)], 2)
    store.set_project(overlap=2)  # what two people may have, one of them does not keep from the other
    assert listed(same(client)) == [(1, 0), (1, 10), (5, 3)]


def test_the_list_is_bounded_and_says_so(store: Store) -> None:
    store.documents.add(NewDocument(f"Acme {n}", key=f"more{n}") for n in range(120))
    found = same(page_of(store))
    assert found["more"]
    assert len({place["document_id"] for place in found["places"]}) <= 100


def test_what_was_confirmed_lies_in_the_drafts_and_is_no_annotation(store: Store) -> None:
    client = page_of(store)
    store.drafts.put(DraftOf("me", 5), '{"base": [], "edits": [], "position": 0, "comment": "mine"}')
    found = same(client)["places"]
    assert propose(client, found[1:]).json() == {"documents": 3, "left_out": 0}
    assert propose(client, found[3:]).json() == {"documents": 1, "left_out": 0}  # the same again adds nothing
    assert drafts_of(store) == {
        1: {"proposed": [{"start": 10, "end": 14, "label": "PER", "label_id": 1}]},
        2: {"proposed": [{"start": 16, "end": 20, "label": "PER", "label_id": 1}]},
        5: {
            "base": [],
            "edits": [],
            "position": 0,
            "comment": "mine",
            "proposed": [{"start": 3, "end": 7, "label": "PER", "label_id": 1}],
        },
    }
    assert store.row("SELECT count(*) FROM annotations") == (0,)
    assert store.queue.counts()["open"] == 5
    assert drafts_of(store, "bert") == {}


def test_documents_answered_or_taken_meanwhile_are_left_out(store: Store) -> None:
    client = page_of(store)
    found = same(client)["places"]
    store.annotations.add(say(1, "me", ""))
    store.queue.reopen(2, "bert")
    assert propose(client, found).json() == {"documents": 1, "left_out": 2}
    assert set(drafts_of(store)) == {5}


@pytest.mark.parametrize(
    ("changes", "label", "status"),
    [
        ({"start": 1}, "PER", 409),
        ({"document_key": "k9"}, "PER", 409),
        ({"document_id": 77}, "PER", 404),
        ({}, "nope", 409),
        ({"end": 13}, "PER", 409),
    ],
)
def test_a_wrong_place_keeps_all_the_others_from_being_stored(
    store: Store, changes: dict[str, Any], label: str, status: int
) -> None:
    client = page_of(store)
    found = same(client)["places"]
    reply = propose(client, [*found, {**found[1], **changes}], label=label)
    assert reply.status_code == status
    assert reply.json()["error"]
    assert drafts_of(store) == {}


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.text("Ab 北é.", min_size=1, max_size=3))
def test_every_place_holds_the_text_and_stands_apart_from_words(store: Store, text: str) -> None:
    for place in same(page_of(store), text)["places"]:
        whole = TEXTS[place["document_id"] - 1]
        assert whole[place["start"] : place["end"]] == text
        assert not (whole[: place["start"]][-1:].isalnum() and text[0].isalnum())
        assert not (whole[place["end"] :][:1].isalnum() and text[-1].isalnum())


def test_a_document_opened_out_of_turn_is_leased_and_says_who_has_it(store: Store) -> None:
    anna, bert = page_of(store, annotator="anna"), page_of(store, annotator="bert")

    def open_first(client: PageClient, page: str) -> Any:
        return client.post("/api/open", json={"client": page, "document_id": 1}).json()

    assert open_first(anna, "a")["others"] == []
    assert store.queue.holders([1]) == {1: ["anna"]}
    assert [item.document.id for item in store.queue.next("bert", n=9)] == [2, 3, 4, 5]
    assert open_first(bert, "b")["others"] == ["anna"]
    assert open_first(anna, "another tab")["others"] == ["bert", "another window of yours"]
    heard = anna.post("/api/sittings", json={"client": "a", "held": [1]}).json()
    assert heard["others"] == {"1": ["bert", "another window of yours"]}
    found = anna.get("/api/search", params={"text": "sued", "client": "a"}).json()["documents"]
    assert [(d["id"], d["others"]) for d in found] == [(1, ["bert", "another window of yours"])]
    store.set_project(overlap=2)
    assert open_first(bert, "b")["others"] == []


def test_how_a_document_was_drawn_stays_when_it_is_opened_by_hand(store: Store) -> None:
    (dealt,) = store.queue.next("me", random_share=1.0)
    client = page_of(store)
    client.post("/api/open", json={"client": "a", "document_id": dealt.document.id})
    assert store.row("SELECT drawn FROM leases") == ("random",)
