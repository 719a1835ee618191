"""Steps of work to be killed in: those of whole commands, with a tiny model.

Each runs the recipe itself; all that is added to it is that it tells where it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from support.killing import ENTERS, LEAVES, Step, mark, tell

FAMILIES, VARIANTS, STORED = 25, 6, 2
BATCH = 10
WORDS = ("lorry", "harbour", "violet", "engine", "ladder", "copper", "meadow", "signal", "basket", "winter")


def text_of(family: int, variant: int) -> str:
    """Forty words; the variants of a family differ in the last one, so more than nine tenths are shared."""
    begin = " ".join(f"{WORDS[(family + k) % 10]}{family * k}" for k in range(39))
    return f"{begin} ends{variant}"


def document(family: int, variant: int) -> dict[str, object]:
    return {"id": f"{family}-{variant}", "text": text_of(family, variant)}


def near_duplicates(path: Path) -> Iterator[str]:
    """An import in which most texts nearly repeat a stored or an earlier one."""
    from spanloop.recipes.files import importing, one_file
    from spanloop.recipes.near_duplicates.at_import import Twins

    file = path.with_suffix(".jsonl")
    if not file.exists():
        rows = [document(family, v) for v in range(STORED, VARIANTS) for family in range(FAMILIES)]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    one_file.BATCH = BATCH
    mark(Twins, "follow", "the near-duplicate look-up")

    def progress(done: int, _total: int | None, what: str) -> None:
        if what.startswith("importing"):
            tell(str(done))

    importing.import_files(path, [file], progress=progress)
    yield from ()


def prelabel(path: Path) -> Iterator[str]:
    """The promoted round suggests; blocks of few documents, so that there are many moments between them."""
    from spanloop.recipes.suggest import prelabel as recipe

    recipe.BLOCK = recipe.FIRST_BLOCK = 2
    mark(recipe, "predict_block", "a block of suggestions")
    recipe.prelabel(path)
    yield "prelabelled"


def retrain(path: Path) -> Iterator[str]:
    """One more round, promoted."""
    import transformers

    from spanloop.plugin.training.config import TrainConfig
    from spanloop.recipes.training.retrain import retrain as recipe

    mark(transformers.Trainer, "train", "the training")
    report = recipe(path, TrainConfig(epochs=2, checkpoint_seconds=0.05), promote="yes", allow_leaks=True)
    yield f"round {report.number}"  # type: ignore[union-attr]


def checkpoint(path: Path) -> Iterator[str]:
    """A training that keeps a checkpoint after each epoch."""
    import transformers

    from spanloop.plugin.training import one_course
    from spanloop.plugin.training.config import TrainConfig
    from spanloop.recipes.training.retrain import retrain as recipe

    mark(transformers.Trainer, "_save_checkpoint", "writing a checkpoint")
    claim = one_course.claim

    def told_claim(folder: Path, name: str) -> Path | None:
        found = claim(folder, name)
        if found is not None:
            tell("goes on")
        return found

    one_course.claim = told_claim
    report = recipe(path, TrainConfig(epochs=4, checkpoint_seconds=0.0), promote="yes", allow_leaks=True)
    yield f"round {report.number}"  # type: ignore[union-attr]


def watch(path: Path) -> Iterator[str]:
    """A watch that finds new annotations, trains, suggests, and is stopped at its first pause."""
    from spanloop.plugin.training.config import TrainConfig
    from spanloop.recipes.rounds import watch as recipe

    def stop(_seconds: float) -> None:
        raise KeyboardInterrupt

    recipe.sleep = stop
    mark(recipe, "retrain", "a round of watch")
    mark(recipe, "prelabel", "the suggestions of watch")
    recipe.watch(path, TrainConfig(epochs=1), every=1, nice=0)
    yield "stopped"


def package(path: Path) -> Iterator[str]:
    """The promoted round as a Python package."""
    from spanloop.recipes.rounds.package import package as recipe
    from spanloop.recipes.suggest import pipelines

    write = pipelines.write_pipeline

    def told_write(*arguments: object) -> None:
        tell(ENTERS + "writing the package")
        write(*arguments)  # type: ignore[arg-type]

    pipelines.write_pipeline = told_write
    done = recipe(path, path.parent / "package")
    tell(LEAVES + "writing the package")
    yield done.folder.name


def backup(path: Path) -> Iterator[str]:
    """A copy of the project with its promoted round."""
    from spanloop.recipes.project.backup import backup as recipe
    from spanloop.store import Store

    mark(Store, "backup", "the copying")
    recipe(path, path.parent / "copy" / "p.db")
    yield "copied"


STEPS: dict[str, Step] = {
    "near_duplicates": near_duplicates,
    "prelabel": prelabel,
    "retrain": retrain,
    "checkpoint": checkpoint,
    "watch": watch,
    "package": package,
    "backup": backup,
}
