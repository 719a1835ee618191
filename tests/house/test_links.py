"""Every link between the pages leads somewhere: the file is there, and so is the heading of an anchor."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.places import ROOT

PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "benchmarks" / "README.md",
    ROOT / "recipes" / "demo" / "data" / "README.md",
]
_LINK = re.compile(r"\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(([^()\s]+)\)")
_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
_NAMED = re.compile(r"<a (?:id|name)=\"([^\"]+)\"")


def anchors(page: Path) -> set[str]:
    """What can stand behind ``#`` for a page: its headings as they are spelled in a link, a second one of a
    name with -1 behind it."""
    text = _FENCE.sub("", page.read_text("utf-8"))
    found: set[str] = set(_NAMED.findall(text))
    for heading in _HEADING.findall(text):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        number = 1
        while (again := name if number == 1 else f"{name}-{number - 1}") in found:
            number += 1
        found.add(again)
    return found


def broken(page: Path) -> list[str]:
    """The links of a page that lead nowhere. Of pages elsewhere nothing is asked."""
    text = _CODE.sub("", _FENCE.sub("", page.read_text("utf-8")))
    lost = []
    for target in _LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (page.parent / file).resolve() if file else page
        if not there.exists() or (anchor and there.suffix == ".md" and anchor not in anchors(there)):
            lost.append(target)
    return lost


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    page, other = tmp_path / "a.md", tmp_path / "b.md"
    other.write_text("# One\n## `two` of *them*, it's\n## One\n```\n# no heading\n```\n", "utf-8")
    page.write_text(
        "# Here\n[1](b.md#one) [2](b.md#two-of-them-its) [3](b.md#one-1) [4](#here) [5](https://x.org/#y)\n"
        "[6](b.md#no-heading) [7](c.md) [8](#there) `[9](d.md)` [`10`](b.md#one-2)\n",
        "utf-8",
    )
    assert broken(page) == ["b.md#no-heading", "c.md", "#there", "b.md#one-2"]
