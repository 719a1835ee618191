"""An audit finds errors that were planted; what it finds goes to the review queue and is corrected there."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from support.commands import done, jsonl_file, refused
from support.json_shapes import check_shape
from support.store_making import stored

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.project.init import init
from spanloop.recipes.quality.audit import Audit, audit
from spanloop.recipes.quality.out_of_fold import split_by_group
from spanloop.recipes.web.asked import Next, PostedAnswer
from spanloop.recipes.web.desk import Desk
from spanloop.recipes.web.settings import PageSettings
from spanloop.recipes.web.wire import read
from spanloop.store import Store
from spanloop.store.records import Gold

NAMES = ("Ann", "Bob", "Merkel", "Obama", "O'Neil", "Angela", "Barack")
PLACES = ("York", "Zürich", "Berlin", "Tokyo", "New York City", "Lima")
DOCUMENTS = 160
PLANTED = 16  # of 320 spans: 5 %
TRAINING = TrainConfig(epochs=10, learning_rate=5e-3)
Place = tuple[str, int]


def corpus() -> tuple[list[dict[str, Any]], set[Place]]:
    """Documents with two spans each, of which 5 % are dropped or have the wrong label, and where."""
    rng = random.Random(7)
    records: list[dict[str, Any]] = []
    for number in range(DOCUMENTS):
        name, place = rng.choice(NAMES), rng.choice(PLACES)
        words = rng.choice(("met number", "sold cable no.", "wrote e-mail"))
        text = f"{name} {words} {number} in {place} 😀."
        start = text.index(" in ") + 4
        spans = [[0, len(name), "PER"], [start, start + len(place), "LOC"]]
        records.append({"id": f"d{number}", "text": text, "spans": spans, "doc": f"g{number // 2}"})
    planted = set()
    for number in rng.sample(range(DOCUMENTS), PLANTED):
        spans = records[number]["spans"]
        span = rng.choice(spans)
        planted.add((f"d{number}", span[0]))
        if rng.random() < 0.5:
            spans.remove(span)
        else:
            span[2] = "LOC" if span[2] == "PER" else "PER"
    return records, planted


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> tuple[Path, Audit]:
    folder = tmp_path_factory.mktemp("audit")
    db = folder / "p.db"
    init(db, labels=["PER", "LOC"], model=str(encoder), eval_fraction=0)
    import_files(db, [jsonl_file(folder / "pool.jsonl", *corpus()[0])])
    return db, audit(db, config=TRAINING)


def test_the_top_ranks_are_the_planted_errors(audited: tuple[Path, Audit]) -> None:
    """By chance 5 % of the top ranks would be planted ones; at least two thirds are, and of all planted ones
    three quarters are found somewhere."""
    _, report = audited
    planted = corpus()[1]
    top = [(doubt.key, doubt.start) for doubt in report.doubts[:PLANTED]]
    assert len(planted & set(top)) >= PLANTED * 2 / 3
    found = {(doubt.key, doubt.start) for doubt in report.doubts}
    assert len(planted & found) >= PLANTED * 3 / 4
    assert [doubt.doubt for doubt in report.doubts] == sorted(
        (doubt.doubt for doubt in report.doubts), reverse=True
    )


def test_a_doubt_says_where_and_what(audited: tuple[Path, Audit]) -> None:
    db, report = audited
    worst = report.doubts[0]
    with Store.open(db) as store:
        document = store.documents.by_key(worst.key)
        assert document is not None
        (gold,) = store.annotations.gold(ids=[document.id])
    assert document.text[worst.start : worst.end] == worst.text
    assert worst.annotation_id == gold.annotation_id
    given = {span.label for span in gold.spans if span.start < worst.end and worst.start < span.end}
    assert worst.given == next(iter(given), None)
    assert worst.given != worst.said
    assert worst.text in worst.reason()


def test_the_audit_makes_no_round_and_has_its_shape(audited: tuple[Path, Audit]) -> None:
    db, report = audited
    check_shape("audit", report.json())
    assert (report.documents, report.folds, report.split) == (DOCUMENTS, 3, "pool")
    assert "fewer than 30 gold spans" in report.text()
    assert "PER (pool 1" in report.text()
    with Store.open(db) as store:
        assert store.rounds.all() == []
        assert store.models.all() == []


def test_folds_part_no_group_and_hold_every_document_once() -> None:
    golds = [Gold(stored(str(i), str(i), group=f"g{i % 7}" if i < 50 else None), i, ()) for i in range(60)]
    folds = split_by_group(golds, 3, seed=1)
    assert sorted(place for fold in folds for place in fold) == list(range(60))
    where = [{golds[place].document.group for place in fold if place < 50} for fold in folds]
    assert not (where[0] & where[1] | where[0] & where[2] | where[1] & where[2])
    assert max(map(len, folds)) - min(map(len, folds)) <= 8
    assert split_by_group(golds, 3, seed=1) == folds


def test_an_audit_says_what_it_needs(tmp_path: Path, encoder: Path) -> None:
    db = tmp_path / "p.db"
    init(db, labels=["PER"], model=str(encoder), eval_fraction=0)
    assert "there is no gold in the pool" in refused("audit", db)
    assert "no audit has been made yet: spanloop audit" in refused("review", db, "--top", 5)
    assert "--top 50" in refused("review", db)
    assert "nothing waits for review" in refused("correct", db, "--review", "--no-browser")
    import_files(db, [jsonl_file(tmp_path / "two.jsonl", *corpus()[0][:2])], as_="documents")
    import_files(db, [jsonl_file(tmp_path / "e.jsonl", {"text": "Ann", "spans": []})], split="eval")
    assert "no round is promoted yet" in refused("audit", db, "--split", "eval")
    import_files(db, [jsonl_file(tmp_path / "g.jsonl", {"text": "Ann met Bob", "spans": []})], split="pool")
    assert "3 folds need as many groups of gold documents, there are 1" in refused("audit", db)


def test_the_eval_split_is_judged_by_the_promoted_round(tmp_path: Path, encoder: Path) -> None:
    db = tmp_path / "p.db"
    init(db, labels=["PER", "LOC"], model=str(encoder), eval_fraction=0)
    records, planted = corpus()
    clean = [record for record in records if record["id"] not in {key for key, _ in planted}]
    import_files(db, [jsonl_file(tmp_path / "pool.jsonl", *clean)], split="pool")
    wrong = [record for record in records if record["id"] in {key for key, _ in planted}]
    for record in wrong:
        record["doc"] = f"e{record['id']}"
    import_files(db, [jsonl_file(tmp_path / "eval.jsonl", *wrong)], split="eval")
    done("retrain", db, "--epochs", 10, "--lr", 0.005, "--allow-leaks")
    found = done("audit", db, "--split", "eval", "--json")
    assert found["folds"] == 0
    assert len(planted & {(doubt["key"], doubt["start"]) for doubt in found["doubts"]}) >= PLANTED * 2 / 3


# From the audit to the page


def desk(db: Path, store: Store) -> Desk:
    return Desk(store, PageSettings(review=True), ask_tokens=lambda _: True)


def test_review_sends_the_worst_to_the_page_and_the_answer_has_the_last_word(
    audited: tuple[Path, Audit], tmp_path: Path
) -> None:
    done("backup", audited[0], tmp_path / "p.db")
    db = tmp_path / "p.db"
    worst = audited[1].doubts[0]
    with Store.open(db) as store:
        store.rounds_dir.mkdir(exist_ok=True)
        kept = audited[0].with_suffix(".rounds") / "audit.json"
        (store.rounds_dir / "audit.json").write_text(kept.read_text(encoding="utf-8"), encoding="utf-8")
    assert done("review", db, "--top", 5, "--json") == {"schema": 1, "sent": 5, "waiting": 5, "changed": 0}
    assert done("review", db, "--top", 5, "--json")["sent"] == 0
    with Store.open(db) as store:
        page = desk(db, store)
        shown = page.dealing.next("lea", read(Next, {"client": "c1", "n": "2"}))
        first = shown["documents"][0]
        assert (first["key"], shown["counts"]["open"]) == (worst.key, 5)
        assert first["reason"].startswith(f"“{worst.text}”: gold has ")
        (before,) = store.annotations.gold(ids=[first["id"]])
        assert first["answer"] is not None
        assert [(s["start"], s["end"], s["label"]) for s in first["answer"]["spans"]] == [
            (s.start, s.end, s.label) for s in before.spans
        ]
        answer = {
            **page.overview.session("lea").json(),
            "uuid": "0" * 8 + "-0000-0000-0000-" + "0" * 12,
            "document_id": first["id"],
            "document_key": first["key"],
            "answer": "accept",
            "spans": [{"start": 0, "end": 3, "label_id": store.labels.ids()["PER"]}],
            "prediction_id": None,
            "seconds": 1.0,
            "comment": "",
            "flagged": False,
            "ranges": None,
        }
        assert page.submitting.answer("lea", read(PostedAnswer, answer))["counts"]["open"] == 4
        (after,) = store.annotations.gold(ids=[first["id"]])
        assert [(s.start, s.end, s.label) for s in after.spans] == [(0, 3, "PER")]
        assert store.annotations.history(first["id"])[-1].origin == "review"
        assert store.reviews.reason(first["id"]) == ""
    assert done("review", db, "--top", 5, "--json")["changed"] == 1  # what was reviewed since is left alone
