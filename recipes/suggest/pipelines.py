"""The spaCy pipelines of a project: its own, a round's, one that the user names. Imports spaCy: import this
late."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import spacy
from spacy.language import Language

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.suggest.tokenise import boundaries, load_tokenizer
from spanloop.store import Store
from spanloop.store.records import Project, Range, Round

UNLOADABLE = (OSError, ImportError, ValueError, AttributeError, KeyError, TypeError)
"""What spaCy raises for a name that is none, another package's, or a folder with something else in it."""


def project_nlp(project: Project) -> Language:
    """The pipeline whose tokenizer and other pipes come along into every round."""
    try:
        return load_tokenizer(project)
    except UNLOADABLE as error:
        raise RecipeError(
            f"the project's pipeline {project.nlp or project.lang!r} cannot be loaded: {_line(error)}"
        ) from error


def project_tokenizer(project: Project) -> Callable[[str], Sequence[Range]]:
    """The function that gives the characters of each token of a text."""
    nlp = project_nlp(project)

    def tokenizer(text: str) -> Sequence[Range]:
        return boundaries(nlp, text)

    return tokenizer


def load_round(store: Store, number: int) -> Language:
    """The pipeline of a finished round. RecipeError where it is not done or its folder is gone."""
    state = store.rounds.get(number).state
    if state != "done":
        raise RecipeError(f"round {number} is {state}: it has no pipeline")
    return load_pipeline(store.rounds.folder(number))


def load_pipeline(source: str | Path) -> Language:
    """A spaCy pipeline from its folder or package name. RecipeError where there is none, or a damaged one."""
    try:
        return spacy.load(source)
    except UNLOADABLE as error:
        raise RecipeError(f"there is no spaCy pipeline {str(source)!r}: {_line(error)}") from error


def promoted_round(store: Store, number: int | None = None) -> Round:
    """The round of that number, else the promoted one. RecipeError says what to type where there is none."""
    if number is not None:
        return store.rounds.get(number)
    row = store.rounds.promoted()
    if row is None:
        done = ", ".join(str(other.number) for other in store.rounds.all() if other.state == "done")
        promote = f"promote one of {done} with: spanloop rounds {store.path} promote NUMBER"
        train = f"train the first with: spanloop retrain {store.path}"
        raise RecipeError(f"no round is promoted yet; {promote if done else train}")
    return row


def label_names(store: Store, row: Round) -> dict[str, str | None]:
    """Today's name of each label that the round was trained on, None for one that is retired since.

    A round keeps the names of its day inside its model; its parameters remember which labels those were.
    """
    in_use = set(store.labels.names())
    today = store.labels.current_names()
    names = {name: today.get(label_id) for name, label_id in row.parameters.get("label_ids", {}).items()}
    return {name: label if label in in_use else None for name, label in names.items()}


def _line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0] or type(error).__name__
