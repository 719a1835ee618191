"""A label that is added later: who is told, what training and figures make of older gold, how it is asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.commands import done, jsonl_file, refused
from support.projects import sentences

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.project.init import init
from spanloop.recipes.training.retrain import RoundReport, retrain
from spanloop.store import Store


def _only(label: str, records: list[dict[str, object]]) -> list[dict[str, object]]:
    """The same documents as somebody annotates them who has this label alone."""
    return [{**r, "spans": [s for s in r["spans"] if s[2] == label]} for r in records]  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> tuple[Path, RoundReport]:
    """20 documents of the pool and 6 of eval are annotated before LOC is there, 8 and 4 afterwards."""
    folder = tmp_path_factory.mktemp("grown")
    db = folder / "p.db"
    init(db, labels=["PER"], model=str(encoder), eval_fraction=0)
    for split, before, after in (("pool", 20, 28), ("eval", 6, 10)):
        records = sentences(after, split[0])
        old, new = _only("PER", records[:before]), records[before:]
        jsonl_file(folder / f"{split}.old.jsonl", *old)
        jsonl_file(folder / f"{split}.new.jsonl", *new)
        import_files(db, [folder / f"{split}.old.jsonl"], split=split)  # type: ignore[arg-type]
    said = done("labels", db, "add", "LOC")
    assert "'LOC' is not known by 26 gold documents" in said
    assert f"spanloop review {db} --unknown-label LOC" in said
    for split in ("pool", "eval"):
        import_files(db, [folder / f"{split}.new.jsonl"], split=split)  # type: ignore[arg-type]
    report = retrain(db, TrainConfig(epochs=1))
    assert isinstance(report, RoundReport)
    return db, report


def test_older_gold_is_left_open_in_training_and_said(grown: tuple[Path, RoundReport]) -> None:
    db, report = grown
    assert report.unknown_labels == {"LOC": 20}
    assert "left open in those that do not: LOC by 20" in report.text()
    with Store.open(db) as store:
        manifest = store.rounds.get(1).manifest
    assert manifest is not None
    assert manifest["tokens_masked"] == 0
    assert manifest["tokens_partly_known"] > 20 * 4


def test_figures_of_a_label_are_of_the_documents_that_know_it(grown: tuple[Path, RoundReport]) -> None:
    db, report = grown
    scores = report.scores.report
    assert (scores.documents, dict(scores.known)) == (10, {"PER": 10, "LOC": 4})
    assert (scores.labels["PER"].support, scores.labels["LOC"].support) == (10, 4)
    assert not any(span.label == "LOC" for spans in report.scores.predicted[:6] for span in spans), (
        "what nobody can judge is no error"
    )
    assert "where not all 10 do: LOC 4" in done("evaluate", db)
    assert done("evaluate", db, "--json")["known"] == {"PER": 10, "LOC": 4}
    with Store.open(db) as store:
        stored = {s.label: s.documents for s in store.rounds.scores(1) if s.metric == "strict"}
    assert stored == {None: 10, "PER": 10, "LOC": 4}


def test_older_gold_is_sent_to_review(grown: tuple[Path, RoundReport]) -> None:
    db, _ = grown
    assert done("labels", db, "--json")["labels"][1]["unknown"] == 26
    assert "26 documents sent" in done("review", db, "--unknown-label", "LOC")
    with Store.open(db) as store:
        assert store.reviews.reason(1) == "annotated before 'LOC' was there"
    assert "there is no label 'ORG', only PER, LOC" in refused("review", db, "--unknown-label", "ORG")


def test_an_import_may_speak_of_some_labels_only(tmp_path: Path) -> None:
    db = tmp_path / "p.db"
    init(db, labels=["PER", "LOC"])
    file = jsonl_file(tmp_path / "a.jsonl", *_only("PER", sentences(3, "a")))
    done("import", db, file, "--only-labels", "PER")
    done("import", db, file, "--only-labels", "PER")
    with Store.open(db) as store:
        assert [gold.unknown for gold in store.annotations.gold()] == [("LOC",)] * 3
        assert store.annotations.count() == 3
    done("import", db, file)  # and then it speaks of all: the newest word of the import stands
    with Store.open(db) as store:
        assert [gold.unknown for gold in store.annotations.gold()] == [()] * 3
    both = jsonl_file(tmp_path / "b.jsonl", *sentences(1, "b"))
    assert "of other labels, left out 1; 2 in all" in done("import", db, both, "--only-labels", "PER")
    assert "--only-labels names 'ORG', and the labels of" in refused(
        "import", db, file, "--only-labels", "PER,ORG"
    )


def test_what_a_document_knows_survives_export_and_import(tmp_path: Path) -> None:
    db, again, file = tmp_path / "p.db", tmp_path / "again.db", tmp_path / "out.jsonl"
    init(db, labels=["PER", "LOC"])
    done(
        "import",
        db,
        jsonl_file(tmp_path / "a.jsonl", *_only("PER", sentences(2, "a"))),
        "--only-labels",
        "PER",
    )
    done("import", db, jsonl_file(tmp_path / "b.jsonl", *sentences(1, "b")))
    done("export", db, file)
    init(again, labels=["PER", "LOC", "ORG"])
    done("import", again, file)
    with Store.open(again) as store:
        known = {gold.document.key: gold.unknown for gold in store.annotations.gold()}
    assert known == {"a0": ("LOC", "ORG"), "a1": ("LOC", "ORG"), "b0": ()}
    done("export", again, file, "--overwrite")
    assert file.read_text("utf-8").count("known_labels") == 2
