"""Train a round again from what the store kept of it, and see whether the same weights come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spanloop.recipes.calls.ranges import FromOne
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.progress import Progress, silent
from spanloop.recipes.report import Count, Report
from spanloop.recipes.training.pipeline import TrainingJob, train_pipeline
from spanloop.recipes.training.unlabelled import drawn_then
from spanloop.store import Store
from spanloop.store.records import Project, Round

if TYPE_CHECKING:
    from spacy.language import Language

    from spanloop.plugin.pipe.component import HFTokenClassifierPipe


@dataclass(frozen=True, slots=True)
class Reproduced(Report):
    """A round that was trained again."""

    round: Count
    """Its number."""
    same: bool
    """Whether the weights are the same to the bit."""
    differences: tuple[str, ...]
    """What was not as it was then, where they are not."""

    @property
    def exit_code(self) -> int:
        return 0 if self.same else 1

    def text(self) -> str:
        if self.same:
            return f"round {self.round} came out the same, to the bit"
        why = "; ".join(self.differences) or "the machine computes otherwise than the one then"
        return f"round {self.round} came out with other weights: {why}"


def reproduce(db: str | Path, number: FromOne, *, progress: Progress | None = None) -> Reproduced:
    """Train on the very annotations of a round with its parameters and seed, from the base model and with the
    language or pipeline that the project had then, in a folder of its own, and compare the weights. The store
    stays as it is.

    Args:
        db: The project file.
        number: The round.
        progress: Called with how far it is.

    Returns:
        Whether the weights are the same, and what differs where they are not.

    Raises:
        RecipeError: The round is not finished, or documents that it learned from are gone.
    """
    show = progress or silent
    with Store.open(db) as store:
        row = store.rounds.get(number)
        if row.state != "done" or row.manifest is None:
            raise RecipeError(f"round {number} is {row.state}: only a finished one can be trained again")
        job = _job_of(store, row)
        nlp, pipe = train_pipeline(job, progress=show, what=f"train round {number} again")
        if pipe.fingerprint() == row.manifest["model_hash"]:
            return Reproduced(number, True, ())
        found = [*_differences(row.manifest, pipe), *_other_pipeline(row.manifest.get("pipeline"), nlp)]
        return Reproduced(number, False, tuple(found))


def _job_of(store: Store, row: Round) -> TrainingJob:
    """The training as it was: of what the project was made of then, with its labels and its gold of then."""
    from spanloop.plugin.training.config import TrainConfig

    known = {field.name for field in fields(TrainConfig)}
    kept: dict[str, Any] = {"freeze": "none", "head_rate": 1.0}  # of rounds from before these were settings
    kept |= {name: value for name, value in row.parameters.items() if name in known}
    if kept.get("class_weights") != "focal":
        kept.pop("focal_gamma", None)  # earlier rounds kept it whatever the weights were
    config = TrainConfig(**kept)
    with store.reading():
        project, labels = store.project_of(row), store.rounds.labels(row.number)
        ids, names = store.rounds.annotation_ids(row.number), store.rounds.label_map(row.number)
    # A training reads its gold in the order of the documents, whoever answered which one first.
    golds = sorted(store.annotations.gold_of(ids, names), key=lambda gold: gold.document.id)
    parent = row.parent if row.parameters.get("base") == "round" else None
    start_from = None if parent is None else store.rounds_folder.sound(store.rounds.get(parent))
    texts = [document.text for document in drawn_then(store, row)]
    return TrainingJob(_with_model_of(row, project), labels, start_from, config, golds, texts)


def _with_model_of(row: Round, project: Project) -> Project:
    """The project with the very commit of the base model, where that came from a hub: a branch moves on. Of a
    round that does not say what it was made of, the name of its model at least is known."""
    base = (row.manifest or {}).get("base_model") or {}
    if base.get("commit"):
        return replace(project, base_model=f"{base['name']}@{base['commit']}")
    if base and "made_of" not in row.parameters:
        return replace(project, base_model=base["name"])
    return project


def _other_pipeline(then: Mapping[str, Any] | None, nlp: Language) -> list[str]:
    """What differs of the spaCy pipeline that the round was built on."""
    from spanloop.recipes.suggest.pipelines import pipeline_facts

    if then is None:  # rounds of before have none
        return []
    now = pipeline_facts(nlp, then["name"])
    if then["version"] != now["version"]:
        return [f"the pipeline {then['name']!r} {then['version']} then, {now['version']} now"]
    if then["tokenizer"] != now["tokenizer"]:  # spaCy's version is a part of it, and told elsewhere
        return ["the pipeline cuts texts into other tokens now"]
    return []


def _other_model(manifest: Mapping[str, Any], pipe: HFTokenClassifierPipe) -> list[str]:
    base = manifest.get("base_model")  # rounds of before have none
    if base is None or pipe.pretrained.origin.json()["files_hash"] == base["files_hash"]:
        return []
    return [f"the base model {base['name']!r} has other files now"]


def _differences(manifest: Mapping[str, Any], pipe: HFTokenClassifierPipe) -> list[str]:
    """What is not as it was when the round was trained."""
    from spanloop.plugin.model.network import computes_with
    from spanloop.recipes.training.kept import surroundings

    now = surroundings()
    found = [
        f"{name} {manifest[name]} then, {now[name]} now"
        for name in now
        if manifest.get(name, now[name]) != now[name]
    ]
    found += _other_model(manifest, pipe)
    then, now_by = manifest.get("backend", "torch"), computes_with(pipe.network)
    if then != now_by:
        found.append(f"computed by {then} then, by {now_by} now (SPANLOOP_BACKEND)")
    for name, then in manifest.get("versions", {}).items():
        try:
            installed = version(name)
        except PackageNotFoundError:
            installed = "not installed"
        if installed != then:
            found.append(f"{name} {then} then, {installed} now")
    return found
