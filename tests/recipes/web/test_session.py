"""What was done on a page is stored as what it was: its project, its person, its power, its labels."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.page_client import PageClient, page_of
from support.store_making import add_model, make_store, predict_all, say

from spanloop.store import Store
from spanloop.store.tables.drafts import DraftOf

PER, LOC = 1, 2


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with make_store(tmp_path, documents=3) as store:
        predict_all(store, add_model(store))
        yield store


def answer(client: PageClient, document_id: int = 1, label_id: int = LOC, **changes: Any) -> dict[str, Any]:
    return {
        **client.session(),
        "uuid": str(uuid.uuid4()),
        "document_id": document_id,
        "document_key": f"d{document_id}",
        "answer": "accept",
        "spans": [{"start": 15, "end": 19, "label_id": label_id}],
        **changes,
    }


def draft(client: PageClient, comment: str, document_id: int = 1) -> dict[str, Any]:
    body = {"document_id": document_id, "document_key": f"d{document_id}", "draft": {"comment": comment}}
    return {**client.session(), **body}


def said(reply: Any) -> tuple[int, str | None]:
    return reply.status_code, reply.json().get("reason")


def spans(store: Store, document_id: int = 1) -> list[list[str]]:
    return [[s.label for s in a.spans] for a in store.annotations.history(document_id)]


def test_an_answer_of_another_person_is_refused_and_stored_as_theirs_later(store: Store) -> None:
    anna, ben = page_of(store, annotator="anna"), page_of(store, annotator="ben")
    waiting = [answer(anna, 1), answer(anna, 2)]
    for one in waiting:
        assert said(ben.post("/api/answers", json=one)) == (409, "annotator")
    assert store.annotations.count() == 0
    for one in waiting:
        assert anna.post("/api/answers", json=one).json()["new"] is True
    assert [store.annotations.history(n)[0].annotator for n in (1, 2)] == ["anna", "anna"]


def test_an_ordinary_answer_never_becomes_a_review_nor_a_review_an_ordinary_one(store: Store) -> None:
    store.reviews.send([(1, "a doubt", 0.5)])
    ordinary, review = page_of(store), page_of(store, review=True)
    given, reviewed = answer(ordinary), answer(review)
    assert said(review.post("/api/answers", json=given)) == (409, "mode")
    assert said(ordinary.post("/api/answers", json=reviewed)) == (409, "mode")
    assert store.annotations.count() == 0
    assert ordinary.post("/api/answers", json=given).status_code == 200
    assert review.post("/api/answers", json=reviewed).status_code == 200
    assert [a.origin for a in store.annotations.history(1)] == ["human", "review"]


def test_what_was_answered_in_sight_is_not_taken_by_a_blind_page(store: Store) -> None:
    sighted, blind = page_of(store), page_of(store, blind=True)
    prediction = store.predictions.get(1)
    assert prediction is not None
    seen = answer(sighted, prediction_id=prediction.id)
    assert said(blind.post("/api/answers", json=seen)) == (409, "mode")
    assert said(blind.post("/api/answers", json={**seen, **blind.session()})) == (409, "mode")
    assert store.annotations.count() == 0


def test_an_answer_of_another_project_is_refused_even_where_all_keys_are_the_same(
    store: Store, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    with make_store(tmp_path / "other", documents=3) as other:
        here, there = page_of(store), page_of(other)
        assert said(there.post("/api/answers", json=answer(here))) == (409, "project")
        assert said(there.post("/api/drafts", json=draft(here, "x"))) == (409, "project")
        assert other.annotations.count() == 0


def test_a_renamed_database_takes_the_answers_that_wait(store: Store) -> None:
    waiting = answer(page_of(store))
    path = store.path
    store.close()
    moved = path.with_name("renamed.db")
    path.rename(moved)
    with Store.open(moved) as again:
        assert page_of(again).post("/api/answers", json=waiting).status_code == 200


@pytest.mark.parametrize("field", ["project", "annotator", "mode"])
@pytest.mark.parametrize("route", ["/api/answers", "/api/drafts", "/api/proposals"])
def test_whose_it_is_must_be_said_of_all_that_is_kept(store: Store, route: str, field: str) -> None:
    client = page_of(store)
    places = [{"document_id": 1, "document_key": "d1", "start": 0, "end": 3}]
    body = {**answer(client), **draft(client, "x"), "text": "Ann", "label_id": LOC, "places": places}
    assert client.post(route, json=body).status_code == 200
    body["uuid"] = str(uuid.uuid4())
    assert client.post(route, json={**body, field: None}).status_code == 400
    assert said(client.post(route, json={**body, field: "other"})) == (409, field)
    missing = {name: value for name, value in body.items() if name != field}
    assert client.request("POST", route, json=missing).status_code == 400


def test_a_page_of_somebody_else_is_told_at_its_next_question(store: Store) -> None:
    client = page_of(store, annotator="ben")
    session = {**client.session(), "annotator": "anna"}
    for path in ("/api/next?client=tab", "/api/documents/1", "/api/answers", "/api/search?text=met"):
        reply = client.get(
            path, params={**dict([path.partition("?")[2].split("=")] if "?" in path else []), **session}
        )
        assert said(reply) == (409, "annotator")
    assert said(client.post("/api/open", json={**session, "client": "tab", "document_id": 1})) == (
        409,
        "annotator",
    )
    assert store.row("SELECT count(*) FROM leases") == (0,)


def test_a_label_renamed_meanwhile_is_the_same_even_where_names_were_swapped(store: Store) -> None:
    client = page_of(store)
    waiting = answer(client, label_id=LOC)
    store.labels.rename("LOC", "tmp")
    store.labels.rename("PER", "LOC")
    store.labels.rename("tmp", "PER")
    assert client.post("/api/answers", json=waiting).status_code == 200
    assert spans(store) == [["PER"]]
    assert client.post("/api/answers", json=waiting).json()["new"] is False


def test_a_label_retired_or_merged_meanwhile_is_told_and_what_is_stored_stays_stored(store: Store) -> None:
    client = page_of(store)
    stored, waiting = answer(client, 1), answer(client, 2)
    client.post("/api/answers", json=stored)
    store.labels.merge("LOC", "PER")
    refused = client.post("/api/answers", json=waiting)
    assert said(refused) == (409, "label")
    assert "label 'LOC' was merged into 'PER' meanwhile" in refused.json()["error"]
    assert client.post("/api/answers", json=stored).json()["new"] is False  # the reply was lost: sent again
    store.labels.add("LOC")
    store.labels.retire("LOC")
    assert "is retired" in client.post("/api/answers", json=waiting).json()["error"]
    store.labels.add("LOC")
    assert client.post("/api/answers", json=waiting).status_code == 200
    assert spans(store, 2) == [["LOC"]]


def test_each_page_goes_on_with_drafts_of_its_own_kind(store: Store) -> None:
    store.reviews.send([(1, "a doubt", 0.5)])
    pages = {
        name: page_of(store, **options)
        for name, options in {
            "anna": {"annotator": "anna"},
            "ben": {"annotator": "ben"},
            "review": {"annotator": "anna", "review": True},
            "blind": {"annotator": "anna", "blind": True},
        }.items()
    }
    for name, page in pages.items():
        assert page.post("/api/drafts", json=draft(page, name)).status_code == 200
    for name, page in pages.items():
        assert page.get("/api/documents/1").json()["draft"] == {"comment": name}
    store.annotations.add(say(1, "anna"))
    kept = {name: page.get("/api/documents/1").json()["draft"] for name, page in pages.items()}
    assert kept == {"anna": None, "blind": None, "ben": {"comment": "ben"}, "review": {"comment": "review"}}


def test_a_draft_that_an_earlier_page_left_does_not_overwrite_a_newer_one(store: Store) -> None:
    client = page_of(store)

    def keep(comment: str, moment: int, **more: Any) -> Any:
        body = {**draft(client, comment), **more}
        body["draft"]["saved_at"] = moment
        return client.post("/api/drafts", json=body)

    assert keep("late", 20).status_code == 200
    assert said(keep("left over", 10, resent=True)) == (409, "older")
    assert client.get("/api/documents/1").json()["draft"]["comment"] == "late"
    assert keep("later", 30, resent=True).status_code == 200
    assert keep("from a slow clock", 5).status_code == 200  # a page that is open goes on
    assert client.get("/api/documents/1").json()["draft"]["comment"] == "from a slow clock"


def test_drafts_that_take_too_much_are_refused_in_a_line(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spanloop.store.tables.drafts.MOST_OF_ONE_PERSON", 1000)
    client = page_of(store, annotator="anna")
    assert client.post("/api/drafts", json=draft(client, "x" * 900)).status_code == 200
    refused = client.post("/api/drafts", json=draft(client, "x" * 900, 2))
    assert said(refused) == (409, "full")
    assert "the unfinished drafts of anna would take" in refused.json()["error"]
    assert store.drafts.get(DraftOf("anna", 1)) is not None
    assert client.post("/api/answers", json=answer(client)).status_code == 200
    assert client.post("/api/drafts", json=draft(client, "x" * 900, 2)).status_code == 200


def test_an_answer_knows_the_labels_that_its_page_had(store: Store) -> None:
    """A page may be older than a label; a span of it shows that it was given all the same."""
    page = page_of(store)
    store.labels.add("ORG")
    for document_id, known in ((1, [PER, LOC]), (2, [PER, LOC, 3])):
        assert page.post("/api/answers", json=answer(page, document_id, labels=known)).status_code == 200
    assert page.post("/api/answers", json=answer(page, 3)).status_code == 200  # another client: all in use
    assert [gold.unknown for gold in store.annotations.gold()] == [("ORG",), (), ()]
    reply = page.post("/api/answers", json=answer(page, 1, 3, labels=[PER, LOC]))
    assert reply.status_code == 200
    assert [gold.unknown for gold in store.annotations.gold()] == [(), (), ()]
