"""Rows to aligned columns of plain text. Only builds the string: the command line prints it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from typing import Protocol


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, right: Iterable[int] = ()) -> str:
    """A table with two spaces between columns; the columns numbered in ``right`` (from 0) are
    right-aligned."""
    cells = [[str(cell) for cell in row] for row in [head, *rows]]
    widths = [max(width(row[column]) for row in cells) for column in range(len(head))]
    numbers = set(right)
    lines = []
    for row in cells:
        padded = [_pad(cell, widths[i], right=i in numbers) for i, cell in enumerate(row)]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def _pad(cell: str, size: int, *, right: bool) -> str:
    blanks = " " * (size - width(cell))
    return blanks + cell if right else cell + blanks


def width(text: str) -> int:
    """How many terminal columns the text takes: two for wide East Asian letters, none for combining marks."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(unicodedata.combining(letter) > 0 for letter in text)


def figure(value: float | None, digits: int = 4) -> str:
    """A fraction as it stands in tables; a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


class Bounded(Protocol):
    """A figure of a score, stored or just made."""

    @property
    def f1_low(self) -> float | None: ...

    @property
    def f1_high(self) -> float | None: ...


def interval(score: Bounded | None) -> str:
    """The 95 % interval, ``0.412-0.523``; empty where there is none."""
    if score is None or score.f1_low is None or score.f1_high is None:
        return ""
    return f"{figure(score.f1_low, 3)}-{figure(score.f1_high, 3)}"


def counted(number: int, noun: str) -> str:
    """``1 document``, ``1,204 documents``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The rows as a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in lines)
