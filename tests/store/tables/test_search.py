"""Search finds the same with an index, with half of one and with none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.store_making import make_store, say

from spanloop.store import Store
from spanloop.store.records import NewDocument
from spanloop.store.tables.listing import Wanted

LETTERS = 'abAB 我在北京"%_*-éÉ'


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The same documents without an index, half indexed and indexed."""
    made: list[Store] = []
    for share in (0, 150, None):
        store = make_store(tmp_path_factory.mktemp("search"))
        pieces = [f"{a}{b}{c}" for a in LETTERS for b in LETTERS for c in LETTERS][::11]
        store.documents.add(
            NewDocument(f"{p}{q}", key=f"{n}")
            for n, (p, q) in enumerate(zip(pieces, pieces[7:], strict=False))
        )
        if share != 0:
            store.search.index(share)
        made.append(store)
    yield made
    for store in made:
        store.close()


def found(store: Store, text: str, most: int = 1_000) -> list[str]:
    return [d.key for d in store.documents.fetch(store.listing.look(Wanted(text=text), most=most).ids)]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=st.text(LETTERS, min_size=1, max_size=4))
def test_an_index_changes_nothing_but_the_speed(stores: list[Store], text: str) -> None:
    expected = [d.key for d in stores[0].documents.iterate() if text.casefold() in d.text.casefold()]
    for store in stores:
        assert found(store, text) == expected
        assert found(store, text, most=3) == expected[:3]


def test_indexing_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=25) as store:
        assert store.search.indexed() == 0
        assert store.search.index(10) == 10
        assert store.search.indexed() == 10
        assert store.search.index() == 15
        assert store.search.index() == 0
        store.documents.add([NewDocument("something New in here", key="later")])
        assert found(store, "new IN") == ["later"]
        assert store.search.index() == 1
        assert found(store, "new IN") == ["later"]
        assert store.check() == []


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=st.text(LETTERS, min_size=1, max_size=4))
def test_what_waits_with_these_characters_is_the_same_with_an_index_and_without(
    stores: list[Store], text: str
) -> None:
    expected = [d.key for d in stores[0].documents.iterate() if text in d.text]
    for store in stores:
        assert [d.key for d in store.search.waiting_with(text, "anna", limit=10_000)] == expected
        assert [d.key for d in store.search.waiting_with(text, "anna", limit=3)] == expected[:3]


@pytest.mark.parametrize("indexed", [False, True])
def test_answered_documents_and_those_of_the_other_split_do_not_wait(tmp_path: Path, indexed: bool) -> None:
    with make_store(tmp_path, documents=3) as store:
        store.documents.add([NewDocument("Ann met Bob in eval", key="e", split="eval")])
        store.set_project(overlap=2)
        store.annotations.add(say(1, "anna"))
        if indexed:
            store.search.index()
        assert [d.id for d in store.search.waiting_with("Bob", "anna")] == [2, 3]
        assert [d.id for d in store.search.waiting_with("Bob", "bert")] == [1, 2, 3]
        assert [d.key for d in store.search.waiting_with("Bob", "anna", split="eval")] == ["e"]
        assert store.search.waiting_with("bob", "anna") == []
