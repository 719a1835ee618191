"""The backend, call by call: right places, right order, nothing trusted, nothing lost, nothing told on."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.labelstudio_making import (
    CONFIG,
    PROJECT,
    SECRETS,
    Bench,
    answered,
    asked,
    bench,
    deleted,
    places,
    recorded,
    region,
    served,
    setup,
    task,
    waited,
)

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.labelstudio.events import work_off
from spanloop.recipes.labelstudio.layout import read_layout, write_layout
from spanloop.recipes.labelstudio.serve import PASSWORD, serve
from spanloop.store import Store
from spanloop.store.records import Label

ANN = task(1, "😀 Ann met Ann\r\nin Rome")  # Ann 2-5 and 10-13, Rome 18-22
EMPTY = task(2, "nobody")


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


def tell(made: Bench, *events: dict[str, Any]) -> list[str]:
    """Send webhooks, work them off, and give what was said of them."""
    for event in events:
        assert made.post("/webhook", event).status_code == 200
    began = len(made.said)
    work_off(made.store, train=lambda: "training", say=made.said.append)
    return made.said[began:]


def gold(store: Store) -> dict[str, list[tuple[int, int, str]]]:
    return {
        found.document.text: [(s.start, s.end, s.label) for s in found.spans]
        for found in store.annotations.gold()
    }


# Suggestions


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


# What is told


def test_annotations_are_gold_as_they_stand_now(one: Bench) -> None:
    first = answered(7, ANN, region(2, 5, text="Ann"))
    tell(one, first)
    assert gold(one.store) == {ANN["data"]["text"]: [(2, 5, "PER")]}
    tell(one, answered(7, ANN, region(2, 5, text="Ann"), region(18, 22, "LOC", text="Rome"), at=1))
    assert gold(one.store) == {ANN["data"]["text"]: [(2, 5, "PER"), (18, 22, "LOC")]}
    newest = one.store.annotations.history(1)[-1]
    assert (newest.annotator, newest.seconds, newest.origin) == ("labelstudio-1", 4.5, "human")


def test_the_same_event_twice_and_an_old_one_late_change_nothing(one: Bench) -> None:
    old, new = answered(7, ANN, region(2, 5)), answered(7, ANN, region(10, 13), at=9)
    tell(one, old, new, new, old)
    assert gold(one.store) == {ANN["data"]["text"]: [(10, 13, "PER")]}
    assert one.store.annotations.count() == 2


def test_a_state_that_comes_back_counts_again(one: Bench) -> None:
    tell(one, answered(7, ANN, region(2, 5)), answered(7, ANN, at=1), answered(7, ANN, region(2, 5), at=2))
    assert gold(one.store) == {ANN["data"]["text"]: [(2, 5, "PER")]}
    assert one.store.annotations.count() == 3


def test_d6_a_skip_is_kept_as_a_skip(one: Bench) -> None:
    tell(one, answered(7, ANN, was_cancelled=True), answered(8, EMPTY))
    assert gold(one.store) == {"nobody": []}
    assert one.store.annotations.history(1)[0].answer == "ignore"


def test_what_is_deleted_there_is_no_gold_here_and_still_stored(one: Bench) -> None:
    tell(one, answered(7, ANN, region(2, 5)), deleted(7, 99))
    assert gold(one.store) == {}
    assert [a.answer for a in one.store.annotations.history(1)] == ["accept", "ignore"]
    tell(one, answered(7, ANN, region(2, 5), at=3))  # told late: it is deleted all the same
    assert gold(one.store) == {}


def test_behind_a_deleted_annotation_the_person_s_other_one_counts(one: Bench) -> None:
    tell(one, answered(7, ANN, region(2, 5)), answered(8, ANN, region(10, 13), at=1), deleted(8))
    assert gold(one.store) == {ANN["data"]["text"]: [(2, 5, "PER")]}


def test_people_who_disagree_are_a_conflict(one: Bench) -> None:
    tell(one, answered(7, ANN, region(2, 5)), answered(8, ANN, completed_by=2))
    assert gold(one.store) == {}
    assert one.store.queue.counts()["conflict"] == 1
    tell(one, answered(9, ANN, region(10, 13), ground_truth=True, completed_by=3))
    assert gold(one.store) == {ANN["data"]["text"]: [(10, 13, "PER")]}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (region(900, 1000, text="zzz"), "its offsets lie outside the text"),
        (region(2, 5, text="Bob"), "its text is not at its offsets"),
        (region(2, 5, "NOPE", text="Ann"), "label not in project"),
        (region(0, 4), "overlap"),
    ],
)
def test_a_region_that_cannot_be_kept_is_in_the_ledger_and_withdraws_the_gold(
    one: Bench, bad: dict[str, Any], reason: str
) -> None:
    tell(one, answered(7, ANN, region(2, 5, text="Ann")))
    tell(one, answered(7, ANN, region(2, 5, text="Ann"), bad, at=1))
    assert gold(one.store) == {}
    assert reason in {event.reason for event in one.store.ledger.all()}
    assert "see the ledger" in one.store.annotations.history(1)[-1].comment


def test_d14_units_of_utf16_are_noticed_and_told(one: Bench) -> None:
    tell(one, answered(7, ANN, region(3, 6, text="Ann")))
    assert gold(one.store) == {ANN["data"]["text"]: [(2, 5, "PER")]}
    (event,) = one.store.ledger.all()
    assert (event.start, event.placed_start, event.action) == (3, 2, "snapped")


def test_what_the_model_said_and_a_person_took_is_told_apart(one: Bench) -> None:
    taken = {**region(2, 5), "origin": "prediction"}
    changed = {**region(10, 14), "origin": "prediction-changed"}
    tell(one, answered(7, ANN, taken, changed, region(18, 22, "LOC")))
    spans = one.store.annotations.history(1)[0].spans
    assert [span.action for span in spans] == ["taken", "changed", "added"]


def test_new_tasks_and_a_changed_project_are_noted(one: Bench) -> None:
    new = {"action": "TASKS_CREATED", "tasks": [ANN, EMPTY, task(3, "")], "project": PROJECT}
    changed = {
        "action": "PROJECT_UPDATED",
        "project": {**PROJECT, "label_config": CONFIG.replace("LOC", "X")},
    }
    said = tell(one, new, changed, {"action": "START_TRAINING", "project": PROJECT})
    assert one.store.documents.count() == 2
    assert "2 new documents; task 3: its text is empty" in said[0]
    assert "labels there that are not in this project: X" in said[1]
    assert said[2].endswith("START_TRAINING: training")


def test_an_event_that_cannot_be_worked_on_is_kept_and_stops_nobody(one: Bench) -> None:
    broken = [
        answered(7, ANN, "no region"),
        {**answered(7, ANN), "annotation": [3]},
        {**answered(7, ANN), "task": 5},
        {"action": "TASKS_CREATED", "tasks": 5, "project": PROJECT},
        {"action": "ANNOTATIONS_DELETED", "annotations": [5], "project": PROJECT},
    ]
    said = tell(one, *broken, answered(8, EMPTY))
    assert sum("could not be worked on" in line for line in said) == len(broken)
    assert "must be a list of regions" in (one.store.inbox.failed()[0].error or "")
    assert gold(one.store) == {"nobody": []}


def test_events_wait_in_the_store_until_somebody_works_on_them(one: Bench) -> None:
    one.post("/webhook", answered(7, ANN, region(2, 5)))
    with Store.open(one.store.path) as later:  # as after a crash
        assert later.inbox.waiting() == 1
        work_off(later, train=lambda: "", say=one.said.append)
        assert (later.inbox.waiting(), gold(later)) == (0, {ANN["data"]["text"]: [(2, 5, "PER")]})


def test_what_is_no_event_is_refused_and_what_is_of_no_use_is_not_kept(one: Bench) -> None:
    assert one.post("/webhook", {"action": "ANNOTATION_CREATED"}).status_code == 400
    assert one.post("/webhook", {"action": 3, "project": PROJECT}).status_code == 400
    assert one.post("/webhook", {"action": "LABEL_LINK_CREATED", "project": PROJECT}).status_code == 200
    assert one.store.inbox.waiting() == 0


# Who may come in


def test_with_a_password_nobody_else_comes_in(tmp_path: Path) -> None:
    with bench(tmp_path, credentials=("ls", "long-enough")) as made:
        for path, body in (("/setup", setup()), ("/predict", asked()), ("/webhook", deleted(1))):
            assert made.post(path, body).status_code == 401
            assert made.post(path, body, auth=("ls", "wrong")).status_code == 401
            assert made.post(path, body, auth=("ls", "long-enough")).status_code == 200
        garbage = {"authorization": "Basic ==="}
        assert made.client.get("/health", headers=garbage).status_code == 401
        header = "basic " + base64.b64encode(b"ls:long-enough").decode()
        assert made.client.get("/health", headers={"authorization": header}).status_code == 200


def test_d13_beyond_this_machine_a_password_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD, "short")
    with pytest.raises(RecipeError, match="--basic-auth-user NAME"):
        serve(tmp_path / "p.db", host="0.0.0.0")
    with pytest.raises(RecipeError, match="8 characters or more"):
        serve(tmp_path / "p.db", user="ls")


def test_web_pages_of_other_sites_are_turned_away(one: Bench) -> None:
    assert one.post("/setup", setup(), headers={"origin": "http://evil.example"}).status_code == 403
    plain = one.client.post("/webhook", content="{}", headers={"content-type": "text/plain"})
    assert plain.status_code == 415
    assert (
        one.client.post("/setup", content="{", headers={"content-type": "application/json"}).status_code
        == 400
    )
    assert one.post("/setup", [1]).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"tasks": 3},
        {"tasks": [], "label_config": "<View"},
        {"tasks": [], "label_config": CONFIG, "project": "../1"},
        {"tasks": [], "label_config": CONFIG, "project": None},
    ],
)
def test_a_call_that_is_none_is_refused_with_a_reason(one: Bench, body: dict[str, Any]) -> None:
    refused = one.post("/predict", body)
    assert (refused.status_code, bool(refused.json()["error"])) == (400, True)


def test_no_secret_is_stored_or_said(one: Bench) -> None:
    one.post("/setup", setup())
    one.post("/webhook", answered(7, ANN, "broken"))
    one.post("/webhook", {"action": "START_TRAINING", "project": PROJECT})
    tell(one, answered(8, ANN))
    dump = "\n".join(one.store.db.conn.iterdump()) + "\n".join(one.said)
    assert "broken" in dump
    assert not [secret for secret in SECRETS if secret in dump]


# The labelling configuration


@pytest.mark.parametrize(
    "evil",
    [
        '<!DOCTYPE v [<!ENTITY a "b">]><View>&a;</View>',
        '<!DOCTYPE v SYSTEM "http://127.0.0.1/x.dtd"><View/>',
        '<!DOCTYPE v [<!ENTITY x SYSTEM "file:///etc/passwd">]><View>&x;</View>',
    ],
)
def test_a_configuration_with_a_doctype_is_refused(evil: str) -> None:
    with pytest.raises(RecipeError, match="DOCTYPE or entities"):
        read_layout(evil)


@pytest.mark.parametrize(
    "poor",
    [
        "<View>",
        "<View/>",
        None,
        "x" * 2_000_000,
        CONFIG.replace("$text", "http://x"),
        CONFIG.replace("<Text", "<HyperText"),
        CONFIG.replace('value="$text"', 'value="$url" valueType="url"'),
    ],
)
def test_a_configuration_without_labels_over_text_is_refused(poor: Any) -> None:
    with pytest.raises(RecipeError, match="labelling configuration"):
        read_layout(poor)


def test_labels_and_text_are_found_by_name() -> None:
    several = (
        '<View><Labels name="mood" toName="a"><Label value="good"/></Labels>'
        '<Labels name="ner" toName="b"><Label value="Person" alias="PER"/><Label value="LOC"/></Labels>'
        '<Text name="a" value="$title"/><Text name="b" value="$body"/></View>'
    )
    found = read_layout(several, ["PER", "LOC"])
    assert (found.from_name, found.to_name, found.field, found.labels) == ("ner", "b", "body", ("PER", "LOC"))
    asked_for = read_layout(CONFIG.replace("<Labels", '<Labels value="$labels"'), ["PER"])
    assert (asked_for.labels, asked_for.offered(["PER"])) == (None, ("PER",))


@given(
    st.lists(
        st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=8),
        min_size=1,
        unique=True,
    )
)
def test_a_configuration_that_we_wrote_has_our_labels(names: list[str]) -> None:
    found = read_layout(write_layout([Label(name, colour="#ff0000") for name in names]))
    assert (found.labels, found.field) == (tuple(names), "text")


# As a process


def test_the_server_loads_neither_spacy_nor_torch() -> None:
    script = (
        "import sys, spanloop.recipes.labelstudio.serve\n"
        "assert not {'spacy', 'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


PATTERNS = '{"label": "PER", "pattern": "Ada Lovelace"}\n{"label": "LOC", "pattern": "London"}\n'


@pytest.fixture(scope="module")
def patterns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A backend in a process of its own that knows Ada Lovelace and London."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "patterns.jsonl").write_text(PATTERNS, encoding="utf-8")
    Store.create(folder / "p.db", labels=["PER", "LOC"], base_model="offline", eval_fraction=0.0).close()
    with served(folder / "p.db", "--patterns", str(folder / "patterns.jsonl")) as (client, log):
        yield client, log, folder / "p.db"


def test_d1_d2_names_far_apart_stay_two_spans(patterns: Any) -> None:
    client, _, _ = patterns
    text = "Ada Lovelace went to the market in spring and later Ada Lovelace met London"
    (found,) = client.post("/predict", json=asked(task(101, text))).json()["results"]
    assert places(found) == [(0, 12, "PER"), (52, 64, "PER"), (69, 75, "LOC")]


def test_d13_a_long_document_is_read_to_its_end(patterns: Any) -> None:
    client, _, _ = patterns
    text = "😀 nobody was there.\r\n" * 2_000 + "Ada Lovelace"
    (found,) = client.post("/predict", json=asked(task(102, text))).json()["results"]
    assert places(found) == [(len(text) - 12, len(text), "PER")]


@pytest.mark.data
def test_the_recorded_calls_of_label_studio_are_answered(patterns: Any, data: Path) -> None:
    client, log, db = patterns
    versions = set()
    for call in recorded(data):
        answer = client.request(call["method"], call["path"], json=call["body"])
        assert answer.status_code == 200, (call["trigger"], answer.text)
        made = answer.json()
        versions.add(made.get("model_version", ""))
        if call["path"] == "/predict":
            texts = [each["data"]["text"] for each in call["body"]["tasks"]]
            assert len(made["results"]) == len(texts)
            for text, found in zip(texts, made["results"], strict=True):
                wanted = [(text.find("Ada Lovelace"), "PER"), (text.find("London"), "LOC")]
                assert [(start, label) for start, _, label in places(found)] == [
                    (at, label) for at, label in wanted if at >= 0
                ]
    assert len(versions - {""}) == 1
    with Store.open(db) as store:
        waited(lambda: not store.inbox.waiting())
        assert store.inbox.failed() == []
        told = {document.key: document for document in store.documents.iterate()}
        emoji = told["labelstudio-1-49"]
        assert [a.answer for a in store.annotations.history(emoji.id or 0)] == ["accept", "accept", "ignore"]
        skipped = told["labelstudio-1-5"]
        assert [a.answer for a in store.annotations.history(skipped.id or 0)] == ["ignore"]
        assert {"label not in project", "its offsets lie outside the text"} <= set(
            store.ledger.counts()["by_reason"]
        )
        kept = "\n".join(store.db.conn.iterdump()) + log.read_text()
    waited(lambda: "no round" in log.read_text())  # Start Training ran, and there is no eval gold
    secrets = [call["body"].get("access_token") for call in recorded(data) if call["path"] == "/setup"]
    secrets += [c["body"]["project"]["token"] for c in recorded(data) if c["path"] == "/webhook"]
    assert not [secret for secret in set(secrets) if secret in kept]
