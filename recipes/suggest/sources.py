"""What can suggest spans: the promoted round, a token classifier, a spaCy pipeline, patterns."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from spanloop.recipes.errors import FormatError, RecipeError
from spanloop.store import Store
from spanloop.store.records import Model

if TYPE_CHECKING:
    from spacy.language import Language


@dataclass(frozen=True, slots=True)
class Source:
    """A loaded pipeline and the row of the store that its predictions belong to. ``renamed`` maps labels as
    the pipeline knows them to today's; None = retired."""

    nlp: Language
    model_id: int
    name: str
    renamed: dict[str, str | None]


def open_source(store: Store, model: str | None, pipeline: str | None, patterns: str | Path | None) -> Source:
    if pipeline is not None:
        return _from_pipeline(store, pipeline)
    if patterns is not None:
        return _from_patterns(store, Path(patterns))
    if model is not None:
        return _from_model(store, model)
    return _from_round(store)


def _from_round(store: Store) -> Source:
    from spanloop.recipes.suggest.pipelines import label_names, load_round

    promoted = store.rounds.promoted()
    if promoted is None or promoted.model_id is None:
        db = store.path
        raise RecipeError(
            f"no round is promoted yet, and {store.project.base_model!r} has learned none of your labels. "
            f"Annotate and train first (spanloop correct {db}, then spanloop retrain {db}), or suggest with "
            "something that knows them: --patterns FILE, --pipeline SPACY, --model HF_ID"
        )
    nlp = load_round(store, promoted.number)
    return Source(nlp, promoted.model_id, f"round {promoted.number}", label_names(store, promoted))


def _from_model(store: Store, model: str) -> Source:
    from spanloop.recipes.suggest.pipelines import project_nlp
    from spanloop.recipes.suggest.run_pipeline import with_model

    project = store.project
    labels = store.labels.names()
    nlp = project_nlp(project)
    pipe = with_model(nlp, model, task=project.task, labels=labels)
    if not pipe.labels:
        raise RecipeError(
            f"{model!r} is an encoder without trained labels: what it would suggest is chance. Train it on "
            f"your annotations (spanloop correct {store.path}, then spanloop retrain {store.path}), "
            "or name a token classifier"
        )
    _refuse_strangers(model, pipe.labels, labels)
    row = store.models.add(Model(hash=pipe.fingerprint(), kind="hf", name=model))
    return Source(nlp, stored_id(row), model, {})


def _from_pipeline(store: Store, pipeline: str) -> Source:
    from spanloop.recipes.suggest.pipelines import load_pipeline
    from spanloop.recipes.suggest.run_pipeline import pipeline_hash

    nlp = load_pipeline(pipeline)
    known = [label for name in nlp.pipe_names for label in nlp.pipe_labels.get(name, [])]
    if known:
        _refuse_strangers(pipeline, known, store.labels.names())
    row = store.models.add(Model(hash=pipeline_hash(nlp), kind="spacy", name=pipeline))
    return Source(nlp, stored_id(row), pipeline, {})


def _from_patterns(store: Store, file: Path) -> Source:
    from spanloop.recipes.suggest.matching import add_patterns
    from spanloop.recipes.suggest.patterns import read_patterns
    from spanloop.recipes.suggest.pipelines import project_nlp

    if not file.is_file():
        raise FormatError(file, None, "there is no such file of patterns")
    if store.project.task == "tags":
        raise RecipeError("patterns suggest spans; this is a tags project: use --pipeline or --model")
    patterns = read_patterns(file)
    rows = [pattern.row for pattern in patterns]
    _refuse_strangers(str(file), [row["label"] for row in rows], store.labels.names())
    nlp = project_nlp(store.project)
    for name in ("ner", "entity_ruler"):
        if name in nlp.pipe_names:
            nlp.remove_pipe(name)
    add_patterns(nlp, store.project.nlp, file, patterns)
    digest = hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()
    row = store.models.add(Model(hash=digest, kind="patterns", name=file.name))
    return Source(nlp, stored_id(row), file.name, {})


def _refuse_strangers(source: str, theirs: Sequence[object], ours: Sequence[str]) -> None:
    if not set(theirs) & set(ours):
        known = ", ".join(str(label) for label in dict.fromkeys(theirs))
        raise RecipeError(f"{source} knows none of this project's labels ({', '.join(ours)}), only {known}")


def stored_id(model: Model) -> int:
    """The id of a model that the store has given back."""
    if model.id is None:
        raise RecipeError(f"the model {model.name} got no row in the store")
    return model.id
