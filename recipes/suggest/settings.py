"""What the next rounds of a project are made of: shown, and changed while the project lives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.languages import Unit, check_unit
from spanloop.recipes.made_of import blank, check_language, check_model, check_pipeline
from spanloop.recipes.progress import Progress, silent
from spanloop.recipes.report import Count, Report, Shape
from spanloop.recipes.suggest.tokenise import load_tokenizer, tokenise, tokenizer_hash
from spanloop.recipes.table import counted
from spanloop.store import Store
from spanloop.store.records import Task

if TYPE_CHECKING:
    from spacy.language import Language

BLOCK = 256
"""Documents cut into tokens in one transaction."""


@dataclass(frozen=True, slots=True)
class Tokenised(Shape):
    """What another language or pipeline made of the texts."""

    documents: Count
    """Documents that were cut into tokens anew."""
    refused: Count
    """Documents of the project that it refuses."""
    spans: Count
    """Spans in the gold of the project."""
    spans_off_tokens: Count
    """Those that do not begin and end where its tokens do."""

    def text(self) -> str:
        lines = [f"the tokens of {counted(self.documents, 'document')} were computed anew"]
        if self.refused:
            lines.append(f"{counted(self.refused, 'document')} it refuses (spanloop status names them)")
        if self.spans_off_tokens:
            lines.append(
                f"{self.spans_off_tokens:,} of {counted(self.spans, 'gold span')} do not begin and end at "
                "its tokens: a training moves them to the nearest, or cannot learn from them"
            )
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Settings(Report):
    """What the next round of the project is made of."""

    path: Path
    """The project file."""
    task: Task
    """Spans, or one tag a token; it stays for good."""
    model: str
    """The base model; a folder relative to the project file where it begins with a dot."""
    lang: str | None
    """The language whose tokenizer is used; null where a pipeline is named."""
    nlp: str | None
    """The spaCy pipeline that comes along into every round."""
    unit: Unit
    """What the model gives one tag: a token, or a wordpiece."""
    promoted: Count | None
    """The round in use, which stays what it is."""
    tokenised: Tokenised | None
    """What was done where language or pipeline have changed; null where they have not."""

    def text(self) -> str:
        cut_by = f"pipeline {self.nlp}" if self.nlp else f"language {self.lang or 'xx'}"
        unit = "" if self.unit == "token" else f", one tag a {self.unit}"
        lines = [f"{self.path}: a {self.task} project, base model {self.model}, {cut_by}{unit}"]
        if self.tokenised is not None:
            lines.append(self.tokenised.text())
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Changed(Settings):
    """The same after a change."""

    def text(self) -> str:
        lines = [Settings.text(self), f"The next round is made of it: spanloop retrain {self.path}"]
        if self.promoted is not None:
            lines.append(f"Round {self.promoted} stays as it is, and in use until another one is promoted.")
        return "\n".join(lines)


def project_settings(db: str | Path) -> Settings:
    """What the next round is made of.

    Args:
        db: The project.

    Returns:
        Base model, language or pipeline, as they are kept.

    Raises:
        StoreError: There is no such project.
    """
    with Store.open(db) as store:
        return Settings(**_standing(Path(db), store), tokenised=None)


def set_project(
    db: str | Path,
    *,
    model: str | None = None,
    lang: str | None = None,
    nlp: str | None = None,
    unit: Unit | None = None,
    progress: Progress | None = None,
) -> Settings:
    """Have the next round made of something else; what is None stays. Rounds of before stay as they are.

    Args:
        db: The project.
        model: A base model: a folder, a hub id, ``ID@REVISION``, or ``offline``.
        lang: A language, whose tokenizer takes the place of that of a pipeline.
        nlp: A spaCy pipeline by package or folder, in the place of a language.
        unit: What the model gives one tag, ``token`` or ``wordpiece``.
        progress: Told how many documents have new tokens.

    Returns:
        The settings as they are then.

    Raises:
        RecipeError: Nothing is to be changed, both a language and a pipeline are given, or there are none
            such. The project stays as it was.
        ModelError: There is no such model, or it wants to run code. The project stays as it was.
    """
    if (model, lang, nlp, unit) == (None, None, None, None):
        raise RecipeError("say what to change: --model, --lang, --nlp or --unit")
    if lang is not None and nlp is not None:
        raise RecipeError("give --nlp or --lang, not both: the pipeline has a language of its own")
    with Store.open(db) as store:
        changes: dict[str, Any] = {}
        if unit is not None:
            check_unit(unit, store.project.task)
            changes["unit"] = unit
        if model is not None:
            changes["base_model"] = check_model(model, store.path)
        if lang is not None:
            check_language(lang)
            blank(lang)
            changes |= {"lang": lang, "nlp": None}
        if nlp is not None:
            changes |= {"lang": None, "nlp": check_pipeline(nlp, store.path)}
        store.set_project(**changes)
        done = _tokenise_anew(store, progress or silent) if lang or nlp or unit else None
        return Changed(**_standing(Path(db), store), tokenised=done)


def _standing(path: Path, store: Store) -> dict[str, Any]:
    promoted, kept = store.rounds.promoted(), store.made_of
    return {
        "path": path,
        "task": store.project.task,
        "unit": store.project.unit,
        "model": kept["base_model"],
        "lang": kept["lang"],
        "nlp": kept["nlp"],
        "promoted": None if promoted is None else promoted.number,
    }


def _tokenise_anew(store: Store, progress: Progress) -> Tokenised:
    """Cut every document that the project's tokenizer has not seen yet, in the order people get them.

    The page shows the new tokens from the first moment on, and computes what it is asked for before.
    """
    nlp = load_tokenizer(store.project)
    tokenizer = tokenizer_hash(nlp, store.project.unit)
    store.set_project(tokenizer=tokenizer)
    ids = list(store.documents.ids(order="queue"))
    done = 0
    for begin in range(0, len(ids), BLOCK):
        progress(begin, len(ids), "cut into tokens")
        done += _tokenise_some(store, nlp, tokenizer, ids[begin : begin + BLOCK])
    progress(len(ids), len(ids), "cut into tokens")
    spans, off = _off_tokens(store)
    return Tokenised(done, len(store.tokenizations.refused()), spans, off)


def _tokenise_some(store: Store, nlp: Language, tokenizer: str, ids: list[int]) -> int:
    lacking = [one for one in ids if not store.tokenizations.has(one, tokenizer)]
    return tokenise(store, nlp, store.documents.fetch(lacking), tokenizer=tokenizer)


def _off_tokens(store: Store) -> tuple[int, int]:
    """How many spans the gold has, and how many of them do not begin and end where tokens do."""
    spans = off = 0
    for gold in store.annotations.gold():
        tokens = store.tokenizations.get(gold.document.id) or []
        starts, ends = {start for start, _ in tokens}, {end for _, end in tokens}
        spans += len(gold.spans)
        off += sum(span.start not in starts or span.end not in ends for span in gold.spans)
    return spans, off
