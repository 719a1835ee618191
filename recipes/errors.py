"""What a person did wrong, said in one line: the command line prints it and exits 1."""

from __future__ import annotations

from pathlib import Path

FAILURES = (OSError, RuntimeError, ValueError, LookupError, ArithmeticError, MemoryError)
"""What a model, a library or the machine can fail with: RecipeError, StoreError, ModelError and what spaCy
and transformers raise are ValueErrors or LookupErrors, what torch raises are RuntimeErrors."""


class RecipeError(ValueError):
    """One clear line: what is wrong, where, and what to type instead."""


class FormatError(RecipeError):
    """A file that cannot be read as what it claims to be; the message begins with file and line."""

    def __init__(self, path: Path, line: int | None, what: str) -> None:
        where = str(path) if line is None else f"{path}:{line}"
        super().__init__(f"{where}: {what}")
        self.path = path
        self.line = line
        self.what = what

    def told_of(self, path: Path, shown: Path) -> FormatError:
        """The same of a file that is called otherwise: ``path`` is where it lies for now."""
        inside = self.path != path and self.path.is_relative_to(path)
        where = shown / self.path.relative_to(path) if inside else shown
        return FormatError(where, self.line, self.what.replace(str(path), str(shown)))


def line_of(error: BaseException) -> str:
    """The first line of what an error says."""
    return str(error).strip().split("\n", 1)[0] or type(error).__name__
