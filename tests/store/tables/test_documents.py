"""Documents: the same again is nothing, splits follow groups, nothing unusable gets in."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.store_making import make_store, say

from spanloop.store import StoreError
from spanloop.store.records import Document, NewDocument
from spanloop.store.tables.incoming import meta_encoder


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    texts=st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1), max_size=20
    ),
    batch=st.integers(1, 5),
)
def test_importing_the_same_twice_adds_nothing(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], batch: int
) -> None:
    with make_store(tmp_path_factory.mktemp("twice"), eval_fraction=0.5) as store:
        for size in (batch, len(texts) + 1):  # in batches of another size
            occurrences: Counter[str] = Counter()
            for begin in range(0, len(texts), size):
                store.documents.add(map(NewDocument, texts[begin : begin + size]), occurrences=occurrences)
            assert [document.text for document in store.documents.iterate()] == texts
        assert store.queue.counts()["total"] == len(texts)
        by_text: dict[str, set[str | None]] = {}
        for document in store.documents.iterate():
            by_text.setdefault(document.text, set()).add(document.split)
        assert all(len(splits) == 1 for splits in by_text.values())


def test_a_document_comes_out_as_it_went_in(tmp_path: Path) -> None:
    text = "a\r\nb\u2028c 👩‍🚀 e\u0301 \u202eabc\t中文"
    with make_store(tmp_path) as store:
        added = store.documents.add(
            [NewDocument(text, key="ключ", meta={"n": 1, "ü": ["x"]}, group="g", split="eval")]
        )
        assert [(a.key, a.new) for a in added] == [("ключ", True)]
        document = store.documents.by_key("ключ")
        assert document == Document(text, "ключ", {"n": 1, "ü": ["x"]}, "g", "eval", added[0].document_id)
        assert store.documents.get(added[0].document_id) == document
        assert store.documents.get(99) is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(st.dictionaries(st.text(), VALUES, max_size=4), max_size=3))
def test_metadata_is_spelled_as_json_spells_it(many: list[dict[str, object]]) -> None:
    encoded = meta_encoder()
    assert [encoded(meta) for meta in many] == [json.dumps(meta, ensure_ascii=False) for meta in many]
    assert encoded(MappingProxyType({"a": {"b": 1}})) == '{"a": {"b": 1}}'
    with pytest.raises(TypeError, match="bytes"):
        encoded({"a": b""})


def test_the_same_key_with_another_text_is_named(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=1) as store:
        with pytest.raises(StoreError, match=r"'d1'.*another text.*--on-conflict skip"):
            store.documents.add([NewDocument("fresh", key="f"), NewDocument("other", key="d1")])
        assert store.documents.by_key("f") is None
        added = store.documents.add(
            [NewDocument("fresh", key="f"), NewDocument("other", key="d1")], on_conflict="skip"
        )
        assert [a.new for a in added] == [True, False]
        first = store.documents.by_key("d1")
        assert first is not None
        assert first.text != "other"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (NewDocument("", key="k"), "'k' has no text"),
        (NewDocument("ab\x00c", key="k"), "NUL at character 2"),
        (NewDocument("abc\ud83d", key="k"), "lone surrogate at character 3"),
        (NewDocument("abc", key="\ud83d"), "lone surrogate"),
        (NewDocument("begin of it\x00"), "begins 'begin of it"),
    ],
)
def test_what_is_no_text_is_refused_whole(tmp_path: Path, document: Document, message: str) -> None:
    with make_store(tmp_path) as store:
        with pytest.raises(StoreError, match=message):
            store.documents.add([NewDocument("good"), document])
        assert store.documents.count() == 0


def test_the_split_depends_on_seed_and_group_alone(tmp_path: Path) -> None:
    documents = [NewDocument(f"text {n}", key=f"k{n}", group=f"g{n // 3}") for n in range(600)]
    splits = []
    for name, order in (("a", documents), ("b", documents[::-1])):
        (tmp_path / name).mkdir()
        with make_store(tmp_path / name, eval_fraction=0.3, seed=5) as store:
            store.documents.add(order)
            splits.append({d.key: d.split for d in store.documents.iterate()})
    assert splits[0] == splits[1]
    for n in range(0, 600, 3):
        assert len({splits[0][f"k{n + i}"] for i in range(3)}) == 1
    assert 0.2 < sum(split == "eval" for split in splits[0].values()) / 600 < 0.4


def test_a_group_stays_in_the_split_it_was_given(tmp_path: Path) -> None:
    with make_store(tmp_path, eval_fraction=0.0) as store:
        store.documents.add(
            [
                NewDocument("one", key="a", group="g", split="eval"),
                NewDocument("whole", key="h", split="eval"),
            ]
        )
        store.documents.add(
            [NewDocument("two", key="b", group="g"), NewDocument("three", key="c", group="h")]
        )
        assert [store.documents.by_key(key).split for key in "bc"] == ["eval", "eval"]  # type: ignore[union-attr]


def test_the_same_text_under_another_key_joins_group_and_split(tmp_path: Path) -> None:
    with make_store(tmp_path, eval_fraction=0.0) as store:
        store.documents.add([NewDocument("same", key="a", group="g", split="eval")])
        store.documents.add(
            [NewDocument("same", key="b"), NewDocument("same", key="c", split="pool", group="x")]
        )
        b, c = store.documents.by_key("b"), store.documents.by_key("c")
        assert b is not None
        assert c is not None
        assert (b.group, b.split) == ("g", "eval")
        assert (c.group, c.split) == ("g", "pool")


def test_documents_are_immutable_and_kept(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=1) as store:
        for statement in ("UPDATE documents SET text = 'x'", "DELETE FROM documents"):
            with pytest.raises(StoreError, match=r"immutable|kept"):
                store.run(statement)


def test_iterating_goes_on_while_others_write(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=1200) as store:
        seen = []
        for number, document in enumerate(store.documents.iterate()):
            seen.append(document.id)
            if number == 10:
                store.documents.add([NewDocument("late", key="late")])
                store.annotations.add(say(3))
        assert seen == list(range(1, 1201))
        assert [d.key for d in store.documents.iterate(ids=[7, 3, 5])] == ["d3", "d5", "d7"]
        assert [d.id for d in store.documents.iterate(state="answered")] == [3]
        assert store.documents.count("pool") == 1201
        assert store.documents.count("eval") == 0
