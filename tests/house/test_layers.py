"""The rules of docs/design.md that keep each part in its room."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from support.places import ROOT
from support.processes import PATIENCE_SECONDS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it there

LAYERS = ("plugin", "recipes", "store")
SOURCES = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))
PAGE_FILES = sorted(p for p in (ROOT / "recipes").rglob("*") if p.suffix in {".js", ".css", ".html"})
ALL_PYTHON = sorted({*SOURCES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")})
SQL = re.compile(
    r"\b(SELECT\b.+\bFROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+(TABLE|VIEW|INDEX)|PRAGMA\s+\w+)"
)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    """A file, parsed once for all rules."""
    return ast.parse(path.read_text("utf-8"))


@cache
def imported(path: Path) -> set[str]:
    """Full dotted names of everything a file imports, at any depth of nesting."""
    found: set[str] = set()
    package = ["spanloop", *path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parent = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*parent, *([node.module] if node.module else [])])
            found.add(module)
            found.update(f"{module}.{alias.name}" for alias in node.names)
    return found


def roots(path: Path) -> set[str]:
    return {module.split(".")[0] for module in imported(path)}


def strings(path: Path) -> list[tuple[int, str]]:
    """Every string constant that is not a docstring, with its line."""
    tree = tree_of(path)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]


@pytest.mark.parametrize("path", [p for p in SOURCES if name(p).startswith("store/")], ids=name)
def test_store_imports_the_standard_library_and_sqlite_utils_only(path: Path) -> None:
    allowed = set(sys.stdlib_module_names) | {"sqlite_utils", "spanloop"}
    assert roots(path) <= allowed
    assert not {m for m in imported(path) if m.startswith(("spanloop.plugin", "spanloop.recipes"))}


def as_installed(folder: Path) -> Path:
    """A folder in which the three packages lie as installed: ``spanloop/plugin`` and so on."""
    (folder / "spanloop").mkdir()
    for layer in LAYERS:
        (folder / "spanloop" / layer).symlink_to(ROOT / layer, target_is_directory=True)
    return folder


def test_every_room_knows_only_the_rooms_below_it(tmp_path: Path) -> None:
    """The contracts of pyproject.toml, kept by import-linter."""
    found = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(as_installed(tmp_path))},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    assert "0 broken" in found.stdout


def test_every_room_is_packaged() -> None:
    """A room that pyproject.toml does not name is missing from what users install."""
    rooms = {f"spanloop.{'.'.join(path.parent.relative_to(ROOT).parts)}" for path in SOURCES}
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert set(settings["tool"]["setuptools"]["packages"]) == rooms


@pytest.mark.parametrize("layer", LAYERS)
def test_few_files_lie_outside_of_a_room(layer: str) -> None:
    assert len([path for path in (ROOT / layer).iterdir() if path.is_file()]) <= 12


@pytest.mark.parametrize("path", ALL_PYTHON, ids=name)
def test_the_folders_are_imported_by_their_package_name(path: Path) -> None:
    """``import plugin`` works when the root is on sys.path and makes a second copy of every module."""
    absolute = {
        alias
        for node in ast.walk(tree_of(path))
        for alias in (
            [a.name for a in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
    }
    assert not {module for module in absolute if module.split(".")[0] in LAYERS}


def test_one_file_touches_doc_and_store_records() -> None:
    both = [
        name(path)
        for path in SOURCES
        if any(m.startswith("spanloop.store.records") for m in imported(path))
        and any(m.startswith("spacy.tokens") for m in imported(path))
    ]
    assert set(both) <= {"recipes/formats/docs.py"}


def test_sql_lives_under_store() -> None:
    found = [
        f"{name(path)}:{line}"
        for path in SOURCES
        if not name(path).startswith("store/")
        for line, text in strings(path)
        if SQL.search(text)
    ]
    assert not found


def test_only_the_command_line_prints() -> None:
    found = [
        f"{name(path)}:{node.lineno}"
        for path in SOURCES
        if name(path) != "recipes/cli/main.py"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id == "print")
            or (isinstance(node.func, ast.Attribute) and node.func.attr in {"echo", "secho"})
        )
    ]
    assert not found


def test_tag_prefixes_are_spelled_in_schemes_only() -> None:
    found = [
        f"{name(path)}:{line}"
        for path in SOURCES
        if name(path) != "plugin/tagging/schemes.py"
        for line, text in strings(path)
        if re.fullmatch(r"[BIESLU]-", text) or re.match(r"[BIESLU]-[A-Z{]", text)
    ]
    assert not found


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_no_catch_all(path: Path) -> None:
    caught = [
        node.lineno
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or getattr(node.type, "id", "") in {"Exception", "BaseException"})
    ]
    assert not caught


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_files_and_functions_stay_small(path: Path) -> None:
    assert not re.search(r"(utils|helpers?|manager|handler|base)\.py$", path.name)
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 300
    long = [
        f"{node.name}: {(node.end_lineno or 0) - node.lineno + 1} lines"
        for node in ast.walk(tree_of(path))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (node.end_lineno or 0) - node.lineno >= 60
    ]
    assert not long


@pytest.mark.parametrize("path", PAGE_FILES, ids=name)
def test_files_of_the_page_stay_small(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 300


def loaded_by(statement: str, *names: str) -> set[str]:
    """Which of the top-level ``names`` are in sys.modules after ``statement`` in a fresh process."""
    code = (
        f"{statement}\nimport sys, json\nprint(json.dumps([n for n in {list(names)!r} if n in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_component_costs_spacy_users_no_transformers() -> None:
    assert not loaded_by("import spacy, spanloop.plugin.pipe.component", "transformers", "sqlite_utils")


@pytest.mark.parametrize(
    "module",
    [
        "store",
        "recipes.cli.main",
        "recipes.formats",
        "recipes.web.app",
        "recipes.formats.conll",
        "recipes.rounds.status",
    ],
)
def test_what_needs_no_model_loads_none(module: str) -> None:
    assert not loaded_by(f"import spanloop.{module}", "spacy", "torch", "transformers")
