"""What can be learned of rounds afterwards: the report, the curve, the same weights once more."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from support.commands import done, jsonl_file, refused
from support.json_shapes import check_shape
from support.processes import PATIENCE_SECONDS
from support.projects import build, sentences
from support.store_making import stored

from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.rounds.learning_curve import Gain, Point, TrainCurve, train_curve
from spanloop.recipes.rounds.reproduce import reproduce
from spanloop.recipes.scoring.changes import changes, hardest
from spanloop.recipes.table import table, width
from spanloop.store import Store
from spanloop.store.records import Gold, Span


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> Path:
    """Two rounds, the second from more gold; a label that looks like markup."""
    folder = tmp_path_factory.mktemp("report")
    db = build(folder, encoder)
    done("labels", db, "add", "<b>&")
    done("retrain", db, "--epochs", 4, "--lr", "0.01", "--batch-wordpieces", 128)
    done("import", db, jsonl_file(folder / "more.jsonl", *sentences(10, "m")))
    done("retrain", db, "--epochs", 8, "--lr", "0.01", "--batch-wordpieces", 128, "--promote", "yes")
    return db


def test_the_page_needs_nothing_beside_itself_and_escapes_what_it_shows(db: Path, tmp_path: Path) -> None:
    done("report", db, "-o", tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert not re.search(r"""(src|href)=["'](?!data:)""", page)
    assert "<script" not in page
    assert page.count("data:image/svg+xml;base64,") == 4
    assert "&lt;b&gt;&amp;" in page
    assert "<b>&" not in page
    assert "Round 2 against round 1" in page


def test_the_same_figures_in_json_and_markdown(db: Path, tmp_path: Path) -> None:
    assert done("report", db, "-o", tmp_path / "r.json", "--json")["rounds"] == 2
    done("report", db, "-o", tmp_path / "r.md")
    content = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    check_shape("report -o FILE.json", content)
    evaluated = done("evaluate", db, "--json")
    assert {"schema": content["schema"], **content["evaluation"]} == evaluated
    assert [row["trained_on"] for row in content["rounds"]] == [24, 34]
    assert sum(bin["count"] for bin in content["calibration"]["bins"]) > 0
    assert 0 <= content["calibration"]["error"] <= 1
    with Store.open(db) as store:
        assert (store.rounds.get(2).manifest or {})["confusion"] == evaluated["confusion"]
    pairs = {(pair["gold"], pair["predicted"]): pair["tokens"] for pair in evaluated["confusion"]}
    assert {"PER", "LOC", "O"} <= {gold for gold, _ in pairs}
    text = (tmp_path / "r.md").read_text(encoding="utf-8")
    assert f"| 2 | 34 | {evaluated['micro']['f1']:.4f} |" in text
    for label, figures in evaluated["labels"].items():
        assert f"| {label} | {figures['precision']:.4f} |" in text
    costs = [line.removeprefix("- ") for line in text.splitlines() if line.startswith("- ")]
    waiting = done("status", db).splitlines()
    assert content["cost"]["open_documents"] > 0
    assert (
        [line for line in costs if line.startswith("open in the pool: about ")]
        == [line for line in waiting if line.startswith("open in the pool: about ")]
        != []
    )


def test_a_report_needs_a_round_and_a_known_format(db: Path, tmp_path: Path) -> None:
    assert "html, md or json" in refused("report", db, "-o", tmp_path / "r.pdf")
    assert "there is no round 9" in refused("report", db, "-o", tmp_path / "r.html", "--round", 9)
    assert not list(tmp_path.iterdir())


def test_a_round_comes_out_the_same_to_the_bit(db: Path) -> None:
    before = done("status", db, "--json")
    assert reproduce(db, 2).same
    assert "came out the same" in done("rounds", db, "reproduce", 1)
    assert done("status", db, "--json") == before


def test_a_round_trained_otherwise_says_what_differs(db: Path, tmp_path: Path) -> None:
    done("backup", db, tmp_path / "copy.db")
    with Store.open(tmp_path / "copy.db") as store:
        manifest = dict(store.rounds.get(2).manifest or {})
        manifest.update(model_hash="another", threads=99)
        with store.write():
            store.run("UPDATE rounds SET manifest = ? WHERE number = 2", (json.dumps(manifest),))
    result = reproduce(tmp_path / "copy.db", 2)
    assert not result.same
    assert [difference for difference in result.differences if difference.startswith("threads 99 then")]


def test_the_curve_trains_on_parts_and_stores_nothing(db: Path) -> None:
    before = done("status", db, "--json")
    curve = train_curve(db, TrainConfig(epochs=1), seeds=2)
    assert [point.documents for point in curve.points] == [8, 17, 26, 34]
    assert all(len(point.micro) == 2 for point in curve.points)
    assert curve.micro.low <= curve.micro.gain <= curve.micro.high
    assert (curve.seeds, curve.documents, curve.micro.support) == (2, 8, 16)
    gains = [
        last - before for last, before in zip(curve.points[-1].micro, curve.points[-2].micro, strict=True)
    ]
    assert curve.micro.gain == pytest.approx(sum(gains) / 2)
    assert f"{curve.micro.gain:+.3f} micro F1" in curve.advice()
    assert done("status", db, "--json") == before


def curve_of(micro: Gain, seeds: int = 3, **labels: Gain) -> TrainCurve:
    points = tuple(Point(share, 10, (0.5,) * seeds, (0.5,) * seeds, {}) for share in (0.75, 1.0))
    return TrainCurve(points, seeds, 30, micro, labels)


