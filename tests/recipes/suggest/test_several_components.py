"""A pipeline with several components of ours: suggestions come from one of them, and which one is told."""

from __future__ import annotations

from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from support.commands import done, jsonl_file, refused
from support.projects import sentences
from support.tiny_models import SAMPLE, build_tiny

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.project.init import init
from spanloop.recipes.scoring.evaluate import evaluate
from spanloop.recipes.suggest.choice import Choice
from spanloop.recipes.suggest.prelabel import prelabel
from spanloop.recipes.suggest.sources import open_source
from spanloop.recipes.training.retrain import retrain
from spanloop.store import Store

CHUNKS = ("O", "B-NP", "I-NP", "B-VP", "I-VP")


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny(tmp_path_factory.mktemp("names"))


@pytest.fixture(scope="module")
def chunks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny(tmp_path_factory.mktemp("chunks"), tags=CHUNKS, seed=1)


def pipeline(folder: Path, components: dict[str, dict[str, object]]) -> Path:
    nlp = spacy.blank("en")
    for name, settings in components.items():
        nlp.add_pipe("hf_token_classifier", name, config=settings)
    nlp.to_disk(folder)
    return folder


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, names: Path, chunks: Path) -> Path:
    """Names into ``doc.ents`` and chunks into ``doc.spans``, the chunks first."""
    components: dict[str, dict[str, object]] = {
        "chunker": {"model": str(chunks), "annotate": "chunks"},
        "names": {"model": str(names)},
    }
    return pipeline(tmp_path_factory.mktemp("both") / "nlp", components)


def project(folder: Path, *labels: str, **settings: str) -> Path:
    folder.mkdir(exist_ok=True)
    db = folder / "p.db"
    init(db, labels=list(labels), eval_fraction=0, **settings)
    texts = [{"id": f"d{number}", "text": text} for number, text in enumerate(SAMPLE)]
    import_files(db, [jsonl_file(folder / "in.jsonl", *texts)])
    return db


def stored(db: Path, model_id: int = 1) -> dict[str, list[tuple[int, int, str]]]:
    with Store.open(db) as store:
        documents = list(store.documents.iterate())
        found = {document.key: store.predictions.get(document.id, model_id) for document in documents}
        return {
            key: [(s.start, s.end, s.label) for s in one.spans]
            for key, one in found.items()
            if one is not None
        }


def said(nlp: Language, component: str) -> dict[str, list[tuple[int, int, str]]]:
    """What a component says of the texts where it is the only one."""
    pipe = nlp.get_pipe(component)
    docs = [nlp.make_doc(text) for text in SAMPLE]
    found = [pipe.decode(scores) for scores in pipe.predict(docs)]  # type: ignore[attr-defined]
    return {f"d{number}": [span.key for span in spans] for number, spans in enumerate(found)}


@pytest.mark.parametrize(
    ("labels", "component"), [(("PER", "LOC"), "names"), (("NP", "LOC", "VP"), "chunker")]
)
def test_prelabel_asks_the_component_that_knows_most_of_the_labels(
    tmp_path: Path, both: Path, labels: tuple[str, ...], component: str
) -> None:
    db = project(tmp_path, *labels)
    report = done("prelabel", db, "--pipeline", both, "--json")
    assert report["used"]["component"] == component
    assert report["model"] == f"{both} (component {component})"
    expected = said(spacy.load(both), component)
    assert stored(db) == expected
    assert report["spans"] == sum(map(len, expected.values())) > 0


def test_a_component_may_be_named_and_is_another_model(tmp_path: Path, both: Path) -> None:
    db = project(tmp_path, "LOC", "NP")
    line = refused("prelabel", db, "--pipeline", both)
    assert "name one with --component (chunker knows NP, VP; names knows " in line
    prelabel(db, pipeline=str(both), choice=Choice(component="chunker"))
    prelabel(db, pipeline=str(both), choice=Choice(component="names"))
    assert {label for spans in stored(db, 1).values() for *_, label in spans} == {"NP"}
    assert {label for spans in stored(db, 2).values() for *_, label in spans} == {"LOC"}
    line = refused("prelabel", db, "--pipeline", both, "--component", "tagger")
    assert line.endswith("no component of ours with that name that writes spans; it has chunker, names")


