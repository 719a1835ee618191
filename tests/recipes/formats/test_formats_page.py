"""docs/formats.md says of each registered format what the registry says."""

from __future__ import annotations

import os

import pytest
from support.places import ROOT

from spanloop.recipes.formats.carrying import EVERYTHING, FEATURES, WORDS
from spanloop.recipes.formats.entry import Format
from spanloop.recipes.formats.registry import formats

PAGE = ROOT / "docs" / "formats.md"
BEGIN = "<!-- formats: generated from the registry by tests/recipes/formats/test_formats_page.py -->\n"
AGAIN = "write it anew: SPANLOOP_WRITE_DOCS=1 pytest tests/recipes/formats/test_formats_page.py"


def reads(fmt: Format) -> str:
    skipped = f"; leaves there: {', '.join(fmt.skips)}" if fmt.skips else ""
    extra = f"; with `pip install 'spanloop[{fmt.extra}]'`" if fmt.extra else ""
    return f"{fmt.title}{extra}{skipped}"


def writes(fmt: Format) -> str:
    if fmt.write is None:
        return "no"
    if fmt.folder is not None:
        return "a folder"
    return "a file" + (f" ({' '.join(fmt.suffixes)})" if fmt.suffixes and not fmt.foreign else "")


def loses(fmt: Format) -> str:
    if fmt.write is None:
        return ""
    lost = [WORDS[feature] for feature in FEATURES if feature not in fmt.carries]
    if fmt.cannot_hold is not None:
        lost.append("control characters, which are refused")
    return "; ".join(lost) or "nothing"


def cells(fmt: Format) -> tuple[str, ...]:
    return f"`{fmt.name}`", reads(fmt), writes(fmt), fmt.detected, loses(fmt), fmt.tried


def page() -> str:
    """The part of the page that is generated."""
    rows = [
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells(fmt))} |"
        for fmt in formats().values()
    ]
    head = "| format | reads | writes | is detected by | does not hold, when written | tried on |"
    return "\n".join(["", head, "|---|---|---|---|---|---|", *rows]) + "\n"


def test_the_page_says_what_the_registry_says() -> None:
    found = PAGE.read_text("utf-8")
    before, mark, _ = found.partition(BEGIN)
    assert mark, f"docs/formats.md lacks the line {BEGIN!r}"
    wanted = before + BEGIN + page()
    if os.environ.get("SPANLOOP_WRITE_DOCS"):
        PAGE.write_text(wanted, "utf-8")
        found = wanted
    assert found == wanted, AGAIN


@pytest.mark.parametrize("fmt", formats().values(), ids=lambda fmt: fmt.name)
def test_a_format_says_of_itself_what_the_page_needs(fmt: Format) -> None:
    assert fmt.title
    assert fmt.detected
    assert fmt.tried
    assert fmt.carries <= EVERYTHING
    assert (fmt.write is None) == (not fmt.carries)
