"""What can suggest spans: the promoted round, a token classifier, a spaCy pipeline, patterns."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from spanloop.recipes.errors import FormatError, RecipeError
from spanloop.recipes.languages import CUT_WITHOUT_BLANKS, language_of
from spanloop.recipes.suggest.agreeing import option, propose
from spanloop.recipes.suggest.choice import Choice, Used, labels_of, used_by
from spanloop.recipes.suggest.fastest import settle
from spanloop.recipes.suggest.manner import Manner
from spanloop.store import Store
from spanloop.store.records import NewModel, Project

if TYPE_CHECKING:
    from spacy.language import Language


@dataclass(frozen=True, slots=True)
class Source:
    """A loaded pipeline and the row of the store that its predictions belong to. ``labels`` says which label
    each name of the pipeline means, whatever that label is called by the time it predicts; ``used``, how its
    answer is read; ``advice``, what to type where some of its labels nearly are the project's."""

    nlp: Language
    model_id: int
    name: str
    labels: Mapping[str, int]
    used: Used = field(default_factory=Used)
    advice: str = ""
    by_script: bool = False
    """Its tokenizer is not for texts without blanks: there our component labels wordpieces."""
    own_tokens: bool = True
    """Its tokens are those of the project."""


def refuse_empty(store: Store) -> None:
    """RecipeError where there is nothing to suggest for."""
    if not store.documents.count():
        raise RecipeError(
            f"{store.named} has no document yet to suggest for: import some first, with "
            f"spanloop import {store.named} FILE"
        )


def open_source(
    store: Store,
    model: str | None,
    pipeline: str | None,
    patterns: str | Path | None,
    manner: Manner | None = None,
    choice: Choice | None = None,
    lang: str | None = None,
) -> Source:
    manner, choice = manner or Manner(), choice or Choice()
    if lang is not None and model is None:
        raise RecipeError(
            f"--lang {lang} goes with --model: a round, a pipeline and patterns have the project's language, "
            "or one of their own"
        )
    if manner.typed() and (pipeline is not None or patterns is not None):
        raise RecipeError(f"{' '.join(manner.typed())} goes with the promoted round or with --model")
    if pipeline is not None:
        return _from_pipeline(store, pipeline, choice)
    if patterns is not None:
        if choice != Choice():
            raise RecipeError(
                "patterns name their labels and have no confidences: leave --map, --threshold and "
                "--component out"
            )
        return _from_patterns(store, Path(patterns))
    if choice.component is not None:
        raise RecipeError(f"--component {choice.component} goes with --pipeline, which may have several")
    if model is not None:
        return _from_model(store, model, manner, choice, lang)
    return _from_round(store, manner, choice)


def _from_round(store: Store, manner: Manner, choice: Choice) -> Source:
    from spanloop.recipes.suggest.pipelines import load_round

    promoted = store.rounds.promoted()
    if promoted is None or promoted.model_id is None:
        db = store.named
        raise RecipeError(
            f"no round is promoted yet, and {store.project.base_model!r} has learned none of your labels. "
            f"Annotate and train first (spanloop correct {db}, then spanloop retrain {db}), or suggest with "
            "something that knows them: --patterns FILE, --pipeline SPACY, --model HF_ID"
        )
    if choice.label_map:
        raise RecipeError("a round has the project's labels: --map goes with --model or --pipeline")
    nlp = load_round(store, promoted.number)
    name, model_id = f"round {promoted.number}", promoted.model_id
    changed = manner.set_on(nlp)
    backend = settle(store, nlp)
    changed += [f"with {backend}"] if manner.backend == "auto" and backend != "torch" else []
    saved = used_by(nlp)
    used = choice.apply(nlp)
    changed += [f"({used.text() or 'without thresholds'})"] if used != saved else []
    if changed:
        name = " ".join([name, *changed])
        model_id = store.models.add(
            NewModel(hash=_fingerprint(nlp), kind="hf", name=name, read_with=used.stored())
        ).id
    return Source(nlp, model_id, name, promoted.label_ids, used)


def _fingerprint(nlp: Language) -> str:
    from spanloop.recipes.suggest.our_component import classifier

    found = classifier(nlp)
    if found is None:
        raise RecipeError("the pipeline of the round has no token classifier")
    return found[1].fingerprint()