def test_a_map_says_which_labels_a_component_knows(tmp_path: Path, both: Path) -> None:
    db = project(tmp_path, "PHRASE")
    report = prelabel(db, pipeline=str(both), choice=Choice({"NP": "PHRASE", "VP": ""}))
    assert (report.used.component, report.used.label_map) == ("chunker", {"NP": "PHRASE", "VP": ""})
    assert {label for spans in stored(db).values() for *_, label in spans} == {"PHRASE"}


def test_predict_tells_the_entities_unless_a_component_is_named(
    both: Path, chunks: Path, names: Path
) -> None:
    entities = done("predict", SAMPLE[0], "--model", both, "--json")
    alone = done("predict", SAMPLE[0], "--model", names, "--lang", "en", "--json")
    assert entities["documents"] == alone["documents"]
    assert (entities["used"]["component"], alone["used"]["component"]) == ("names", "")
    named = done("predict", SAMPLE[0], "--model", both, "--component", "chunker", "--json")
    other = done("predict", SAMPLE[0], "--model", chunks, "--lang", "en", "--json")
    assert named["documents"] == other["documents"]
    assert "no component of ours" in refused("predict", "Ann", "--model", both, "--component", "ner")
    assert "goes with a spaCy pipeline" in refused("predict", "Ann", "--model", names, "--component", "ner")


def test_predict_does_not_guess_between_two_kinds_of_entities(
    tmp_path: Path, names: Path, chunks: Path
) -> None:
    two = pipeline(tmp_path / "two", {"a": {"model": str(names)}, "b": {"model": str(chunks)}})
    assert "could be meant: name one with --component (a knows " in refused("predict", "Ann", "--model", two)


def test_a_component_of_another_kind_is_not_asked(tmp_path: Path, chunks: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("hf_token_classifier", "tagger", config={"model": str(chunks), "annotate": "tag"})
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "LOC", "pattern": "New York"}])  # type: ignore[attr-defined]
    nlp.to_disk(tmp_path / "nlp")
    db = project(tmp_path, "LOC")
    prelabel(db, pipeline=str(tmp_path / "nlp"))
    assert stored(db)["d0"] == [(34, 42, "LOC")]


def test_a_round_over_a_pipeline_with_components_of_ours_speaks_for_itself(
    tmp_path: Path, both: Path, names: Path, encoder: Path
) -> None:
    db = tmp_path / "p.db"
    init(db, labels=["PER", "LOC"], model=str(encoder), nlp=str(both), eval_fraction=0)
    import_files(db, [jsonl_file(tmp_path / "pool.jsonl", *sentences(24, "p"))])
    import_files(db, [jsonl_file(tmp_path / "eval.jsonl", *sentences(8, "e"))], split="eval")
    report = retrain(db, TrainConfig(epochs=2, learning_rate=5e-3, batch_wordpieces=256, bf16=False))
    with Store.open(db) as store:
        source = open_source(store, None, None, None)
    assert source.nlp.pipe_names == ["chunker", "names", "hf_token_classifier"]
    scored = evaluate(db)
    texts = [str(record["text"]) for record in sentences(8, "e")]
    pipe = source.nlp.get_pipe("hf_token_classifier")
    own = [pipe.decode(scores) for scores in pipe.predict(map(source.nlp.make_doc, texts))]  # type: ignore[attr-defined]
    assert [tuple(s.key for s in spans) for spans in scored.predicted] == [
        tuple(s.key for s in spans) for spans in own
    ]
    assert scored.used.component == "hf_token_classifier"
    assert report.json()["round"] == 1
    # A model named over the same pipeline finds a name of its own beside a component that has the usual one.
    nlp = spacy.load(both)
    nlp.rename_pipe("names", "hf_token_classifier")
    nlp.to_disk(tmp_path / "renamed")
    other = project(tmp_path / "other", "PER", "LOC", nlp=str(tmp_path / "renamed"))
    told = prelabel(other, model=str(names))
    assert told.used.component == "hf_token_classifier_2"
    assert stored(other) == said(spacy.load(both), "names")
