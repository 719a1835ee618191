"""Folders that a project names, such as that of its base model: kept relative to the project file, so that
they are found from wherever a command is typed, and after both have moved together."""

from __future__ import annotations

import os
from pathlib import Path


def kept(folder: str, project: Path) -> str:
    """How the name of a folder is stored.

    Args:
        folder: As it was typed, in the working folder.
        project: The real path of the project file.

    Returns:
        An absolute path as it is; any other relative to the project file's folder, beginning with a dot, by
        which it is told from the name of a package and from a hub id.
    """
    if Path(folder).is_absolute():
        return folder
    relative = Path(os.path.relpath(Path(folder).resolve(), project.parent)).as_posix()
    return relative if relative.startswith(".") else f"./{relative}"


def located(name: str, project: Path) -> str:
    """A stored name as it can be used in any working folder.

    Args:
        name: What `kept` gave, or any other name: a hub id, a package, a folder of before.
        project: The real path of the project file.

    Returns:
        The absolute path of a folder that is kept relative, every other name as it stands.
    """
    if not name.startswith("."):
        return name
    there = project.parent / name
    if not there.is_dir() and Path(name).is_dir():  # of before folders were kept relative to the file
        return name
    return os.path.normpath(there)
