"""``spanloop.teach``: yes or no, one suggestion at a time."""

from __future__ import annotations

from pathlib import Path

from support.prodigy_making import (
    PLACE,
    host,
    project,
)
from support.store_making import make_store, say

from spanloop.recipes.files.importing import import_files
from spanloop.recipes.formats.prodigy_task import OWN
from spanloop.recipes.prodigy.answers import Answers
from spanloop.store import Store
from spanloop.store.records import Span


def test_teach_asks_the_doubtful_first_and_trains_on_what_was_asked_alone(tmp_path: Path) -> None:
    db = project(tmp_path, 2)
    with host(tmp_path / "ds.jsonl", "spanloop.teach", "ds", str(db)) as served:
        tasks = served.next(10)
        asked = [(task["document"], task["spans"][0]["label"]) for task in tasks]
        assert asked == [("d2", "LOC"), ("d2", "PER"), ("d1", "LOC"), ("d1", "PER")]
        served.send(served.said(tasks[0]))
        served.send(served.said(tasks[1], "reject"), served.said(tasks[2]), served.said(tasks[3], "ignore"))
        served.send(served.said(tasks[0]))  # sent twice
    with Store.open(db) as store:
        one, two = store.annotations.gold()
        assert (two.spans, two.negatives) == ((Span(15, 19, "LOC"),), (Span(0, 3, "PER"),))
        assert two.ranges == ((0, 3), (15, 19))
        assert (one.spans, one.negatives, one.ranges) == ((Span(15, 19, "LOC"),), (), ((15, 19),))
        assert [len(a.spans) for a in store.annotations.history(2)] == [1, 2]


def test_teach_leaves_an_answer_about_the_whole_document_alone(tmp_path: Path) -> None:
    db = project(tmp_path, 1)
    with host(tmp_path / "ds.jsonl", "spanloop.teach", "ds", str(db), "--label", "LOC") as served:
        [task] = served.next(9)
        with Store.open(db) as store:
            store.annotations.add(say(1, "ds", "0-3:PER"))
        served.send(served.said(task))
    with Store.open(db) as store:
        [gold] = store.annotations.gold()
        assert (gold.spans, gold.ranges) == ((Span(0, 3, "PER"),), None)


def test_a_yes_that_lies_over_a_suggestion_has_changed_it_and_it_gets_no_second_fate(tmp_path: Path) -> None:
    with Store.open(project(tmp_path, 1)) as store:
        [document] = store.documents.iterate()
        prediction = store.predictions.get(document.id)
        assert prediction is not None
        per = next(span for span in prediction.spans if span.label == "PER")
        answers = Answers(store, "ann")

        def say(answer: str, end: int) -> list[tuple[int, str, int | None]]:
            span = {"start": 0, "end": end, "label": "PER"}
            own = {"key": document.key, "prediction": prediction.id}
            answers.yes_or_no({"text": document.text, "spans": [span], "answer": answer, OWN: own})
            [*_, latest] = store.annotations.history(document.id)
            return [(s.end, s.action, s.prediction_span_id) for s in latest.spans]

        assert say("accept", 7) == [(7, "changed", per.id)]
        assert sorted(say("reject", 3)) == [(3, "rejected", None), (7, "changed", per.id)]
        assert sorted(say("accept", 3)) == [(3, "taken", per.id)]  # and so no longer what lies over it


def test_the_dataset_moved_back_in_says_what_the_store_says(tmp_path: Path) -> None:
    """Both sides hold the same answers: what ``db-out`` gives, imported elsewhere, is the same gold."""
    db, dataset = project(tmp_path, 4), tmp_path / "ds.jsonl"
    with host(dataset, "spanloop.teach", "ds", str(db)) as served:
        yes, no, *_ = served.next(2)
        served.send(served.said(yes, session="ds-ann"), served.said(no, "reject", session="ds-ann"))
    with host(dataset, "spanloop.correct", "ds", str(db)) as served:
        one, two, *_ = served.next(9)
        served.send(served.said(one, spans=[PLACE]), served.said(two, "reject"))
    (tmp_path / "other").mkdir()
    with make_store(tmp_path / "other") as store:
        pass
    report = import_files(store.path, [dataset])
    assert (report.kept, report.ledger) == (2, 0)
    golds = []
    for path in (db, store.path):
        with Store.open(path) as judged:
            golds.append({g.document.key: (g.spans, g.ranges) for g in judged.annotations.gold()})
    assert golds[0] == golds[1]
    assert len(golds[0]) == 2
