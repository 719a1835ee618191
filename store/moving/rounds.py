"""The pipelines of the rounds beside a project that moves as lines: in a folder called like the file, with
``.rounds`` behind it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from spanloop.store.errors import StoreError
from spanloop.store.files.atomic import name_beside, whole_folder
from spanloop.store.files.folder_hash import folder_hash, tree_to_disk
from spanloop.store.files.rounds_mark import SUFFIX, Mark

if TYPE_CHECKING:
    from spanloop.store.records import Round
    from spanloop.store.store import Store


def rounds_beside(file: Path) -> Path:
    """Where the rounds of a file of lines lie; never where those of a project file do."""
    return file.with_name(file.name + SUFFIX)


def finished(store: Store) -> list[Round]:
    """The rounds that have, or had, a pipeline."""
    return [row for row in store.rounds.all() if row.state == "done"]


def put_rounds(store: Store, file: Path) -> tuple[list[int], dict[int, str]]:
    """Copy the pipelines of the finished rounds beside a file of lines; they appear all together or not at
    all.

    Args:
        store: The project.
        file: The file of lines.

    Returns:
        The rounds that came along, and of the others why they could not.

    Raises:
        FileExistsError: Something lies there.
        OSError: The disk refuses.
    """
    came: list[int] = []
    without: dict[int, str] = {}
    with whole_folder(rounds_beside(file)) as folder:
        for row in finished(store):
            try:
                source = store.rounds_folder.sound(row)
            except StoreError as error:
                without[row.number] = str(error)
                continue
            shutil.copytree(source, folder / source.name)
            came.append(row.number)
        store.rounds_folder.mark_of(file.name).put(folder, instead_of=None)
    return came, without


def take_rounds(store: Store, file: Path) -> tuple[list[int], dict[int, str]]:
    """Bring the pipelines that lie beside a file of lines to the project that was made of it.

    Args:
        store: The project, which has none of its rounds yet.
        file: The file of lines.

    Returns:
        The rounds that came along, and of the others why they could not.

    Raises:
        OSError: The disk refuses.
    """
    came: list[int] = []
    without: dict[int, str] = {}
    beside = rounds_beside(file)
    ours = Mark.of(beside) == store.rounds_folder.mark_of(file.name)
    for row in finished(store):
        source = beside / f"{row.number:04d}"
        if not ours or not source.is_dir():
            without[row.number] = "its pipeline does not lie beside the file"
        elif row.files_hash is not None and folder_hash(source) != row.files_hash:
            without[row.number] = f"{source} is not what the round was when it was trained"
        else:
            _bring(source, store.rounds_folder.claim() / source.name)
            came.append(row.number)
    return came, without


def _bring(source: Path, target: Path) -> None:
    part = name_beside(target)
    try:
        shutil.copytree(source, part)
        tree_to_disk(part)
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
