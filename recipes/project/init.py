"""Make a project: one SQLite file with its task, labels and base model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spanloop.plugin.model.places import OFFLINE
from spanloop.recipes.calls.ranges import SeedNumber, Share
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
    eval_fraction: Share = 0.2,
    instructions: str | Path | None = None,
    seed: SeedNumber = 0,
    unit: Unit = "token",
) -> Created:
    """Make a project: one file with its task, labels and base model.

    Args:
        db: The file to make.
        labels: The labels, in their order.
        task: ``spans``, or ``tags`` with one tag a token.
        lang: Language of the texts, for spaCy's tokenizer, as its code; None, without ``nlp``: the first
            import chooses one by its texts.
        nlp: Instead of a language a spaCy pipeline, by name or folder: its tokenizer and components come
            along.
        model: Base model: a hub id (``ID@REVISION`` to pin it), a folder, or ``offline``, the packaged
            encoder.
        eval_fraction: Share of the documents that rounds are scored on, 0 to 1.
        instructions: A Markdown file that the correction page shows.
        seed: Of everything that is drawn.
        unit: What the model gives one tag, a ``token`` of that tokenizer or a ``wordpiece`` of its own.

    Returns:
        Where the project lies, and its labels.

    Raises:
        RecipeError: The file exists already, no label is given, or a setting makes no sense.
        StoreError: The same, as the store says it.
        ModelError: The model's folder wants to run code, or there is no such model.
    """
    path, names = Path(db), tuple(labels)
    if not names:
        raise RecipeError("a project needs labels: --labels PER,ORG,LOC")
    refuse_tags(names, (), task)
    if nlp and lang:
        raise RecipeError("give --nlp or --lang, not both: the pipeline has a language of its own")
    check_unit(unit, task)
    model, nlp = _made_of(real_path(path), model, lang, nlp)
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


def _made_of(file: Path, model: str, lang: str | None, nlp: str | None) -> tuple[str, str | None]:
    """Model and pipeline as the project file names them, once all three were looked at."""
    if model != OFFLINE:  # people annotate before it is installed
        model = check_model(model, file)
    if lang is not None:
        check_language(lang)
    return model, None if nlp is None else check_pipeline(nlp, file)


def _instructions(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"the instructions {file} cannot be read: {error}") from error
