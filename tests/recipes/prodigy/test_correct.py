"""``spanloop.correct`` in the stand-in for Prodigy; the SQLite file is the judge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.prodigy_making import (
    PLACE,
    counts,
    cut,
    host,
    project,
    words,
)
from support.store_making import TEXT, make_store

from spanloop.store import Store
from spanloop.store.records import NewDocument, Span


def test_the_stream_follows_the_queue_and_the_store_learns_what_was_done(tmp_path: Path) -> None:
    db, dataset = project(tmp_path), tmp_path / "ds.jsonl"
    with host(dataset, "spanloop.correct", "ds", str(db)) as served:
        first, second, third = served.next(10)
        assert [task["document"] for task in (first, second, third)] == ["d3", "d2", "d1"]
        assert [(s["token_start"], s["token_end"]) for s in first["spans"]] == [(0, 0), (4, 4)]
        told = served.send(
            served.said(first, session="ds-ann"),
            served.said(second, "ignore"),
            served.said(third, spans=[PLACE], flagged=True),
        )
        assert told == {"progress": 1.0}
        assert served.next() == []
    with Store.open(db) as store:
        golds = {gold.document.key: gold for gold in store.annotations.gold()}
        assert golds["d3"].spans == (Span(0, 3, "PER"), Span(15, 19, "LOC"))
        assert golds["d1"].negatives == (Span(0, 3, "PER"),)
        assert set(golds) == {"d1", "d3"}
        [answer] = store.annotations.history(3)
        assert (answer.annotator, answer.origin) == ("ds-ann", "human")
        assert [span.action for span in answer.spans] == ["taken", "taken"]
        assert answer.created_at is not None
        [last] = store.annotations.history(1)
        assert (last.annotator, last.flagged) == ("ds", True)
    kept = [json.loads(line) for line in dataset.read_text("utf-8").splitlines()]
    assert [task["answer"] for task in kept] == ["accept", "ignore", "accept"]
    assert [span["text"] for span in kept[0]["spans"]] == ["Ann", "Rome"]


def test_the_same_answer_twice_is_one_annotation_and_a_change_of_mind_two(tmp_path: Path) -> None:
    db = project(tmp_path, 1)
    with host(tmp_path / "ds.jsonl", "spanloop.correct", "ds", str(db)) as served:
        [task] = served.next()
        once = served.said(task)
        served.send(once)
        served.send(once)
        with Store.open(db) as store:
            assert store.annotations.count() == 1
        served.send(served.said(task, spans=[PLACE]))
        served.send(once)
    with Store.open(db) as store:
        assert store.annotations.count() == 2
        [gold] = store.annotations.gold()
        assert gold.spans == (Span(15, 19, "LOC"),)


def test_d6_ignored_and_rejected_answers_are_no_gold_in_the_store(tmp_path: Path) -> None:
    db = project(tmp_path, 2)
    with host(tmp_path / "ds.jsonl", "spanloop.correct", "ds", str(db)) as served:
        one, other = served.next(2)
        served.send(served.said(one, "ignore"), served.said(other, "reject"))
    with Store.open(db) as store:
        assert list(store.annotations.gold()) == []
        assert store.annotations.count() == 2
    assert (counts(db)["skipped"], counts(db)["rejected"]) == (1, 1)


def test_what_was_asked_and_not_answered_is_given_back_and_asked_again(tmp_path: Path) -> None:
    db = project(tmp_path)
    with host(tmp_path / "ds.jsonl", "spanloop.correct", "ds", str(db)) as served:
        tasks = served.next(2)
        with Store.open(db) as store:  # nobody else gets them meanwhile
            [other] = store.queue.next("anna", n=3)
            assert other.document.key not in {task["document"] for task in tasks}
            store.queue.release("anna")
        served.send(served.said(tasks[0]))
    with Store.open(db) as store:
        assert len(store.queue.next("anna", n=3)) == 2
        store.queue.release("anna")
    with host(tmp_path / "ds.jsonl", "spanloop.correct", "ds", str(db)) as served:
        assert len(served.next(9)) == 2


def test_a_killed_server_goes_on_with_what_it_had_asked(tmp_path: Path) -> None:
    db = project(tmp_path)
    with host(tmp_path / "ds.jsonl", "spanloop.correct", "ds", str(db)) as served:
        before = [task["document"] for task in served.next(2)]
        served.kill()
    with host(tmp_path / "ds.jsonl", "spanloop.correct", "ds", str(db)) as served:
        assert [task["document"] for task in served.next(3)][:2] == before


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        (
            [{"start": 0, "end": 7, "label": "PER"}, {"start": 4, "end": 11, "label": "LOC"}],
            "overlaps 'Ann met'",
        ),
        ([{"start": 0, "end": 2, "label": "PER"}], "'An' (PER, characters 0 to 2) does not begin and end at"),
        ([{"start": 0, "end": 3, "label": "ORG"}], "the project has no label 'ORG', only PER, LOC"),
        ([{"start": 0, "end": 3, "label": "PER", "token_start": 0, "token_end": 1}], "names other tokens"),
    ],
)
def test_an_unusable_answer_is_refused_in_one_line_and_stored_nowhere(
    tmp_path: Path, spans: list[dict[str, Any]], message: str
) -> None:
    db, dataset = project(tmp_path, 1), tmp_path / "ds.jsonl"
    with host(dataset, "spanloop.correct", "ds", str(db)) as served:
        [task] = served.next()
        refused = served.send(served.said(task, spans=spans))["refused"]
        assert message in refused
        assert "\n" not in refused
        assert not dataset.exists()
        assert served.send(served.said(task, "ignore", spans=spans)) == {"progress": 1.0}
    with Store.open(db) as store:
        assert list(store.annotations.gold()) == []


def test_emoji_and_line_ends_keep_their_characters(tmp_path: Path) -> None:
    """D14: Prodigy counts code points, as we do: what comes back lands on the characters that were shown."""
    text = "💩 Ann\r\nmet  Zoë"
    with make_store(tmp_path) as store:
        store.documents.add([NewDocument(text, key="d")])
        cut(store, [(2, 5), (7, 10), (12, 15)])
    db = tmp_path / "project.db"
    with host(tmp_path / "ds.jsonl", "spanloop.correct", "ds", str(db)) as served:
        [task] = served.next()
        named = next(token for token in task["tokens"] if token["text"] == "Zoë")
        span = {"start": named["start"], "end": named["end"], "label": "PER"}
        served.send(served.said(task, spans=[span]))
    with Store.open(db) as store:
        [gold] = store.annotations.gold()
    assert [text[s.start : s.end] for s in gold.spans] == ["Zoë"]


def test_a_tags_project_is_pos_manual(tmp_path: Path) -> None:
    with make_store(tmp_path, 1, task="tags", labels=["NOUN", "VERB"]) as store:
        cut(store, words(f"{TEXT} 1"))
    db = tmp_path / "project.db"
    tags = [{"start": 0, "end": 3, "label": "NOUN"}, {"start": 4, "end": 7, "label": "VERB"}]
    with host(tmp_path / "ds.jsonl", "spanloop.correct", "ds", str(db)) as served:
        assert served.parts["view_id"] == "pos_manual"
        [task] = served.next()
        wide = [{"start": 0, "end": 7, "label": "NOUN"}]
        assert "several tokens" in served.send(served.said(task, spans=wide))["refused"]
        served.send(served.said(task, spans=tags))
    with Store.open(db) as store:
        [gold] = store.annotations.gold()
    assert gold.spans == (Span(0, 3, "NOUN"), Span(4, 7, "VERB"))


@pytest.mark.data
def test_real_tweets_pass_through_prodigy_on_the_same_characters(data: Path, tmp_path: Path) -> None:
    """Emoji, zero-width characters, spaCy's own tokens: the host checks each question, the store judges.

    Gold that does not begin and end at spaCy's tokens is refused by name, as a person at the page would be.
    """
    with (data / "wnut17" / "dev.jsonl").open(encoding="utf-8") as file:
        records = [json.loads(line) for line, _ in zip(file, range(200), strict=False)]
    records = list({record["text"]: record for record in records}.values())
    labels = sorted({span["label"] for record in records for span in record["spans"]})
    options: dict[str, Any] = {"labels": labels, "base_model": "offline", "lang": "en", "eval_fraction": 0.0}
    with Store.create(tmp_path / "p.db", **options) as store:
        store.documents.add(NewDocument(record["text"], key=record["id"]) for record in records)
    gold = {record["id"]: record["spans"] for record in records}
    given: dict[str, list[tuple[int, int, str]]] = {}
    refused = []
    with host(tmp_path / "ds.jsonl", "spanloop.correct", "ds", str(store.path)) as served:
        while tasks := served.next(20):
            for task in tasks:
                spans = gold[task["document"]]
                told = served.send(served.said(task, spans=spans))
                if "refused" in told:
                    refused.append(told["refused"])
                    served.send(served.said(task, "ignore"))
                else:
                    given[task["document"]] = [(s["start"], s["end"], s["label"]) for s in spans]
    assert len(given) + len(refused) == len(records)
    assert all("does not begin and end at a token" in reason for reason in refused)
    assert len(refused) < len(records) / 20
    with Store.open(store.path) as judge:
        stored = {
            g.document.key: [(s.start, s.end, s.label) for s in g.spans] for g in judge.annotations.gold()
        }
    assert stored == given
