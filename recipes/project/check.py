"""Is the project file sound? And what to do if it is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from spanloop.recipes.project.labels import unfit_as_label
from spanloop.recipes.report import UNTOLD, Report
from spanloop.store import Store
from spanloop.store.files.check import Problem


@dataclass(frozen=True, slots=True)
class Checked(Report):
    """Whether the project file is sound."""

    path: Path = field(metadata=UNTOLD)
    sound: bool
    """Whether no problem is left."""
    problems: tuple[Problem, ...]
    """Every problem that was found, those that were repaired too."""

    @property
    def exit_code(self) -> int:
        return 0 if self.sound else 1

    def text(self) -> str:
        if not self.problems:
            return f"{self.path} is sound"
        return "\n".join(
            f"{problem.what}: {'repaired' if problem.repaired else problem.advice}"
            for problem in self.problems
        )


def check(db: str | Path, *, repair: bool = False) -> Checked:
    """Look at integrity, offsets, counts and model folders.

    Args:
        db: The project file.
        repair: Derive anew what can be derived; no document, prediction or annotation is ever touched.

    Returns:
        What is wrong, and what was repaired.

    Raises:
        StoreError: There is no such project.
    """
    with Store.open(db) as store:
        problems = tuple(store.check(repair=repair, unfit=unfit_as_label))
        return Checked(Path(db), all(problem.repaired for problem in problems), problems)
