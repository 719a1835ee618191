"""Whatever stands where a number or a name is asked for ends in a line, and the project is as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from support.commands import refused, run

from spanloop.recipes.cli.main import main
from spanloop.recipes.cli.options import Duration, Listed
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.project.init import init
from spanloop.store import Store

LARGE = str(10**30)
NUMERIC = (click.types.IntParamType, click.types.FloatParamType, Duration)
NUMBERS = ["nan", "-nan", "inf", "-inf", "-1", "1e400", LARGE, "9" * 5000, "", "x", "0x10", "1;5"]
NAMES = [
    *(
        "setuptools",
        "numpy",
        "os",
        "",
        " ",
        ".",
        "..",
        "/",
        "x y",
        "a\nb",
        "\x1b[2J",
        "\udcff",
        "a\udcffb",
    ),
    *("é" * 3000, "-", "--", "%s", "PER=", "=", "PER=1e400", "PER=nan", "PER=-1", "PER=" + "9" * 5000),
    *("O=0,PER=0", "PER,PER", ",", "PER,,ORG", "B-PER", "https://example.org/x", "{}", "[1]"),
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    db = tmp_path / "p.db"
    init(db, labels=["PER"], eval_fraction=0)
    file = tmp_path / "a.jsonl"
    file.write_text(
        '{"id": "a", "text": "Ann met Bob", "spans": [[0, 3, "PER"]]}\n{"id": "b", "text": "Eve"}\n'
    )
    import_files(db, [file])
    return db


def commands(group: click.Command, *above: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with the words that lead to it; DB stands for the project."""
    if isinstance(group, click.Group):
        words = above if above == () or not group.params or above[-1] == "labelstudio" else (*above, "DB")
        for name, command in group.commands.items():
            yield from commands(command, *words, name)
    else:
        yield above, group


def numbers() -> Iterator[tuple[str, tuple[tuple[str, ...], bool]]]:
    """Every option and argument that takes a number, as a command line in which NUMBER stands for it, and
    whether it takes fractions of any size."""
    for words, command in commands(main):
        for parameter in command.params:
            kind = parameter.type
            numbers_listed = isinstance(kind, Listed) and kind.of in (int, float)
            if not numbers_listed and not isinstance(kind, NUMERIC):
                continue
            line = [*words]
            for other in command.params:
                if isinstance(other, click.Argument):
                    line.append("NUMBER" if other is parameter else _argument(other))
                elif other is parameter:
                    line.append(f"{other.opts[0]}=NUMBER")
                elif other.required:
                    line += [other.opts[0], "PER"]
            fractions = isinstance(kind, Listed) and kind.of is float
            endless = fractions or (isinstance(kind, click.FloatRange) and kind.max is None)
            yield f"{' '.join(words)} {parameter.name}", (tuple(line), endless)


def _argument(argument: click.Argument) -> str:
    names = {"db": "DB", "path": "DB", "files": "FILE", "inputs": "text", "number": "1"}
    return names.get(argument.name or "", "OUT")


FOUND = dict(numbers())


def test_the_numbers_are_found() -> None:
    assert len(FOUND) > 50
    assert {"retrain epochs", "watch interval", "rounds DB promote number", "simulate budget_tokens"} <= set(
        FOUND
    )


def is_refused(*arguments: str) -> None:
    result = run(*arguments)
    what = " ".join(arguments)[:200]
    assert isinstance(result.exception, SystemExit), f"{what}: {result.exception!r}"
    assert result.exit_code in (1, 2), what
    assert result.stdout == "", what
    if result.exit_code == 1:
        assert result.stderr.count("\n") == 1, result.stderr
    assert "Error: " in result.stderr


@pytest.mark.parametrize("name", FOUND)
def test_what_is_no_number_is_refused(project: Path, tmp_path: Path, name: str) -> None:
    places = {"DB": str(project), "FILE": str(tmp_path / "a.jsonl"), "OUT": str(tmp_path / "out")}
    before = project.read_bytes()
    words, endless = FOUND[name]
    for number in NUMBERS:
        if endless and number == LARGE:  # a finite one; what a training makes of it is another matter
            continue
        line = [places.get(word, word) for word in words]
        if name.startswith("init "):
            line[1] = str(tmp_path / "new.db")
        is_refused(*(number if word == "NUMBER" else word.replace("=NUMBER", f"={number}") for word in line))
    assert project.read_bytes() == before
    assert not (tmp_path / "new.db").exists()


def is_a_line_at_most(*arguments: object) -> None:
    result = run(*arguments)
    what = " ".join(map(repr, arguments))[:200]
    assert result.exception is None or isinstance(result.exception, SystemExit), (
        f"{what}: {result.exception!r}"
    )
    assert result.exit_code in (0, 1, 2), what
    if result.exit_code == 1:
        assert (result.stdout, result.stderr.count("\n")) == ("", 1), (what, result.stderr)


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name[:20]))
def test_what_is_no_name_is_a_line(project: Path, tmp_path: Path, name: str) -> None:
    new = tmp_path / "new.db"
    is_a_line_at_most("init", new, "--labels", name)
    new.unlink(missing_ok=True)
    for option in ("--nlp", "--lang"):
        is_a_line_at_most("init", new, "--labels", "PER", option, name)
        if new.exists():
            is_a_line_at_most("import", new, tmp_path / "a.jsonl", "--split", "pool")
            is_a_line_at_most("export", new, tmp_path / "out.conll", "--overwrite")
            new.unlink()
    for line in (
        ("prelabel", project, "--pipeline", name),
        ("prelabel", project, "--patterns", name),
        ("predict", "text", "--model", name),
        ("predict", name, "--model", name),
        ("retrain", project, "--class-weights", name),
        ("labels", project, "rename", "PER", name),
        ("labels", project, "rename", name, "PER"),
        ("labels", project, "add", "NEW", "--key", name),
        ("labels", project, "add", "NEW2", "--colour", name),
        ("labels", project, "retire", name),
        ("labels", project, "merge", name, "PER"),
        ("annotators", project, "add", name),
        ("import", project, tmp_path / "a.jsonl", "--annotator", name),
        ("import", project, tmp_path / "a.jsonl", "--format", name),
        ("export", project, tmp_path / "out", "--format", name),
        ("simulate", tmp_path / "a.jsonl", "--strategies", name),
        ("status", project),
    ):
        is_a_line_at_most(*line)
    with Store.open(project) as store:
        assert store.check() == []
        assert store.documents.count() == 2


def test_texts_that_no_file_can_hold_are_not_predicted(tmp_path: Path) -> None:
    """Bytes of the command line that are no UTF-8, and half pairs in a file."""
    from support.tiny_models import build_tiny

    model = build_tiny(tmp_path / "tiny")
    assert "half a surrogate pair (U+DCFF)" in refused("predict", "a\udcffb", "--model", model)
    file = tmp_path / "half.jsonl"
    for record in (r'{"text": "\ud800"}', r'{"text": "a", "meta": {"\ud800": 1}}', '{"text": "a", "x": NaN}'):
        file.write_text(record, encoding="utf-8")
        for further in ((), ("--json",), ("--out", tmp_path / "out")):
            assert refused("predict", file, "--model", model, *further).startswith(f"{file}:1: the ")
    assert list((tmp_path / "out").iterdir()) == []
