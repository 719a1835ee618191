"""A share of the documents comes without suggestions, whatever asks for it; what people mark there tells
whether suggestions lead them."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.page_client import PageClient, page_of
from support.store_making import add_model, make_store, predict_all, say

from spanloop.recipes.active_learning.bias import LEAST, bias
from spanloop.recipes.cli.main import main
from spanloop.store import Store
from spanloop.store.tables.unaided import is_unaided, note_unaided

DOCUMENTS = 60


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Documents with one suggestion each, four tenths of them served without."""
    with make_store(tmp_path, documents=DOCUMENTS) as store:
        predict_all(store, add_model(store))
        store.set_project(unaided_share=0.4)
        yield store


def answer(client: PageClient, shown: dict[str, Any], spans: list[dict[str, Any]]) -> None:
    body = {
        "uuid": str(uuid.uuid4()),
        "document_id": shown["id"],
        "document_key": shown["key"],
        "answer": "accept",
        "prediction_id": shown["prediction_id"],
        "spans": spans,
    }
    assert client.post("/api/answers", json=body).is_success


def test_no_route_shows_a_suggestion_of_a_document_that_is_served_without(store: Store) -> None:
    client = page_of(store, annotator="anna")
    hidden = {d.id for d in store.documents.iterate() if is_unaided(store, d)}
    assert 0.1 * DOCUMENTS < len(hidden) < 0.75 * DOCUMENTS  # chance, by the project's id
    dealt = client.get("/api/next", params={"client": "tab", "n": 20}).json()["documents"]
    for document_id in range(1, DOCUMENTS + 1):
        one = client.get(f"/api/documents/{document_id}").json()
        assert (one["suggestions"] == [], one["prediction_id"] is None) == (document_id in hidden,) * 2
    assert {d["id"] for d in dealt if not d["suggestions"]} == hidden & {d["id"] for d in dealt}
    taken = client.post("/api/open", json={"client": "tab", "document_id": min(hidden)}).json()
    assert taken["suggestions"] == []
    # a review is to see everything, a yes/no question is about the suggestion itself
    assert (
        page_of(store, annotator="anna", view="binary")
        .get(f"/api/documents/{min(hidden)}")
        .json()["suggestions"]
    )


def test_an_answer_without_suggestions_notes_which_there_was(store: Store) -> None:
    client = page_of(store, annotator="anna")
    dealt = client.get("/api/next", params={"client": "tab", "n": 20}).json()["documents"]
    for shown in dealt:
        answer(client, shown, [{"start": 0, "end": 3, "label_id": 1}])
    noted = dict(store.rows("SELECT a.document_id, u.prediction_id FROM unaided u JOIN annotations a"
                            " ON a.id = u.annotation_id"))  # fmt: skip
    assert noted == {
        d["id"]: store.predictions.get(d["id"]).id  # type: ignore[union-attr]
        for d in dealt
        if d["prediction_id"] is None
    }
    told = bias(store)
    assert told is not None
    assert (told.hidden.documents, told.hidden.marked) == (len(noted), len(noted))
    assert told.difference is None
    assert "too few to say" in told.text()


@pytest.mark.parametrize(("follows", "led"), [(0.95, True), (0.6, False)])
def test_people_who_follow_suggestions_are_told_apart_from_those_who_do_not(
    tmp_path: Path, follows: float, led: bool
) -> None:
    """Unaided, people mark six tenths of what the model suggests."""
    rng = random.Random(2)
    with make_store(tmp_path, documents=8 * LEAST) as store, store.write():
        predict_all(store, add_model(store))
        for document in store.documents.iterate():
            prediction = store.predictions.get(document.id)
            assert prediction is not None
            hidden = document.id % 2 == 1
            marks = rng.random() < (0.6 if hidden else follows)
            said = say(
                document.id, spans="0-3:PER" if marks else "", prediction_id=None if hidden else prediction.id
            )
            added = store.annotations.add(said)
            if hidden:
                note_unaided(store, added.annotation_id, document.id)
        told = bias(store)
    assert told is not None
    assert told.low is not None
    assert (told.low > 0) is led
    assert ("Suggestions lead them: some" in told.text()) is led
    assert told.shown.documents == 4 * LEAST


def test_the_share_is_a_setting_of_the_project_and_off_at_first(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=1) as store:
        assert store.project.unaided_share == 0
        assert not any(is_unaided(store, document) for document in store.documents.iterate())
        assert bias(store) is None
        said = CliRunner().invoke(main, ["correct", str(store.path), "--unaided", "0.6"])
    assert said.exit_code == 2
    assert "0.6 is not in the range" in said.stderr
