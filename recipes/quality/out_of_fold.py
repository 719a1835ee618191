"""What a model says of gold that it never saw: one training a fold, the promoted round for the eval split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from spanloop.plugin.tagging.gold import folds_of
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.progress import Progress
from spanloop.recipes.suggest.refusal import Refused
from spanloop.recipes.training.pipeline import TrainingJob, train_pipeline
from spanloop.store import Store
from spanloop.store.records import Gold, Round

if TYPE_CHECKING:
    from spacy.language import Language

    from spanloop.plugin.metrics.label_errors import Judgement
    from spanloop.plugin.training.config import TrainConfig

BLOCK = 128


def split_by_group(golds: Sequence[Gold], folds: int, seed: int) -> list[list[int]]:
    """The places of the documents of each fold, no group in two of them. RecipeError with fewer groups than
    folds."""
    names = [gold.document.group or gold.document.key for gold in golds]
    try:
        return folds_of(names, folds, seed)
    except ValueError as error:
        raise RecipeError(
            f"{folds} folds need as many groups of gold documents, there are {len(set(names))}: "
            "annotate more, or give fewer --folds"
        ) from error


def judge_by_folds(
    store: Store, golds: Sequence[Gold], folds: int, config: TrainConfig, progress: Progress
) -> list[Judgement | None]:
    """For each gold document what a training on the other folds says of it, in the order of ``golds``."""
    parts = split_by_group(golds, folds, config.seed)
    judged: dict[int, Judgement | None] = {}
    for number, held in enumerate(parts):
        seen = [golds[place] for other, part in enumerate(parts) if other != number for place in part]
        what = f"fold {number + 1} of {folds}"
        nlp, _ = train_pipeline(TrainingJob.of(store, seen, config), progress=progress, what=what)
        found = judge(store, nlp, [golds[place] for place in held], {})
        judged.update(zip(held, found, strict=True))
    return [judged[place] for place in range(len(golds))]


def judge_by_round(store: Store, golds: Sequence[Gold], row: Round) -> list[Judgement | None]:
    """For each gold document what a round says that was not trained on it."""
    from spanloop.recipes.suggest.pipelines import label_names, load_round

    return list(judge(store, load_round(store, row.number), golds, label_names(store, row)))


def judge(
    store: Store, nlp: Language, golds: Sequence[Gold], renamed: Mapping[str, str | None]
) -> Iterator[Judgement | None]:
    """Gold and predictions on the same tokens, document by document; None for one that is refused."""
    from spanloop.plugin.metrics.label_errors import judge_labels
    from spanloop.recipes.convert import char_spans
    from spanloop.recipes.suggest.run_pipeline import annotate, classifier

    ours = classifier(nlp)
    if ours is None:
        raise RecipeError("the pipeline has no token classifier")
    pipe, classes = ours[1], classes_of_project(store)
    for begin in range(0, len(golds), BLOCK):
        block = golds[begin : begin + BLOCK]
        for gold, found in zip(block, annotate(nlp, [g.document.text for g in block]), strict=True):
            if isinstance(found, Refused):
                yield None
                continue
            _, scores = found
            if scores is None:
                raise RecipeError("the token classifier gave no scores")
            yield judge_labels(
                scores,
                char_spans(gold.spans),
                classes,
                scheme=pipe.scheme,
                ranges=gold.ranges,
                temperature=pipe.temperature,
                renamed=renamed,
            )


def classes_of_project(store: Store) -> tuple[str, ...]:
    """What the tokens of this project can be: its labels, and nothing where spans are annotated."""
    from spanloop.plugin.metrics.label_errors import classes_of

    return classes_of(store.labels.names(), outside=store.project.task == "spans")
