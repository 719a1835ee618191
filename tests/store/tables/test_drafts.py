"""Drafts: of one answer each, gone with it, and never more than a project can bear."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.store_making import make_store, say

from spanloop.store import StoreError
from spanloop.store.tables import drafts
from spanloop.store.tables.drafts import DraftOf


def test_a_draft_goes_with_the_answer(tmp_path: Path) -> None:
    first, second = DraftOf("anna", 1), DraftOf("anna", 2)
    with make_store(tmp_path, documents=2) as store:
        for draft in (first, second):
            store.drafts.put(draft, "first")
        store.drafts.put(first, '{"spans": []}')
        assert store.drafts.get(first) == '{"spans": []}'
        assert store.drafts.get(DraftOf("ben", 1)) is None
        store.annotations.add(say(1))
        assert store.drafts.get(first) is None
        store.drafts.drop(second)
        assert store.drafts.get(second) is None


def test_what_was_begun_for_a_review_or_blind_is_a_draft_of_its_own(tmp_path: Path) -> None:
    sorts = [DraftOf("anna", 1, origin, blind) for origin in ("human", "review") for blind in (False, True)]
    with make_store(tmp_path, documents=1) as store:
        for draft in sorts:
            store.drafts.put(draft, str(draft))
        assert [store.drafts.get(draft) for draft in sorts] == [str(draft) for draft in sorts]
        store.annotations.add(say(1))
        assert [store.drafts.get(draft) is None for draft in sorts] == [True, True, False, False]
        store.annotations.add(say(1, origin="review"))
        assert [store.drafts.get(draft) for draft in sorts] == [None] * 4


def test_drafts_have_a_total_for_each_person_and_for_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "MOST_OF_ONE_PERSON", 1000)
    monkeypatch.setattr(drafts, "MOST_IN_ALL", 1500)
    with make_store(tmp_path, documents=3) as store:
        store.drafts.put(DraftOf("anna", 1), "x" * 600)
        store.drafts.put(DraftOf("anna", 1), "x" * 900)  # in place of the one before
        with pytest.raises(StoreError, match=r"of anna would take .* answer some of those documents first"):
            store.drafts.put(DraftOf("anna", 2), "é" * 51)  # counted in bytes
        with pytest.raises(StoreError, match="of anna"):
            store.drafts.put(DraftOf("anna", 1), "x" * 1001)
        assert store.drafts.get(DraftOf("anna", 1)) == "x" * 900  # what was kept stays
        store.drafts.put(DraftOf("anna", 2), "é" * 50)
        with pytest.raises(StoreError, match="of all people of this project"):
            store.drafts.put(DraftOf("ben", 1), "x" * 501)
        store.annotations.add(say(1))
        store.drafts.put(DraftOf("ben", 1), "x" * 501)
