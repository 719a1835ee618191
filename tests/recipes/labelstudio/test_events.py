"""What the backend is told: annotations become gold as they stand now, nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest
from support.labelstudio_making import (
    ANN,
    CONFIG,
    EMPTY,
    PROJECT,
    Bench,
    answered,
    deleted,
    gold,
    region,
    task,
    tell,
)

from spanloop.recipes.labelstudio.events import work_off
from spanloop.store import Store


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


def test_an_annotation_knows_the_labels_that_label_studio_offers(one: Bench) -> None:
    one.store.labels.add("ORG")  # here, and not there
    tell(one, answered(7, ANN, region(2, 5)), answered(8, EMPTY))
    assert [found.unknown for found in one.store.annotations.gold()] == [("ORG",), ("ORG",)]
    tell(one, answered(9, ANN, region(10, 13), at=1), deleted(9))  # what counts again knows what it knew
    assert [found.unknown for found in one.store.annotations.gold()] == [("ORG",), ("ORG",)]


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


def test_blanks_at_the_edge_of_a_region_are_cut_off_and_told(one: Bench) -> None:
    """Gold with a blank at its edge could never be matched by a prediction."""
    tell(one, answered(7, ANN, region(1, 6), region(5, 6)))
    assert gold(one.store) == {ANN["data"]["text"]: [(2, 5, "PER")]}
    told = {
        (e.start, e.end, e.action, e.reason, e.placed_start, e.placed_end) for e in one.store.ledger.all()
    }
    assert told == {
        (1, 6, "snapped", "blanks at its edge", 2, 5),
        (5, 6, "dropped", "nothing but blanks", None, None),
    }


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
