"""Make a project: one SQLite file with its task, labels and base model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spanloop.plugin.model.places import OFFLINE
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.languages import Unit, check_unit
from spanloop.recipes.made_of import check_language, check_model, check_pipeline
from spanloop.recipes.project.labels import refuse_tags
from spanloop.recipes.report import Report
from spanloop.store import Store
from spanloop.store.files.real_path import real_path
from spanloop.store.records import Task


@dataclass(frozen=True, slots=True)
class Created(Report):
    """A new project and where it lies."""

    path: Path
    """The project file."""
    task: Task
    """Spans, or one tag a token."""
    labels: tuple[str, ...]
    """Their names, in their order."""
    lang: str | None = None
    """The language whose tokenizer cuts the texts; null where the first import decides by its texts, or
    where a pipeline cuts them."""
    unit: Unit = "token"
    """What the model gives one tag: a token, or a wordpiece."""

    def text(self) -> str:
        unit = "" if self.unit == "token" else f", whose model labels each {self.unit}"
        return (
            f"{self.path}: a {self.task} project with the labels {', '.join(self.labels)}{unit}.\n"
            f"Next: spanloop import {self.path} FILE..."
        )


def init(
    db: str | Path,
    *,
    labels: Sequence[str],
    task: Task = "spans",
    lang: str | None = None,
    nlp: str | None = None,
    model: str = "offline",
    eval_fraction: float = 0.2,
    instructions: str | Path | None = None,
    seed: int = 0,
    unit: Unit = "token",
) -> Created:
    """Create the project file. ``nlp`` is a spaCy pipeline (its tokenizer comes along), else ``lang`` names
    the language; without both the first import chooses one by its texts. ``unit``: what the model gives one
    tag, a token of that tokenizer or a wordpiece of its own.

    ``instructions`` is a Markdown file that the correction page shows. RecipeError or StoreError where the
    file exists already, no label is given or a setting makes no sense (a language or pipeline that spaCy has
    not); ModelError for a folder whose model wants to run code, and for a model that is not there.
    """
    path = Path(db)
    names = tuple(labels)
    if not names:
        raise RecipeError("a project needs labels: --labels PER,ORG,LOC")
    refuse_tags(names, (), task)
    if nlp and lang:
        raise RecipeError("give --nlp or --lang, not both: the pipeline has a language of its own")
    check_unit(unit, task)
    file = real_path(path)
    if model != OFFLINE:  # people annotate before it is installed
        model = check_model(model, file)
    if lang is not None:
        check_language(lang)
    if nlp is not None:
        nlp = check_pipeline(nlp, file)
    guide = "" if instructions is None else _instructions(Path(instructions))
    Store.create(
        path,
        task=task,
        labels=names,
        base_model=model,
        lang=lang,
        nlp=nlp,
        eval_fraction=eval_fraction,
        seed=seed,
        instructions=guide,
        unit=unit,
    ).close()
    return Created(path=path, task=task, labels=names, lang=lang, unit=unit)


def _instructions(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"the instructions {file} cannot be read: {error}") from error
