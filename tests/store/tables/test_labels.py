"""Labels: renaming, retiring and merging change no annotation and keep old rounds' label maps."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.store_making import add_model, make_store, say

from spanloop.store import Store, StoreError
from spanloop.store.records import NewLabel, Span
from spanloop.store.tables.labels import KEYS


def test_labels_get_a_key_and_a_colour_of_their_own(tmp_path: Path) -> None:
    names = [f"L{n}" for n in range(16)]
    with make_store(
        tmp_path, labels=[*names, NewLabel("own", key="z", colour="#000000", description="mine")]
    ) as store:
        labels = store.labels.all()
        assert [label.key for label in labels] == [*KEYS, None, "z"]
        assert len({label.colour for label in labels}) == 17
        assert (labels[-1].colour, labels[-1].description, labels[-1].position) == ("#000000", "mine", 16)
        with pytest.raises(StoreError, match="key 'z' belongs to label 'own'"):
            store.labels.add("more", key="z")
        with pytest.raises(StoreError, match="one character"):
            store.labels.add("more", key="zz")


COMPOSED, DECOMPOSED = "Ort\u00e9", "Orte\u0301"  # the same letters to whoever reads them


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "empty: type a name"),
        (" \t", "empty: type a name"),
        (" ORG", "type 'ORG'"),
        ("ORG\u00a0", "type 'ORG'"),
        ("O\x00G", r"cannot be shown \(U\+0000\)"),
        ("O\nG", r"U\+000A"),
        ("O\u200bG", r"U\+200B"),  # a space of no width
        (DECOMPOSED, f"type '{COMPOSED}'"),
        ("PER", "PER"),
    ],
)
def test_a_name_that_cannot_be_told_apart_or_typed_is_refused_with_what_to_type(
    tmp_path: Path, name: str, message: str
) -> None:
    with make_store(tmp_path, labels=["PER", "LOC", COMPOSED]) as store:
        with pytest.raises(StoreError, match=message):
            store.labels.add(name)
        with pytest.raises(StoreError, match=message):
            store.labels.rename("LOC", name)
        assert store.labels.names() == ["PER", "LOC", COMPOSED]
        store.labels.rename(DECOMPOSED, "Platz")  # whoever types it otherwise means the same
        store.labels.add("soft drink")
        assert store.labels.names() == ["PER", "LOC", "Platz", "soft drink"]
    with pytest.raises(StoreError, match=message if name != "PER" else "there already"):
        Store.create(tmp_path / "new.db", labels=["PER", name], base_model="offline")
    assert not (tmp_path / "new.db").exists()


def test_a_project_that_has_such_a_name_opens_and_is_told_of_it(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=1) as store:
        store.annotations.add(say(1, spans="0-3:PER"))
        store.run("UPDATE labels SET name = ? WHERE name = 'PER'", (DECOMPOSED,))
    with Store.open(store.path) as store:
        (problem,) = store.check()
        assert f"type '{COMPOSED}'" in problem.what
        assert "rename" in problem.advice
        with pytest.raises(StoreError, match="looks the same"):
            store.labels.add(COMPOSED)
        store.labels.rename(COMPOSED, COMPOSED)
        assert store.check() == []
        assert [g.spans for g in store.annotations.gold()] == [(Span(0, 3, COMPOSED),)]


def test_a_rename_is_read_everywhere_but_in_finished_rounds(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=2) as store:
        done = store.annotations.add(say(1))
        round_ = store.rounds.start(parameters={}, seed=0, train_ids=[done.annotation_id], eval_ids=[])
        model_id = add_model(store, kind="round", round=round_.number)
        store.labels.rename("PER", "PERSON")
        assert store.labels.names() == ["PERSON", "LOC"]
        assert [g.spans[0].label for g in store.annotations.gold()] == ["PERSON"]
        assert store.rounds.labels(1) == ["PER", "LOC"]
        store.predictions.add(model_id, [(2, [Span(0, 3, "PER")], {})])  # the old model still says PER
        prediction = store.predictions.get(2)
        assert prediction is not None
        assert prediction.spans[0].label == "PERSON"
        with pytest.raises(StoreError, match="labels merge PERSON LOC"):
            store.labels.rename("PERSON", "LOC")
        with pytest.raises(StoreError, match="no label 'X', only PERSON, LOC"):
            store.labels.rename("X", "Y")


def test_a_merge_touches_no_annotation_and_ends_a_dispute(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=1, labels=["PER", "PERSON", "LOC"]) as store:
        store.annotations.add(say(1, "anna", "0-3:PER"))
        store.annotations.add(say(1, "ben", "0-3:PERSON"))
        assert store.queue.counts()["conflict"] == 1
        before = store.rows("SELECT * FROM annotation_spans")
        store.labels.merge("PER", "PERSON")
        assert store.rows("SELECT * FROM annotation_spans") == before
        assert store.queue.counts()["conflict"] == 0
        assert [g.spans for g in store.annotations.gold()] == [(Span(0, 3, "PERSON"),)]
        assert [a.spans[0].label for a in store.annotations.history(1)] == ["PERSON", "PERSON"]
        store.labels.merge("PERSON", "LOC")  # a chain reads as its end
        assert [g.spans[0].label for g in store.annotations.gold()] == ["LOC"]
        for source, target in (("LOC", "LOC"), ("LOC", "PER"), ("X", "LOC")):
            with pytest.raises(StoreError, match=r"itself|retired|no label"):
                store.labels.merge(source, target)
        store.labels.add("PER")  # taken back
        assert store.queue.counts()["conflict"] == 1


def test_a_retired_label_is_neither_offered_nor_gold_until_it_is_back(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=2) as store:
        store.annotations.add(say(1, spans="0-3:PER 15-19:LOC"))
        store.predictions.add(add_model(store), [(1, [Span(0, 3, "PER"), Span(15, 19, "LOC")], {})])
        store.labels.retire("PER")
        assert store.labels.names() == ["LOC"]
        assert [label.name for label in store.labels.all(retired=True)] == ["PER", "LOC"]
        assert [g.spans for g in store.annotations.gold()] == [(Span(15, 19, "LOC"),)]
        assert store.row("SELECT spans FROM gold") == ('[{"start":15,"end":19,"label":"LOC"}]',)
        assert len(store.annotations.history(1)[0].spans) == 2
        prediction = store.predictions.get(1)
        assert prediction is not None
        assert [s.label for s in prediction.spans] == ["LOC"]
        with pytest.raises(StoreError, match="no label 'PER'"):
            store.annotations.add(say(2))
        with pytest.raises(StoreError, match="the last one"):
            store.labels.retire("LOC")
        store.labels.add("PER")
        assert [len(g.spans) for g in store.annotations.gold()] == [2]
