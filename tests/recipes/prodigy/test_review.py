"""``spanloop.review``: what people differ about, and what was sent to review, is settled there."""

from __future__ import annotations

from pathlib import Path

from support.prodigy_making import (
    PLACE,
    counts,
    host,
    project,
)
from support.store_making import say

from spanloop.store import Store
from spanloop.store.records import Span


def test_two_people_who_differ_are_a_conflict_that_review_settles(tmp_path: Path) -> None:
    db = project(tmp_path, 1)
    with Store.open(db) as store:
        store.set_project(overlap=2)
    with host(tmp_path / "ds.jsonl", "spanloop.correct", "ds", str(db)) as served:
        assert served.parts["config"]["annotations_per_task"] == 2.0
        [task] = served.next(5)
        served.send(served.said(task, session="ds-ann"))
        served.send(served.said(task, session="ds-bob", spans=[PLACE]))
    assert counts(db)["conflict"] == 1
    with host(tmp_path / "rv.jsonl", "spanloop.review", "rv", str(db)) as served:
        [disputed] = served.next(5)
        assert [version["sessions"] for version in disputed["versions"]] == [["ds-ann"], ["ds-bob"]]
        assert served.send(served.said(disputed, spans=[PLACE], session="rv-eve")) == {"progress": 1.0}
    with Store.open(db) as store:
        [gold] = store.annotations.gold()
        assert gold.spans == (Span(15, 19, "LOC"),)
        assert [a.origin for a in store.annotations.history(1)] == ["human", "human", "review"]


def test_what_was_sent_to_review_is_reviewed_with_its_reason(tmp_path: Path) -> None:
    db = project(tmp_path, 2)
    with Store.open(db) as store:
        store.annotations.add(say(1, "anna", "0-3:PER"))
        store.reviews.send([(1, "the model doubts it", 1.0)])
    with host(tmp_path / "rv.jsonl", "spanloop.review", "rv", str(db)) as served:
        [task] = served.next(5)
        assert (task["document"], task["meta"]["why"]) == ("d1", "the model doubts it")
        assert [version["sessions"] for version in task["versions"]] == [["anna"]]
        assert served.send(served.said(task, spans=[PLACE])) == {"progress": 1.0}
        assert served.next() == []
    with Store.open(db) as store:
        assert store.reviews.waiting() == 0
        [gold] = store.annotations.gold()
        assert gold.spans == (Span(15, 19, "LOC"),)
