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
from spanloop.store.records import Gold, Moment, Round

if TYPE_CHECKING:
    from spacy.language import Language

    from spanloop.plugin.metrics.label_errors import Judgement
    from spanloop.plugin.training.config import TrainConfig

BLOCK = 128


def split_by_group(golds: Sequence[Gold], folds: int, seed: int) -> list[list[int]]:
    """The places of the documents of each fold, no group in two of them. RecipeError with fewer groups than
    folds."""
    names = [gold.document.group for gold in golds]
    try:
        return folds_of(names, folds, seed)
    except ValueError as error:
        raise RecipeError(
            f"{folds} folds need as many groups of gold documents, there are {len(set(names))}: "
            "annotate more, or give fewer --folds"
        ) from error


def judge_by_folds(
    moment: Moment, golds: Sequence[Gold], folds: int, config: TrainConfig, progress: Progress
) -> list[Judgement | None]:
    """For each gold document what a training on the other folds says of it, in the order of ``golds``."""
    parts = split_by_group(golds, folds, config.random_seed)
    judged: dict[int, Judgement | None] = {}
    for number, held in enumerate(parts):
        seen = [golds[place] for other, part in enumerate(parts) if other != number for place in part]
        what = f"fold {number + 1} of {folds}"
        nlp, _ = train_pipeline(TrainingJob.of(moment, seen, config), progress=progress, what=what)
        found = judge(moment, nlp, [golds[place] for place in held], {})
        judged.update(zip(held, found, strict=True))
    return [judged[place] for place in range(len(golds))]


def judge_by_round(store: Store, moment: Moment, golds: Sequence[Gold], row: Round) -> list[Judgement | None]:
    """For each gold document what a round says that was not trained on it."""
    from spanloop.recipes.suggest.pipelines import load_round

    return list(judge(moment, load_round(store, row.number), golds, row.label_ids))


def judge(
    moment: Moment, nlp: Language, golds: Sequence[Gold], labels: Mapping[str, int]
) -> Iterator[Judgement | None]:
    """Gold and predictions on the same tokens, document by document; None for one that is refused. ``labels``
    says which label each name of the pipeline means; what it says otherwise counts as it stands."""
    from spanloop.plugin.metrics.label_errors import judge_labels
    from spanloop.recipes.convert import char_spans
    from spanloop.recipes.suggest.our_component import classifier
    from spanloop.recipes.suggest.run_pipeline import annotate

    ours = classifier(nlp)
    if ours is None:
        raise RecipeError("the pipeline has no token classifier")
    pipe, classes, renamed = ours[1], classes_of_project(moment), moment.names_of(labels)
    for begin in range(0, len(golds), BLOCK):
        block = golds[begin : begin + BLOCK]
        for gold, found in zip(block, annotate(nlp, [g.document.text for g in block]), strict=True):
            if isinstance(found, Refused):
                yield None
                continue
            scores = found.scores
            if scores is None:
                raise RecipeError("the token classifier gave no scores")
            yield judge_labels(
                scores,
                char_spans(gold.spans),
                classes,
                scheme=pipe.scheme,
                ranges=gold.ranges,
                unknown=gold.unknown,
                temperature=pipe.temperature,
                renamed=renamed,
            )


def classes_of_project(moment: Moment) -> tuple[str, ...]:
    """What the tokens of this project can be: its labels, and nothing where spans are annotated."""
    from spanloop.plugin.metrics.label_errors import classes_of

    return classes_of(moment.names, outside=moment.project.task == "spans")
