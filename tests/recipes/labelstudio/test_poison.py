"""Poisoned messages: what a body can make fail is kept with the reason, and nothing else is touched by it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.labelstudio_making import (
    CONFIG,
    PROJECT,
    Bench,
    answered,
    asked,
    bench,
    deleted,
    region,
    served,
    setup,
    task,
)
from support.processes import wait_for

from spanloop.recipes.labelstudio.events import work_off
from spanloop.recipes.labelstudio.worker import Worker
from spanloop.store import Store, StoreUnavailable

ANN = task(1, "Ann in Rome")
HUGE = 10**30


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def gold(store: Store) -> list[str]:
    return [found.document.text for found in store.annotations.gold()]


def poisons() -> list[dict[str, Any]]:
    """Events that are none, each in a way of its own."""
    return [
        answered(HUGE, ANN, region(0, 3)),
        answered(7, {**ANN, "id": HUGE}, region(0, 3)),
        answered(7, ANN, region(0, HUGE)),
        answered(7, ANN, nested(900)),
        answered(7, task(1, "Ann\0"), region(0, 3)),
        answered(7, task(1, "Ann \ud800"), region(0, 3)),
        answered(7, task(1, "Ann", meta="\udfff"), region(0, 3)),
        answered(7, task(1, "Ann", deep=nested(500)), region(0, 3)),
        answered(7, task(1, "Ann", nan=float("nan")), region(0, 3)),
        answered(7, ANN, region(0, 3, "\ud800")),
        answered(7, ANN, region(0, 3), result=None) | {"task": {"id": 1}},
        {"action": "ANNOTATION_CREATED", "project": {"id": 1}},
        {"action": "ANNOTATION_CREATED", "project": PROJECT, "annotation": {"id": 7}, "task": ANN},
        {"action": "TASKS_CREATED", "project": PROJECT, "tasks": {"id": 5}},
        {"action": "TASKS_CREATED", "project": PROJECT, "tasks": [[task(5, "x")], task(HUGE, "y")]},
        {"action": "PROJECT_UPDATED", "project": {"id": 1, "label_config": {"a": 1}}},
        {"action": "ANNOTATIONS_DELETED", "project": PROJECT, "annotations": 5},
        deleted(HUGE),
    ]


def send(made: Bench, event: Any) -> None:
    """As JSON that Python's own reader takes, NaN and halves of surrogate pairs with it."""
    kind = {"content-type": "application/json"}
    assert made.client.post("/webhook", content=json.dumps(event), headers=kind).status_code == 200


@pytest.mark.parametrize("event", poisons(), ids=range(len(poisons())))
def test_a_poisoned_event_is_kept_with_the_reason_and_stops_no_other(
    one: Bench, event: dict[str, Any]
) -> None:
    send(one, event)
    send(one, answered(8, task(2, "Bob")))
    work_off(one.store, train=lambda: "", say=one.said.append)
    (kept,) = one.store.inbox.failed()
    assert kept.error
    assert kept.error.isprintable()
    assert "Bob" in gold(one.store)
    assert one.store.inbox.waiting() == 0


def test_an_event_nested_too_deeply_to_be_written_keeps_its_numbers(one: Bench) -> None:
    """Python reads deeper JSON than it writes, and here it stands deeper in the stack when it writes."""
    event = {**answered(7, ANN), "annotation": {"id": 7, "result": nested(100_000)}}
    assert one.backend.webhook(event) == {"status": "kept"}
    (kept,) = one.store.inbox.failed()
    assert (kept.body["annotation"], "pull" in (kept.error or "")) == ({"id": 7}, True)


def test_a_number_beyond_what_python_reads_is_kept_by_its_digits(one: Bench) -> None:
    body = json.dumps(answered(7, task(1, "Ann", count=0), region(0, 3))).replace(
        '"count": 0', f'"count": {"9" * 5000}'
    )
    kind = {"content-type": "application/json"}
    assert one.client.post("/webhook", content=body, headers=kind).status_code == 200
    work_off(one.store, train=lambda: "", say=one.said.append)
    (found,) = one.store.annotations.gold()
    assert found.document.meta["count"] == "9" * 5000


def test_the_good_part_of_an_event_is_worked_on(one: Bench) -> None:
    send(one, answered(7, ANN, region(0, 3)))
    send(one, {**deleted(7), "annotations": [{"id": HUGE}, {"id": 7}]})
    send(one, {"action": "TASKS_CREATED", "tasks": [task(3, "a\0"), task(4, "Bob")], "project": PROJECT})
    work_off(one.store, train=lambda: "", say=one.said.append)
    assert gold(one.store) == []
    assert [document.text for document in one.store.documents.iterate()] == ["Ann in Rome", "Bob"]
    errors = [event.error or "" for event in one.store.inbox.failed()]
    assert [error.split(":")[0] for error in errors] == [
        f"an annotation has the number {HUGE}; a whole number is expected",
        "task 3",
    ]


def test_a_backend_goes_on_behind_a_poisoned_event_and_says_so(tmp_path: Path) -> None:
    """The process of the issue: 18 events behind one with the id 10**30, and a start on the same file."""
    db = tmp_path / "p.db"
    Store.create(db, labels=["PER", "LOC"], base_model="offline", eval_fraction=0.0).close()
    with served(db) as (client, _):
        client.post("/webhook", json=answered(HUGE, ANN, region(0, 3)))
        for number in range(18):
            client.post("/webhook", json=answered(number + 1, task(number + 1, f"Ann {number}")))
        with Store.open(db) as store:
            wait_for(lambda: not store.inbox.waiting())
            assert len(gold(store)) == 18
        health = client.get("/health")
        assert (health.status_code, health.json()["inbox"]) == (200, {"waiting": 0, "failed": 1})
    with served(db) as (client, _):
        client.post("/webhook", json=answered(99, task(99, "after")))
        with Store.open(db) as store:
            wait_for(lambda: "after" in gold(store))