@pytest.mark.parametrize(
    ("micro", "seeds", "expected"),
    [
        (
            Gain(0.06, 0.02, 0.1, 200),
            3,
            "More annotations would help: the last quarter added +0.060 micro F1",
        ),
        (
            Gain(0.001, -0.004, 0.006, 200),
            3,
            "More annotations would help little: the last quarter added +0.001",
        ),
        (
            Gain(-0.032, -0.09, 0.03, 200),
            3,
            "That cannot be told yet: the last quarter added -0.032 micro F1",
        ),
        (Gain(0.06, 0.02, 0.1, 200), 1, "One seed tells nothing: the last quarter added +0.060"),
    ],
)
def test_the_advice_of_a_curve_says_no_more_than_its_interval(micro: Gain, seeds: int, expected: str) -> None:
    advice = curve_of(micro, seeds).advice()
    assert advice.startswith(expected)
    assert f"95 % {micro.low:+.3f} to {micro.high:+.3f}, from {seeds} seed" in advice


def test_a_label_of_few_gold_spans_is_never_the_one_that_gains_most() -> None:
    """Two spans of a product, both found at last, are no reason to annotate products."""
    advice = curve_of(
        Gain(0.06, 0.02, 0.1, 200), product=Gain(0.5, 0.1, 0.9, 2), LOC=Gain(0.1, 0.05, 0.2, 60)
    ).advice()
    assert "most by 'LOC' (+0.100)" in advice
    assert "tell nothing of a label: product 2" in advice
    unsure = curve_of(Gain(0.06, 0.02, 0.1, 200), LOC=Gain(0.1, -0.05, 0.2, 60)).advice()
    assert "most by" not in unsure


def test_changes_between_two_rounds() -> None:
    gold = Gold(stored("Ann met Bob in Rome", "d"), 1, (Span(0, 3, "PER"), Span(8, 11, "PER")))
    newer = [CharSpan(0, 3, "PER"), CharSpan(15, 19, "LOC")]
    older = [CharSpan(8, 11, "PER")]
    found = changes([gold], [newer], [older])
    assert [(e.text, e.before, e.after) for e in found.fixed] == [("Ann", "", " met Bob in Rome")]
    assert [e.text for e in found.broken] == ["Bob"]
    assert [(e.text, e.label) for e in found.new_alarms] == [("Rome", "LOC")]
    assert found.gone_alarms == ()
    back = changes([gold], [older], [newer])
    assert [(e.text, e.label) for e in back.gone_alarms] == [("Rome", "LOC")]
    assert (back.fixed, back.broken, back.new_alarms) == (found.broken, found.fixed, ())
    (hard,) = hardest([gold], [newer])
    assert (hard.missed, hard.wrong) == (1, 1)


def test_what_a_document_does_not_know_is_neither_fixed_nor_an_alarm() -> None:
    gold = Gold(stored("Ann met Bob in Rome", "d"), 1, (Span(0, 3, "PER"),), unknown=("LOC",))
    newer = [CharSpan(0, 3, "PER"), CharSpan(15, 19, "LOC")]
    found = changes([gold], [newer], [[]])
    assert [e.text for e in found.fixed] == ["Ann"]
    assert found.new_alarms == ()
    assert hardest([gold], [newer]) == ()


def test_tables_line_up_in_any_script() -> None:
    shown = table(("label", "n"), [("名前", 1), ("e\u0301", 10)], right=[1])
    assert len({width(line) for line in shown.splitlines()}) == 1


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """The Python of a new environment that has what this one has, and nothing else."""
    venv.create(tmp_path / "fresh", with_pip=False, symlinks=True)
    python = tmp_path / "fresh" / "bin" / "python"
    here = next(path for path in sys.path if path.endswith("site-packages"))
    (there,) = (tmp_path / "fresh" / "lib").glob("python*/site-packages")
    (there / "what_we_have.pth").write_text(f"import site; site.addsitedir({here!r})\n", encoding="utf-8")
    return python


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # spaCy leaves files open
def test_the_wheel_installs_in_a_fresh_environment_and_says_what_the_round_says(
    db: Path, tmp_path: Path, fresh: Path
) -> None:
    made = done(
        "package", db, tmp_path / "out", "--name", "garden", "--licence", "CC0-1.0", "--wheel", "--json"
    )
    card = (Path(made["folder"]) / "README.md").read_text(encoding="utf-8")
    assert f"{done('evaluate', db, '--json')['micro']['f1']:.4f}" in card
    assert "CC0-1.0" in card
    pip = [sys.executable, "-m", "pip", "--python", str(fresh), "install", "-q", "--no-deps", "--no-index"]
    subprocess.run([*pip, made["wheel"]], check=True, capture_output=True, timeout=PATIENCE_SECONDS)
    code = (
        "import json, spacy, en_garden; doc = spacy.load('en_garden')('Ann met number 7 in York');"
        "found = [[s.start, s.end, s.label] for s in doc._.spanloop_char_spans];"
        "print(json.dumps([en_garden.__file__, found]))"
    )
    ran = subprocess.run([str(fresh), "-c", code], check=True, capture_output=True, text=True)
    where, said = json.loads(ran.stdout)
    assert Path(where).is_relative_to(fresh.parent.parent)
    (found,) = done("predict", "--model", db, "--json", "Ann met number 7 in York")["documents"]
    assert said == [[s["start"], s["end"], s["label"]] for s in found["spans"]] != []
