"""The command line from outside: exit codes, one clear line for bad input, JSON shapes, light imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import done, jsonl_file, refused, run

from spanloop.recipes.cli.main import main
from spanloop.recipes.cli.options import Duration
from spanloop.store import Store


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "p.db"
    done("init", path, "--labels", "PER,LOC", "--eval-fraction", "0")
    return path


# Every command


def test_every_command_has_help_and_says_what_it_does() -> None:
    for name, command in main.commands.items():
        assert command.help, name
        assert "Usage: spanloop" in done(name, "--help")


def test_python_dash_m_is_the_same_program() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "spanloop.recipes", "--help"], capture_output=True, text=True, check=True
    )
    assert "Usage: spanloop [OPTIONS] COMMAND" in shown.stdout


def test_wrong_usage_exits_2() -> None:
    assert run("init").exit_code == 2
    assert run("nonsense").exit_code == 2
    assert run("retrain", "p.db", "--epochs", "many").exit_code == 2


@pytest.mark.parametrize("db_command", ["status", "evaluate", "retrain", "prelabel", "rounds", "labels"])
def test_a_missing_project_is_said_with_the_line_to_type(tmp_path: Path, db_command: str) -> None:
    assert "spanloop init" in refused(db_command, tmp_path / "none.db")


LIGHT = """
import sys
from click.testing import CliRunner
from spanloop.recipes.cli.main import main
from spanloop.recipes.cli.options import Duration
import spanloop.recipes.web.correct
def go(*arguments):
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == 0, result.output
go("--help")
go("init", "p.db", "--labels", "PER")
go("import", "p.db", "a.jsonl", "b.txt", "c.conll")
go("status", "p.db")
go("labels", "p.db", "add", "LOC")
go("rounds", "p.db")
go("export", "p.db", "out.jsonl")
go("correct", "--help")
names = ("spacy", "torch", "transformers", "thinc", "seqeval", "scipy")
heavy = [name for name in names if name in sys.modules]
assert not heavy, heavy
"""


def test_the_light_commands_load_no_spacy_torch_or_transformers(tmp_path: Path) -> None:
    jsonl_file(tmp_path / "a.jsonl", {"text": "Ann ran", "spans": [[0, 3, "PER"]]})
    (tmp_path / "b.txt").write_text("plain words\n")
    (tmp_path / "c.conll").write_text("Ann B-PER\nran O\n\n")
    ran = subprocess.run(
        [sys.executable, "-c", LIGHT], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


# Bad input: a clear line, exit 1, nothing lost


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{oops", "bad.jsonl:2: this is no JSON"),
        ('{"text": "Ann", "spans": [[0, 9, "PER"]]}', "bad.jsonl:2: the span 0-9 'PER' does not lie inside"),
        ('{"text": "Ann", "spans": [[2, 2, "PER"]]}', "bad.jsonl:2: the span 2-2 'PER' does not lie inside"),
        ('{"text": "A\\u0000nn"}', "bad.jsonl:2: the text has a NUL character at character 1"),
        ('{"text": "A\\ud83d"}', "bad.jsonl:2: the text has half a surrogate pair (U+D83D) at character 1"),
        ('{"text": "Ann", "id": "\\ud83d"}', "bad.jsonl:2: the id has half a surrogate pair"),
        (
            '{"text": "Ann", "spans": [[0, 3, "DOG"]]}',
            "bad.jsonl:2: the label 'DOG' (1 span) is not of this project: --add-labels adds",
        ),
        ('{"text": "other words", "id": "one"}', "'one'"),
    ],
)
def test_bad_lines_are_named_and_what_is_stored_stays(
    db: Path, tmp_path: Path, line: str, message: str
) -> None:
    stored = jsonl_file(tmp_path / "good.jsonl", {"text": "Ann ran", "id": "one", "spans": [[0, 3, "PER"]]})
    done("import", db, stored)
    before = done("status", db, "--json")
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"text": "fine"}\n' + line + "\n")
    assert message in refused("import", db, bad)
    assert done("status", db, "--json") == before


def test_an_unknown_label_comes_with_the_command_that_adds_it(db: Path, tmp_path: Path) -> None:
    file = jsonl_file(tmp_path / "a.jsonl", {"text": "Rex", "spans": [[0, 3, "big dog"]]})
    message = refused("import", db, file)
    assert message.endswith(f'spanloop labels {db} add "big dog"')
    done("labels", db, "add", "big dog")
    assert "1 newly annotated" in done("import", db, file)


def test_an_import_that_failed_leaves_nothing(db: Path, tmp_path: Path) -> None:
    """Not even the batches before the bad line; the mended file brings all in, once."""
    records = [{"text": f"Ann ran {i}", "spans": [[0, 3, "PER"]]} for i in range(2500)]
    file = jsonl_file(tmp_path / "a.jsonl", *records[:2400], "no object", *records[2400:])
    assert "a.jsonl:2401" in refused("import", db, file)
    assert done("status", db, "--json")["documents"]["pool"]["total"] == 0
    assert done("imports", db, "--json")["imports"] == []
    report = done("import", db, jsonl_file(file, *records), "--json")
    assert (report["added"], report["already_there"], report["annotated"]) == (2500, 0, 2500)


def test_of_overlapping_spans_the_longest_waits_for_somebody_who_confirms_it(
    db: Path, tmp_path: Path
) -> None:
    spans = [[0, 3, "PER"], [0, 7, "LOC"], [8, 11, "PER"]]
    file = jsonl_file(tmp_path / "a.jsonl", {"text": "Ann Lee Bob", "spans": spans})
    message = refused("import", db, file)
    assert "a.jsonl:1: the spans 0-3 'PER' and 0-7 'LOC' overlap" in message
    assert "--overlaps longest" in message
    for added, ledger in ((1, 1), (0, 0)):
        report = done("import", db, file, "--overlaps", "longest", "--json")
        assert (report["added"], report["annotated"], report["ledger"]) == (added, 0, ledger)
    status = done("status", db, "--json")
    assert status["documents"]["pool"] == {
        "total": 1,
        "gold": 0,
        "open": 1,
        "skipped": 0,
        "conflict": 0,
        "rejected": 0,
    }
    assert status["alignment_events"] == {"total": 1, "by_reason": {"overlap": 1}}
    with Store.open(db) as store:
        assert [(e.start, e.end, e.label, e.action, e.line) for e in store.ledger.all()] == [
            (0, 3, "PER", "conflict", 1)
        ]


def test_files_that_cannot_be_read(db: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    assert refused("import", db, tmp_path / "empty.jsonl").endswith(
        "the file is empty: there is nothing to import"
    )
    assert "no such file" in refused("import", db, tmp_path / "gone.jsonl")
    (tmp_path / "folder").mkdir()
    assert "there is no file in it" in refused("import", db, tmp_path / "folder")
    (tmp_path / "x.jsonl").write_text('{"text": "a"}\n')
    assert "there is no format 'xml'" in refused("import", db, tmp_path / "x.jsonl", "--format", "xml")


def test_init_refuses_what_makes_no_project(tmp_path: Path, db: Path) -> None:
    assert "needs labels" in refused("init", tmp_path / "q.db", "--labels", " , ")
    assert "exists already" in refused("init", db, "--labels", "PER")
    assert "'PER'" in refused("init", tmp_path / "q.db", "--labels", "PER,PER")
    assert "no folder" in refused("init", tmp_path / "no" / "q.db", "--labels", "PER")
    assert not (tmp_path / "q.db").exists()


def test_labels_with_spaces_and_any_letters_are_allowed(tmp_path: Path) -> None:
    db = tmp_path / "q.db"
    done("init", db, "--labels", "有機 物,Größe,🌍 place")
    assert done("status", db, "--json")["labels"] == ["有機 物", "Größe", "🌍 place"]
    file = jsonl_file(tmp_path / "a.jsonl", {"text": "Übermaß", "spans": [[0, 7, "Größe"]]})
    done("import", db, file, "--split", "pool")
    assert "Größe" in done("export", db, tmp_path / "out.jsonl") + (tmp_path / "out.jsonl").read_text()


def test_a_database_of_a_newer_schema_is_left_alone(db: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(db)
    connection.execute("PRAGMA user_version = 9999")
    connection.commit()
    connection.close()
    assert "9999" in refused("status", db)


def test_a_missing_model_is_named(db: Path, tmp_path: Path) -> None:
    done("import", db, jsonl_file(tmp_path / "a.jsonl", {"text": "Ann ran"}))
    assert "no/such/model" in refused("prelabel", db, "--model", "no/such/model")
    assert "no_such_pipeline" in refused("prelabel", db, "--pipeline", "no_such_pipeline")
    assert "no such file of patterns" in refused("prelabel", db, "--patterns", tmp_path / "gone.jsonl")
    assert "no round is promoted yet" in refused("prelabel", db)
    assert "no round is promoted yet" in refused("evaluate", db)
    for model in ("no/such/model", tmp_path / "gone" / "model", "nosuchmodel"):
        assert str(model) in refused("predict", "--model", model, "Ann ran")
        assert "no" in refused("prelabel", db, "--model", model).replace(str(model), "")
    assert "name what shall predict" in refused("predict", "Ann ran")


def test_retrain_without_eval_gold_says_what_to_type(db: Path, tmp_path: Path) -> None:
    done("import", db, jsonl_file(tmp_path / "a.jsonl", {"text": "Ann ran", "spans": [[0, 3, "PER"]]}))
    message = refused("retrain", db)
    assert "no gold in the eval split" in message
    assert f"spanloop import {db} FILE --split eval" in message
    done("import", db, jsonl_file(tmp_path / "b.jsonl", {"text": "Bob ran"}), "--split", "eval")
    assert f"spanloop correct {db} --split eval" in refused("retrain", db)


# Shapes


def test_a_file_that_cannot_be_written_is_named(db: Path, tmp_path: Path) -> None:
    done("import", db, jsonl_file(tmp_path / "a.jsonl", {"text": "Ann", "spans": []}))
    assert "there is no folder" in refused("export", db, tmp_path / "no" / "out.jsonl")
    done("export", db, tmp_path / "out.jsonl")
    assert "is there already" in refused("export", db, tmp_path / "out.jsonl")
    assert "cannot tell the format" in refused("export", db, tmp_path / "out.xyz")


def test_audit_finds_what_stands_in_both_splits(db: Path, tmp_path: Path) -> None:
    text = "the same eight words stand here in both of the splits"
    done("import", db, jsonl_file(tmp_path / "a.jsonl", {"text": text, "id": "a"}), "--split", "pool")
    done(
        "import",
        db,
        jsonl_file(tmp_path / "b.jsonl", {"text": text + " today", "id": "b"}),
        "--split",
        "eval",
    )
    (group,) = done("audit", db, "--duplicates", "--json")["groups"]
    assert (sorted(group["keys"]), group["across"]) == (["a", "b"], True)
    assert "there is no gold in the pool" in refused("audit", db)


def test_labels_subcommands(db: Path) -> None:
    done("labels", db, "add", "ORG", "--key", "b")
    done("labels", db, "rename", "ORG", "COMPANY")
    done("labels", db, "retire", "LOC")
    rows = done("labels", db, "--json")["labels"]
    assert [(row["name"], row["retired"]) for row in rows] == [
        ("PER", False),
        ("COMPANY", False),
        ("LOC", True),
    ]
    assert "there is no label 'X'" in refused("labels", db, "rename", "X", "Y")


def test_correct_beyond_this_machine_needs_a_token(db: Path) -> None:
    assert "--token" in refused("correct", db, "--host", "0.0.0.0", "--no-browser")


def test_backup_check_and_annotators(db: Path, tmp_path: Path) -> None:
    done("import", db, jsonl_file(tmp_path / "a.jsonl", {"text": "Ann", "spans": []}))
    assert done("check", db, "--json") == {"schema": 1, "sound": True, "problems": []}
    assert "is sound" in done("check", db)
    copy = tmp_path / "copy.db"
    assert done("backup", db, copy, "--json")["path"] == str(copy)
    told = done("status", copy, "--json")
    told["next_step"] = told["next_step"].replace(str(copy), str(db))
    assert told == done("status", db, "--json")
    assert "copy.db" in refused("backup", db, copy)
    link = done("annotators", db, "add", "Zoë", "--host", "10.0.0.7", "--json")["link"]
    assert link.startswith("http://10.0.0.7:8765/enter?token=")
    assert done("annotators", db) == "Zoë\n"
    done("annotators", db, "remove", "Zoë")
    assert "there is no annotator" in refused("annotators", db, "remove", "Zoë")


@pytest.mark.parametrize(("given", "seconds"), [("90", 90), ("30m", 1800), ("6h", 21600), ("1.5d", 129600)])
def test_durations(given: str, seconds: float) -> None:
    assert Duration().convert(given, None, None) == seconds
