"""A copy of the project that can be trusted: of one moment, taken while others go on writing."""

from __future__ import annotations

import os
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spanloop.store.errors import StoreError

if TYPE_CHECKING:
    from spanloop.store.store import Store


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds: the file, the promoted round whose folder came along, the rounds left out."""

    path: Path
    promoted: int | None
    left_out: tuple[int, ...]


def backup(store: Store, target: str | Path) -> Backup:
    """Copy the project file and the promoted round's folder; ``target`` opens like the project itself.

    The file is of one moment and appears whole or not at all. Folders of other rounds are only named.
    Raises StoreError when the target is there already or its folder is missing.
    """
    target = Path(target)
    rounds_dir = target.with_name(target.stem + ".rounds")
    for taken in (target, rounds_dir):
        if taken.exists():
            raise StoreError(f"{taken} exists already: choose another name for the backup")
    if not target.parent.is_dir():
        raise StoreError(f"there is no folder {target.parent}: create it first")
    folders = [round_.number for round_ in store.rounds.all() if store.rounds.folder(round_.number).is_dir()]
    promoted = store.rounds.promoted()
    copied = promoted.number if promoted is not None and promoted.number in folders else None
    try:
        if copied is not None:
            draft = rounds_dir.with_name(f".{rounds_dir.name}.{os.getpid()}.new")
            shutil.copytree(store.rounds.folder(copied), draft / store.rounds.folder(copied).name)
            draft.rename(rounds_dir)
        copy_file(store.path, target)
    except OSError as error:
        raise StoreError(f"the backup to {target} failed: {error}") from error
    return Backup(target, copied, tuple(number for number in folders if number != copied))


def copy_file(source: Path, target: Path) -> None:
    """Copy what is committed, by a connection of its own and SQLite's backup API; replaces ``target``."""
    draft = target.with_name(f".{target.name}.new")
    draft.unlink(missing_ok=True)  # of one that was killed
    reader, writer = sqlite3.connect(source), sqlite3.connect(draft)
    try:
        reader.backup(writer)
    finally:
        reader.close()
        writer.close()
    draft.replace(target)
