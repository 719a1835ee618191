"""Which labels an annotation knows: those that were there when it was made, or those it was said to know."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.older_schema import as_schema, step_number
from support.store_making import make_store, say

from spanloop.store import Store, StoreError


def unknown(store: Store) -> dict[int, tuple[str, ...]]:
    """What each gold document does not know."""
    return {gold.document.id: gold.unknown for gold in store.annotations.gold()}


def test_what_was_annotated_before_a_label_was_added_does_not_know_it(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=3) as store:
        store.annotations.add(say(1))
        store.labels.add("ORG")
        store.annotations.add(say(2))
        assert unknown(store) == {1: ("ORG",), 2: ()}
        assert store.label_sets.lacking() == {"ORG": 1}
        assert store.label_sets.without("ORG") == [(1, 0.0)]
        store.annotations.add(say(1, spans="0-3:PER 15-19:ORG"))  # looked at again, with all labels in sight
        assert unknown(store) == {1: (), 2: ()}
        assert store.label_sets.lacking() == {}


def test_a_label_is_the_same_whatever_it_is_called(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=1) as store:
        store.annotations.add(say(1))
        store.labels.rename("PER", "PERSON")
        assert unknown(store) == {1: ()}
        assert store.annotations.history(1)[0].labels == ("PERSON", "LOC")


def test_a_label_that_was_out_of_use_meanwhile_is_not_known_of_that_time(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=3) as store:
        store.annotations.add(say(1))
        store.labels.retire("LOC")
        store.annotations.add(say(2))
        assert unknown(store) == {1: (), 2: ()}
        store.labels.add("LOC")
        store.annotations.add(say(3))
        assert unknown(store) == {1: (), 2: ("LOC",), 3: ()}


def test_a_label_made_for_a_merge_is_known_where_its_parts_were(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=2, labels=["PER", "CORP", "GROUP"]) as store:
        store.annotations.add(say(1))
        store.labels.retire("GROUP")
        store.annotations.add(say(2))
        store.labels.add("GROUP")
        store.labels.add("ORG")
        store.labels.merge("CORP", "ORG")
        store.labels.merge("GROUP", "ORG")
        assert unknown(store) == {1: (), 2: ("ORG",)}


def test_a_part_of_a_label_is_not_all_of_it(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=2, labels=["PER", "CITY"]) as store:
        store.annotations.add(say(1))
        store.labels.add("LOC")
        store.annotations.add(say(2))
        store.labels.merge("CITY", "LOC")
        assert unknown(store) == {1: ("LOC",), 2: ()}


def test_an_annotation_may_speak_of_fewer_labels(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=2) as store:
        store.annotations.add(say(1, labels=("PER",)))
        assert unknown(store) == {1: ("LOC",)}
        store.annotations.add(say(2, spans="15-19:LOC", labels=("PER",)))  # one of them, and perhaps not all
        assert unknown(store) == {1: ("LOC",), 2: ("LOC",)}
        with pytest.raises(StoreError, match="no label 'ORG'"):
            store.annotations.add(say(2, labels=("PER", "ORG")))
        assert store.annotations.count() == 2


def test_one_set_is_stored_once(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=3) as store:
        for document_id in (1, 2, 3):
            store.annotations.add(say(document_id))
        assert store.rows("SELECT labels FROM label_sets") == [("[1,2]",)]
        with pytest.raises(StoreError, match="append-only"):
            store.run("UPDATE annotations SET label_set = NULL")


def test_the_gold_of_a_round_knows_what_it_knew_then(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=2) as store:
        ids = [store.annotations.add(say(number)).annotation_id for number in (1, 2)]
        number = store.rounds.start(parameters={}, seed=0, train_ids=ids, eval_ids=[]).number
        store.labels.add("ORG")
        of_then = store.annotations.gold_of(ids, store.rounds.label_map(number))
        assert [gold.unknown for gold in of_then] == [(), ()]
        assert [gold.unknown for gold in store.annotations.gold_of(ids)] == [("ORG",), ("ORG",)]


def test_an_older_file_gets_its_label_sets_from_rounds_and_first_uses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The label ORG was added after the first round, MISC after the second and never used."""
    with make_store(tmp_path, documents=6) as store:
        said = [store.annotations.add(say(number)).annotation_id for number in (1, 2)]
        store.rounds.start(parameters={}, seed=0, train_ids=said, eval_ids=[])
        said.append(store.annotations.add(say(3)).annotation_id)
        store.labels.add("ORG")
        said += [store.annotations.add(say(4, spans="15-19:ORG")).annotation_id]
        said += [store.annotations.add(say(5)).annotation_id]
        store.rounds.start(parameters={}, seed=0, train_ids=said, eval_ids=[])
        store.labels.add("MISC")
        store.annotations.add(say(6))
        path, wanted = store.path, unknown(store)
    assert wanted == {
        1: ("ORG", "MISC"),
        2: ("ORG", "MISC"),
        3: ("ORG", "MISC"),
        4: ("MISC",),
        5: ("MISC",),
        6: (),
    }
    as_schema(path, step_number("label_sets") - 1)
    with Store.open(path) as store:
        # nothing says whether MISC was there for document 6: what nobody used is taken not to have been
        assert unknown(store) == {**wanted, 6: ("MISC",)}
        assert store.label_sets.rebuilt == 6
        store.annotations.add(say(6))
        assert unknown(store)[6] == ()
        assert store.label_sets.rebuilt == 6


def test_an_older_file_without_rounds_knows_all_labels(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=2) as store:
        store.annotations.add(say(1))
        store.labels.add("ORG")
        store.annotations.add(say(2))
        path = store.path
    as_schema(path, step_number("label_sets") - 1)
    with Store.open(path) as store:
        assert unknown(store) == {1: (), 2: ()}
        assert store.label_sets.rebuilt == 2
