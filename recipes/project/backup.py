"""Copy a project while it is in use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from spanloop.store import Store


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What came along: the file, the promoted round's folder in ``rounds``; ``left_out`` are the rounds whose
    folders did not, ``missing`` says why the promoted one's could not."""

    path: Path
    promoted: int | None
    rounds: Path | None
    left_out: tuple[int, ...]
    missing: str | None = None

    def json(self) -> dict[str, object]:
        return {
            "schema": 1,
            "path": str(self.path),
            "promoted": self.promoted,
            "rounds": None if self.rounds is None else str(self.rounds),
            "left_out": list(self.left_out),
            "missing": self.missing,
        }

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
    """Copy the project to ``file``, and the promoted round's folder beside it. StoreError where ``file``
    exists, its folder does not, or the disk is full."""
    with Store.open(db) as store:
        done = store.backup(file)
    return BackedUp(done.path, done.promoted, done.rounds, done.left_out, done.missing)