def _from_model(store: Store, model: str, manner: Manner, choice: Choice, lang: str | None) -> Source:
    from spanloop.recipes.made_of import blank
    from spanloop.recipes.suggest.pipelines import project_nlp
    from spanloop.recipes.suggest.run_pipeline import with_model

    project = store.project
    labels = store.labels.ids()
    nlp = project_nlp(project) if lang is None else blank(lang)
    unit = "token" if lang is not None else project.unit
    pipe = with_model(nlp, model, task=project.task, labels=list(labels), unit=unit)
    if not pipe.tags:  # which loads the model: its settings alone may not be on this machine yet
        raise RecipeError(
            f"{model!r} is an encoder without trained labels: what it would suggest is chance. Train it on "
            f"your annotations (spanloop correct {store.named}, then spanloop retrain {store.named}), "
            "or name a token classifier"
        )
    manner.set_on(nlp)
    settle(store, nlp)
    used = choice.apply(nlp)
    advice = _advice(model, pipe.labels, list(labels), choice)
    digest, name = pipe.fingerprint(), _with(model, used)
    if lang is not None:  # other tokens, other suggestions
        name = f"{name} on tokens of {lang}"
        digest = hashlib.sha256(f"{digest} {lang}".encode()).hexdigest()
    row = store.models.add(NewModel(hash=digest, kind="hf", name=name, read_with=used.stored()))
    unsure = lang is None and unit == "token" and project.task == "spans" and _waits_for_blanks(project)
    return Source(nlp, row.id, name, labels, used, advice, by_script=unsure, own_tokens=lang is None)


def _waits_for_blanks(project: Project) -> bool:
    """Whether the project's tokenizer takes a line without blanks for one token, as far as is known."""
    lang = language_of(project.lang, project.nlp)
    return lang is not None and lang not in CUT_WITHOUT_BLANKS


def _with(name: str, used: Used) -> str:
    """The name of a model whose answer is read so."""
    return f"{name} ({used.text()})" if used.text() else name


def _from_pipeline(store: Store, pipeline: str, choice: Choice) -> Source:
    from spanloop.recipes.suggest.our_component import choose, classifier
    from spanloop.recipes.suggest.pipelines import load_pipeline
    from spanloop.recipes.suggest.run_pipeline import pipeline_hash

    labels = store.labels.ids()
    nlp = load_pipeline(pipeline)
    choose(nlp, choice.component, task=store.project.task, labels=list(labels), label_map=choice.label_map)
    used = choice.apply(nlp)
    known = labels_of(nlp)
    advice = ""
    if known:
        theirs = known if classifier(nlp) is not None else choice.labels(known)
        advice = _advice(pipeline, theirs, list(labels), choice)
    digest = pipeline_hash(nlp)
    if classifier(nlp) is None and used.label_map:  # which is no part of the pipeline then
        digest = hashlib.sha256(
            (digest + json.dumps(dict(used.label_map), sort_keys=True)).encode()
        ).hexdigest()
    name = _with(pipeline, used)
    row = store.models.add(NewModel(hash=digest, kind="spacy", name=name, read_with=used.stored()))
    return Source(nlp, row.id, name, labels, used, advice)


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
    labels = store.labels.ids()
    _refuse_strangers(str(file), [row["label"] for row in rows], list(labels), "")
    nlp = project_nlp(store.project)
    for name in ("ner", "entity_ruler"):
        if name in nlp.pipe_names:
            nlp.remove_pipe(name)
    add_patterns(nlp, store.project.nlp, file, patterns)
    digest = hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()
    row = store.models.add(NewModel(hash=digest, kind="patterns", name=file.name))
    return Source(nlp, row.id, file.name, labels)


def _advice(source: str, theirs: Sequence[str], ours: Sequence[str], choice: Choice) -> str:
    """What to type so that labels of the source that nearly are the project's become them, empty where there
    are none. RecipeError where it knows none of them as it stands."""
    found = propose(theirs, ours)
    typed = option({**choice.label_map, **found}) if found else ""
    _refuse_strangers(source, theirs, ours, typed)
    if not found:
        return ""
    nearly = ", ".join(found)
    return f"{nearly} of {source} nearly agree with labels of this project: type {typed} if they mean those"


def _refuse_strangers(source: str, theirs: Sequence[object], ours: Sequence[str], typed: str) -> None:
    """RecipeError where the source knows none of our labels, with the option that may help."""
    if not set(theirs) & set(ours):
        known = ", ".join(str(label) for label in dict.fromkeys(theirs))
        how = f"; if they mean the same, type {typed}" if typed else ""
        raise RecipeError(
            f"{source} knows none of this project's labels ({', '.join(ours)}), only {known}{how}"
        )
