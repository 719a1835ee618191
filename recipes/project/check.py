"""Is the project file sound? And what to do if it is not."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spanloop.recipes.project.labels import unfit_as_label
from spanloop.store import Store

if TYPE_CHECKING:
    from spanloop.store.files.check import Problem


@dataclass(frozen=True, slots=True)
class Checked:
    """Every problem that was found."""

    path: Path
    problems: tuple[Problem, ...]

    @property
    def exit_code(self) -> int:
        return 0 if all(problem.repaired for problem in self.problems) else 1

    def json(self) -> dict[str, object]:
        problems = [asdict(problem) for problem in self.problems]
        return {"schema": 1, "sound": self.exit_code == 0, "problems": problems}

    def text(self) -> str:
        if not self.problems:
            return f"{self.path} is sound"
        return "\n".join(
            f"{problem.what}: {'repaired' if problem.repaired else problem.advice}"
            for problem in self.problems
        )


def check(db: str | Path, *, repair: bool = False) -> Checked:
    """Look at integrity, offsets, counts and model folders. ``repair`` derives anew what can be derived; no
    document, prediction or annotation is ever touched."""
    with Store.open(db) as store:
        return Checked(Path(db), tuple(store.check(repair=repair, unfit=unfit_as_label)))
