"""Everything there is to know of the rounds on one page, written to a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from spanloop.recipes.calls.ranges import FromOne
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.progress import Progress, silent
from spanloop.recipes.report import Count, Report
from spanloop.recipes.rounds.report_facts import gather
from spanloop.recipes.rounds.report_pages import as_html, as_json, as_markdown
from spanloop.store import Store
from spanloop.store.files.atomic import is_output, write_whole

ReportFormat = Literal["html", "md", "json"]


@dataclass(frozen=True, slots=True)
class Written(Report):
    """The report that was written."""

    path: Path
    """The file."""
    rounds: Count
    """Rounds in it."""

    @property
    def aside(self) -> bool:
        """Whether standard output has the report, so that nothing else may be said there."""
        return is_output(self.path)

    def text(self) -> str:
        return f"{self.path}: {self.rounds} rounds"


def write_report(
    db: str | Path,
    file: str | Path,
    *,
    round: FromOne | None = None,
    format: ReportFormat | None = None,
    progress: Progress | None = None,
) -> Written:
    """Write everything about the rounds on one page.

    The promoted round (or the one named) and the finished one before it are scored on today's eval gold.
    Where the promoted one has no pipeline here, it is about the newest round that has one, and says so.

    Args:
        db: The project file.
        file: The file to write.
        round: The round it is about; None: the promoted one.
        format: The format; None: as the suffix of the file says.
        progress: Called with how far it is.

    Returns:
        Where it lies, and how many rounds it is about.

    Raises:
        RecipeError: There is no round or no eval gold yet, or the file cannot be written.
    """
    path = Path(file)
    chosen = format or path.suffix.removeprefix(".")
    writers = {"html": as_html, "md": as_markdown, "json": as_json}
    if chosen not in writers:
        raise RecipeError(
            f"a report is html, md or json, not {chosen or 'a file without a suffix'}: give --format"
        )
    if not path.parent.is_dir():
        raise RecipeError(f"there is no folder {path.parent}: make it first, or name another")
    with Store.open(db) as store:
        facts = gather(store, round, progress or silent)
    write_whole(path, writers[chosen](facts))
    return Written(path, len(facts.rounds))
