"""Copy a project while it is in use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from spanloop.recipes.report import Report
from spanloop.store import Store


@dataclass(frozen=True, slots=True)
class BackedUp(Report):
    """What came along."""

    path: Path
    """The copy of the project."""
    promoted: int | None
    """The promoted round."""
    rounds: Path | None
    """The folder that its pipeline lies in; null where there is none."""
    left_out: tuple[int, ...]
    """The rounds whose pipelines did not come along."""
    missing: str | None = None
    """Why the pipeline of the promoted round could not come along; null where it did, or none is promoted."""

    def text(self) -> str:
        lines = [f"{self.path}: the project of this moment"]
        if self.promoted is not None:
            lines.append(f"with the pipeline of round {self.promoted}, the promoted one, in {self.rounds}")
        if self.missing is not None:
            lines.append(f"Beware, without the promoted round: {self.missing}")
        if self.left_out:
            numbers = ", ".join(str(number) for number in self.left_out)
            lines.append(
                f"without the pipelines of the rounds {numbers}; their scores and parameters are in it"
            )
        return "\n".join(lines)


def backup(db: str | Path, file: str | Path) -> BackedUp:
    """Copy the project of this moment, and the promoted round's folder beside it.

    Args:
        db: The project file.
        file: The copy.

    Returns:
        What came along.

    Raises:
        StoreError: The copy exists already, its folder does not, or the disk is full.
    """
    with Store.open(db) as store:
        done = store.backup(file)
    return BackedUp(done.path, done.promoted, done.rounds, done.left_out, done.missing)
