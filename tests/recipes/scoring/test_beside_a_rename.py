"""What a training, a score or a suggestion reads is of one moment, though a label is renamed meanwhile."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.commands import done
from support.projects import build
from support.renaming import renaming
from support.tiny_models import build_tiny

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.progress import Progress
from spanloop.recipes.quality.audit import audit
from spanloop.recipes.rounds.report import write_report
from spanloop.recipes.rounds.status import status
from spanloop.recipes.scoring.evaluate import evaluate
from spanloop.recipes.suggest.prelabel import prelabel
from spanloop.recipes.training.report import RoundReport
from spanloop.recipes.training.retrain import retrain
from spanloop.store import Store

EPOCHS = 8  # after which it finds some spans of each label
SETS = ({"PER", "LOC"}, {"PERSON", "LOC"})


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    db = build(folder, build_tiny(folder / "encoder", head=False))
    assert isinstance(retrain(db, TrainConfig(epochs=EPOCHS)), RoundReport)
    return db


@pytest.fixture
def db(trained: Path, tmp_path: Path) -> Path:
    """A copy of the trained project, to be changed."""
    with Store.open(trained) as store:
        store.backup(tmp_path / trained.name)
    shutil.copy(trained.with_name("open.jsonl"), tmp_path)
    return tmp_path / trained.name


def renamed_at_the_first_step(db: Path, *pairs: tuple[str, str]) -> Progress:
    """Progress that renames the first time it is told anything: in the middle of the work, that is."""
    waiting = list(pairs)

    def progress(_done: int, _total: int | None, _what: str) -> None:
        while waiting:
            done("labels", db, "rename", *waiting.pop(0))

    return progress


def test_a_round_is_trained_scored_and_compared_by_the_names_it_read(db: Path) -> None:
    swap = (("PER", "X"), ("LOC", "PER"), ("X", "LOC"))
    again = retrain(db, TrainConfig(epochs=EPOCHS), progress=renamed_at_the_first_step(db, *swap))
    assert isinstance(again, RoundReport)
    assert {name: figure.support for name, figure in again.scores.report.labels.items()} == {
        "PER": 8,
        "LOC": 8,
    }
    assert "(+0.0000" in again.reason, again.reason  # the same training: neither is better
    with Store.open(db) as store:
        first, second = store.rounds.all()
        assert first.label_ids == second.label_ids == {"PER": 1, "LOC": 2}
        assert store.rounds.labels(2) == ["PER", "LOC"]
        assert store.labels.names() == ["LOC", "PER"]


def test_a_score_has_the_names_of_its_gold(db: Path) -> None:
    before = evaluate(db)
    during = evaluate(db, progress=renamed_at_the_first_step(db, ("PER", "PERSON")))
    after = evaluate(db)
    assert during.report.labels == before.report.labels
    assert during.report.micro == after.report.micro
    assert set(after.report.labels) == {"PERSON", "LOC"}


def test_a_suggestion_means_the_label_that_the_round_was_trained_on(db: Path) -> None:
    """Renamed before the round suggests, and once more while it does: no span is lost or changes sides."""
    with Store.open(db) as store:
        store.labels.rename("PER", "X")
        store.labels.rename("LOC", "PER")
        store.labels.rename("X", "LOC")
    prelabel(db, progress=renamed_at_the_first_step(db, ("LOC", "PERSON")))
    said = [{span.key for span in spans} for spans in evaluate(db).predicted]
    assert {label for spans in said for _, _, label in spans} == {"PERSON", "PER"}
    with Store.open(db) as store:
        found = [store.predictions.get(document.id) for document in store.documents.iterate(split="eval")]
        assert [{(s.start, s.end, s.label) for s in one.spans} for one in found if one is not None] == said
        assert store.ledger.all(reason="label not in project") == []


def test_reports_beside_a_process_that_renames_have_one_set_of_names(db: Path, tmp_path: Path) -> None:
    with renaming(db, "PER", "PERSON"):
        for _ in range(20):
            assert set(status(db).labels) in SETS
        for _ in range(5):
            assert {name: f.support for name, f in evaluate(db).report.labels.items()} in (
                {"PER": 8, "LOC": 8},
                {"PERSON": 8, "LOC": 8},
            )
        found = audit(db, split="eval")
        names = {thin.label for thin in found.thin_labels}
        assert names in SETS
        assert {name for doubt in found.doubts for name in (doubt.given, doubt.said)} <= {*names, None}
        assert {(thin.pool, thin.eval) for thin in found.thin_labels} == {(24, 8)}
        for number in range(3):
            page = tmp_path / f"report{number}.md"
            write_report(db, page)
            text = page.read_text()
            assert ("PERSON" in text) != ("| PER " in text)
