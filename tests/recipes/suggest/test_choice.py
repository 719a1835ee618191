"""Label maps and thresholds of predict, prelabel and the backend's process: what they change, and what is
told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import spacy
from support.commands import done, jsonl_file, refused, run
from support.tiny_models import SAMPLE, build_tiny

from spanloop.recipes.cli.schemas import schema_of
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.labelstudio.predictor_process import Predicting
from spanloop.recipes.project.init import init
from spanloop.recipes.suggest.agreeing import option, propose
from spanloop.recipes.suggest.choice import Choice
from spanloop.recipes.suggest.prelabel import prelabel
from spanloop.recipes.table import counted
from spanloop.store import Store

TEXTS = [{"id": f"d{number}", "text": text} for number, text in enumerate(SAMPLE)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny(tmp_path_factory.mktemp("model"))


def project(folder: Path, *labels: str) -> Path:
    db = folder / "p.db"
    init(db, labels=list(labels), eval_fraction=0)
    import_files(db, [jsonl_file(folder / "in.jsonl", *TEXTS)])
    return db


def stored(db: Path, model_id: int = 1, digits: int = 3) -> dict[str, list[tuple[int, int, str, float]]]:
    with Store.open(db) as store:
        documents = list(store.documents.iterate())
        found = {document.key: store.predictions.get(document.id, model_id) for document in documents}
    return {
        key: [(s.start, s.end, s.label, round(s.score or 0.0, digits)) for s in one.spans]
        for key, one in found.items()
        if one is not None
    }


def test_prelabel_says_which_map_to_type_and_with_it_the_model_speaks_the_projects_labels(
    tmp_path: Path, model: Path
) -> None:
    db = project(tmp_path, "PERSON", "PLACE")
    with pytest.raises(
        RecipeError, match=r"only PER, LOC; if they mean the same, type --map PER=PERSON,LOC=PLACE$"
    ):
        prelabel(db, model=str(model))
    report = done("prelabel", db, "--model", model, "--map", "PER=PERSON,LOC=PLACE", "--json")
    assert report["used"] == {
        "label_map": {"PER": "PERSON", "LOC": "PLACE"},
        "thresholds": {},
        "component": "",
    }
    assert report["model"] == f"{model} (labels PER=PERSON,LOC=PLACE)"
    assert report["spans"] == sum(map(len, stored(db).values())) > 0
    plain = project(_folder(tmp_path / "plain"), "PER", "LOC")
    prelabel(plain, model=str(model))
    assert stored(db) == {
        key: [
            (start, end, {"PER": "PERSON", "LOC": "PLACE"}[label], score)
            for start, end, label, score in spans
        ]
        for key, spans in stored(plain).items()
    }


def test_labels_that_partly_agree_are_told_and_a_map_is_another_model(tmp_path: Path, model: Path) -> None:
    db = project(tmp_path, "PER", "Location")
    first = prelabel(db, model=str(model))
    assert first.advice.endswith("type --map LOC=Location if they mean those")
    assert first.advice in first.text()
    second = prelabel(db, model=str(model), choice=Choice({"LOC": "Location"}))
    assert second.advice == ""
    assert second.spans > first.spans
    assert {label for spans in stored(db, 2).values() for _, _, label, _ in spans} == {"PER", "Location"}
    assert {label for spans in stored(db, 1).values() for _, _, label, _ in spans} == {"PER"}
    third = prelabel(db, model=str(model), choice=Choice({"LOC": ""}, {"PER": 0.25}))
    assert third.used.label_map == {"LOC": ""}
    with Store.open(db) as store:  # what its predictions are made with can be asked of the file itself
        kept = [one.read_with for one in store.models.all()]
        named = store.rows("SELECT name, json_extract(read_with, '$.thresholds.PER') FROM models ORDER BY id")
    assert kept == [
        None,
        {"label_map": {"LOC": "Location"}},
        {"label_map": {"LOC": ""}, "thresholds": {"PER": 0.25}},
    ]
    assert [number for _, number in named] == [None, None, 0.25]


def test_a_threshold_leaves_out_what_it_counts(tmp_path: Path, model: Path) -> None:
    db = project(tmp_path, "PER", "LOC")
    everything = prelabel(db, model=str(model))
    sure = prelabel(db, model=str(model), choice=Choice(thresholds={"*": 0.5}))
    assert sure.below_threshold > 0
    assert sure.spans + sure.below_threshold == everything.spans
    assert f"{sure.below_threshold} spans below the threshold left out" in sure.text()
    above = {key: [one for one in spans if one[3] >= 0.5] for key, spans in stored(db, 1, 9).items()}
    assert stored(db, 2, 9) == above
    nothing = prelabel(db, model=str(model), choice=Choice(thresholds={"*": 0.0}))
    assert (nothing.documents, nothing.model) == (0, str(model))  # the same model as without


def test_predict_tells_its_map_thresholds_and_candidates(model: Path, tmp_path: Path) -> None:
    mapped = ["predict", SAMPLE[0], "--model", model, "--map", "LOC="]
    (whole,) = done(*mapped, "--json")["documents"]
    typed = [*mapped, "--threshold", "0.2,PER=0.999"]
    told = done(*typed, "--candidates", "0.05", "--json")
    assert set(told) == set(schema_of("predict")["properties"])
    assert told["used"] == {
        "label_map": {"LOC": ""},
        "thresholds": {"*": 0.2, "PER": 0.999},
        "component": "",
    }
    (document,) = told["documents"]
    assert {span[2] for span in document["candidates"]} == {"PER"}
    assert all(span in [one[:3] for one in document["candidates"]] for span in _keys(document["spans"]))
    shown = run(*typed, "--candidates", "0.05").output
    assert "  may be PER  0." in shown
    below = told["below_threshold"]
    assert below == len(whole["spans"]) - len(document["spans"]) > 0
    assert f"  {counted(below, 'span')} below the threshold left out" in shown
    saved = done(*typed, "--out", tmp_path / "out", "--json")
    assert (saved["used"], saved["below_threshold"]) == (told["used"], told["below_threshold"])


def _keys(spans: list[object]) -> list[object]:
    return [
        span[:3] if isinstance(span, list) else [span["start"], span["end"], span["label"]] for span in spans
    ]


def test_a_pipeline_of_others_has_its_labels_renamed_and_no_thresholds(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns(
        [{"label": "GPE", "pattern": "New York"}, {"label": "HUMAN", "pattern": "Obama"}]
    )
    nlp.to_disk(tmp_path / "rules")
    db = project(tmp_path, "PLACE")
    with pytest.raises(RecipeError, match=r"only GPE, HUMAN; if they mean the same, type --map GPE=PLACE$"):
        prelabel(db, pipeline=str(tmp_path / "rules"))
    prelabel(db, pipeline=str(tmp_path / "rules"), choice=Choice({"GPE": "PLACE", "HUMAN": ""}))
    assert stored(db)["d0"] == [(34, 42, "PLACE", 0.0)]
    with pytest.raises(RecipeError, match="a threshold needs confidences"):
        prelabel(db, pipeline=str(tmp_path / "rules"), choice=Choice(thresholds={"*": 0.5}))
    with pytest.raises(RecipeError, match="names 'GEO', which the pipeline does not have"):
        prelabel(db, pipeline=str(tmp_path / "rules"), choice=Choice({"GEO": "PLACE"}))


def test_the_process_of_the_backend_reads_the_answer_as_prelabel_does(tmp_path: Path, model: Path) -> None:
    db = project(tmp_path, "PERSON", "PLACE")
    label_map, threshold = "PER=PERSON,LOC=PLACE", "0.3"
    prelabel(db, model=str(model), choice=Choice.typed(label_map, threshold))
    expected = stored(db)
    other = project(_folder(tmp_path / "other"), "PERSON", "PLACE")
    named = {"model": str(model), "label_map": label_map, "threshold": threshold}
    with Store.open(other) as store:
        Predicting(store, named).predict([document.id for document in store.documents.iterate()])
    assert stored(other) == expected


def _folder(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--map", "PER"], "is no LABEL=NAME"),
        (["--map", "PERS=PERSON"], "names 'PERS', which the model does not have; its labels are PER, LOC"),
        (["--threshold", "2"], "give 0 to 1"),
        (["--threshold", "PERS=0.5"], "for 'PERS', which is no label here; the labels are PER, LOC"),
    ],
)
def test_what_is_typed_wrong_is_told_in_one_line(model: Path, options: list[str], told: str) -> None:
    assert told in refused("predict", "Ann", "--model", model, *options)


def test_the_backend_wants_a_model_for_a_map(tmp_path: Path) -> None:
    db = project(tmp_path, "PERSON")
    failed = run("backend", db, "--map", "PER=PERSON")
    assert failed.exit_code == 2
    assert "about the --model or --pipeline that suggests until a round is promoted" in failed.output


@pytest.mark.parametrize(
    ("theirs", "ours", "proposed"),
    [
        (["PER", "LOC", "MISC"], ["PERSON", "PLACE"], {"PER": "PERSON", "LOC": "PLACE"}),
        (["person"], ["PERSON"], {"person": "PERSON"}),
        (["ORGANISATION"], ["organization"], {"ORGANISATION": "organization"}),
        (["PER"], ["PER", "PERSON"], {}),
        (["DRUG"], ["GENE"], {}),
        (["E_Mail"], ["EMAIL"], {"E_Mail": "EMAIL"}),
        (["LABEL_1"], ["A"], {}),
    ],
)
def test_labels_that_nearly_agree(theirs: list[str], ours: list[str], proposed: dict[str, str]) -> None:
    assert propose(theirs, ours) == proposed


def test_a_map_to_type_survives_the_shell() -> None:
    assert option({"PER": "person name"}) == "--map 'PER=person name'"
    assert json.loads(option({"A,B": "C"}).removeprefix("--map ").strip("'")) == {"A,B": "C"}
