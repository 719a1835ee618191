"""The recipes, found by Prodigy through the entry-point group ``prodigy_recipes``.

Each takes the dataset first, as Prodigy's own do, then our project file. Arguments are plain types with plain
defaults: that is what Prodigy's command line can read; an empty string or 0 means *not given*.
"""

from __future__ import annotations

from typing import Any, Literal

from spanloop.recipes.active_learning import registry
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.prodigy.answers import Answers
from spanloop.recipes.prodigy.checks import refuse_unusable, spelled
from spanloop.recipes.prodigy.contract import Components, Task, recipe
from spanloop.recipes.prodigy.disputes import reviews
from spanloop.recipes.prodigy.questions import Questions
from spanloop.store import Store

_STRATEGIES = ", ".join(registry.NAMES)
_DATASET = ("The dataset of Prodigy that keeps the answers as well",)
_DB = ("The project file (spanloop init makes one)",)
_SPLIT = ("--split", "-S", "pool is trained on, eval is scored on")
_STRATEGY = (
    "--strategy",
    "-s",
    f"What to ask first: {', '.join(registry.NAMES)}; as the queue stands if left out",
)
_EXCLUDE = ("--exclude", "-e", "Datasets whose questions are not asked again, parted by commas")


@recipe("spanloop.correct", dataset=_DATASET, db=_DB, split=_SPLIT, strategy=_STRATEGY, exclude=_EXCLUDE)
def correct(
    dataset: str, db: str, split: Literal["pool", "eval"] = "pool", strategy: str = "", exclude: str = ""
) -> Components:
    """Correct what the promoted round suggests, the documents that teach it most first."""
    store = Store.open(db)
    questions = Questions(store, f"prodigy {dataset}", split=split, strategy=_known(strategy))
    answers = Answers(store, annotator=dataset)
    one_token = store.project.task == "tags"

    def update(examples: list[Task]) -> None:
        for example in examples:
            questions.give_back(answers.whole(example))
        questions.keep()

    def validate_answer(example: Task) -> None:
        refuse_unusable(example, store.labels.names(), one_token=one_token)

    parts = _components(store, questions, dataset, exclude)
    parts["config"] |= {"exclude_by": "input"}
    return parts | {
        "view_id": questions.view,
        "stream": questions.documents(),
        "update": update,
        "validate_answer": validate_answer,
    }


@recipe(
    "spanloop.teach",
    dataset=_DATASET,
    db=_DB,
    label=("--label", "-l", "Ask about these labels only, parted by commas"),
    strategy=_STRATEGY,
    exclude=_EXCLUDE,
)
def teach(dataset: str, db: str, label: str = "", strategy: str = "", exclude: str = "") -> Components:
    """Say yes or no to one suggestion at a time; what was not asked about is not trained on."""
    store = Store.open(db)
    labels = _split(label)
    unknown = [name for name in labels if name not in store.labels.names()]
    if unknown:
        known = ", ".join(store.labels.names())
        raise RecipeError(f"the project has no label {', '.join(unknown)}; it has {known}")
    questions = Questions(store, f"prodigy {dataset}", strategy=_known(strategy))
    answers = Answers(store, annotator=dataset)

    def update(examples: list[Task]) -> None:
        for example in examples:
            questions.give_back(answers.yes_or_no(example), finally_=True)
        questions.keep()

    def validate_answer(example: Task) -> None:
        refuse_unusable(example, store.labels.names())

    parts = _components(store, questions, dataset, exclude)
    parts["config"] |= {"exclude_by": "task"}
    return parts | {
        "view_id": "pos" if store.project.task == "tags" else "ner",
        "stream": questions.yes_or_no(labels),
        "update": update,
        "validate_answer": validate_answer,
    }


