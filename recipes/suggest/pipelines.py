"""The spaCy pipelines of a project: its own, a round's, one that the user names. Imports spaCy: import this
late."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import spacy
from spacy.language import Language

from spanloop.recipes.errors import RecipeError, line_of
from spanloop.recipes.made_of import UNLOADABLE
from spanloop.recipes.suggest.our_component import classifier
from spanloop.recipes.suggest.tokenise import boundaries, load_tokenizer, tokenizer_hash
from spanloop.store import Store
from spanloop.store.records import Project, Range, Round


def project_nlp(project: Project) -> Language:
    """The pipeline whose tokenizer and other pipes come along into every round."""
    try:
        return load_tokenizer(project)
    except UNLOADABLE as error:
        raise RecipeError(
            f"the project's pipeline {project.nlp or project.lang!r} cannot be loaded: {line_of(error)}"
        ) from error


def pipeline_facts(nlp: Language, name: str | None) -> dict[str, str | None]:
    """What a round keeps of the pipeline that it was built on: its language, its name and version where one
    was named, and the hash of its tokenizer, which says whether it still cuts the same."""
    return {
        "lang": nlp.lang,
        "name": name,
        "version": None if name is None else str(nlp.meta.get("version")),
        "tokenizer": tokenizer_hash(nlp),
    }


def write_pipeline(project: Project, nlp: Language, folder: Path) -> None:
    """Write a pipeline of the project for others: its vocabulary keeps the strings of the project's own
    pipeline and the labels, none of the texts; no path of this machine stays in it."""
    from spanloop.plugin.pipe.sharing import write

    write(nlp, folder, strings=project_nlp(project).vocab.strings)


def project_tokenizer(project: Project) -> Callable[[str], Sequence[Range]]:
    """The function that gives the characters of each token of a text."""
    nlp = project_nlp(project)

    def tokenizer(text: str) -> Sequence[Range]:
        return boundaries(nlp, text, project.unit)

    return tokenizer


def load_round(store: Store, number: int) -> Language:
    """The pipeline of a finished round, as it was trained. RecipeError or StoreError where it is not done,
    its folder is gone, or what lies there is not that round."""
    row = store.rounds.get(number)
    if row.state != "done":
        raise RecipeError(f"round {number} is {row.state}: it has no pipeline")
    folder = store.rounds_folder.sound(row)
    nlp = load_pipeline(folder)
    if row.files_hash is None:
        _recognise(store, row, nlp, folder)
    return nlp


def _recognise(store: Store, row: Round, nlp: Language, folder: Path) -> None:
    """A round of before schema 14 has no hash of its files: its weights must be those that were trained, and
    it gets one now."""
    found = classifier(nlp)
    model = None if row.model_id is None else store.models.get(row.model_id)
    if found is None or model is None or found[1].fingerprint() != model.hash:
        raise RecipeError(
            f"{folder} is not what round {row.number} was when it was trained: its files are another "
            "project's, or it was trained with other versions of transformers and tokenizers; copy it back "
            f"from a backup, or train anew: spanloop retrain {store.named} --promote yes"
        )
    store.rounds_folder.recognise(row)


def load_pipeline(source: str | Path) -> Language:
    """A spaCy pipeline from its folder or package name. RecipeError where there is none, or a damaged one."""
    try:
        return spacy.load(source)
    except UNLOADABLE as error:
        raise RecipeError(f"there is no spaCy pipeline {str(source)!r}: {line_of(error)}") from error


def promoted_round(store: Store, number: int | None = None) -> Round:
    """The round of that number, else the promoted one. RecipeError says what to type where there is none."""
    if number is not None:
        return store.rounds.get(number)
    row = store.rounds.promoted()
    if row is None:
        done = ", ".join(str(other.number) for other in store.rounds.all() if other.state == "done")
        promote = f"promote one of {done} with: spanloop rounds {store.named} promote NUMBER"
        train = f"train the first with: spanloop retrain {store.named}"
        raise RecipeError(f"no round is promoted yet; {promote if done else train}")
    return row
