"""From a file to a project in one command: what is guessed, that it is shown, that nothing is half."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import done, jsonl_file, refused, run

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.files.looking import look_at_files
from spanloop.recipes.files.starting import init_from
from spanloop.store import Store

NER = [
    {"text": f"Ann met Bob in Oslo, {n}", "spans": [[0, 3, "PER"], [8, 11, "PER"], [15, 19, "LOC"]]}
    for n in range(30)
]


@pytest.fixture
def ner(tmp_path: Path) -> Path:
    return jsonl_file(tmp_path / "ner.jsonl", *NER, {"text": "nobody asked"})


def tagged(path: Path) -> Path:
    rows = ["She\tPRON\nreads\tVERB\nbooks\tNOUN\n", "He\tPRON\nran\tVERB\n"]
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def test_labels_task_and_language_are_those_of_the_file(tmp_path: Path, ner: Path) -> None:
    guess = look_at_files(tmp_path / "p.db", [ner])
    assert (guess.task, guess.labels, guess.lang, guess.unit) == (
        "spans",
        {"PER": 60, "LOC": 30},
        "en",
        "token",
    )
    assert [(f.format, f.documents, f.spans) for f in guess.files] == [("jsonl", 31, 90)]
    assert not (tmp_path / "p.db").exists()


def test_a_tag_for_each_word_is_a_project_of_tags(tmp_path: Path) -> None:
    guess = look_at_files(tmp_path / "p.db", [tagged(tmp_path / "a.conll")])
    assert (guess.task, guess.labels) == ("tags", {"PRON": 2, "VERB": 2, "NOUN": 1})


def test_chunks_over_nearly_all_words_are_spans(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("The\tB-NP\ndog\tI-NP\nran\tB-VP\nhome\tB-NP\n", encoding="utf-8")
    guess = look_at_files(tmp_path / "p.db", [path])
    assert (guess.task, guess.labels) == ("spans", {"NP": 2, "VP": 1})


def test_texts_without_blanks_choose_their_language(tmp_path: Path) -> None:
    path = jsonl_file(tmp_path / "a.jsonl", {"text": "我在北京大学读书", "spans": [[2, 6, "ORG"]]})
    assert look_at_files(tmp_path / "p.db", [path]).lang == "zh"


def test_one_command_makes_the_project_and_says_the_next(tmp_path: Path, ner: Path) -> None:
    told = done("init", tmp_path / "p.db", "--from", ner, "--yes", "--eval-fraction", "0")
    assert told.splitlines()[-1] == f"Next: spanloop retrain {tmp_path / 'p.db'}"
    with Store.open(tmp_path / "p.db") as store:
        assert store.labels.names() == ["PER", "LOC"]
        assert (store.documents.count(), len(list(store.annotations.gold()))) == (31, 30)


def test_without_yes_and_without_a_terminal_nothing_is_stored(tmp_path: Path, ner: Path) -> None:
    result = run("init", tmp_path / "p.db", "--from", ner)
    assert result.exit_code == 3
    assert "labels: PER (60), LOC (30)" in result.stdout
    assert "Nothing is stored yet: the same command with --yes makes this project." in result.stdout
    told = json.loads(run("init", tmp_path / "p.db", "--from", ner, "--json").stdout)
    assert told["labels"] == {"PER": 60, "LOC": 30}
    assert not list(tmp_path.glob("p.db*"))


@pytest.mark.parametrize(("typed", "made"), [("y", True), ("n", False)])
def test_a_person_at_a_terminal_is_shown_and_asked(tmp_path: Path, ner: Path, typed: str, made: bool) -> None:
    pty = pytest.importorskip("pty", reason="this system has no terminals to open")
    person, terminal = pty.openpty()
    command = [sys.executable, "-m", "spanloop.recipes", "init", "p.db", "--from", str(ner)]
    with subprocess.Popen(command, cwd=tmp_path, stdin=terminal, stdout=terminal, stderr=terminal):
        os.close(terminal)
        shown = b""
        while b"Make p.db of this? [y/N]: " not in shown:
            shown += os.read(person, 4096)
        os.write(person, f"{typed}\n".encode())
        try:
            while os.read(person, 4096):
                pass
        except OSError:  # nobody holds the other end any more
            pass
    os.close(person)
    assert b"labels: PER (60), LOC (30)" in shown
    assert (tmp_path / "p.db").exists() is made


def test_how_the_files_are_read_can_be_said(tmp_path: Path) -> None:
    """What the refusal advises can be typed there."""
    inclusive = {"text": "Ann met Bob", "spans": [{"start": 8, "end": 10, "label": "PER", "text": "Bob"}]}
    file = jsonl_file(tmp_path / "a.jsonl", inclusive)
    db = tmp_path / "p.db"
    told = refused("init", db, "--from", file, "--yes")
    assert told.endswith("say --offsets inclusive")
    assert not db.exists()
    done("init", db, "--from", file, "--yes", "--offsets", "inclusive", "--eval-fraction", "0")
    with Store.open(db) as store:
        assert [(s.start, s.end) for g in store.annotations.gold() for s in g.spans] == [(8, 11)]
    text = tmp_path / "a.txt"
    text.write_text("one\ntwo\n\nthree\n", encoding="utf-16-le")
    said = ("--labels", "PER", "--by", "paragraph", "--encoding", "utf-16-le", "--format", "text", "--yes")
    done("init", tmp_path / "t.db", "--from", text, *said)
    with Store.open(tmp_path / "t.db") as store:
        assert [document.text for document in store.documents.iterate()] == ["one\ntwo", "three"]


def test_what_is_said_counts_and_several_files_are_one_project(tmp_path: Path, ner: Path) -> None:
    other = jsonl_file(tmp_path / "other.jsonl", {"text": "Acme", "spans": [[0, 4, "ORG"]]})
    done("init", tmp_path / "p.db", "--from", ner, other, "--labels", "LOC,ORG,PER,DATE", "--yes", "--json")
    with Store.open(tmp_path / "p.db") as store:
        assert store.labels.names() == ["LOC", "ORG", "PER", "DATE"]
        assert store.documents.count() == 32


def test_an_import_that_fails_leaves_no_project(tmp_path: Path, ner: Path) -> None:
    with pytest.raises(RecipeError, match="'LOC'"):
        init_from(tmp_path / "p.db", [ner], labels=["PER"])
    assert not list(tmp_path.glob("p.db*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--from", "none.jsonl"], "there is no such file"),
        (["--from", "-"], "standard input can be read once"),
        (["--from", "plain.txt"], "name the labels with --labels PER,ORG"),
        (["--yes"], "go with --from FILE"),
        ([], "a project needs labels: --labels PER,ORG,LOC"),
    ],
)
def test_what_cannot_be_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain.txt").write_text("Two words\n", encoding="utf-8")
    result = run("init", "p.db", *arguments)
    assert result.exit_code in (1, 2)
    assert message in result.stderr
    assert not (tmp_path / "p.db").exists()
