"""A whole project as one file of lines, and a project made of it; the models of its rounds in a folder beside
it, where that is asked for."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.report import Count, Report
from spanloop.recipes.table import counted
from spanloop.store import Store
from spanloop.store.files.atomic import file_meant, is_output, is_stream, whole_file
from spanloop.store.moving.dump import dump
from spanloop.store.moving.load import is_dump, load
from spanloop.store.moving.rounds import finished, put_rounds, rounds_beside, take_rounds

FORMAT = "spanloop"
"""The name of this format, beside those that hold documents alone."""
_TOLD = {
    "documents": "document",
    "annotations": "answer",
    "labels": "label",
    "rounds": "round",
    "predictions": "prediction",
}


@dataclass(frozen=True, slots=True)
class ProjectFile(Report):
    """A whole project that was written to a file, or read from one."""

    path: Path
    """The file of lines."""
    project: Path
    """The project file."""
    made: bool
    """Whether the project was made of the lines, and not the lines of the project."""
    rows: dict[str, Count]
    """The rows of each table."""
    rounds: tuple[int, ...]
    """The rounds whose pipelines came along."""
    without: dict[str, str]
    """Of each finished round whose pipeline did not come along, by its number, why not."""

    @property
    def aside(self) -> bool:
        """Whether standard output has the lines, so that nothing else may be said there."""
        return not self.made and is_output(self.path)

    def text(self) -> str:
        held = ", ".join(counted(self.rows.get(table, 0), noun) for table, noun in _TOLD.items())
        said = f"{self.path}: the whole project {self.project}, with {held}"
        lines = [f"{self.project}: made of {self.path}, with {held}" if self.made else said]
        if self.rounds:
            where = "here" if self.made else f"in {rounds_beside(self.path)}"
            lines.append(f"the pipelines of the rounds {_list(self.rounds)} are {where}")
        if self.without:
            lines.append(self._without_pipelines())
        return "\n".join(lines)

    def _without_pipelines(self) -> str:
        """Which rounds are only known by what was kept of them, and what to do about it."""
        numbers = _list(self.without)
        if not self.made:
            why = {f"round {number}: {reason}" for number, reason in self.without.items() if reason}
            how = "; ".join(sorted(why)) or "--with-rounds writes them into a folder beside the file"
            return f"without the pipelines of the rounds {numbers}: {how}"
        return (
            f"without the pipelines of the rounds {numbers}, which are listed as missing: with their figures "
            "and settings, but nothing can suggest with them, and they cannot be promoted; `export --format "
            f"{FORMAT} --with-rounds` writes them along; where to put them: spanloop check {self.project}"
        )


def _list(numbers: Iterable[int | str]) -> str:
    return ", ".join(map(str, numbers))


def export_project(
    db: str | Path, file: str | Path, *, with_rounds: bool = False, overwrite: bool = False
) -> ProjectFile:
    """Write everything that a project holds to one file, a JSON object a line; it appears only when it is
    whole.

    In it are documents, splits, every answer of everybody with its time, comment, flag and ranges,
    suggestions and which were refused, labels with what they were merged into, rounds with their scores, and
    the order of the queue. Not in it are who may come in, and the pipelines of the rounds, which can lie in a
    folder beside it.

    Args:
        db: The project file.
        file: The file to write; ``-``: standard output.
        with_rounds: Copy the pipelines of all finished rounds into the folder ``FILE.rounds`` beside it.
        overwrite: Replace the file if it is there; a folder of rounds is never replaced.

    Returns:
        What was written.

    Raises:
        RecipeError: The file is there already, or its folder is not.
    """
    path = file_meant(file)
    if path.exists() and not overwrite and not is_stream(path):
        raise RecipeError(f"{path} is there already: another name, or --overwrite")
    if not path.parent.is_dir():
        raise RecipeError(f"there is no folder {path.parent}: make it first, or name another")
    if with_rounds and is_stream(path):
        raise RecipeError("--with-rounds makes a folder beside the file: name a file")
    if with_rounds and os.path.lexists(rounds_beside(path)):
        raise RecipeError(f"{rounds_beside(path)} is there already: remove it, or name another file")
    with Store.open(db) as store, whole_file(path) as part:
        rows = dump(store, part)
        rounds = [row.number for row in finished(store)]
        came, without = put_rounds(store, path) if with_rounds else ([], dict.fromkeys(rounds, ""))
    return _told(path, Path(db), rows, came, without, made=False)


def import_project(db: str | Path, file: str | Path) -> ProjectFile:
    """Make a project of what `export_project` wrote: the same gold, conflicts, queue and scores. The
    pipelines of its rounds come along where they lie beside the file.

    Args:
        db: The project file to make.
        file: The file of lines, written by this release or an earlier one.

    Returns:
        What came in.

    Raises:
        RecipeError: The project file is there already; `merge_projects` joins two.
        StoreError: The file is no such file, cut off, or of a later release.
    """
    path, target = Path(file), Path(db)
    if not path.is_file():
        raise RecipeError(f"{path}: there is no such file")
    if not is_dump(path):
        raise RecipeError(
            f"{path} is no whole project: `spanloop export DB FILE --format {FORMAT}` writes one; "
            "files of documents come in without --format, or with their own"
        )
    if target.exists():
        raise RecipeError(
            f"{target} is there already: give a new name, or join the two: spanloop merge {target} {path}"
        )
    rows = load(path, target)
    with Store.open(target) as store:
        came, without = take_rounds(store, path)
    return _told(path, target, rows, came, without, made=True)


def refuse_whole_projects(db: str | Path, files: Sequence[str | Path], format: str | None) -> None:
    """RecipeError where documents are asked for, and a file is a whole project."""
    whole = [file for file in files if format == FORMAT or is_dump(Path(file))]
    if whole:
        raise RecipeError(
            f"{whole[0]} is a whole project: make a project of it, with spanloop import NEW.db {whole[0]} "
            f"(in Python import_project), or join it to one: spanloop merge {db} {whole[0]}"
        )


def _told(
    path: Path, db: Path, rows: Counter[str], came: list[int], without: dict[int, str], *, made: bool
) -> ProjectFile:
    return ProjectFile(
        path,
        db,
        made,
        dict(sorted(rows.items())),
        tuple(came),
        {str(number): why for number, why in without.items()},
    )
