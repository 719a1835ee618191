"""The fair sample: a beginning of the order of chance, whatever strategies asked for."""

from __future__ import annotations

import random
from pathlib import Path

from support.store_making import add_model, make_store, predict_all, say

from spanloop.store.records import NewDocument


def test_what_a_strategy_asked_for_belongs_to_it_only_where_chance_has_come_by(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=60) as store:
        assert store.queue.fair.sample().document_ids == ()
        predict_all(store, add_model(store))
        store.queue.prioritise("entropy")
        by_chance = [
            row[0] for row in store.rows("SELECT document_id FROM queue ORDER BY shuffle, document_id")
        ]
        at_random = []
        for item in store.queue.next("anna", n=30):
            store.annotations.add(say(item.document.id, "anna"))
            at_random += [item.document.id] * (item.drawn == "random")
        sample = store.queue.fair.sample()
        assert len(at_random) == 3
        assert set(at_random) <= set(sample.document_ids)
        assert list(sample.document_ids) == by_chance[: len(sample.document_ids)]
        answered = {row[0] for row in store.rows("SELECT document_id FROM queue WHERE state <> 'open'")}
        assert sample.document_ids[-1] in at_random  # what a strategy chose behind the last draw is left out
        assert len(sample.document_ids) < len(answered) == 30

        store.annotations.add(say(by_chance[0], "bo", "8-11:PER"))  # now in dispute
        assert store.queue.fair.sample().without_gold == 1
        assert by_chance[0] not in store.queue.fair.sample().document_ids


def test_a_queue_that_stands_by_chance_draws_fairly_and_says_so(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=30) as store:
        items = store.queue.next("anna", n=10, strategy="random")
        assert {item.drawn for item in items} == {"random"}
        for item in random.Random(0).sample(items, len(items)):
            store.annotations.add(say(item.document.id, "anna"))
        assert store.queue.fair.sample().document_ids != ()
        assert set(store.queue.fair.sample().document_ids) == {item.document.id for item in items}
        assert store.rows("SELECT DISTINCT drawn FROM annotations") == [("random",)]
        store.documents.add(NewDocument(f"later {n}", key=f"l{n}", split="eval") for n in range(5))
        assert store.queue.fair.sample("eval").document_ids == ()
        assert len(store.queue.fair.sample().document_ids) == 10
