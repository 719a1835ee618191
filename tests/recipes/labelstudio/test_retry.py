"""Events that failed: seen in the status, tried again, forgotten when a person says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.commands import done, run
from support.labelstudio_making import CONFIG, Bench, answered, bench, deleted, region, task

from spanloop.recipes.labelstudio.events import work_off

BROKEN = {"id": 1, "label_config": "<View>"}


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Path]:
    """A store with two failed events, one of which can be mended, and one that waits."""
    with bench(tmp_path) as made:
        fail(made, {**answered(7, task(1, "Ann in Rome"), region(0, 3)), "project": BROKEN}, deleted(10**30))
        made.post("/webhook", answered(8, task(2, "Bob")))
        yield made.store.path


def fail(made: Bench, *events: dict[str, Any]) -> None:
    for event in events:
        assert made.post("/webhook", event).status_code == 200
    work_off(made.store, train=lambda: "", say=made.said.append)
    assert len(made.store.inbox.failed()) == len(events)


def mend(db: Path) -> None:
    """What made the first event fail is put right: as a newer spanloop that reads what this one does not."""
    from spanloop.store import Store

    with Store.open(db) as store, store.write():
        store.run(
            "UPDATE inbox SET body = json_set(body, '$.project.label_config', ?) WHERE id = 1", (CONFIG,)
        )


def test_the_status_shows_what_waits_and_what_failed(db: Path) -> None:
    told = done("status", db, "--json")
    assert told["inbox"]["waiting"] == 1
    assert [(event["id"], event["action"]) for event in told["inbox"]["failed"]] == [
        (1, "ANNOTATION_CREATED"),
        (2, "ANNOTATIONS_DELETED"),
    ]
    text = done("status", db)
    assert f"2 events of Label Studio could not be worked on: spanloop labelstudio retry {db}" in text
    assert "ANNOTATION_CREATED: the labelling configuration is no XML" in text
    assert f"1 event of Label Studio not worked on yet: spanloop backend {db}" in text


def test_a_retry_says_how_many_worked_and_which_did_not(db: Path) -> None:
    mend(db)
    tried = run("labelstudio", "retry", db)
    assert tried.exit_code == 1
    assert "1 event worked, 1 failed again" in tried.stdout
    assert "task 1, annotation 7: new" in tried.stdout
    assert "ANNOTATIONS_DELETED: an annotation has the number 1000" in tried.stdout
    told = done("status", db, "--json")
    assert told["documents"]["pool"]["gold"] + told["documents"]["eval"]["gold"] == 1
    assert len(told["inbox"]["failed"]) == 1


def test_what_is_dropped_is_tried_and_shown_first(db: Path) -> None:
    mend(db)
    told = done("labelstudio", "retry", db, "--drop", "--json")
    assert (len(told["worked"]), [event["id"] for event in told["failed"]]) == (1, [2])
    assert told["failed"][0]["error"]
    left = done("status", db, "--json")["inbox"]
    assert left == {"waiting": 1, "failed": []}
    assert done("labelstudio", "retry", db) == f"{db}: no event has failed\n"


def test_a_round_is_not_trained_by_a_retry(tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        made.store.inbox.add("labelstudio/1", "START_TRAINING", {"project": {"id": 1}}, "no room")
        assert "spanloop retrain" in run("labelstudio", "retry", made.store.path).stdout
