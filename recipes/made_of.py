"""What the rounds of a project are made of: a base model, and a language or a spaCy pipeline. Each is looked
at before it is stored, so that a slip of the fingers is told at once and not when people have annotated for a
week. Imports spaCy only where it must."""

from __future__ import annotations

import difflib
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from spanloop.plugin.model.errors import ModelError
from spanloop.plugin.model.files import CONFIG, look_at
from spanloop.plugin.model.places import OFFLINE, Place, at_hand, fetch, place_of
from spanloop.recipes.errors import RecipeError, line_of
from spanloop.store.files.beside import kept

if TYPE_CHECKING:
    from spacy.language import Language

UNLOADABLE = (OSError, ImportError, ValueError, AttributeError, KeyError, TypeError)
"""What spaCy raises for a name that is none, another package's, or a folder with something else in it."""
_OWN_PACKAGE = frozenset({"ja", "ko", "th", "vi"})
"""Languages whose tokenizer is a package of its own, so that only building it says whether it is there."""


def is_pipeline(source: str | Path) -> bool:
    """Whether a command that takes either has got the folder of a saved pipeline, and not a project file.

    Raises:
        RecipeError: It is neither.
    """
    path = Path(source)
    if (path / "config.cfg").is_file():
        return True
    wanted = "name a project file, or the folder of a saved pipeline"
    if path.is_dir():
        raise RecipeError(f"no pipeline is saved in the folder {path} (it has no config.cfg): {wanted}")
    if not path.exists():
        raise RecipeError(f"there is no {path}: {wanted}")
    return False


def check_model(name: str, project: Path) -> str:
    """Look whether there is such a base model. Of one on the hub its configuration is fetched, unless it is
    on this machine already.

    Args:
        name: A folder, a hub id, ``ID@REVISION``, or ``offline``.
        project: The real path of the project file.

    Returns:
        The name as the project keeps it: a relative folder relative to the project file.

    Raises:
        ModelError: There is none, or the folder's model wants to run code.
    """
    place = place_of(name)
    if place.folder is not None:
        look_at(place)
        return name if name == OFFLINE else kept(name, project)
    if at_hand(place, CONFIG) is None:
        _ask_the_hub(place)
    return name


def _ask_the_hub(place: Place) -> None:
    """ModelError where the hub does not have the model, or cannot be asked."""
    from huggingface_hub import constants

    instead = "--model takes a hub id that is there, a folder, or offline, the packaged encoder"
    if constants.HF_HUB_OFFLINE:
        raise ModelError(
            f"no model {place.spelled!r} can be had from the hub: HF_HUB_OFFLINE forbids to ask it, and this "
            f"machine has none such; {instead}"
        )
    try:
        fetch(place, (CONFIG,))
    except ModelError as error:
        raise ModelError(f"{str(error).rstrip('.')}; {instead}") from error


def check_language(code: str) -> None:
    """Look whether spaCy has such a language, as far as can be told without loading spaCy.

    Args:
        code: Such as ``en``; ``xx`` for several.

    Raises:
        RecipeError: It has none, or the language's tokenizer is not installed.
    """
    known = _languages()
    if code not in known:
        near = difflib.get_close_matches(code, known, n=1, cutoff=0.6)
        instead = f"did you mean {near[0]}? " if near else ""
        raise RecipeError(
            f"spaCy has no language {code!r}: {instead}--lang takes the code of one, such as en, de or zh; "
            "xx suits several languages that write with spaces"
        )
    if code in _OWN_PACKAGE:
        blank(code)


def _languages() -> list[str]:
    """The codes of the languages that are installed: spaCy's own, and those of other packages."""
    spec = find_spec("spacy")
    places = [] if spec is None else spec.submodule_search_locations or []
    own = [entry.parent.name for place in places for entry in Path(place, "lang").glob("*/__init__.py")]
    return sorted({*own, *(entry.name for entry in entry_points(group="spacy_languages"))})


def blank(code: str) -> Language:
    """A pipeline of nothing but the language's tokenizer. RecipeError where it cannot be had."""
    import spacy

    try:
        return spacy.blank(code)
    except UNLOADABLE as error:
        raise RecipeError(f"the language {code!r} cannot be loaded: {line_of(error)}") from error


def check_pipeline(name: str, project: Path) -> str:
    """Look whether there is such a spaCy pipeline, by loading it.

    Args:
        name: A package or a folder.
        project: The real path of the project file.

    Returns:
        The name as the project keeps it: a relative folder relative to the project file.

    Raises:
        RecipeError: It cannot be loaded.
    """
    import spacy

    try:
        spacy.load(name)
    except UNLOADABLE as error:
        raise RecipeError(
            f"there is no spaCy pipeline {name!r}: {line_of(error).rstrip('.')}; --nlp takes an installed "
            "package or a folder, --lang a language alone"
        ) from error
    return kept(name, project) if not spacy.util.is_package(name) and Path(name).is_dir() else name
