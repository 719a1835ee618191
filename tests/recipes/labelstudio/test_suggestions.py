"""What the backend suggests: right places, right order, nothing trusted that comes along."""

from __future__ import annotations

import pytest
from support.labelstudio_making import (
    ANN,
    CONFIG,
    EMPTY,
    Bench,
    answered,
    asked,
    places,
    region,
    setup,
    task,
)


def test_every_task_gets_its_own_answer_whatever_the_batch(one: Bench) -> None:
    tasks = [ANN, EMPTY, task(3, "Ann"), task(4, "Rome, Rome"), task(5, "Ann")]
    made = one.post("/predict", asked(*tasks)).json()
    assert made == {"results": [[]] * 5, "model_version": "spanloop-untrained"}
    one.predict_names(one.promote_round())
    together = one.post("/predict", asked(*tasks)).json()
    assert [places(found) for found in together["results"]] == [
        [(2, 5, "PER"), (10, 13, "PER"), (18, 22, "LOC")],
        [],
        [(0, 3, "PER")],
        [(0, 4, "LOC"), (6, 10, "LOC")],
        [(0, 3, "PER")],
    ]
    alone = [one.post("/predict", asked(each)).json()["results"][0] for each in reversed(tasks)]
    assert alone[::-1] == together["results"]
    assert one.store.documents.count() == 5


def test_a_prediction_says_how_sure_it_is_and_which_model_it_is(one: Bench) -> None:
    one.post("/predict", asked(ANN))
    one.predict_names(one.promote_round())
    made = one.post("/predict", asked(ANN)).json()
    (found,) = made["results"]
    assert found["score"] == pytest.approx(0.606531)  # exp(-0.5): the mean probability of a token
    assert [r["score"] for r in found["result"]] == [0.75] * 3
    assert found["model_version"] == made["model_version"]
    assert found["result"][0]["value"]["text"] == "Ann"
    model_id = one.store.models.all()[-1].id
    one.store.acquisition.add(model_id, "expected_spans", [(n, 3.0) for n in one.store.documents.ids()])
    one.store.queue.prioritise("expected_spans", model_id)
    assert (
        one.post("/predict", asked(ANN)).json()["results"][0]["score"] == 0.25
    )  # 1 / (1 + 3): low is asked first


def test_the_promoted_round_changes_the_version_everywhere_at_once(one: Bench) -> None:
    one.post("/predict", asked(ANN))
    seen = []
    for _ in range(2):
        one.predict_names(one.promote_round())
        versions = {
            one.post("/setup", setup()).json()["model_version"],
            one.post("/predict", asked(ANN)).json()["results"][0]["model_version"],
            one.client.get("/versions").json()["versions"][0],
        }
        assert len(versions) == 1
        seen += versions
    assert len(set(seen)) == 2
    assert set(one.client.get("/versions").json()["versions"]) == set(seen)
    one.store.rounds.rollback()
    assert one.post("/setup", setup()).json()["model_version"] == seen[0]


def test_a_task_without_a_usable_text_keeps_its_place(one: Bench) -> None:
    odd = [task(1, "Ann"), task(2, "  "), {"id": 3, "data": {}}, task(4, "a\0b"), 5, task(6, "Rome")]
    one.post("/predict", asked(*odd))
    one.predict_names(one.promote_round())
    results = one.post("/predict", asked(*odd)).json()["results"]
    assert [places(found) for found in results] == [[(0, 3, "PER")], [], [], [], [], [(0, 4, "LOC")]]
    assert [found["score"] for found in results[1:5]] == [0.0] * 4
    assert any("task 4: it has a NUL" in line for line in one.said)


def test_what_stands_in_a_task_is_never_taken_for_ours(one: Bench) -> None:
    """Predictions, annotations and a context that come along are neither trusted nor given back."""
    wild = {**task(1, "Ann"), "predictions": [{"result": [region(0, 99, "NOPE")]}]}
    body = {**asked(wild), "params": {"context": {"result": [region(-4, 999, "PER")]}}}
    one.post("/predict", body)
    one.predict_names(one.promote_round())
    assert places(one.post("/predict", body).json()["results"][0]) == [(0, 3, "PER")]
    assert one.store.annotations.count() == 0


def test_a_text_that_is_edited_there_is_another_document(one: Bench) -> None:
    one.post("/predict", asked(task(1, "Ann")))
    one.post("/predict", asked(task(1, "Ann in Rome")))
    one.predict_names(one.promote_round())
    assert places(one.post("/predict", asked(task(1, "Ann in Rome"))).json()["results"][0]) == [
        (0, 3, "PER"),
        (7, 11, "LOC"),
    ]
    assert sorted(document.text for document in one.store.documents.iterate()) == ["Ann", "Ann in Rome"]


def test_two_tasks_with_one_id_and_two_texts_are_two_documents(one: Bench) -> None:
    """Somebody copied a task there and edited the copy."""
    both = [
        task(1, "Ann", spanloop_id="d"),
        task(2, "Rome", spanloop_id="d"),
        task(3, "Ann", spanloop_id="d"),
    ]
    one.post("/predict", asked(*both))
    one.predict_names(one.promote_round())
    found = one.post("/predict", asked(*both)).json()["results"]
    assert [places(each) for each in found] == [[(0, 3, "PER")], [(0, 4, "LOC")], [(0, 3, "PER")]]
    first, second = one.store.documents.iterate()
    assert (first.key, first.group) == ("d", second.group)


def test_labels_that_cannot_be_chosen_there_are_not_sent(one: Bench) -> None:
    only = {**asked(ANN), "label_config": CONFIG.replace('<Label value="LOC"/>', "")}
    one.post("/predict", only)
    one.predict_names(one.promote_round())
    assert {place[2] for place in places(one.post("/predict", only).json()["results"][0])} == {"PER"}


def test_labels_unknown_here_are_reported(one: Bench) -> None:
    config = CONFIG.replace("LOC", "CITY")
    made = one.post("/setup", {**setup(), "schema": config}).json()
    assert made["unknown_labels"] == ["CITY"]
    assert any("CITY" in line and "spanloop labels" in line for line in one.said)
    refused = one.post("/setup", {**setup(), "schema": config.replace("PER", "X")})
    assert (refused.status_code, "none in common" in refused.json()["error"]) == (400, True)


def test_a_model_that_cannot_be_loaded_stops_suggestions_only(one: Bench) -> None:
    one.promote_round()  # its folder does not exist
    try:
        refused = one.post("/predict", asked(ANN))
        assert refused.status_code == 503
        assert "0001" in refused.json()["error"]
        assert one.client.get("/health").json()["status"] == "UP"
        assert one.post("/setup", setup()).status_code == 200
        assert one.post("/webhook", answered(7, ANN)).status_code == 200
    finally:
        one.backend.predictor.close()  # type: ignore[attr-defined]
