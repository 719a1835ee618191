"""What a round and a package hold: not one word of the texts, no path and no name of whoever made them; and
they say the same as ever."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import spacy
from support.commands import done, jsonl_file, refused
from support.projects import build
from support.tiny_models import build_tiny

from spanloop.recipes.suggest.pipelines import load_round
from spanloop.store import Store
from spanloop.store.files.folder_hash import folder_hash

RARE = "Zebulonia"
USER = "quibblewick"
PLACE = "xanthippe-home"
ASKED = f"{RARE} met Bob in York and O'Neil didn't"


@pytest.fixture(scope="module", params=["en", "pipeline"])
def db(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a trained round, over a plain tokenizer or over a pipeline of the user's own."""
    folder = tmp_path_factory.mktemp(f"{PLACE}-{request.param}")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("LOGNAME", "USER"):
            patch.setenv(name, USER)
        db = build(folder, build_tiny(folder / "encoder", head=False))
        if request.param == "pipeline":
            use_own_pipeline(db, folder)
        texts = [
            {"text": f"{RARE} {day} in {RARE}ville", "spans": [[0, len(RARE), "PER"]]} for day in range(3)
        ]
        done("import", db, jsonl_file(folder / "rare.jsonl", *texts), "--split", "pool")
        done("retrain", db, "--epochs", 1)
        done("retrain", db, "--epochs", 1, "--base", "round", "--promote", "yes")
    return db


def use_own_pipeline(db: Path, folder: Path) -> None:
    nlp = spacy.blank("en")
    nlp.tokenizer.add_special_case("gimme", [{"ORTH": "gim"}, {"ORTH": "me"}])  # type: ignore[union-attr]
    nlp.add_pipe("span_ruler").add_patterns([{"label": "GREETING", "pattern": "hello there"}])  # type: ignore[attr-defined]
    nlp.add_pipe("attribute_ruler").add([[{"LOWER": "met"}]], {"TAG": "VBD", "LEMMA": "meet"})  # type: ignore[attr-defined]
    nlp.config["paths"]["train"] = str(folder / "corpus" / "train.spacy")
    nlp.to_disk(folder / "own")
    with Store.open(db) as store:
        store.set_project(nlp=str(folder / "own"))


def taken_as_it_is(db: Path, number: int) -> None:
    """The round's folder was so when it was trained."""
    with Store.open(db) as store:
        folder = store.rounds.folder(number)
        store.run("UPDATE rounds SET files_hash = ? WHERE number = ?", (folder_hash(folder), number))


def found_in(files: dict[str, bytes], db: Path) -> list[tuple[str, str]]:
    """Which file holds which of the words that must be nowhere."""
    words = [RARE, RARE.lower(), USER, PLACE, str(Path(spacy.__file__).parents[1])]
    if "own" in {path.name for path in db.parent.iterdir()}:
        words.append("corpus/")
    return [(name, word) for name, content in files.items() for word in words if word.encode() in content]


def read(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("number", ["0001", "0002"])
def test_a_round_holds_no_word_of_the_texts_and_no_path(db: Path, number: str) -> None:
    files = read(db.with_suffix(".rounds") / number)
    assert len(files) > 8
    assert found_in({name.removeprefix(str(db.parent)): text for name, text in files.items()}, db) == []
    config = spacy.util.load_config(db.with_suffix(".rounds") / number / "config.cfg")
    assert config["components"]["hf_token_classifier"]["model"] == "encoder"


def test_a_round_says_the_same_in_another_process(db: Path) -> None:
    code = (
        "import json, sys, spacy\n"
        "doc = spacy.load(sys.argv[1])(sys.argv[2])\n"
        "print(json.dumps([[t.text, t.tag_, t.lemma_, t.norm_] for t in doc]\n"
        "  + [[s.start, s.end, s.label, round(s.score, 5)] for s in doc._.spanloop_char_spans]\n"
        "  + [[str(s), s.label_] for s in doc.spans.get('ruler', [])]))"
    )
    asked = f"{ASKED}. hello there, gimme"
    folder = db.with_suffix(".rounds") / "0002"
    ran = subprocess.run(
        [sys.executable, "-c", code, str(folder), asked], check=True, capture_output=True, text=True, cwd="/"
    )
    with Store.open(db) as store:
        doc = load_round(store, 2)(asked)
        own = spacy.load(store.project.nlp) if store.project.nlp else spacy.blank("en")
    said = json.loads(ran.stdout)
    plain = own(asked)
    assert said[: len(plain)] == [[t.text, t.tag_, t.lemma_, t.norm_] for t in plain]
    spans = [[s.start, s.end, s.label, round(s.score, 5)] for s in doc._.spanloop_char_spans]
    assert said[len(plain) : len(plain) + len(spans)] == spans != []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # spaCy leaves files open
@pytest.mark.parametrize("leaky", [False, True])
def test_a_package_holds_none_of_it_either(
    db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leaky: bool
) -> None:
    """Nor does one of a round of before, whose folder has it all."""
    for name in ("LOGNAME", "USER"):
        monkeypatch.setenv(name, USER)
    strings = db.with_suffix(".rounds") / "0002" / "vocab" / "strings.json"
    before = strings.read_text(encoding="utf-8")
    if leaky:
        strings.write_text(json.dumps([*json.loads(before), RARE, RARE.lower()]), encoding="utf-8")
        taken_as_it_is(db, 2)
    try:
        made = done("package", db, tmp_path / "out", "--name", "garden", "--wheel", "--json")
    finally:
        strings.write_text(before, encoding="utf-8")
        taken_as_it_is(db, 2)
    files = {name.removeprefix(str(tmp_path)): text for name, text in read(tmp_path / "out").items()}
    with zipfile.ZipFile(made["wheel"]) as wheel:
        files |= {f"wheel: {name}": wheel.read(name) for name in wheel.namelist()}
    assert len(files) > 20
    assert found_in({name: text for name, text in files.items() if not name.endswith(".whl")}, db) == []


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--version", "../../x"), "'../../x' is no version of a package (PEP 440)"),
        (("--version", "1.0/x"), "is no version"),
        (("--version", ""), "is no version"),
        (("--name", "../x"), "'../x' cannot be a package's name"),
        (("--name", "größe"), "cannot be a package's name"),
        (("--name", "a.b"), "cannot be a package's name"),
        (("--name", "x_"), "cannot be a package's name"),
        (("--name", "7up"), "cannot be a package's name"),
    ],
)
def test_names_and_versions_of_packages_are_checked(
    db: Path, tmp_path: Path, options: tuple[str, str], told: str
) -> None:
    assert told in refused("package", db, tmp_path / "a" / "b", *options)
    assert list(tmp_path.iterdir()) == []
