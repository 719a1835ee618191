"""The one way to build a pipeline for a project and to train it: rounds, the processes of torchrun, folds,
learning curves and reproductions all come through here."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.progress import Progress, silent
from spanloop.recipes.suggest.refusal import make_docs
from spanloop.recipes.training.input import training_golds
from spanloop.store.records import Gold, Moment, Project

if TYPE_CHECKING:
    from spacy.language import Language

    from spanloop.plugin.pipe.component import HFTokenClassifierPipe
    from spanloop.plugin.training.config import TrainConfig


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """What one training needs, as it was read from the store at one moment.

    ``start_from``: the pipeline of a round to go on from, None for the project's base model with a new head.
    ``unlabelled``: texts without labels that are learned from beside the gold.
    """

    project: Project
    labels: list[str]
    start_from: Path | None
    settings: TrainConfig
    golds: list[Gold]
    unlabelled: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, moment: Moment, golds: Sequence[Gold], settings: TrainConfig) -> TrainingJob:
        """A training from the project's base model on these documents, read at that moment."""
        return cls(moment.project, moment.names, None, settings, list(golds))


def build_pipeline(job: TrainingJob) -> tuple[Language, HFTokenClassifierPipe]:
    """A pipeline with our component, whose head has exactly the labels of the job.

    RecipeError where the round to go on from has no token classifier.
    """
    from spanloop.plugin.model.network import HFNetwork
    from spanloop.recipes.suggest.our_component import classifier
    from spanloop.recipes.suggest.pipelines import load_pipeline, project_nlp
    from spanloop.recipes.suggest.run_pipeline import with_model

    if job.start_from is not None:
        nlp = load_pipeline(job.start_from)
        found = classifier(nlp)
        if found is None:
            raise RecipeError(f"the pipeline in {job.start_from} has no token classifier")
        pipe = found[1]
        _refuse_other_unit(pipe.model.attrs.get("unit", "token"), job)
    else:
        project, nlp = job.project, project_nlp(job.project)
        pipe = with_model(nlp, project.base_model, task=project.task, labels=job.labels, unit=project.unit)
    if isinstance(pipe.network, HFNetwork):
        pipe.network.shim.may_choose = False  # a trial takes its time, and each epoch makes other weights
    pipe.set_labels(job.labels, seed=job.settings.random_seed)
    return nlp, pipe


def _refuse_other_unit(unit: str, job: TrainingJob) -> None:
    """RecipeError where a round labels other units than the project does by now."""
    if unit != job.project.unit:
        raise RecipeError(
            f"the round in {job.start_from} labels each {unit}, and the project each {job.project.unit} by "
            "now: train from the base model, with --base model"
        )


def train_pipeline(
    job: TrainingJob, *, progress: Progress = silent, what: str = "train"
) -> tuple[Language, HFTokenClassifierPipe]:
    """Build the pipeline of the job and train it on the job's documents; nothing is stored anywhere.

    ``progress`` is told in thousandths of the training, with ``what`` in front of the time left.
    """
    from spanloop.plugin.training.train import train

    def show(share: float, line: str) -> None:
        progress(int(share * 1000), 1000, f"{what}: {line}")

    nlp, pipe = build_pipeline(job)
    _, golds = training_golds(nlp, job.golds)
    folder = Path(tempfile.mkdtemp(prefix="spanloop-train-"))
    try:
        texts = make_docs(nlp, job.unlabelled)
        train(pipe, golds, job.settings, unlabelled=texts, progress=show, folder=folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return nlp, pipe
