"""spaCy's own commands over the configs in examples/: fill-config, debug, train, evaluate, package."""

from __future__ import annotations

import importlib.util
import itertools
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.cli.debug_config import debug_config
from spacy.cli.debug_data import debug_data
from spacy.cli.evaluate import evaluate
from spacy.cli.init_config import fill_config
from spacy.cli.package import package
from spacy.cli.train import train
from spacy.tokens import DocBin
from support.places import EXAMPLES
from support.tiny_models import build_tiny

CONFIGS = [
    "own_model",
    "shared_encoder",
    pytest.param("shared_spacy_transformers", marks=pytest.mark.spacy_transformers),
]
ENCODERS = {
    "own_model": "hf_token_classifier",
    "shared_encoder": "tok2vec",
    "shared_spacy_transformers": "transformer",
}
PEOPLE = ["Angela Merkel", "Barack Obama", "O'Neil", "Ada"]
PLACES = ["New York City", "Zürich", "the Hague", "Bonn"]
MOVES = [
    "went to",
    "left",
    "saw",
    "stays in",
    "writes from",
    "ran to",
    "hates",
]  # debug data wants 100 documents

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    nlp = spacy.blank("en")
    docs = DocBin()
    for person, move, place in itertools.product(PEOPLE, MOVES, PLACES):
        doc = nlp.make_doc(f"{person} {move} {place}.")
        start = len(person) + len(move) + 2
        spans = [(0, len(person), "PER"), (start, start + len(place), "LOC")]
        doc.ents = [doc.char_span(*span) for span in spans]
        docs.add(doc)
    path = tmp_path_factory.mktemp("corpus") / "sample.spacy"
    docs.to_disk(path)
    return path


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny(tmp_path_factory.mktemp("encoder"), head=False, max_positions=160)


def overrides(config: str, corpus: Path, encoder: Path) -> dict[str, Any]:
    model = f"components.{ENCODERS[config]}.model"
    return {
        "paths.train": str(corpus),
        "paths.dev": str(corpus),
        f"{model}.name": str(encoder),
        **({f"{model}.width": 32} if config == "shared_encoder" else {}),
        "training.max_steps": 40,
        "training.eval_frequency": 20,
        "training.optimizer.learn_rate.initial_rate": 0.01,
        "training.optimizer.learn_rate.warmup_steps": 2,
    }


@pytest.mark.parametrize("config", CONFIGS)
def test_the_examples_are_complete(config: str, tmp_path: Path) -> None:
    path = EXAMPLES / f"{config}.cfg"
    _, filled = fill_config(tmp_path / "filled.cfg", path, silent=True)
    written = spacy.util.load_config(path)
    assert filled == written.interpolate() or filled.to_str() == written.to_str()


@pytest.mark.parametrize("config", CONFIGS)
def test_debug_config_and_data_find_nothing_wrong(
    config: str, corpus: Path, encoder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = EXAMPLES / f"{config}.cfg"
    settings = overrides(config, corpus, encoder)
    debug_config(path, overrides=settings)
    debug_data(path, config_overrides=settings, silent=False, verbose=False)
    told = capsys.readouterr().out
    assert "Corpus is loadable" in told
    assert "hf_token_classifier" in told


# spacy.cli.package leaves the files that it writes to the garbage collector
@pytest.mark.filterwarnings("ignore:.*unclosed file:ResourceWarning")
@pytest.mark.filterwarnings("ignore:.*:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("config", CONFIGS)
def test_train_evaluate_package_and_use(config: str, corpus: Path, encoder: Path, tmp_path: Path) -> None:
    train(EXAMPLES / f"{config}.cfg", tmp_path / "out", overrides=overrides(config, corpus, encoder))
    best = tmp_path / "out" / "model-best"
    scores = evaluate(str(best), corpus, output=tmp_path / "scores.json", silent=True)
    assert json.loads((tmp_path / "scores.json").read_text("utf-8"))["strict_f"] == scores["strict_f"]
    assert scores["strict_f"] == pytest.approx(scores["ents_f"])
    assert scores["strict_f"] > 0.9
    package(best, tmp_path, name="trained", create_sdist=False, silent=True)
    [module] = tmp_path.glob("en_trained-*/en_trained")
    shutil.copy(module.parent / "meta.json", module)  # as the package's setup.py does
    spec = importlib.util.spec_from_file_location("en_trained", module / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    installed = importlib.util.module_from_spec(spec)
    sys.modules["en_trained"] = installed
    spec.loader.exec_module(installed)
    doc = installed.load()("Ada went to Bonn.")
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("Ada", "PER"), ("Bonn", "LOC")]


@pytest.mark.parametrize(
    ("annotate", "main", "columns"),
    [
        ("tag", "tag_acc", ["TAG_ACC"]),
        ("spans", "spans_sc_f", ["SPANS_SC_F", "SPANS_SC_P", "SPANS_SC_R", "STRICT_SPA..."]),
    ],
)
def test_a_training_is_scored_by_what_it_learns(
    annotate: str,
    main: str,
    columns: list[str],
    corpus: Path,
    encoder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    docs = list(DocBin().from_disk(corpus).get_docs(spacy.blank("en").vocab))[:20]
    for doc in docs:
        doc.spans["sc"] = list(doc.ents)
        for token in doc:
            token.tag_ = "NNP" if token.is_title else "X"
    DocBin(docs=docs, attrs=["TAG"]).to_disk(tmp_path / "some.spacy")
    config = spacy.util.load_config(EXAMPLES / "own_model.cfg")
    del config["training"]["score_weights"]  # spaCy fills in those of the component
    config["components"]["hf_token_classifier"]["annotate"] = annotate
    config.to_disk(tmp_path / "config.cfg")
    settings = overrides("own_model", tmp_path / "some.spacy", encoder)
    train(tmp_path / "config.cfg", tmp_path / "out", overrides=settings)
    head, last = re.findall(r"(?m)^(?:E |\s*\d+ ).*$", capsys.readouterr().out)[::3]
    assert head.split()[4:] == [*columns, "SCORE"]
    assert float(last.split()[-1]) == pytest.approx(float(last.split()[3]) / 100, abs=0.01)
    assert float(last.split()[-1]) > 0.3
    best = json.loads((tmp_path / "out" / "model-best" / "meta.json").read_text("utf-8"))["performance"]
    assert best[main] > 0.3
