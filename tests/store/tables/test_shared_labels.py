"""People are held to each other on the labels that both know; what only one knows is taken from that one."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.older_schema import as_schema, step_number
from support.store_making import make_store, say

from spanloop.store import Store
from spanloop.store.tables.unlearned import learned_from


def golds(store: Store) -> dict[int, tuple[list[str], tuple[str, ...]]]:
    """Of each gold document its spans, and what it does not know."""
    return {
        gold.document.id: ([f"{s.start}-{s.end}:{s.label}" for s in gold.spans], gold.unknown)
        for gold in store.annotations.gold()
    }


def test_who_answered_before_a_label_agrees_with_who_answered_after_it(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=4) as store:
        for number in (1, 2, 3, 4):
            store.annotations.add(say(number))
        store.labels.add("ORG")
        store.annotations.add(say(1, "ben", "0-3:PER 15-19:ORG"))
        store.annotations.add(say(2, "ben", "0-3:PER"))  # which says that there is no ORG
        store.annotations.add(say(3, "ben", "15-19:ORG"))  # and no PER, which anna gave
        store.annotations.add(say(4, "ben", "0-3:ORG"))
        assert golds(store) == {1: (["0-3:PER", "15-19:ORG"], ()), 2: (["0-3:PER"], ())}
        assert [row[0] for row in store.reviews.conflicts()] == [3, 4]
        assert store.queue.counts("pool")["conflict"] == 2
        assert store.queue.states.stale() == []
        assert store.label_sets.lacking() == {}
        store.annotations.add(say(3, "ben", "0-3:PER 15-19:ORG"))
        assert golds(store)[3] == (["0-3:PER", "15-19:ORG"], ())
        # the one before the label goes on to count where only they have answered last
        store.annotations.add(say(1, "anna", "0-3:PER 8-11:PER"))
        assert [row[0] for row in store.reviews.conflicts()] == [1, 4]


def test_what_only_one_of_two_knows_is_taken_from_that_one(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=3, labels=["PER", "LOC", "ORG"]) as store:
        store.annotations.add(say(1, "anna", "0-3:PER", labels=("PER",)))
        store.annotations.add(say(1, "ben", "15-19:LOC", labels=("LOC",)))
        store.annotations.add(say(2, "anna", "0-3:PER", labels=("PER",)))
        store.annotations.add(say(2, "ben", "0-5:LOC", labels=("LOC",)))  # both cannot be there
        assert golds(store) == {1: (["0-3:PER", "15-19:LOC"], ("ORG",))}
        assert store.rows("SELECT spans FROM gold") == [
            ('[{"start":0,"end":3,"label":"PER"},{"start":15,"end":19,"label":"LOC"}]',)
        ]
        assert [row[0] for row in store.reviews.conflicts()] == [2]
        assert store.label_sets.lacking() == {"ORG": 1}
        assert store.label_sets.without("ORG") == [(1, 0.0)]
        start = store.reviews.start(1)
        assert start is not None
        assert (len(start.spans), set(start.labels or ())) == (2, {"PER", "LOC"})
        # a round keeps both, and counts one document
        [gold] = store.annotations.gold()
        ids = [gold.annotation_id, *gold.also]
        row = store.rounds.start(parameters={}, seed=0, train_ids=ids, eval_ids=[])
        assert list(store.annotations.gold_of(store.rounds.annotation_ids(1))) != []
        assert learned_from(store, row.number) == 1
        assert store.row("SELECT trained_on FROM scoreboard") == (1,)
        [again] = store.annotations.gold_of(ids)
        assert (again.spans, again.unknown) == (gold.spans, gold.unknown)
        store.versions.add("v1")
        assert [(one.name, one.documents) for one in store.versions.all()] == [("v1", 1)]
        assert [found.spans for found in store.versions.gold("v1")] == [gold.spans]


def test_a_refused_suggestion_and_a_label_of_before_a_merge_are_words_too(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=2, labels=["PER", "CITY"]) as store:
        store.annotations.add(say(1, "anna", "0-3:CITY"))
        store.annotations.add(say(1, "ben", ""))
        store.labels.add("LOC")
        store.labels.merge("CITY", "LOC")
        assert [row[0] for row in store.reviews.conflicts()] == [1]  # both knew CITY
        store.annotations.add(say(2, "anna", "0-3:LOC"))
        store.annotations.add(say(2, "ben", "0-3:LOC", action="rejected", labels=("PER",)))
        assert [row[0] for row in store.reviews.conflicts()] == [1, 2]


LABELS = ("A", "B", "C")
PLACES = ((0, 3), (2, 5), (8, 11))
ANSWERS = st.tuples(
    st.sets(st.sampled_from(LABELS), min_size=1),
    st.dictionaries(st.sampled_from(PLACES), st.sampled_from(LABELS), max_size=2),
)


def _possible(answer: tuple[set[str], dict[tuple[int, int], str]]) -> bool:
    known, spans = answer
    return set(spans.values()) <= known and not {(0, 3), (2, 5)} <= spans.keys()


@settings(max_examples=40, deadline=None)
@given(st.lists(ANSWERS.filter(_possible), min_size=1, max_size=3))
def test_the_views_say_what_the_rule_says(
    tmp_path_factory: pytest.TempPathFactory, answers: list[tuple[set[str], dict[tuple[int, int], str]]]
) -> None:
    """Two agree where each gives what the other gives of the labels that both know, and nothing lies across;
    gold is then what they give together."""
    with make_store(tmp_path_factory.mktemp("s"), documents=1, labels=list(LABELS)) as store:
        for number, (known, spans) in enumerate(answers):
            given_spans = " ".join(f"{a}-{b}:{label}" for (a, b), label in sorted(spans.items()))
            store.annotations.add(say(1, f"p{number}", given_spans, labels=tuple(sorted(known))))

        def said(answer: tuple[set[str], dict[tuple[int, int], str]], labels: set[str]) -> set[object]:
            return {(place, label) for place, label in answer[1].items() if label in labels}

        together = {(place, label) for _, spans in answers for place, label in spans.items()}
        agree = all(
            said(one, one[0] & other[0]) == said(other, one[0] & other[0])
            for one, other in itertools.combinations(answers, 2)
        ) and all(x == y or x[0][1] <= y[0][0] or y[0][1] <= x[0][0] for x in together for y in together)
        found = {
            gold.document.id: ({((s.start, s.end), s.label) for s in gold.spans}, set(gold.unknown))
            for gold in store.annotations.gold()
        }
        known = set().union(*(labels for labels, _ in answers))
        assert found == ({1: (together, set(LABELS) - known)} if agree else {})
        assert (store.reviews.conflicts() == []) == agree
        assert store.queue.states.stale() == []


def test_the_view_of_known_labels_and_the_function_say_the_same(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=1, labels=["PER", "CORP", "GROUP", "CITY"]) as store:
        store.annotations.add(say(1, "anna", ""))
        for name in ("ORG", "LOC"):
            store.labels.add(name)
        store.annotations.add(say(1, "ben", ""))  # knows LOC beside CITY, and ORG beside its parts
        store.labels.add("NEW")
        store.labels.add("PART")
        store.labels.retire("GROUP")
        for source, target in (("CITY", "LOC"), ("CORP", "ORG"), ("PART", "NEW")):
            store.labels.merge(source, target)
        store.annotations.add(say(1, "zoe", ""))
        unknown = store.label_sets.unknown(store.labels.readings())
        names = set(store.labels.names())
        for number in store.label_sets.all():
            rows = store.rows(
                "SELECT l.name FROM known_labels k JOIN labels l ON l.id = k.label_id WHERE label_set = ?",
                (number,),
            )
            assert {row[0] for row in rows} == names - set(unknown.get(number, ()))


def test_a_dispute_of_an_older_file_that_is_none_ends(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=2) as store:
        store.annotations.add(say(1))
        store.annotations.add(say(2))
        store.labels.add("ORG")
        store.annotations.add(say(1, "ben", "0-3:PER 15-19:ORG"))
        store.annotations.add(say(2, "ben", "15-19:ORG"))
        path = store.path
        store.run("UPDATE queue SET state = 'conflict', gold = 0 WHERE json_array_length(answered_by) > 1")
    as_schema(path, step_number("shared_labels") - 1)
    with Store.open(path) as store:
        assert [row[0] for row in store.reviews.conflicts()] == [2]
        assert store.queue.states.stale() == []
        assert store.queue.counts("pool")["gold"] == 1
