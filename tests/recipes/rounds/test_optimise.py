"""A round in eight bits: what it says of itself is so, it reports to nobody, and it is refused where it loses
too much or no longer fits its weights."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.training import Example
from support.commands import done, refused
from support.labelstudio_making import asked, places, served, setup, task
from support.projects import build, jsonl_file, sentences
from support.tiny_models import build_tiny

from spanloop.plugin.model.backends import is_here
from spanloop.plugin.model.errors import ModelError
from spanloop.plugin.pipe import fastest
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.formats.how_read import HowRead
from spanloop.recipes.rounds.optimise_folder import documents
from spanloop.recipes.rounds.optimised import Optimised, refuse_loss
from spanloop.recipes.suggest.pipelines import load_round
from spanloop.store import Store

# Not importorskip: imported as they are, they report that to their makers.
pytestmark = pytest.mark.skipif(find_spec("nncf") is None, reason="the extra [int8] is not installed")
PIPE = "hf_token_classifier"
SAYS = """
import json, sys, importlib, spacy
from pathlib import Path
nlp = spacy.load(sys.argv[1])
docs = nlp.pipe(json.loads(sys.argv[2]))
said = [sorted([e.start_char, e.end_char, e.label_] for e in doc.ents) for doc in docs]
print(json.dumps([str(Path(importlib.import_module(sys.argv[1]).__file__).parents[1]), said]))
"""


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("optimise")
    db = build(folder, build_tiny(folder / "encoder", head=False))
    done("retrain", db, "--epochs", "30", "--lr", "0.01")
    return db


@pytest.fixture(scope="module")
def written(db: Path) -> tuple[Path, dict[str, Any]]:
    """The folder and the report, made by a process whose home is empty, which it is afterwards too."""
    folder, home = db.parent / "small", db.parent / "home"
    home.mkdir()
    command = [sys.executable, "-m", "spanloop.recipes", "optimise", str(db), str(folder)]
    run = subprocess.run(
        [*command, "--max-loss", "100", "--json"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HOME": str(home)},
    )
    assert run.returncode == 0, run.stderr
    assert not any(path.name == "intel" for path in home.iterdir()), "nothing is reported to anyone"
    return folder, json.loads(run.stdout)


def spans_of(nlp: Any, texts: list[str]) -> list[set[tuple[int, int, str]]]:
    return [{(e.start_char, e.end_char, e.label_) for e in doc.ents} for doc in nlp.pipe(texts)]


def f1(found: list[set[Any]], expected: list[set[Any]]) -> float:
    right = sum(len(a & b) for a, b in zip(found, expected, strict=True))
    return 2 * right / sum(len(a) + len(b) for a, b in zip(found, expected, strict=True))


def test_its_figures_are_those_of_what_was_written(db: Path, written: tuple[Path, dict[str, Any]]) -> None:
    folder, report = written
    with Store.open(db) as store:
        golds = list(store.annotations.gold(split="eval"))
        before = load_round(store, 1)
    texts = [gold.document.text for gold in golds]
    truth = [{(s.start, s.end, s.label) for s in gold.spans} for gold in golds]
    small = spacy.load(folder)
    said, said_before = spans_of(small, texts), spans_of(before, texts)
    assert sum(map(len, said_before)) > 8, "a round that says nothing would prove nothing"
    assert report["eval_documents"] == len(golds) == 8
    assert report["f1_after"] == pytest.approx(f1(said, truth))
    assert report["f1_before"] == pytest.approx(f1(said_before, truth))
    assert report["agreement"] == pytest.approx(f1(said, said_before))
    assert small.get_pipe(PIPE).network.settings()["precision"] == "int8"
    scores = [one.logprobs for one in small.get_pipe(PIPE).predict([small.make_doc(t) for t in texts])]
    exact = [one.logprobs for one in before.get_pipe(PIPE).predict([before.make_doc(t) for t in texts])]
    apart = max(float(np.abs(a - b).max()) for a, b in zip(scores, exact, strict=True))
    assert 0 < apart < 3, "eight bits, of the same model"


def test_it_goes_on_disk_and_to_bytes_again(written: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    small = spacy.load(written[0])
    texts = ["Ann met number p0 in York 😀.", "Bob in Tokyo"]
    expected = spans_of(small, texts)
    small.to_disk(tmp_path / "again")
    assert spans_of(spacy.load(tmp_path / "again"), texts) == expected
    copied = spacy.load(written[0])
    copied.from_bytes(small.to_bytes())
    assert spans_of(copied, texts) == expected


def test_trained_on_it_no_longer_fits_and_says_so(written: tuple[Path, dict[str, Any]]) -> None:
    small = spacy.load(written[0])
    small("Ann in York")
    example = Example.from_dict(small.make_doc("Ann in York"), {"entities": [(0, 3, "PER")]})
    small.update([example], sgd=small.resume_training())
    with pytest.raises(ModelError, match="not those that were quantised"):
        small("Ann in York")


def test_eight_bits_are_asked_for_in_vain(db: Path, written: tuple[Path, dict[str, Any]]) -> None:
    round_folder = db.parent / "p.rounds" / "0001"
    for source, settings, why in (
        (round_folder, {"backend": "openvino", "precision": "int8"}, "was never quantised"),
        (written[0], {"backend": "torch"}, "computes with OpenVINO"),
    ):
        nlp = spacy.load(source, config={"components": {PIPE: settings}})
        with pytest.raises(ModelError, match=why):
            nlp("Ann in York")


def test_a_saved_pipeline_is_measured_on_the_documents_that_are_given(db: Path, tmp_path: Path) -> None:
    records = sentences(30, "n")
    records[0]["spans"] = [[0, 5, "PER"], [2, 9, "PER"]]  # of what overlaps no gold is made
    file = jsonl_file(tmp_path / "texts.jsonl", *records)
    source = db.parent / "p.rounds" / "0001"
    told = done("optimise", source, tmp_path / "out", "--texts", file, "--max-loss", "100", "--json")
    drawn = documents([file], HowRead(), "spans", seed=0)
    known = [entry for entry in drawn[15:] if entry.spans is not None]
    assert (told["round"], told["measured_on"], told["eval_documents"]) == (None, 15, 15)
    assert told["gold_documents"] == len(known) == 15 - (drawn[15:] != known)
    assert [entry.text for entry in drawn if entry.spans is None] == [records[0]["text"]]
    truth = [{(s.start, s.end, s.label) for s in entry.spans or ()} for entry in known]
    texts = [entry.text for entry in known]
    after, before = (spans_of(spacy.load(folder), texts) for folder in (tmp_path / "out", source))
    assert told["f1_before"] == pytest.approx(f1(before, truth))
    assert told["f1_after"] == pytest.approx(f1(after, truth))
    assert "10 or more" in refused("optimise", source, tmp_path / "none")
    assert "has no rounds" in refused("optimise", source, tmp_path / "none", "--round", "1")
    assert "a project has its documents" in refused("optimise", db, tmp_path / "none", "--texts", file)
    assert "goes with --texts" in refused("optimise", db, tmp_path / "none", "--columns", "token")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("backend", ["openvino", "onnx"])
def test_other_precisions_and_libraries_are_written_too(db: Path, tmp_path: Path, backend: str) -> None:
    if not is_here(backend):
        pytest.skip(f"the extra [{backend}] is not installed")
    names = ["Ann", "York"] * 6
    file = tmp_path / "texts.csv"
    file.write_text("Review\n" + "".join(f"{name} {n}\n" for n, name in enumerate(names)), encoding="utf-8")
    how = ["--backend", backend, "--precision", "fp32"]
    source = db.parent / "p.rounds" / "0001"
    told = done(
        "optimise", source, tmp_path / "out", "--texts", file, "--columns", "text=Review", *how, "--json"
    )
    assert (told["eval_documents"], told["measured_on"], told["f1_before"]) == (12, 0, None)
    assert told["agreement"] == 1, "entities in fp32 are those of torch"
    small = spacy.load(tmp_path / "out")
    settings = small.get_pipe(PIPE).network.settings()
    assert (settings["backend"], settings.get("precision", "fp32")) == (backend, "fp32")
    assert small.meta["requirements"] == [f"spanloop[{backend}]"]
    assert "onnx computes in fp32 alone" in refused(
        "optimise", db, tmp_path / "no", "--backend", "onnx", "--precision", "bf16"
    )
    assert "leave --backend torch out" in refused("optimise", db, tmp_path / "no", "--backend", "torch")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # spaCy leaves files open
def test_it_is_packaged_installed_and_says_the_same(
    written: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    """The wheel, unpacked to where another Python finds it, as pip unpacks it."""
    folder, report = written
    told = done("package", folder, tmp_path / "packages", "--wheel", "--licence", "MIT", "--json")
    shutil.unpack_archive(told["wheel"], tmp_path / "site", "zip")
    texts = ["Ann met number p0 in York 😀.", "Bob in Tokyo", "O'Neil met Obama"]
    command = [sys.executable, "-c", SAYS, told["name"], json.dumps(texts)]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    expected = [sorted(map(list, spans)) for spans in spans_of(spacy.load(folder), texts)]
    assert json.loads(run.stdout) == [str(tmp_path / "site"), expected]
    (about,) = (tmp_path / "site").glob("*.dist-info/METADATA")
    metadata = about.read_text(encoding="utf-8")
    assert "Requires-Dist: spanloop[openvino]" in metadata, "without the library it could not compute"
    card = (told_folder := Path(told["folder"])).joinpath("README.md").read_text(encoding="utf-8")
    assert f"F1 {report['f1_after']:.4f}, {report['f1_before']:.4f} before" in card
    assert "# p, round 1" in card
    assert "Licence: MIT." in card
    assert str(folder.parent) not in "".join(
        path.read_text(encoding="utf-8") for path in told_folder.rglob("*.json")
    )


def test_what_loses_too_much_is_not_written() -> None:
    fine = {"folder": Path("small"), "round": 3, "backend": "openvino", "precision": "int8"}
    fine |= {"measured_on": 9, "eval_documents": 40, "gold_documents": 40, "agreement": 0.9}
    errors = {"calibration_before": 0.1, "calibration_after": 0.1, "times_as_fast": 2.0}
    result = Optimised(**fine, **errors, f1_before=0.8, f1_after=0.79)
    refuse_loss(result, 1.1)
    with pytest.raises(
        RecipeError, match=r"round 3 loses 1\.00 points of F1 .* 0\.5 \(±9 points\): nothing was"
    ):
        refuse_loss(result, 0.5, "±9 points")


def test_auto_is_settled_on_the_documents_before_they_are_predicted(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fastest, "user_cache_path", lambda *_, **__: tmp_path)
    monkeypatch.setattr(fastest, "_WORTH", 1e9)  # on a model so small they are all as fast
    monkeypatch.setattr("spanloop.plugin.model.backends.is_here", lambda name: name != "onnx")
    done("prelabel", db, "--backend", "auto")
    (kept,) = (json.loads(file.read_text(encoding="utf-8")) for file in tmp_path.glob("backends/*.json"))
    with Store.open(db) as store:
        (named,) = store.rows(  # without the first suggestions, which the round made itself
            "SELECT DISTINCT m.name FROM predictions p JOIN models m ON m.id = p.model_id "
            "WHERE p.id IN (SELECT max(id) FROM predictions GROUP BY document_id)"
        )
        assert kept["documents"] == store.documents.count()
    other = kept["backend"] != "torch"
    assert named[0].endswith("with openvino") is other


def test_nothing_is_begun_where_it_could_not_end(
    db: Path, written: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    assert "is there already" in refused("optimise", db, written[0])
    nowhere, out = tmp_path / "nowhere", tmp_path / "out"
    assert f"there is no {nowhere}: name a project file, or the folder of a saved pipeline" in refused(
        "optimise", nowhere, out, "--texts", "a.txt"
    )
    assert f"no pipeline is saved in the folder {out.parent}" in refused("package", out.parent, out)
    assert "a project has its documents" in refused("optimise", db, out, "--texts", "a.txt")
    done("init", tmp_path / "new.db", "--labels", "PER")
    assert "no round is promoted yet" in refused("optimise", tmp_path / "new.db", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_label_studio_is_answered_in_the_precision_that_was_asked_for(db: Path) -> None:
    with served(db, "--backend", "openvino", "--precision", "bf16") as (client, _):
        texts = ["Ann met number p0 in York 😀.", "Bob in Tokyo"]
        tasks = [task(number, text) for number, text in enumerate(texts, start=1)]
        made = client.post("/predict", json=asked(*tasks)).json()
        assert client.post("/setup", json=setup()).json()["model_version"] == made["model_version"]
        assert client.post("/predict", json=asked(*tasks)).json() == made, "what is stored is found again"
        assert client.get("/versions").json()["versions"][0] == made["model_version"]
    nlp = spacy.load(
        db.parent / "p.rounds" / "0001",
        config={"components": {PIPE: {"backend": "openvino", "precision": "bf16"}}},
    )
    assert [set(places(found)) for found in made["results"]] == spans_of(nlp, texts)
    with Store.open(db) as store:
        (model,) = (m for m in store.models.all() if m.name == "round 1 in bf16 with openvino")
    assert made["model_version"] == f"spanloop-hf-{model.hash[:8]}"