# The other calls

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(HUGE) | st.floats() | st.text(max_size=5)
    | st.sampled_from(["\0", "\ud800", "1", "x" * 20, CONFIG, "<View>"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["id", "data", "text", "result", "value", "start", "end", "labels", "spanloop_id"]),
        inner,
        max_size=3,
    ),
    max_leaves=8,
)  # fmt: skip


@st.composite
def bodies(draw: st.DrawFn) -> tuple[str, Any]:
    """A call as it should be with one to three fields, at any depth, replaced by anything."""
    path, body = draw(
        st.sampled_from(
            [
                ("/setup", setup()),
                ("/predict", asked(ANN, task(2, "Bob"))),
                ("/webhook", answered(7, ANN, region(0, 3))),
                ("/webhook", {"action": "TASKS_CREATED", "tasks": [ANN], "project": PROJECT}),
                ("/webhook", {"action": "PROJECT_UPDATED", "project": PROJECT}),
                ("/webhook", deleted(7, 8)),
            ]
        )
    )
    changed = json.loads(json.dumps(body))
    for _ in range(draw(st.integers(1, 3))):
        place = changed
        while True:
            names = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not names:
                break
            name = draw(st.sampled_from(names))
            if not isinstance(place[name], (dict, list)) or draw(st.booleans()):
                place[name] = draw(JSON)
                break
            place = place[name]
    return path, changed


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(bodies())
def test_no_call_makes_a_traceback_and_no_event_stops_the_inbox(one: Bench, call: tuple[str, Any]) -> None:
    path, body = call
    kind = {"content-type": "application/json"}
    answer = one.client.post(path, content=json.dumps(body), headers=kind)  # a traceback would be raised here
    assert answer.status_code in (200, 400), answer.text
    assert answer.status_code == 200 or answer.json()["error"].isprintable()
    work_off(one.store, train=lambda: "", say=one.said.append)
    assert one.store.inbox.waiting() == 0


def test_a_refused_webhook_is_told_to_people(one: Bench) -> None:
    kind = {"content-type": "application/json"}
    for body in ("{", "[" * 100_000, '{"action": "ANNOTATION_CREATED"}'):
        assert one.client.post("/webhook", content=body, headers=kind).status_code == 400
    assert len([line for line in one.said if "a webhook was refused" in line and "pull" in line]) == 3


# The worker


class Ends(Exception):
    """What nobody foresaw."""


def start_training() -> dict[str, Any]:
    return {"action": "START_TRAINING", "project": PROJECT}


def test_a_worker_that_ends_for_an_unknown_reason_tries_again_and_then_sets_the_event_aside(
    one: Bench,
) -> None:
    send(one, start_training())
    send(one, answered(7, ANN))
    seen: list[str] = []

    def train() -> str:
        seen.append(worker.trouble())
        raise Ends("of its own")

    worker = Worker(one.store, train, one.said.append, pause=0.01)
    try:
        worker.wake()
        wait_for(lambda: not one.store.inbox.waiting())
        wait_for(lambda: not worker.trouble())
    finally:
        worker.close()
    assert ["Ends: of its own" in trouble for trouble in seen] == [False, True, True]
    assert [event.error for event in one.store.inbox.failed()] == ["Ends: of its own"]
    assert gold(one.store) == ["Ann in Rome"]
    pauses = [line.rsplit(" ", 2)[-2] for line in one.said if "the next try is in" in line]
    assert len(pauses) == 3


def test_a_file_that_cannot_be_written_is_tried_again_and_no_event_is_blamed(one: Bench) -> None:
    send(one, start_training())
    opened = threading.Event()

    def train() -> str:
        if opened.is_set():
            return "training"
        raise StoreUnavailable("the disk is full")

    worker = Worker(one.store, train, one.said.append, pause=0.01)
    one.backend.trouble = worker.trouble
    try:
        worker.wake()
        wait_for(lambda: "5 tries have failed" in worker.trouble())
        down = one.client.get("/health")
        assert (down.status_code, down.json()["status"]) == (503, "DOWN")
        assert "the disk is full" in down.json()["trouble"]
        assert down.json()["inbox"] == {"waiting": 1, "failed": 0}
        opened.set()
        wait_for(lambda: not one.store.inbox.waiting())
        wait_for(lambda: not worker.trouble())
        assert one.client.get("/health").json()["status"] == "UP"
    finally:
        worker.close()
    one.backend.trouble = worker.trouble
    assert "has ended" in one.client.get("/health").json()["trouble"]


def test_an_event_that_never_ends_is_shown(one: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spanloop.recipes.labelstudio.worker.STUCK_SECONDS", 0.0)
    send(one, start_training())
    end, began = threading.Event(), threading.Event()

    def train() -> str:
        began.set()
        end.wait(60)
        return ""

    worker = Worker(one.store, train, one.said.append)
    try:
        worker.wake()
        assert began.wait(60)
        assert "has been under way" in worker.trouble()
    finally:
        end.set()
        worker.close()
