"""Annotations: append-only, repeatable, and gold exactly as the house rules say."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.store_making import add_model, make_store, predict_all, say

from spanloop.store import Store, StoreError
from spanloop.store.records import AnnotatedSpan, Annotation, NewDocument, Span


def test_an_annotation_comes_out_as_it_went_in(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=1) as store:
        predict_all(store, add_model(store))
        prediction = store.predictions.get(1)
        assert prediction is not None
        given_spans = (
            AnnotatedSpan(0, 3, "PER", "rejected", prediction.spans[0].id),
            AnnotatedSpan(0, 11, "PER", "changed", prediction.spans[0].id),
            AnnotatedSpan(15, 19, "LOC", "added"),
        )
        sent = say(
            1,
            seconds=2.5,
            comment="odd",
            flagged=True,
            prediction_id=prediction.id,
            ranges=((0, 12), (14, 19)),
        )
        sent = replace(sent, spans=given_spans, created_at="2026-01-01T00:00:00.000Z")
        done = store.annotations.add(sent)
        assert done.new
        stored = store.annotations.get(done.annotation_id)
        said = {field.name: getattr(sent, field.name) for field in fields(sent)}
        said["labels"] = ("PER", "LOC")  # those in use, where nothing else is said
        assert stored == Annotation(**{**said, "label_set": 1}, id=done.annotation_id)
        assert store.annotations.history(1) == [stored]
        gold = list(store.annotations.gold())
        assert [(g.spans, g.negatives, g.ranges) for g in gold] == [
            ((Span(0, 11, "PER"), Span(15, 19, "LOC")), (Span(0, 3, "PER"),), ((0, 12), (14, 19)))
        ]
        assert list(store.annotations.gold_of([done.annotation_id])) == gold


def test_the_same_submit_twice_is_one_row(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=2) as store:
        first = store.annotations.add(say(1, uuid="u", spans="15-19:LOC 0-3:PER"))
        again = store.annotations.add(say(1, uuid="u", spans="0-3:PER 15-19:LOC", seconds=9))
        assert (again.annotation_id, again.new) == (first.annotation_id, False)
        assert store.annotations.count() == 1
        for other in (say(2, uuid="u"), say(1, uuid="u", spans="0-3:LOC"), say(1, "ben", uuid="u")):
            with pytest.raises(StoreError, match="'u' is taken"):
                store.annotations.add(other)


@pytest.mark.parametrize(
    ("change", "label"),
    [
        (("rename", "PER", "PERSON"), "PER"),  # the name of the day it was said
        (("rename", "PER", "PERSON"), "PERSON"),
        (("merge", "PER", "LOC"), "PER"),
        (("merge", "PER", "LOC"), "LOC"),
        (("retire", "PER"), "PER"),
    ],
)
def test_a_retry_is_acknowledged_whatever_became_of_its_label(
    tmp_path: Path, change: tuple[str, ...], label: str
) -> None:
    with make_store(tmp_path, documents=1, labels=["PER", "LOC", "ORG"]) as store:
        first = store.annotations.add(say(1, uuid="u"))
        getattr(store.labels, change[0])(*change[1:])
        again = store.annotations.add(say(1, uuid="u", spans=f"0-3:{label}"))
        assert (again.annotation_id, again.new) == (first.annotation_id, False)
        for other in ("0-3:ORG", "4-7:PER", "", "0-3:PER 8-11:PER"):
            with pytest.raises(StoreError, match="'u' is taken"):
                store.annotations.add(say(1, uuid="u", spans=other))
        assert store.annotations.count() == 1


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (say(1, spans="0-99:PER"), "0-99 PER lies outside"),
        (say(1, spans="5-5:PER"), "lies outside .* or is empty"),
        (say(1, spans="0-3:PER 2-7:LOC"), "0-3 PER and 2-7 LOC overlap"),
        (say(1, spans="0-3:XXX"), "no label 'XXX'"),
        (say(7), "no document 7"),
        (say(1, " "), "needs a name"),
        (replace(say(1), uuid=""), "needs a uuid"),
        (say(1, origin="alien"), "'alien' is none of human"),
        (say(1, answer="maybe"), "'maybe' is none of accept"),
        (say(1, seconds=-1.0), "no duration"),
        (say(1, seconds=float("nan")), "no duration"),
        (say(1, ranges=()), "no range"),
        (say(1, ranges=((5, 9),)), "outside the ranges"),
        (say(1, ranges=((0, 9), (8, 12))), "not behind"),
        (say(1, prediction_id=9), "prediction 9 is not of this document"),
        (replace(say(1), spans=(AnnotatedSpan(0, 3, "PER", "taken", 77),)), "suggestion"),
    ],
)
def test_a_bad_annotation_is_refused_and_the_document_named(
    tmp_path: Path, annotation: Annotation, message: str
) -> None:
    with make_store(tmp_path, documents=1) as store:
        with pytest.raises(StoreError, match=message):
            store.annotations.add(annotation)
        assert store.annotations.count() == 0
        assert store.queue.counts()["open"] == 1


def test_annotations_can_be_neither_changed_nor_deleted(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=1) as store:
        store.annotations.add(say(1))
        for table in ("annotations", "annotation_spans"):
            for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET id = id + 1"):
                with pytest.raises(StoreError, match=r"append-only|kept"):
                    store.run(statement)
        with pytest.raises(StoreError, match="overlap"):
            store.run(
                "INSERT INTO annotation_spans(annotation_id, start_char, end_char, label_id, action)"
                " VALUES (1, 2, 5, 1, 'added')"
            )
        with pytest.raises(StoreError, match="behind the text"):
            store.run(
                "INSERT INTO annotation_spans(annotation_id, start_char, end_char, label_id, action)"
                " VALUES (1, 12, 500, 1, 'added')"
            )


def test_revisions_replace_each_other_and_stay_readable(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=3) as store:
        store.annotations.add(say(1, spans="0-3:PER"))
        store.annotations.add(say(2))
        store.annotations.add(say(1, spans="15-19:LOC"))
        assert [a.spans[0].label for a in store.annotations.history(1)] == ["PER", "LOC"]
        latest = store.annotations.latest(1)
        assert latest is not None
        assert latest.spans[0].label == "LOC"
        assert [a.document_id for a in store.annotations.recent("anna")] == [1, 2]
        assert store.annotations.recent("ben") == []
        assert [g.spans[0].label for g in store.annotations.gold(ids=[1])] == ["LOC"]
        assert store.annotations.count(after=1) == 2


CASES: list[tuple[str, list[dict[str, Any]], str]] = [
    ("one person", [{}], "0-3"),
    ("two who agree", [{}, {"annotator": "ben"}], "0-3"),
    ("two who do not", [{}, {"annotator": "ben", "spans": "15-19:LOC"}], "conflict"),
    ("a new word replaces the old", [{"spans": "15-19:LOC"}, {}, {"annotator": "ben"}], "0-3"),
    (
        "a review decides",
        [{}, {"annotator": "ben", "spans": ""}, {"origin": "review", "spans": "15-19:LOC"}],
        "15-19",
    ),
    (
        "a review before the answers too",
        [{"origin": "review", "spans": "15-19:LOC"}, {"annotator": "ben"}],
        "15-19",
    ),
    (
        "a reviewer who ignores decides nothing",
        [{"origin": "review", "answer": "ignore"}, {"annotator": "ben"}],
        "0-3",
    ),
    ("a reviewer who rejects", [{"annotator": "ben"}, {"origin": "review", "answer": "reject"}], "rejected"),
    ("reject takes no part", [{}, {"annotator": "ben", "answer": "reject"}], "0-3"),
    ("reject alone", [{"answer": "reject"}], "rejected"),
    ("reject withdrawn", [{"answer": "reject"}, {}], "0-3"),
    ("accept withdrawn", [{}, {"answer": "ignore"}], "ignored"),
    ("ignore takes no part", [{}, {"annotator": "ben", "answer": "ignore"}], "0-3"),
    ("import", [{"origin": "import"}], "0-3"),
    ("a person over an import", [{"spans": "15-19:LOC"}, {"origin": "import", "annotator": "file"}], "15-19"),
    (
        "the newest import",
        [{"origin": "import"}, {"origin": "simulated", "annotator": "b", "spans": "15-19:LOC"}],
        "15-19",
    ),
    (
        "a person rejects an import",
        [{"origin": "import", "annotator": "f"}, {"answer": "reject"}],
        "rejected",
    ),
    ("a person ignores an import", [{"origin": "import", "annotator": "f"}, {"answer": "ignore"}], "0-3"),
    ("a machine in the pool", [{"origin": "machine"}], "0-3"),
    (
        "an import over a machine",
        [{"origin": "import"}, {"origin": "machine", "annotator": "m", "spans": ""}],
        "0-3",
    ),
    ("ranges are part of what is said", [{}, {"annotator": "ben", "ranges": ((0, 9),)}], "conflict"),
]


@pytest.mark.parametrize(("said", "outcome"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_gold(tmp_path: Path, said: list[dict[str, Any]], outcome: str) -> None:
    with make_store(tmp_path, documents=1) as store:
        for one in said:
            store.annotations.add(say(1, **one))
        golds = list(store.annotations.gold())
        if outcome in ("conflict", "rejected", "ignored"):
            assert golds == []
            assert [d.id for d in store.documents.iterate(state=outcome)] == [1]  # type: ignore[arg-type]
            assert len(store.rows("SELECT * FROM conflicts")) == (outcome == "conflict")
        else:
            assert " ".join(f"{s.start}-{s.end}" for s in golds[0].spans) == outcome
            assert [d.id for d in store.documents.iterate(state="answered")] == [1]


def test_a_machine_is_never_gold_for_eval(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.documents.add(
            [NewDocument("Ann", key="e", split="eval"), NewDocument("Ann Lee", key="p", split="pool")]
        )
        for document_id in (1, 2):
            store.annotations.add(say(document_id, origin="machine"))
        assert [g.document.key for g in store.annotations.gold()] == ["p"]
        assert store.queue.counts("eval")["open"] == 1


# --- the law: whatever is said in whatever order, view, queue and counters say what this plain reference says


def expected(said: list[dict[str, Any]], split: str, overlap: int) -> tuple[str, bool, int | None]:
    """(state, is gold, index of the gold annotation), worked out by hand from the list of annotations."""
    rank = {"review": 1, "human": 2, "import": 3, "simulated": 3, "machine": 4}
    newest: dict[tuple[str, int], int] = {}
    for index, one in enumerate(said):
        newest[one["annotator"], rank[one["origin"]]] = index
    people = {one["annotator"] for one in said if one["origin"] == "human"}
    for level in (1, 2, 3, 4):
        words = sorted(i for (_, r), i in newest.items() if r == level and said[i]["answer"] != "ignore")
        if not words or (level == 4 and split == "eval"):
            continue
        if level == 2:
            accepted = [i for i in words if said[i]["answer"] == "accept"]
            if not accepted:
                return "rejected", False, None
            if len({said[i]["spans"] for i in accepted}) > 1:
                return "conflict", False, None
            return ("open" if len(people) < overlap else "answered"), True, accepted[-1]
        if said[words[-1]]["answer"] == "reject":
            return "rejected", False, None
        return "answered", True, words[-1]
    if len(people) >= overlap or (not people and any(one["answer"] == "ignore" for one in said)):
        return "ignored", False, None
    return "open", False, None


said_by_anyone = st.fixed_dictionaries(
    {
        "annotator": st.sampled_from(["anna", "ben", "čen"]),
        "origin": st.sampled_from(["human", "human", "human", "review", "import", "simulated", "machine"]),
        "answer": st.sampled_from(["accept", "accept", "accept", "reject", "ignore"]),
        "spans": st.sampled_from(["0-3:PER", "15-19:LOC", ""]),
    }
)


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    said=st.lists(said_by_anyone, min_size=1, max_size=7),
    split=st.sampled_from(["pool", "eval"]),
    overlap=st.integers(1, 3),
)
def test_view_queue_and_counters_follow_the_rules(
    law_store: Store, said: list[dict[str, Any]], split: Any, overlap: int
) -> None:
    store = law_store
    store.set_project(overlap=overlap)
    number = store.documents.count() + 1
    (added,) = store.documents.add([NewDocument(f"Ann met Bob in Rome {number}", split=split)])
    before = store.queue.counts(split)
    ids = [store.annotations.add(say(added.document_id, **one)).annotation_id for one in said]
    state, is_gold, index = expected(said, split, overlap)
    (stored,) = store.rows("SELECT state, gold FROM queue WHERE document_id = ?", (added.document_id,))
    assert stored == (state, int(is_gold))
    (golds,) = [list(store.annotations.gold(ids=[added.document_id]))]
    assert [g.annotation_id for g in golds] == ([] if index is None else [ids[index]])
    view = store.rows("SELECT annotation_id FROM gold WHERE document_id = ?", (added.document_id,))
    assert [row[0] for row in view] == [g.annotation_id for g in golds]
    counts = store.queue.counts(split)
    assert counts["gold"] - before["gold"] == is_gold
    assert counts["total"] == store.documents.count(split)
    real = dict(store.rows("SELECT state, count(*) FROM queue WHERE split = ? GROUP BY state", (split,)))
    assert (counts["open"], counts["skipped"]) == (real.get("open", 0), real.get("ignored", 0))


@pytest.fixture(scope="module")
def law_store(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with make_store(tmp_path_factory.mktemp("law")) as store:
        store.run("PRAGMA synchronous = OFF")
        yield store
