"""Two projects joined: nothing lost or twice, the newest word stands, what they differ on is told."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.filled_store import filled_store, rows_of, tables_of
from support.store_making import TEXT, make_store, say

from spanloop.store import Store, StoreError
from spanloop.store.moving.merge import BROUGHT, LEFT, merge
from spanloop.store.moving.tables import STAYS
from spanloop.store.records import Annotation, NewDocument

SPANS = ("0-3:PER", "0-3:PER 15-19:LOC", "", "8-11:PER")


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """A project of six documents and a copy of it."""
    make_store(tmp_path, documents=6).close()
    shutil.copy(tmp_path / "project.db", tmp_path / "copy.db")
    with Store.open(tmp_path / "project.db") as ours, Store.open(tmp_path / "copy.db") as theirs:
        yield ours, theirs


def golds(store: Store) -> dict[str, list[tuple[int, int, str]]]:
    return {g.document.key: [(s.start, s.end, s.label) for s in g.spans] for g in store.annotations.gold()}


def everything(store: Store) -> dict[str, list[tuple[object, ...]]]:
    return {table: rows_of(store, table) for table in tables_of(store)}


def test_every_table_comes_along_or_says_why_not(tmp_path: Path) -> None:
    """Whoever adds a table says here what a merge does with it: BROUGHT or LEFT in store/moving/merge.py."""
    with make_store(tmp_path) as store:
        assert sorted([*BROUGHT, *LEFT, *STAYS]) == sorted(tables_of(store))


def answers(seed: int) -> list[Annotation]:
    """Answers of three people, of files and of reviews, each a minute after the one before."""
    drawn = random.Random(seed)
    origins = ("human", "human", "human", "import", "review", "machine")
    return [
        say(
            drawn.randint(1, 6),
            drawn.choice(("anna", "ben", "čenda")),
            drawn.choice(SPANS),
            origin=drawn.choice(origins),
            answer=drawn.choice(("accept", "accept", "reject", "ignore")),
            created_at=f"2026-01-01T00:{minute:02d}:00.000Z",
        )
        for minute in range(drawn.randint(1, 30))
    ]


@pytest.mark.parametrize("seed", range(6))
def test_two_who_worked_apart_are_as_two_who_worked_together(seed: int, tmp_path: Path) -> None:
    """Whoever gave an answer where, the gold, the disputes and the queue are those of one project that got
    every answer in its turn."""
    make_store(tmp_path, documents=6).close()
    for name in ("copy.db", "together.db"):
        shutil.copy(tmp_path / "project.db", tmp_path / name)
    chance = random.Random(seed + 1_000)
    with (
        Store.open(tmp_path / "project.db") as ours,
        Store.open(tmp_path / "copy.db") as theirs,
        Store.open(tmp_path / "together.db") as together,
    ):
        given = answers(seed)
        for answer in given:
            together.annotations.add(answer)
            chance.choice((ours, theirs)).annotations.add(answer)
        before = everything(theirs)
        done = merge(ours, theirs)
        assert done.annotations + done.older + ours.annotations.count() >= len(given)
        assert golds(ours) == golds(together)
        queues = [
            store.rows("SELECT document_id, state, gold, answered_by FROM queue")
            for store in (ours, together)
        ]
        assert queues[0] == queues[1]
        assert [row[0] for row in ours.rows("SELECT key FROM conflicts")] == [
            row[0] for row in together.rows("SELECT key FROM conflicts")
        ]
        assert ours.queue.states.stale() == []
        assert everything(theirs) == before
        after = everything(ours)
        again = merge(ours, theirs)
        assert (again.documents, again.annotations, again.conflicts) == (0, 0, [])
        assert everything(ours) == after


def test_an_answer_that_was_replaced_since_is_left_out_and_counted(two: tuple[Store, Store]) -> None:
    ours, theirs = two
    ours.annotations.add(say(1, spans="0-3:LOC", created_at="2026-02-01T00:00:00.000Z"))
    theirs.annotations.add(say(1, spans="0-3:PER", created_at="2026-01-01T00:00:00.000Z"))
    theirs.annotations.add(say(1, "ben", "0-3:PER", created_at="2026-01-01T00:00:00.000Z"))
    done = merge(ours, theirs)
    assert (done.annotations, done.older, done.conflicts) == (1, 1, ["d1"])


def test_what_was_suggested_and_refused_comes_along(tmp_path: Path) -> None:
    with filled_store(tmp_path / "there") as theirs, make_store(tmp_path) as ours:
        done = merge(ours, theirs)
        assert (done.documents, done.annotations, done.rounds) == (7, 7, 2)
        effort = [
            (row["annotator"], row["rejected"], row["seconds"]) for row in ours.effort() if row["rejected"]
        ]
        assert effort == [("anna", 1, 2.5)]
        assert [model.kind for model in ours.models.all()] == ["import"]
        assert golds(ours) == golds(theirs)
        assert ours.reviews.waiting() == theirs.reviews.waiting() == 1
        assert [flag.comment for flag in ours.listing.flags()] == ["no\nnot him"]
        assert ours.documents.by_key("é") == theirs.documents.by_key("é")
        # a label of the same name stays as it is here, and the others come with what became of them
        assert done.labels == ["PERSON", "ORG", "GPE", "OLD"]
        assert ours.labels.merged() == {
            label.id: ours.labels.ids()["LOC"]
            for label in ours.labels.all(retired=True)
            if label.name == "GPE"
        }
        assert ours.check() == []


def test_another_text_under_the_same_key_gets_a_key_of_its_own(
    two: tuple[Store, Store], tmp_path: Path
) -> None:
    ours, _ = two
    (tmp_path / "x").mkdir()
    with make_store(tmp_path / "x") as other:
        other.documents.add([NewDocument("Ann went home", key="d1")])
        other.annotations.add(say(1))
        done = merge(ours, other)
        key = f"d1@{other.project.uid[:8]}"
        assert (done.renamed, done.documents) == ({"d1": key}, 1)
        assert golds(ours) == {key: [(0, 3, "PER")]}
        assert merge(ours, other).documents == 0


def test_what_belongs_together_stays_in_one_split(two: tuple[Store, Store], tmp_path: Path) -> None:
    """The same text under another key, and whatever shares its group there, joins the split that it has
    here."""
    ours, _ = two
    (tmp_path / "x").mkdir()
    with make_store(tmp_path / "x") as other:
        other.documents.add(
            [
                NewDocument(f"{TEXT} 1", key="same text", group="g", split="eval"),
                NewDocument("of the same group", key="fellow", group="g", split="eval"),
                NewDocument("alone", key="alone", split="eval"),
            ]
        )
        done = merge(ours, other)
        places = {d.key: (d.group, d.split) for d in ours.documents.iterate()}
        assert places["same text"] == places["fellow"] == places["d1"] == ("d1", "pool")
        assert places["alone"] == ("alone", "eval")
        assert done.other_split == ["same text", "fellow"]


def test_labels_that_differ_are_told_and_stay_as_they_are_here(two: tuple[Store, Store]) -> None:
    ours, theirs = two
    for store in two:  # an answer of before the two parted: by it PER is one label, whatever it is called
        store.annotations.add(say(6, spans="", uuid="shared"))
    theirs.annotations.add(say(1, spans="0-3:PER 15-19:LOC"))
    ours.labels.rename("PER", "PERSON")
    theirs.labels.add("ORG", key="x")
    theirs.labels.retire("LOC")
    ours.set_project(lang="de")
    theirs.set_project(lang="en")
    done = merge(ours, theirs)
    assert done.labels == ["ORG"]
    assert done.label_differences == [
        "PER there is called PERSON here",
        "LOC is retired there and in use here",
    ]
    assert done.settings == ["lang is 'de' here and 'en' there"]
    assert ours.labels.names() == ["PERSON", "LOC", "ORG"]
    assert golds(ours) == {"d1": [(0, 3, "PERSON"), (15, 19, "LOC")], "d6": []}


def test_what_cannot_be_joined_is_refused_and_nothing_happens(
    two: tuple[Store, Store], tmp_path: Path
) -> None:
    ours, _ = two
    (tmp_path / "x").mkdir()
    before = everything(ours)
    with (
        make_store(tmp_path / "x", task="tags") as tags,
        pytest.raises(StoreError, match=r"spans, .* one of tags: no merge"),
    ):
        merge(ours, tags)
    with pytest.raises(StoreError, match="the same file"):
        merge(ours, ours)
    assert everything(ours) == before


def test_an_answer_knows_the_labels_that_were_there_where_it_was_given(two: tuple[Store, Store]) -> None:
    """Their numbers are others here: a label of each project's own stands between."""
    ours, theirs = two
    ours.labels.add("DATE")
    ours.annotations.add(say(1))
    theirs.annotations.add(say(2))
    theirs.labels.add("ORG")
    theirs.annotations.add(say(3))
    merge(ours, theirs)
    unknown = {gold.document.key: gold.unknown for gold in ours.annotations.gold()}
    assert unknown == {"d1": ("ORG",), "d2": ("DATE", "ORG"), "d3": ("DATE",)}
    assert ours.label_sets.lacking() == {"DATE": 2, "ORG": 2}
    sets = rows_of(ours, "label_sets")
    merge(ours, theirs)
    assert rows_of(ours, "label_sets") == sets


def test_what_a_document_came_in_as_comes_along(tmp_path: Path) -> None:
    with filled_store(tmp_path / "there") as theirs, make_store(tmp_path, documents=6) as ours:
        merge(ours, theirs)
        document = ours.documents.by_key("d1")
        assert document is not None
        assert ours.originals.get(document.id, "conllu") == "1\tAnn"
