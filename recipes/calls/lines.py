"""What goes wrong as one line, whatever stands in the files and names that it speaks of: the command line
prints it, and whoever calls a recipe from Python gets it as a `RecipeError`."""

from __future__ import annotations

import re
import shutil

from spanloop.plugin.model.errors import ModelError
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.versions import why_spacy_stops
from spanloop.store import StoreError

TELLABLE = (RecipeError, StoreError, ModelError, ImportError, OSError)
"""The errors among which those are that one line tells."""
LONGEST = 1_000
"""Characters of an error's line: a file can hold a name of a million."""
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_HALF_PAIRS = re.compile("[\ud800-\udfff]")


def line_to_tell(error: Exception) -> str | None:
    """The line that says what a person can mend; None for an error that is a fault of the program."""
    if isinstance(error, RecipeError | StoreError | ModelError):
        return one_line(why_spacy_stops(error) or str(error))
    if isinstance(error, ImportError):
        return why_spacy_stops(error)
    if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
        return one_line(_told(error))
    return None


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


def _told(error: OSError) -> str:
    """What the operating system refused, and of which file where it says so; of a folder that could not be
    copied, the first of it."""
    if isinstance(error, shutil.Error) and error.args and isinstance(error.args[0], list):
        return str(error.args[0][0][-1])
    what = error.strerror or str(error) or type(error).__name__
    return what if error.filename is None else f"{error.filename}: {what}"


def _escaped(found: re.Match[str]) -> str:
    letter = ord(found[0])
    return f"\\x{letter:02x}" if letter < 256 else f"\\u{letter:04x}"
