"""Near-duplicates against brute force, on made-up and on real texts."""

from __future__ import annotations

import json
import random
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from support.store_making import make_store

from spanloop.recipes.files.import_report import ImportReport
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.near_duplicates.audit import audit_duplicates
from spanloop.recipes.near_duplicates.many_shingles import shingles_of_many
from spanloop.recipes.near_duplicates.shingles import LIKE, VERSION, shingles_of
from spanloop.recipes.near_duplicates.sketches import BANDS, ROWS, sketches_of
from spanloop.store import Store
from spanloop.store.records import Document, NewDocument


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
        store.documents.add(NewDocument(text, key=key) for key, text in joined.items())
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
                NewDocument(chinese, key="a"),
                NewDocument(chinese + "!", key="b"),
                NewDocument("yes it is", key="c"),
                NewDocument("Yes, it is", key="d"),
                NewDocument("yes it is", key="e"),
            ]
        )
        path = store.path
    report = audit_duplicates(path)
    assert [group.keys for group in report.groups] == [("a", "b"), ("c", "e")]
    assert report.too_short == 2


def test_no_duplicates_is_said_so(tmp_path: Path) -> None:
    make_store(tmp_path, documents=1).close()
    assert audit_duplicates(tmp_path / "project.db").text() == "no duplicates among 1 document"


LONG = "the quick brown fox jumps over the lazy dog and then it runs away again"


def imported(db: Path, *records: dict[str, object], **options: object) -> ImportReport:
    """The records through a file, as ``spanloop import`` takes them."""
    file = db.with_suffix(".jsonl")
    file.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return import_files(db, [file], **options)  # type: ignore[arg-type]


def placed(db: Path) -> dict[str | None, tuple[str | None, str | None]]:
    with Store.open(db) as store:
        return {d.key: (d.group, d.split) for d in store.documents.iterate()}


def test_a_near_duplicate_joins_the_group_and_split_of_the_one_it_repeats(tmp_path: Path) -> None:
    make_store(tmp_path, eval_fraction=0.5).close()
    db = tmp_path / "project.db"
    first = {"id": "a", "text": LONG, "group": "g", "split": "eval"}
    other = "something else that is not at all like the other text"
    short = [{"id": "e", "text": "too short"}, {"id": "f", "text": "too short!"}]
    assert imported(db, first).near_duplicates == 0
    report = imported(
        db,
        {"id": "b", "text": f"{LONG} today", "group": "mine"},
        {"id": "c", "text": other},
        {"id": "d", "text": f"{other}!"},
        {"text": f"Now {other}"},
        *short,
    )
    assert report.near_duplicates == 3
    assert report.json()["near_duplicates"] == 3
    assert "3 nearly the same as another document, whose group and split they join" in report.text()
    where = placed(db)
    assert where["b"] == ("g", "eval")
    assert len({where[key] for key in ("c", "d") if key in where}) == 1
    assert [group for group, _ in where.values()].count("c") == 3
    assert (where["e"][0], where["f"][0]) == ("e", "f")
    again = imported(db, {"id": "b", "text": f"{LONG} today"}, {"id": "h", "text": f"{LONG} tomorrow"})
    assert (again.already_there, again.near_duplicates) == (1, 1)
    assert placed(db)["h"] == ("g", "eval")


def test_a_split_that_is_given_counts_more_than_a_likeness(tmp_path: Path) -> None:
    make_store(tmp_path, eval_fraction=0.0).close()
    db = tmp_path / "project.db"
    imported(db, {"id": "a", "text": LONG, "split": "eval"})
    report = imported(db, {"id": "b", "text": f"{LONG} b"}, split="pool")
    report2 = imported(db, {"id": "c", "text": f"{LONG} c", "split": "pool"})
    report3 = imported(db, {"id": "d", "text": f"{LONG} d"}, near_duplicates=False)
    assert {key: split for key, (_, split) in placed(db).items()} == {
        "a": "eval", "b": "pool", "c": "pool", "d": "pool"
    }  # fmt: skip
    assert [r.near_duplicates for r in (report, report2, report3)] == [0, 0, 0]
    # those that came without a look are looked at when the next ones come
    assert imported(db, {"id": "e", "text": f"{LONG} d d"}).near_duplicates == 1


