"""A whole project as one file of lines, and a project made of it: everything but the models of its rounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.report import Count, Report
from spanloop.recipes.table import counted
from spanloop.store import Store
from spanloop.store.files.atomic import is_output, is_stream, whole_file
from spanloop.store.moving.dump import dump
from spanloop.store.moving.load import is_dump, load

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

    @property
    def aside(self) -> bool:
        """Whether standard output has the lines, so that nothing else may be said there."""
        return not self.made and is_output(self.path)

    def text(self) -> str:
        held = ", ".join(counted(self.rows.get(table, 0), noun) for table, noun in _TOLD.items())
        if self.made:
            return f"{self.project}: made of {self.path}, with {held}{self._without_models()}"
        return f"{self.path}: the whole project {self.project}, with {held}{self._without_models()}"

    def _without_models(self) -> str:
        """What is no part of it, where there is such a thing."""
        if not self.rows.get("rounds"):
            return ""
        return "\nwithout the pipelines of its rounds: `spanloop backup` copies the promoted one too"


def export_project(db: str | Path, file: str | Path, *, overwrite: bool = False) -> ProjectFile:
    """Write everything that a project holds to one file, a JSON object a line; it appears only when it is
    whole.

    In it are documents, splits, every answer of everybody with its time, comment, flag and ranges,
    suggestions and which were refused, labels with what they were merged into, rounds with their scores, and
    the order of the queue. Not in it are the pipelines of the rounds, and who may come in.

    Args:
        db: The project file.
        file: The file to write.
        overwrite: Replace the file if it is there.

    Returns:
        What was written.

    Raises:
        RecipeError: The file is there already, or its folder is not.
    """
    path = Path(file)
    if path.exists() and not overwrite and not is_stream(path):
        raise RecipeError(f"{path} is there already: another name, or --overwrite")
    if not path.parent.is_dir():
        raise RecipeError(f"there is no folder {path.parent}: make it first, or name another")
    with Store.open(db) as store, whole_file(path) as part:
        rows = dump(store, part)
    return _told(path, Path(db), rows, made=False)


def import_project(db: str | Path, file: str | Path) -> ProjectFile:
    """Make a project of what `export_project` wrote: the same gold, conflicts, queue and scores.

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
    return _told(path, target, load(path, target), made=True)


def refuse_whole_projects(db: str | Path, files: Sequence[str | Path], format: str | None) -> None:
    """RecipeError where documents are asked for, and a file is a whole project."""
    whole = [file for file in files if format == FORMAT or is_dump(Path(file))]
    if whole:
        raise RecipeError(
            f"{whole[0]} is a whole project: make a project of it, with spanloop import NEW.db {whole[0]} "
            f"(in Python import_project), or join it to one: spanloop merge {db} {whole[0]}"
        )


def _told(path: Path, db: Path, rows: Counter[str], *, made: bool) -> ProjectFile:
    return ProjectFile(path, db, made, dict(sorted(rows.items())))
