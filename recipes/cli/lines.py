"""What the command line prints, whatever stands in the files and names that it speaks of."""

from __future__ import annotations

import re

LONGEST = 1_000
"""Characters of an error's line: a file can hold a name of a million."""
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_HALF_PAIRS = re.compile("[\ud800-\udfff]")


def one_line(text: str) -> str:
    """An error's text as one line of letters: line ends as blanks, what would steer the terminal spelled out,
    the end left out where it is very long."""
    line = " ".join(text.split("\n")) if "\n" in text else text
    line = _UNPRINTABLE.sub(_escaped, line)
    return spelled(line if len(line) <= LONGEST else line[:LONGEST] + " ...")


def spelled(text: str) -> str:
    """The text with halves of surrogate pairs spelled out: no encoding has them. In JSON they stand for the
    same as before."""
    return _HALF_PAIRS.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    letter = ord(found[0])
    return f"\\x{letter:02x}" if letter < 256 else f"\\u{letter:04x}"
