"""Search finds the same with an index, with half of one and with none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_making import make_store

from spanloop.store import Store
from spanloop.store.records import Document

LETTERS = 'abAB 我在北京"%_*-éÉ'


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The same documents without an index, half indexed and indexed."""
    made: list[Store] = []
    for share in (0, 150, None):
        store = make_store(tmp_path_factory.mktemp("search"))
        pieces = [f"{a}{b}{c}" for a in LETTERS for b in LETTERS for c in LETTERS][::11]
        store.documents.add(
            Document(f"{p}{q}", key=f"{n}") for n, (p, q) in enumerate(zip(pieces, pieces[7:], strict=False))
        )
        if share != 0:
            store.search.index(share)
        made.append(store)
    yield made
    for store in made:
        store.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(LETTERS, min_size=1, max_size=4))
def test_an_index_changes_nothing_but_the_speed(stores: list[Store], text: str) -> None:
    expected = [d.key for d in stores[0].documents.iterate() if text.casefold() in d.text.casefold()]
    for store in stores:
        assert [d.key for d in store.search.find(text, limit=10_000)] == expected
        assert [d.key for d in store.search.find(text, limit=3)] == expected[:3]


def test_indexing_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=25) as store:
        assert store.search.indexed() == 0
        assert store.search.index(10) == 10
        assert store.search.indexed() == 10
        assert store.search.index() == 15
        assert store.search.index() == 0
        store.documents.add([Document("something New in here", key="later")])
        assert [d.key for d in store.search.find("new IN")] == ["later"]
        assert store.search.index() == 1
        assert [d.key for d in store.search.find("new IN")] == ["later"]
        assert store.check() == []


@pytest.mark.parametrize("text", ["", "\x00", "\ud800", "a\x00b"])
def test_what_no_document_can_contain_is_not_found(tmp_path: Path, text: str) -> None:
    with make_store(tmp_path, documents=1) as store:
        assert store.search.find(text) == []
