"""Models, predictions, tokenizations and named annotators."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.store_making import add_model, make_store, predict_all, say

from spanloop.store import StoreError
from spanloop.store.events import AlignmentEvent
from spanloop.store.records import NewDocument, NewModel, Span


def test_the_same_model_is_one_row(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        first = store.models.add(NewModel("h", "hf", "bert", path="m/1"))
        assert store.models.add(NewModel("h", "spacy", "other")) == first
        assert store.models.by_hash("h") == first
        assert store.models.all() == [first]
        assert store.models.get(77) is None


def test_a_model_says_something_of_a_document_once(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=3) as store:
        model_id = add_model(store)
        event = AlignmentEvent(1, 0, 4, "PER", "snapped", "inside a token", 0, 3, model_id=model_id)
        said = [(1, [Span(15, 19, "LOC", 0.5), Span(0, 3, "PER", 1.0)], {"entropy": 1.5, "mnlp": 2.0})]
        store.predictions.add(model_id, said, [event])
        store.predictions.add(model_id, [(1, [], {"entropy": 7.0}), (2, [], {})], [event, event])
        first = store.predictions.get(1)
        assert first is not None
        assert [(s.start, s.label, s.score) for s in first.spans] == [(0, "PER", 1.0), (15, "LOC", 0.5)]
        assert store.predictions.by_id(first.id) == first
        assert store.predictions.get(3) is None
        assert store.predictions.count(model_id) == 2
        assert [d.key for d in store.predictions.missing(model_id)] == ["d3"]
        assert store.rows("SELECT strategy, score FROM acquisition ORDER BY 1") == [
            ("entropy", 1.5),
            ("mnlp", 2.0),
        ]
        assert store.ledger.counts() == {"total": 1, "by_reason": {"inside a token": 1}}


def test_the_newest_model_speaks_unless_a_round_is_promoted(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=2) as store:
        round_ = store.rounds.start(parameters={}, seed=0, train_ids=[], eval_ids=[])
        old = add_model(store, "old", kind="round", round=round_.number)
        new = add_model(store, "new")
        store.predictions.add(old, [(1, [], {})])
        predict_all(store, new)
        assert [store.predictions.get(d).model_id for d in (1, 2)] == [new, new]  # type: ignore[union-attr]
        store.rounds.finish(round_.number, model_id=old, scores=[], manifest=None)
        store.rounds.promote(round_.number)
        assert [store.predictions.get(d).model_id for d in (1, 2)] == [old, new]  # type: ignore[union-attr]
        assert store.predictions.get(1, new).model_id == new  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([Span(0, 3, "PER"), Span(2, 5, "LOC")], "'d1': spans 0-3 PER and 2-5 LOC overlap"),
        ([Span(0, 300, "PER")], "'d1': span 0-300 PER lies outside"),
        ([Span(0, 3, "XXX")], "'d1': the model predicts the label 'XXX', the project has only PER, LOC"),
        ([Span(0, 3, "PER", 1.5)], "CHECK"),
    ],
)
def test_a_bad_prediction_stores_nothing_of_the_call(tmp_path: Path, spans: list[Span], message: str) -> None:
    with make_store(tmp_path, documents=2) as store:
        model_id = add_model(store)
        with pytest.raises(StoreError, match=message):
            store.predictions.add(model_id, [(2, [], {}), (1, spans, {"entropy": 1.0})])
        assert store.predictions.count(model_id) == 0
        assert store.rows("SELECT * FROM acquisition") == []
        with pytest.raises(StoreError, match="no document 9"):
            store.predictions.add(model_id, [(9, [], {})])


def test_missing_follows_the_queue_and_the_split(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=5) as store:
        store.documents.add([NewDocument("for eval", key="e", split="eval")])
        predict_all(store, add_model(store))
        store.queue.prioritise("entropy")
        store.annotations.add(say(4))
        other = add_model(store, "other")
        assert [d.key for d in store.predictions.missing(other)] == ["e", "d5", "d3", "d2", "d1", "d4"]
        assert [d.key for d in store.predictions.missing(other, split="pool", limit=2)] == ["d5", "d3"]
        assert [d.key for d in store.predictions.missing(other, order="id")][:2] == ["d1", "d2"]


def test_token_boundaries_are_kept_by_tokenizer(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=2) as store:
        store.tokenizations.put("t", [(1, [(0, 3), (4, 7)])])
        store.tokenizations.put("t", [(1, [(0, 1)])])  # first come: a tokenizer always says the same
        assert store.tokenizations.get(1, "t") == [(0, 3), (4, 7)]
        assert store.tokenizations.get(1) is None  # the project names no tokenizer yet
        store.set_project(tokenizer="t")
        assert store.tokenizations.get(1) == [(0, 3), (4, 7)]
        assert [d.key for d in store.tokenizations.missing("t", 9)] == ["d2"]
        assert [d.key for d in store.tokenizations.missing("u", 1)] == ["d1"]


def test_boundaries_are_made_in_the_order_that_people_need_them(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=4) as store:
        store.documents.add([NewDocument("for eval", key="e", split="eval")])
        predict_all(store, add_model(store))
        store.queue.prioritise("entropy")
        store.annotations.add(say(4))
        keys = ["d3", "d2", "d1", "e", "d4"]
        for limit in range(1, 7):
            assert [d.key for d in store.tokenizations.missing("t", limit)] == keys[:limit]
        store.tokenizations.put("t", [(3, []), (5, [])])
        assert [d.key for d in store.tokenizations.missing("t", 9)] == ["d2", "d1", "d4"]
        assert [d.key for d in store.tokenizations.missing("t", 9, after=2)] == ["d4"]


def test_annotators_come_in_by_token(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        token = store.annotators.add("čenda")
        assert store.annotators.by_token(token) == "čenda"
        assert store.annotators.by_token(token + "x") is None
        assert token not in str(store.rows("SELECT * FROM annotators"))
        with pytest.raises(StoreError, match="'čenda' is there already"):
            store.annotators.add("čenda")
        store.annotators.remove("čenda")
        assert store.annotators.names() == []
        assert store.annotators.by_token(token) is None
        with pytest.raises(StoreError, match="no annotator 'x', only none yet"):
            store.annotators.remove("x")
