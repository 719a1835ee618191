"""From files to a project in one step: what is in them is looked at, and made into a project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from spanloop.recipes.calls.ranges import SeedNumber, Share
from spanloop.recipes.files.import_report import ImportReport
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.files.looking import look_at_files
from spanloop.recipes.formats.how_read import HowRead
from spanloop.recipes.languages import Unit
from spanloop.recipes.progress import Progress
from spanloop.recipes.project.init import Created, init
from spanloop.recipes.report import Report
from spanloop.store import Store
from spanloop.store.records import Task

ENOUGH_GOLD = 20
"""Documents of the pool with gold from which on a round is worth training."""


@dataclass(frozen=True, slots=True)
class Started(Report):
    """A project that was made of files."""

    created: Created
    """The project."""
    imported: ImportReport
    """What came in."""
    gold: bool
    """Whether there is gold enough for a round."""

    def text(self) -> str:
        head = self.created.text().rsplit("\n", 1)[0]
        lang = f"\nlanguage: {self.created.lang}" if self.created.lang else ""
        then = "retrain" if self.gold else "correct"
        return f"{head}{lang}\n{self.imported.text()}\nNext: spanloop {then} {self.created.path}"


def init_from(
    db: str | Path,
    files: Sequence[str | Path],
    *,
    labels: Sequence[str] | None = None,
    task: Task | None = None,
    lang: str | None = None,
    nlp: str | None = None,
    model: str = "offline",
    eval_fraction: Share = 0.2,
    instructions: str | Path | None = None,
    seed: SeedNumber = 0,
    unit: Unit | None = None,
    reading: HowRead | None = None,
    progress: Progress | None = None,
) -> Started:
    """Make a project of files: its labels, task and language are those of `look_at_files`, and they are
    imported. Where that fails no project is left.

    Args:
        db: The file to make.
        files: The files, see `look_at_files`.
        labels: As `look_at_files` takes them, and so are task, lang, nlp, unit and reading.
        task: Spans or tags.
        lang: The language of the texts.
        nlp: A spaCy pipeline.
        model: Base model, as `init` takes it.
        eval_fraction: Share of the documents that rounds are scored on.
        instructions: A Markdown file that the correction page shows.
        seed: Of everything that is drawn.
        unit: What the model gives one tag.
        reading: How the files are read.
        progress: Called with how far it is.

    Returns:
        The project, and what came in.

    Raises:
        RecipeError: As `look_at_files`, `init` and `import_files` raise it.
    """
    how = reading or HowRead()
    guess = look_at_files(
        db, files, labels=labels, task=task, lang=lang, nlp=nlp, unit=unit, reading=how, progress=progress
    )
    created = init(
        db,
        labels=list(guess.labels),
        task="tags" if guess.task == "tags" else "spans",
        lang=guess.lang,
        nlp=nlp,
        model=model,
        eval_fraction=eval_fraction,
        instructions=instructions,
        seed=seed,
        unit=guess.unit,
    )
    imported = _import_or_remove(created.path, files, how, progress)
    with Store.open(db) as store:
        enough = len(list(islice(store.annotations.gold(split="pool"), ENOUGH_GOLD))) == ENOUGH_GOLD
    return Started(created, imported, enough)


def _import_or_remove(
    db: Path, files: Sequence[str | Path], how: HowRead, progress: Progress | None
) -> ImportReport:
    """What came in; a project into which nothing came is taken away again."""
    imported: ImportReport | None = None
    try:
        imported = import_files(db, files, progress=progress, **asdict(how))
    finally:
        if imported is None:
            for name in (db, *(Path(f"{db}-{part}") for part in ("wal", "shm"))):
                name.unlink(missing_ok=True)
    return imported
