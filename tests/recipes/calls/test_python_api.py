"""The recipes from Python: light to import, held to their signatures, documented, and wrong in the command's
words."""

from __future__ import annotations

import ast
import inspect
import pydoc
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, get_args, get_origin

import click
import pytest
from support.commands import run

import spanloop.plugin
import spanloop.recipes
from spanloop.recipes import RecipeError, import_files, init
from spanloop.recipes.calls.arguments import _fits, hints_of
from spanloop.recipes.cli.main import main
from spanloop.recipes.cli.schemas import REPORTS

PACKAGES = [spanloop.recipes, spanloop.plugin]
FUNCTIONS = [name for name in spanloop.recipes.__all__ if inspect.isfunction(getattr(spanloop.recipes, name))]
OF_COMMAND = {"import": "import_files", "report": "write_report", "train-curve": "train_curve"}


def function(name: str) -> Callable[..., Any]:
    found: Callable[..., Any] = getattr(spanloop.recipes, name)
    return found


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_type_checkers_are_told_of_what_can_be_imported(package: ModuleType) -> None:
    tree = ast.parse(Path(package.__file__ or "").read_text("utf-8"))
    told = {
        name.asname: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("spanloop.")
        for name in node.names
    }
    assert told == package._PLACES
    assert set(package.__all__) == set(told)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_importing_loads_nothing_heavy(package: ModuleType) -> None:
    code = (
        f"import sys, {package.__name__} as p; v = p.__version__; "
        "from spanloop.plugin import TrainConfig; from spanloop.recipes import RecipeError; "
        "heavy = {'torch', 'spacy', 'transformers', 'pydantic', 'sqlite_utils'}; "
        "print(v, sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{version('spanloop')} []"


def test_nothing_else_can_be_imported() -> None:
    with pytest.raises(ImportError, match="retrian"):
        from spanloop.recipes import retrian  # type: ignore[attr-defined] # noqa: F401


def test_every_recipe_that_reports_can_be_called() -> None:
    """Label Studio's are left out: they talk to a server, and the command is how one does that."""
    homes = {place.rpartition(":")[0] for places in REPORTS.values() for place in places}
    reported = {
        "project.labels",
        "files.import_report",
        "training.report",
        "rounds.report_shape",
        "rounds.optimised",
        "suggest.predicted",
    }
    here = {f"spanloop.recipes.{home}" for home in homes if not home.startswith("labelstudio")}
    called = set(spanloop.recipes._PLACES.values()) | {f"spanloop.recipes.{home}" for home in reported}
    assert here <= called


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_argument_is_described_and_its_default_fits_its_type(name: str) -> None:
    recipe = function(name)
    told = inspect.getdoc(recipe) or ""
    described = re.findall(r"^    (\w+): \S", told.partition("Args:\n")[2].partition("\n\n")[0], re.M)
    signature = inspect.signature(recipe)
    assert described == list(signature.parameters)
    assert "\nReturns:\n" in told or signature.return_annotation == "None"
    assert "\nRaises:\n    RecipeError: " in told
    assert "StoreError" not in told
    hints = hints_of(inspect.unwrap(recipe))
    assert list(hints) == list(signature.parameters)
    for parameter in signature.parameters.values():
        if parameter.default is not parameter.empty:
            assert _fits(hints[parameter.name], parameter.default), parameter


def choices_in(hint: Any) -> set[Any]:
    """The words that a type takes."""
    if get_origin(hint) is Literal:
        return set(get_args(hint))
    return set().union(*(choices_in(part) for part in get_args(hint)))


def options() -> Iterator[tuple[str, click.Option]]:
    assert isinstance(main, click.Group)
    for command_name, command in main.commands.items():
        name = OF_COMMAND.get(command_name, command_name)
        if name in FUNCTIONS and name != "labels":
            yield from ((name, option) for option in command.params if isinstance(option, click.Option))


def test_python_takes_the_choices_that_the_command_takes() -> None:
    looked_at = 0
    for name, option in options():
        hint = hints_of(inspect.unwrap(function(name))).get(option.name or "")
        if hint is None or not isinstance(option.type, click.Choice) or hint == str | None:
            continue
        looked_at += 1
        assert choices_in(hint) == set(option.type.choices), (name, option.name)
    assert looked_at > 12


@pytest.mark.parametrize(
    ("name", "given", "line"),
    [
        ("init", {"labels": "PER,LOC"}, "takes a list of which each is a text: write labels=['PER', 'LOC']"),
        ("init", {"labels": ["PER"], "eval_fraction": 7.0}, "takes a number from 0 to 1"),
        ("init", {"labels": ["PER"], "task": "ner"}, "takes 'spans' or 'tags'"),
        ("retrain", {"promote": "maybe"}, "takes 'auto', 'yes' or 'no'"),
        ("retrain", {"config": {"epochs": 3}}, "takes a TrainConfig or None"),
        ("import_files", {"files": "a.jsonl"}, r"write files=\['a.jsonl'\]"),
        ("import_files", {"files": Path("a.jsonl")}, r"write files=\['a.jsonl'\]"),
        ("import_files", {"files": [3]}, "takes a list of which each is a text or a path"),
        ("prelabel", {"limit": 0}, "takes a whole number from 1 to 2147483647 or None"),
        ("prelabel", {"strategy": "guess"}, "there is no strategy 'guess'"),
        ("watch", {"pause": float("nan")}, "takes a number from 0.1 to 86400"),
        ("export", {"file": "x.jsonl", "what": "silver"}, "takes 'gold', 'answers', 'predictions' or 'all'"),
        ("promote", {"number": True}, "takes a whole number from 1"),
    ],
)
def test_a_wrong_argument_is_told_and_nothing_is_done(
    tmp_path: Path, name: str, given: dict[str, Any], line: str
) -> None:
    with pytest.raises(RecipeError, match=line.replace("['PER', 'LOC']", r"\['PER', 'LOC'\]")) as told:
        function(name)(tmp_path / "p.db", **given)
    assert "\n" not in str(told.value)
    assert list(tmp_path.iterdir()) == []


def test_errors_are_the_line_that_the_command_prints(tmp_path: Path) -> None:
    """Of the store, of a model, of the operating system; also where a recipe is read bit by bit."""
    db, folder = tmp_path / "p.db", tmp_path / "a_folder"
    init(db, labels=["PER"])
    folder.mkdir()
    calls: list[tuple[Callable[[], Any], list[str]]] = [
        (lambda: function("status")(tmp_path / "no.db"), ["status", str(tmp_path / "no.db")]),
        (lambda: function("status")(folder), ["status", str(folder)]),
        (lambda: init(db, labels=["PER"]), ["init", str(db), "--labels", "PER"]),
        (lambda: function("evaluate")(db), ["evaluate", str(db)]),
        (lambda: function("rename_label")(db, "X", "Y"), ["labels", str(db), "rename", "X", "Y"]),
        (lambda: import_files(db, [folder / "none.jsonl"]), ["import", str(db), str(folder / "none.jsonl")]),
        (lambda: list(function("predict")(["a"], model=None)), ["predict", "a"]),
    ]
    for call, command in calls:
        with pytest.raises(RecipeError) as told:
            call()
        done = run(*command)
        assert (done.exit_code, done.stderr.strip()) == (1, f"Error: {told.value}")


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_help_shows_all_of_it_and_nothing_else(package: ModuleType) -> None:
    shown = pydoc.plain(pydoc.render_doc(package))
    for name in package.__all__:
        assert re.search(rf"^    (class )?{name}(\(| =|$)", shown, re.M), name
    assert "import_module" not in shown
    assert (package.__doc__ or "").splitlines()[0] in shown.replace("\n    ", "\n")