def test_what_repeats_an_earlier_text_lies_on_its_side(tmp_path: Path) -> None:
    choice = random.Random(8)
    words = [f"word{n}" for n in range(500)]
    originals = [choice.choices(words, k=choice.randint(10, 60)) for _ in range(150)]
    records: list[dict[str, object]] = [
        {"id": f"o{n}", "text": " ".join(text)} for n, text in enumerate(originals)
    ]
    for n in range(450):  # copies with no word, one or two words changed
        text = list(choice.choice(originals))
        for _ in range(n % 3):
            text[choice.randrange(len(text))] = "changed"
        records.append({"id": f"c{n}", "text": " ".join(text)})
    choice.shuffle(records)
    kept_apart = {}
    for name, together in (("with", True), ("without", False)):
        (tmp_path / name).mkdir()
        make_store(tmp_path / name, eval_fraction=0.5).close()
        db = tmp_path / name / "project.db"
        for begin in range(0, len(records), 100):  # several imports: the sketches are read back
            imported(db, *records[begin : begin + 100], near_duplicates=together)
        with Store.open(db) as store:
            alike, apart = likest_before(list(store.documents.iterate()))
            assert store.check() == []
        assert alike > 200
        kept_apart[name] = apart
    assert kept_apart["without"] > 40
    assert kept_apart["with"] == 0


def likest_before(documents: list[Document]) -> tuple[int, int]:
    """How many documents are like an earlier one, and how many of them lie in the other split than the
    likest."""
    alike = apart = 0
    shingles = [shingles_of(document.text) for document in documents]
    for number, own in enumerate(shingles):
        assert own is not None
        likes = [(len(own & s) / len(own | s), i) for i, s in enumerate(shingles[:number]) if s is not None]
        best = max(likes, default=(0.0, 0))[0]
        if best >= LIKE:
            alike += 1
            apart += documents[number].split not in {documents[i].split for like, i in likes if like == best}
    return alike, apart


def test_two_sets_share_a_hash_as_often_as_their_similarity_says() -> None:
    choice = random.Random(3)
    shared = dict.fromkeys((0.2, 0.5, 0.8, 0.9), 0)
    for like in shared:
        for _ in range(500):
            both = round(40 * like)
            numbers = choice.sample(range(2**32), 40)
            own = (40 - both) // 2
            one, other = numbers[: both + own], [*numbers[:both], *numbers[both + own :]]
            a, b = sketches_of(np.array([*one, *other], np.uint32), [len(one), len(other)])
            shared[like] += bool(set(a.tolist()) & set(b.tolist()))
    for like, times in shared.items():  # 1 - (1 - J ** rows) ** bands, give or take four standard errors
        wanted = 1 - (1 - like**ROWS) ** BANDS
        assert abs(times / 500 - wanted) <= 4 * (wanted * (1 - wanted) / 500) ** 0.5 + 0.002, (like, times)


def test_a_sketch_is_the_same_for_good() -> None:
    """Stores hold sketches: other hashes would find nothing again."""
    alone, again = sketches_of(*shingles_of_many([LONG, LONG.upper()]))
    assert alone.tolist() == again.tolist()
    assert [value % BANDS for value in alone.tolist()] == list(range(BANDS))
    assert (VERSION, f"{alone[0]:08x} {alone[15]:08x}") == (2, "514fd110 9e781c9f")


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
        store.documents.add(NewDocument(text, key=key) for key, text in texts.items())
        path = store.path
    assert {frozenset(g.keys) for g in audit_duplicates(path).groups} == brute_force(texts, LIKE)
