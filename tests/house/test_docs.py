"""What the documents promise exists: commands, links, targets, imports, files."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from pkgutil import resolve_name
from textwrap import dedent

import click
import pytest
from support.places import ROOT

from spanloop.recipes.cli.main import main

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "benchmarks" / "README.md"])

SCRIPTS = sorted(
    path for folder in ("benchmarks", "docs", "examples") for path in (ROOT / folder).glob("*.py")
)
PYTHON = sorted(
    path for folder in ("plugin", "recipes", "store", "tests") for path in (ROOT / folder).rglob("*.py")
)
FILE = re.compile(
    r"\b(?:plugin|recipes|store|tests|benchmarks|docs|examples)/[\w./-]+\.(?:py|md|cfg|js|css|html)\b"
)


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def commands() -> list[str]:
    assert isinstance(main, click.Group)
    return sorted(main.commands)


@pytest.mark.parametrize("command", commands())
def test_every_command_says_what_it_does_and_stands_in_the_readme(command: str) -> None:
    help_text = main.commands[command].get_short_help_str(limit=200)
    assert len(help_text.split()) >= 3
    assert f"`spanloop {command}" in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_spanloop_command_in_a_page_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    fenced = "\n".join(re.findall(r"(?s)```\w*\n(.*?)```", text))
    named = set(re.findall(r"`spanloop ([a-z][a-z-]*)", text))
    named |= set(re.findall(r"(?m)^(?:\$ )?spanloop ([a-z][a-z-]*)", fenced))
    assert named <= set(commands())


def test_the_readme_begins_with_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    head = text[: text.index("##")]
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8")))
    assert re.findall(r"(?m)^make ([a-z-]+)", head) == ["demo", "test"]
    assert {"demo", "test", "test-fast", "check", "bench"} <= targets


def imported(code: str) -> set[str]:
    """Full dotted names of what this Python takes from spanloop."""
    return {
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "spanloop"
        for alias in node.names
    }


def missing(names: set[str]) -> list[str]:
    """Those of the names that are not there."""
    gone = []
    for name in sorted(names):
        try:
            resolve_name(name)
        except (ImportError, AttributeError):
            gone.append(name)
    return gone


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_python_name_in_a_page_can_be_imported(page: Path) -> None:
    text = page.read_text("utf-8")
    names = set(re.findall(r"\bspanloop\.(?:plugin|recipes|store)(?:\.\w+)*", text))
    for code in re.findall(r"(?ms)^ *```python\n(.*?)^ *```", text):
        names |= imported(dedent(code))
    if page.name == "training.md":  # else this test looks at nothing
        assert "spanloop.plugin.train" in names
    assert not missing(names)


@pytest.mark.parametrize("script", SCRIPTS, ids=relative)
def test_what_a_script_imports_is_there(script: Path) -> None:
    assert not missing(imported(script.read_text("utf-8")))


@pytest.mark.parametrize("path", [*PAGES, *SCRIPTS, *PYTHON], ids=relative)
def test_every_file_that_is_named_exists(path: Path) -> None:
    assert not [name for name in FILE.findall(path.read_text("utf-8")) if not (ROOT / name).exists()]
