"""What the documents promise exists: commands, links, targets."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from support.places import ROOT

from spanloop.recipes.cli.main import main

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "benchmarks" / "README.md"])


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
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8"))
    broken = [t for t in targets if not t.startswith(("http", "mailto")) and not (page.parent / t).exists()]
    assert not broken


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