@recipe("spanloop.review", dataset=_DATASET, db=_DB, split=_SPLIT, exclude=_EXCLUDE)
def review(dataset: str, db: str, split: Literal["pool", "eval"] = "pool", exclude: str = "") -> Components:
    """Settle what people disagree on and what was sent to review: every opinion beside the others."""
    store = Store.open(db)
    questions = Questions(store, f"prodigy {dataset}", split=split)
    answers = Answers(store, annotator=dataset, origin="review")
    one_token = store.project.task == "tags"

    def waiting() -> int:
        return store.queue.counts(split)["conflict"] + store.reviews.waiting()

    total = waiting()

    def update(examples: list[Task]) -> None:
        for example in examples:
            questions.give_back(answers.whole(example))

    def validate_answer(example: Task) -> None:
        refuse_unusable(example, store.labels.names(), one_token=one_token)

    def progress(_controller: Any, _update: Any) -> float:
        return 1.0 if not total else max(0.0, 1 - waiting() / total)

    parts = _components(store, questions, dataset, exclude)
    parts["config"] |= {"exclude_by": "task"}
    return parts | {
        "view_id": "review",
        "stream": reviews(store, questions, split),
        "update": update,
        "validate_answer": validate_answer,
        "progress": progress,
    }


@recipe(
    "spanloop.retrain",
    db=_DB,
    epochs=("--epochs", "-n", "Passes over the gold; 0: as many as its size asks for"),
    class_weights=(
        "--class-weights",
        "-w",
        "none, inverse, sqrt, effective or focal; empty: as spanloop retrain",
    ),
    if_new=("--if-new", "-i", "Only if so many annotations came since the last round"),
    thresholds=("--thresholds", "-t", "Leave out unsure spans: f1, or a precision, e.g. 0.95; empty: none"),
)
def retrain(db: str, epochs: int = 0, class_weights: str = "", if_new: int = 0, thresholds: str = "") -> None:
    """Train a round on the answers, score it on the eval split and, if it is promoted, suggest again.

    What is not given here is as `spanloop.toml` beside the project says for `spanloop retrain`.
    """
    from spanloop.recipes.cli.main import say
    from spanloop.recipes.prodigy.commands import run_command
    from spanloop.recipes.suggest.prelabel import prelabel as suggest

    given = {"epochs": epochs, "class-weights": class_weights, "if-new": if_new, "thresholds": thresholds}
    report = run_command("retrain", db, given)
    say(report.text())
    if getattr(report, "promoted", False):
        say(suggest(db).text())


@recipe(
    "spanloop.prelabel",
    db=_DB,
    model=("--model", "-m", "A Hugging Face token classifier instead of the promoted round"),
    pipeline=("--pipeline", "-p", "A spaCy pipeline instead, by name or folder. It can run code"),
    label_map=("--map", "-l", "Other names for its labels, e.g. PER=PERSON,MISC= (nothing drops a label)"),
    threshold=("--threshold", "-t", "How sure it must be of a span, e.g. 0.5 or 0.5,PER=0.7"),
    component=("--component", "-c", "Which component of ours, where a pipeline has several"),
)
def prelabel(
    db: str,
    model: str = "",
    pipeline: str = "",
    label_map: str = "",
    threshold: str = "",
    component: str = "",
) -> None:
    """Let a model suggest, for every document it has not seen; the recipes with a page show it.

    What is not given here is as `spanloop.toml` beside the project says for `spanloop prelabel`.
    """
    from spanloop.recipes.cli.main import say
    from spanloop.recipes.prodigy.commands import run_command

    given = {"model": model, "pipeline": pipeline, "map": label_map, "threshold": threshold}
    say(run_command("prelabel", db, {**given, "component": component}).text())


def _components(store: Store, questions: Questions, dataset: str, exclude: str) -> Components:
    """What the recipes with a page share."""

    def progress(_controller: Any, _update: Any) -> float:
        counts = store.queue.counts(questions.split)
        return 1 - counts["open"] / counts["total"] if counts["total"] else 1.0

    def on_exit(_controller: Any) -> None:
        questions.close()
        store.close()

    labels = store.labels.all()
    config: dict[str, Any] = {
        "labels": [label.name for label in labels],
        "lang": store.project.lang or "xx",
        "auto_count_stream": False,
        "show_flag": True,
        "custom_theme": {"labels": {label.name: label.colour for label in labels if label.colour}},
        "keymap_by_label": {label.name: label.key for label in labels if label.key},
    }
    overlap = store.project.overlap
    config |= {"feed_overlap": False} if overlap == 1 else {"annotations_per_task": float(overlap)}
    return {
        "dataset": dataset,
        "before_db": spelled,
        "progress": progress,
        "on_exit": on_exit,
        "exclude": _split(exclude),
        "config": config,
    }


def _split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


def _known(strategy: str) -> str | None:
    if strategy:
        registry.check([strategy])
    return strategy or None
