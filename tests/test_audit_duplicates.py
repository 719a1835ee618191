"""Near-duplicates against brute force, on made-up and on real texts."""

from __future__ import annotations

import json
import random
from itertools import combinations
from pathlib import Path

import pytest
from store_making import make_store

from spanloop.recipes.audit_duplicates import audit_duplicates
from spanloop.recipes.near import LIKE, Twins, shingles_of
from spanloop.store.records import Document


def brute_force(texts: dict[str, str], threshold: float) -> set[frozenset[str]]:
    """The connected groups of keys whose texts are the same or alike, by comparing every pair."""
    shingles = {key: shingles_of(text) for key, text in texts.items()}
    group = {key: {key} for key in texts}
    for one, other in combinations(texts, 2):
        a, b = shingles[one], shingles[other]
        alike = a is not None and b is not None and len(a & b) / len(a | b) >= threshold
        if texts[one] == texts[other] or alike:
            joined = group[one] | group[other]
            for key in joined:
                group[key] = joined
    return {frozenset(keys) for keys in group.values() if len(keys) > 1}


def test_the_same_groups_as_comparing_every_pair(tmp_path: Path) -> None:
    choice = random.Random(4)
    words = [f"word{n}" for n in range(400)]
    texts = {f"o{n}": choice.choices(words, k=choice.randint(4, 60)) for n in range(120)}
    for n in range(60):  # copies with zero to four words changed
        copied = list(texts[f"o{n}"])
        for _ in range(n % 5):
            copied[choice.randrange(len(copied))] = "changed"
        texts[f"c{n}"] = copied
    joined = {key: " ".join(found) for key, found in texts.items()}
    with make_store(tmp_path, eval_fraction=0.5) as store:
        store.documents.add(Document(text, key=key) for key, text in joined.items())
        path = store.path
    report = audit_duplicates(path)
    assert {frozenset(group.keys) for group in report.groups} == brute_force(joined, LIKE)
    assert report.documents == 180
    assert {g.across for g in report.groups} == {True, False}
    assert all(LIKE <= group.similarity <= 1 for group in report.groups)
    assert json.loads(json.dumps(report.json()))["across_splits"] == len(report.across) > 0
    assert "both pool and eval" in report.text()


def test_texts_without_spaces_are_compared_and_short_ones_only_for_the_same(tmp_path: Path) -> None:
    chinese = "今天我在北京的公园里看见了一只很大的白色的鸟"
    with make_store(tmp_path) as store:
        store.documents.add(
            [
                Document(chinese, key="a"),
                Document(chinese + "!", key="b"),
                Document("yes it is", key="c"),
                Document("Yes, it is", key="d"),
                Document("yes it is", key="e"),
            ]
        )
        path = store.path
    report = audit_duplicates(path)
    assert [group.keys for group in report.groups] == [("a", "b"), ("c", "e")]
    assert report.too_short == 2


def test_no_duplicates_is_said_so(tmp_path: Path) -> None:
    make_store(tmp_path, documents=1).close()
    assert audit_duplicates(tmp_path / "project.db").text() == "no duplicates among 1 document"


def test_a_near_duplicate_joins_the_group_of_the_one_it_repeats(tmp_path: Path) -> None:
    long = "the quick brown fox jumps over the lazy dog and then it runs away again"
    with make_store(tmp_path, eval_fraction=0.5) as store:
        store.documents.add([Document(long, key="a", group="g", split="eval")])
        twins = Twins(store.documents.iterate())
        assert twins.group_of(long + " today", "b") == "g"
        assert twins.group_of("something else that is not at all like the other text", "c") == "c"
        assert twins.group_of("something else that is not at all like the other text!", "d") == "c"
        assert twins.group_of("too short", "e") == "e"
        assert twins.group_of("too short", "f") == "f"  # the store itself joins what is the same
        store.documents.add([Document(long + " today", key="b", group=twins.group_of(long + " today", "b"))])
        assert [d.split for d in store.documents.iterate()] == ["eval", "eval"]


@pytest.mark.data
def test_real_texts_give_the_groups_of_brute_force(tmp_path: Path, data: Path) -> None:
    files = sorted(path for path in data.rglob("*.jsonl") if path.stat().st_size > 10_000)
    texts: dict[str, str] = {}
    for path in files[:6]:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()[:250]):
            text = json.loads(line).get("text")
            if isinstance(text, str) and text.strip():
                texts[f"{path.stem}-{number}"] = text
    assert len(texts) > 200
    with make_store(tmp_path) as store:
        store.documents.add(Document(text, key=key) for key, text in texts.items())
        path = store.path
    assert {frozenset(g.keys) for g in audit_duplicates(path).groups} == brute_force(texts, LIKE)
