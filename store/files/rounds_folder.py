"""The folder beside the project file where its rounds lie: which one it is, whose it is, what is in it.

A name proves nothing: ``b.db`` and ``b.bak`` would both look into ``b.rounds``. The folder says by its mark
which project it belongs to, each round in it which run made it, and the store what its files were.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from spanloop.store.errors import StoreError
from spanloop.store.files.atomic import to_disk
from spanloop.store.files.folder_hash import folder_hash, tree_to_disk
from spanloop.store.files.rounds_mark import SUFFIX, Mark, names_for, read_json, write_json

if TYPE_CHECKING:
    from spanloop.store.records import Round
    from spanloop.store.store import Store

RUN = "round.json"
"""In the folder of a round: the run that made it."""
_ROUND = re.compile(r"\d{4,}")
_BY_NAME, _OURS, _UNMARKED, _FREE, _TAKEN = range(5)


class RoundsFolder:
    """``store.rounds_folder``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @cached_property
    def _project(self) -> str:
        row = self._store.row("SELECT uid FROM project")
        if row is None or row[0] is None:
            raise StoreError(f"{self._store.named} holds no project row: restore it from a backup")
        return str(row[0])

    def mark_of(self, file: str) -> Mark:
        """The mark of the rounds of a file of that name that holds this project."""
        return Mark(self._project, file)

    @property
    def path(self) -> Path:
        """The folder that belongs to this project; where there is none yet, the first name that is free.

        ``garden.db`` has ``garden.rounds``; where that is another project's, ``garden.db.rounds``.
        """
        file = self._store.path
        last = f"{file.name}.{self._project[:12]}{SUFFIX}"
        folders = [file.with_name(name) for name in (*names_for(file.name), last)]
        return min(folders, key=self._whose)  # of equals the first

    def _whose(self, folder: Path) -> int:
        if not os.path.lexists(folder):  # as long as there is a garden.db, garden.rounds is left to it
            return _TAKEN if self._is_another(f"{folder.stem}.db") else _FREE
        if not folder.is_dir():
            return _TAKEN
        mark, file = Mark.of(folder), self._store.path
        if mark is None:  # of before schema 14, or just being made
            return _TAKEN if self._is_another(f"{folder.stem}.db") else _UNMARKED
        if mark.project != self._project:
            return _TAKEN
        if mark.file == file.name:
            return _BY_NAME
        other_lives = folder.name in names_for(mark.file) and self._is_another(mark.file)
        return _TAKEN if other_lives else _OURS

    def _is_another(self, name: str) -> bool:
        """Whether a file of that name lies beside the project file and is not this one."""
        other = self._store.path.with_name(name)
        return other.is_file() and not other.samefile(self._store.path)

    def round(self, number: int) -> Path:
        """Where the pipeline of a round lies, e.g. ``project.rounds/0001``, whether it is there or not."""
        return self.path / f"{number:04d}"

    def numbers(self) -> list[int]:
        """The numbers of the rounds that have a folder."""
        path = self.path
        if not path.is_dir():
            return []
        return sorted(int(entry.name) for entry in path.iterdir() if _ROUND.fullmatch(entry.name))

    def claim(self) -> Path:
        """The folder, made if it is not there and marked as this project's: before anything is written
        there. StoreError where it cannot be."""
        mine = self.mark_of(self._store.path.name)
        while (mark := Mark.of(folder := self.path)) != mine:
            if self._whose(folder) == _TAKEN:
                if folder == self.path:  # else another process was faster just now
                    raise StoreError(f"{folder} is another project's: give {self._store.named} another name")
                continue
            try:
                folder.mkdir(exist_ok=True)
                mine.put(folder, instead_of=mark)
            except OSError as error:
                raise StoreError(f"the folder {folder} cannot be made for the rounds: {error}") from error
            self._store.models.lie_in(folder.name)
        return folder

    def take_in(self, draft: Path, round_: Round) -> str:
        """Give the saved pipeline of a running round its place, whole or not at all, and return the hash of
        its files. The draft is gone afterwards. OSError where something else has that place."""
        write_json(draft / RUN, self._run_of(round_))
        tree_to_disk(draft)
        files_hash = folder_hash(draft)
        os.replace(draft, self.round(round_.number))
        to_disk(self.path)
        return files_hash

    def discard(self, round_: Round) -> None:
        """Remove the pipeline of a round that came to nothing, if it was made by that very run."""
        folder = self.round(round_.number)
        if read_json(folder / RUN) == self._run_of(round_):
            shutil.rmtree(folder, ignore_errors=True)

    def holds(self, round_: Round) -> bool:
        """Whether the folder of a finished round is there and is what that very run made."""
        folder = self.round(round_.number)
        if not folder.is_dir():
            return False
        return read_json(folder / RUN) == self._run_of(round_) or self._wrong(round_, folder) is None

    def remove(self, round_: Round) -> int:
        """Remove the folder of a round that the store says is pruned, and return how many bytes it held.

        A process that is killed half-way leaves what the next training clears away, and no half of a pipeline
        under the round's name.
        """
        folder = self.round(round_.number)
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        leaving = self.path / f".{round_.number:04d}.leaving.part"
        shutil.rmtree(leaving, ignore_errors=True)
        os.replace(folder, leaving)
        shutil.rmtree(leaving)
        return size

    def _run_of(self, round_: Round) -> dict[str, Any]:
        return {"project": self._project, "round": round_.number, "started_at": round_.started_at}

    def sound(self, round_: Round) -> Path:
        """The folder of a finished round, whose files are those that were saved. StoreError, saying what to
        type, where it is not there or its files are others.

        It reads them all (docs/data.md says what that costs). A round of before schema 14 has nothing to
        compare with.
        """
        folder = self.round(round_.number)
        wrong = self._wrong(round_, folder)
        if wrong is not None:
            raise StoreError(": ".join(wrong))
        return folder

    def recognise(self, round_: Round) -> None:
        """Keep the hash of the files of a round of before schema 14, whose weights have proved right."""
        self._store.rounds.keep_files_hash(round_.number, folder_hash(self.round(round_.number)))

    def amiss(self) -> Iterator[tuple[str, str]]:
        """Whatever is wrong with the folder, and what to do about it."""
        known = set()
        for round_ in self._store.rounds.all():
            folder = self.round(round_.number)
            known.add(round_.number)
            if round_.state in ("failed", "cancelled") and folder.is_dir():
                yield f"round {round_.number} is {round_.state}, but has a folder {folder}", "delete it"
            if round_.pruned_at is not None and not folder.is_dir():
                continue
            if round_.state == "done" and (wrong := self._wrong(round_, folder)) is not None:
                yield wrong
        for number in self.numbers():
            if number not in known:
                yield (
                    f"the folder {self.round(number)} belongs to no round",
                    "it is of another state of the project, or somebody put it there: move it elsewhere",
                )

    def _wrong(self, round_: Round, folder: Path) -> tuple[str, str] | None:
        number, otherwise = round_.number, self._or_another_round(round_)
        if not folder.is_dir():
            what = f"round {number}{' (promoted)' if round_.promoted else ''} has no folder {folder}"
            if round_.pruned_at is not None:
                what += f" since {round_.pruned_at[:10]}, when it was pruned or left out of a backup"
            return what, self._where_to_look(folder) + otherwise
        if round_.files_hash is None or folder_hash(folder) == round_.files_hash:
            return None
        return (
            f"{folder} is not what round {number} was when it was trained",
            f"its files are another project's or were changed; copy it back from a backup{otherwise}",
        )

    def _where_to_look(self, folder: Path) -> str:
        """What to type to bring the round here, where it lies beside the project under another name."""
        mine = folder.parent
        for other in sorted(mine.parent.glob(f"*{SUFFIX}")):
            mark = Mark.of(other)
            usable = mark is not None and mark.project == self._project
            usable |= mark is None and other.name in names_for(self._store.path.name)
            if other == mine or not usable or not (other / folder.name).is_dir():
                continue
            if mine.exists():
                return f"cp -r {quote(str(other / folder.name))} {quote(str(mine))}"
            shared = mark is None or self._is_another(mark.file)
            how = "cp -r" if shared else "mv"  # the file of the same project that it lies there for
            return f"{how} {quote(str(other))} {quote(str(mine))}"
        return f"copy the rounds that lay beside the project file to {mine}, or those of a backup"

    def _or_another_round(self, round_: Round) -> str:
        if not round_.promoted:
            return ", if you want to go back to that round"
        return f", or promote another round: spanloop rounds {quote(str(self._store.named))} promote N"
