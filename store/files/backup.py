"""A copy of the project that can be trusted: of one moment, taken while others go on writing."""

from __future__ import annotations

import filecmp
import os
import shutil
import sqlite3
import tempfile
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

from spanloop.store.clock import now
from spanloop.store.errors import StoreError
from spanloop.store.files.atomic import to_disk
from spanloop.store.files.folder_hash import tree_to_disk
from spanloop.store.files.real_path import real_path
from spanloop.store.files.rounds_mark import names_for
from spanloop.store.files.whole_sqlite import publish_database

if TYPE_CHECKING:
    from spanloop.store.store import Store


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds: the file, the promoted round whose folder came along in ``rounds``, the rounds
    left out; ``missing`` says why the promoted round's folder could not come along, where it could not."""

    path: Path
    promoted: int | None
    rounds: Path | None
    left_out: tuple[int, ...]
    missing: str | None = None


def backup(store: Store, target: str | Path) -> Backup:
    """Copy the project file and the round that is promoted in the copy; ``target`` opens like the project.

    Both are of one moment: the file is copied first, and it says which round that is. They appear whole or
    not at all, and a failure leaves nothing. Folders of other rounds are only named. Raises StoreError when
    the target is there already, its folder is missing, or the disk is full.
    """
    named, target = Path(target), real_path(Path(target))
    if os.path.lexists(named) or target.exists():
        raise StoreError(f"{named} exists already: choose another name for the backup")
    if not target.parent.is_dir():
        raise StoreError(f"there is no folder {named.parent}: create it first")
    rounds = _free_folder(target)
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as draft:
            file, folder = Path(draft, target.name), Path(draft, rounds.name)
            copy_file(store.path, file)
            promoted, left_out = _rounds_in(file, rounds.name)
            missing = None if promoted is None else _copy_round(store, promoted, folder, target.name)
            _publish_both(file, target, named, folder, rounds)
    except FileExistsError as error:
        raise StoreError(f"{named} exists already: choose another name for the backup") from error
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"the backup to {named} failed ({_reason(error)}); nothing of it is left: make room, or choose"
            " another place, and run it again"
        ) from error
    present = [number for number in left_out if store.rounds.folder(number).is_dir()]
    copied = promoted if missing is None else None
    return Backup(named, copied, None if copied is None else rounds, tuple(present), missing)


def _free_folder(target: Path) -> Path:
    """Where the rounds of the backup will lie: where whoever opens it looks for them."""
    folders = [target.with_name(name) for name in names_for(target.name)]
    for folder in folders:
        if not os.path.lexists(folder):
            return folder
    raise StoreError(
        f"{' and '.join(str(folder) for folder in folders)} exist already: choose another name for the backup"
    )


def _rounds_in(file: Path, folder: str) -> tuple[int | None, list[int]]:
    """The promoted round of the copied file and its other finished ones; the copy gets to know where its
    rounds lie, and that the others are left out on purpose."""
    with closing(sqlite3.connect(file)) as conn, conn:
        rows = conn.execute("SELECT number, promoted FROM rounds WHERE state = 'done' ORDER BY number")
        done = {int(number): bool(promoted) for number, promoted in rows}
        conn.execute(
            "UPDATE rounds SET pruned_at = ? WHERE state = 'done' AND promoted = 0 AND pruned_at IS NULL",
            (now(),),
        )
        conn.execute(
            "UPDATE models SET path = ? || printf('/%04d', round) WHERE kind = 'round' AND path IS NOT NULL",
            (folder,),
        )
    promoted = next((number for number, counts in done.items() if counts), None)
    return promoted, [number for number in done if number != promoted]


def _copy_round(store: Store, number: int, folder: Path, file: str) -> str | None:
    """Copy a finished round, which changes no more; gives why that could not be, where its folder is not
    there or is not what it was."""
    try:
        source = store.rounds_folder.sound(store.rounds.get(number))
    except StoreError as error:
        return str(error)
    shutil.copytree(source, folder / source.name)
    store.rounds_folder.mark_of(file).put(folder, instead_of=None)
    tree_to_disk(folder)
    return None


def _publish_both(file: Path, target: Path, named: Path, folder: Path, rounds: Path) -> None:
    """Give both their names, the file last: where it is, the rest is."""
    with ExitStack() as undo:
        if folder.is_dir():
            os.rename(folder, rounds)
            undo.callback(shutil.rmtree, rounds)
        publish_database(file, target, named)
        undo.pop_all()
    to_disk(target.parent)


def _reason(error: Exception) -> str:
    """One line: copying a folder gives a list of everything that went wrong."""
    if isinstance(error, shutil.Error) and error.args and error.args[0]:
        return str(error.args[0][0][2])
    return str(error)


def keep_copy(source: Path, target: Path) -> Path:
    """Copy what is committed to ``target``, whole or not at all.

    A file that lies there already may be the only copy of another project that once had this name: it stays,
    and the copy is called ``target.2`` (``.3``, ...). What lies there with the same content is the copy.

    Args:
        source: A SQLite file.
        target: Where its copy goes, in a folder that is there.

    Returns:
        Where the copy lies.
    """
    draft = target.with_name(f".{target.name}.new")
    draft.unlink(missing_ok=True)  # of one that was killed
    try:
        copy_file(source, draft)
        numbered = (target.with_name(f"{target.name}.{number}") for number in count(2))
        place = next(place for place in chain([target], numbered) if _is_free(place, draft))
        draft.replace(place)
        return place
    finally:
        draft.unlink(missing_ok=True)


def _is_free(place: Path, draft: Path) -> bool:
    """Whether nothing lies there, or the same content: a migration was killed right after its copy."""
    return not place.exists() or filecmp.cmp(draft, place, shallow=False)


def copy_file(source: Path, draft: Path) -> None:
    """Copy what is committed at this moment, and nothing beside the file, by SQLite's backup API."""
    with closing(sqlite3.connect(source)) as reader, closing(sqlite3.connect(draft)) as writer:
        reader.backup(writer)
