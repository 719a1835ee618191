"""The formats there are: ours, which are listed here, and those that other packages add through the
entry-point group ``spanloop.formats``."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import entry_points
from operator import attrgetter
from pathlib import Path

from spanloop.recipes.errors import FormatError, RecipeError
from spanloop.recipes.formats import (
    brat,
    conll,
    conll2012,
    conllu,
    conllup,
    csv_file,
    dataturks,
    docbin,
    doccano,
    huggingface,
    json_file,
    jsonl,
    labelstudio,
    lighttag,
    pipes,
    prodigy,
    spacy_json,
    text,
    webanno,
    xmi,
)
from spanloop.recipes.formats.entry import Format

OURS: tuple[Format, ...] = (
    jsonl.FORMAT,
    json_file.FORMAT,
    text.FORMAT,
    csv_file.FORMAT,
    conll.FORMAT,
    conll.FORMAT_2003,
    conll2012.FORMAT,
    pipes.FORMAT,
    conllu.FORMAT,
    conllu.FORMAT_XPOS,
    conllup.FORMAT,
    docbin.FORMAT,
    spacy_json.FORMAT,
    prodigy.FORMAT,
    labelstudio.FORMAT,
    doccano.FORMAT,
    dataturks.FORMAT,
    lighttag.FORMAT,
    brat.FORMAT,
    webanno.FORMAT,
    xmi.FORMAT,
    huggingface.FORMAT,
)
"""In the order in which a page tells of them. Loading one imports no spaCy: those that need it import it when
they run."""
GROUP = "spanloop.formats"
HEAD_CHARACTERS = 64_000
MAGIC_BYTES = 16


@lru_cache(maxsize=1)
def formats() -> dict[str, Format]:
    """Every format by name: ours, then those of other packages, by name."""
    ours = {fmt.name: fmt for fmt in OURS}
    others = sorted(entry_points(group=GROUP), key=attrgetter("name"))
    return ours | {point.name: point.load() for point in others if point.name not in ours}


def _special_first() -> list[Format]:
    return sorted(formats().values(), key=attrgetter("general"))


def by_name(name: str) -> Format:
    """The format of that name. RecipeError names those there are."""
    known = formats()
    if name not in known:
        raise RecipeError(f"there is no format {name!r}; the formats are {', '.join(known)}")
    return known[name]


def by_suffix(path: Path) -> Format:
    """The format a new file is written in, from its suffix. RecipeError says which suffixes there are."""
    writable = [fmt for fmt in formats().values() if fmt.write is not None and not fmt.foreign]
    for fmt in writable:
        if path.suffix.lower() in fmt.suffixes:
            return fmt
    choices = ", ".join(f"{fmt.name} ({' '.join(fmt.suffixes)})" for fmt in writable)
    raise RecipeError(f"cannot tell the format of {path} from its name: give --format, one of {choices}")


def detect_folder(folder: Path, name: str | None = None) -> Format | None:
    """The format of which a folder is one thing, such as a corpus of brat; None where its files are each by
    themselves. ``name``: the format that was asked for."""
    asked = formats().values() if name is None else [by_name(name)]
    return next((fmt for fmt in asked if fmt.folder is not None and fmt.folder(folder)), None)


def detect(path: Path) -> Format:
    """The format of an existing file: what it looks like inside decides, its suffix where that says nothing.

    FormatError where the file is missing, empty or like none of the formats, or like several of them.
    """
    if not path.exists():
        raise FormatError(path, None, "there is no such file")
    if path.stat().st_size == 0:
        raise FormatError(path, None, "the file is empty: there is nothing to import")
    chosen = fitting(path)
    if len(chosen) > 1:
        names = " or ".join(fmt.name for fmt in chosen)
        raise FormatError(path, None, f"it can be read as {names}: say which one with --format")
    if not chosen:
        raise FormatError(
            path, None, f"looks like none of the formats; give --format, one of {', '.join(formats())}"
        )
    return chosen[0]


def fitting(path: Path) -> list[Format]:
    """The formats that a file looks like, the most special ones: one where it is clear, none where it looks
    like nothing."""
    with path.open("rb") as file:
        magic = file.read(MAGIC_BYTES)
    known = [fmt for fmt in formats().values() if fmt.magic and magic.startswith(fmt.magic)]
    if known:
        return known
    suffixed = [fmt for fmt in _special_first() if path.suffix.lower() in fmt.suffixes]
    if suffixed and suffixed[0].binary:
        return suffixed[:1]
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        head = file.read(HEAD_CHARACTERS)
    found = [fmt for fmt in formats().values() if not fmt.binary and fmt.sniff(head)]
    special = [fmt for fmt in found if not fmt.general] or found
    return [fmt for fmt in special if fmt in suffixed] or special or suffixed[-1:]
