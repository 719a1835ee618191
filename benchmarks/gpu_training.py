"""The parts of `gpu.py` that train and that start processes."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gpu_models as models
import spacy

from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.model.device import DEVICE_VARIABLE
from spanloop.plugin.tagging.gold import Gold
from spanloop.plugin.training.config import TrainConfig

Row = dict[str, Any]
# What is timed of a round, wherever it is called from: name, module, function.
PHASES = (
    ("look for leaks", "spanloop.recipes.training.retrain", "find_leaks"),
    ("load the model", "spanloop.recipes.training.one_round", "build_pipeline"),
    ("make Docs", "spanloop.recipes.training.one_round", "training_golds"),
    ("cut into windows", "spanloop.plugin.training.train", "course_of"),
    ("import the trainer, steps, epochs scored", "spanloop.plugin.training.train", "train"),
    ("steps, epochs scored", "spanloop.plugin.training.trainer", "fit"),
    ("save", "spanloop.recipes.suggest.pipelines", "write_pipeline"),
    ("score the round", "spanloop.recipes.training.one_round", "score"),
)
SCRIPT = """
import time
begin = time.perf_counter()
import sys, json, spacy
at = [time.perf_counter() - begin]
nlp = spacy.load(sys.argv[1])
at.append(time.perf_counter() - begin)
doc = nlp(sys.argv[2])
at.append(time.perf_counter() - begin)
doc = nlp(sys.argv[2])
at.append(time.perf_counter() - begin)
print(json.dumps([*at, len(doc.ents)]))
"""


def steps(encoder: Path, args: argparse.Namespace, folder: Path) -> Iterator[Row]:
    """Training steps and wordpieces a second, without what comes before and after."""
    from spanloop.plugin.training import trainer
    from spanloop.plugin.training.train import train

    path, labels = models.gold(args.gold, args.train, folder / "steps.jsonl")
    for bf16, batch in ((False, None), (True, None), (False, 4096), (True, 4096)):
        nlp = spacy.blank("en")
        config = {"model": str(encoder), "device": args.device}
        pipe = models.component(nlp.add_pipe("hf_token_classifier", config=config))
        pipe.set_labels(labels)
        golds = [_gold(nlp, json.loads(line)) for line in path.read_text("utf-8").splitlines()]
        settings = TrainConfig(epochs=2, held_out=0, bf16=bf16, batch_wordpieces=batch)
        with timed([("fit", trainer.__name__, "fit")]) as seconds:
            report = train(pipe, golds, settings, folder=folder)
        row = {"way": "training steps", "precision": "bf16" if bf16 else "fp32", "steps": report.steps}
        row |= {"batch_wordpieces": report.batch_wordpieces, "steps_s": report.steps / seconds["fit"]}
        yield row | {"losses": ", ".join(f"{loss:.3f}" for loss in report.losses)}


def _gold(nlp: Any, row: dict[str, Any]) -> Gold:
    spans = (CharSpan(span["start"], span["end"], span["label"]) for span in row["spans"])
    return Gold(nlp.make_doc(row["text"]), tuple(spans))


def retrain(encoder: Path, args: argparse.Namespace, folder: Path) -> Iterator[Row]:
    """A round of a new project: as the command, all of it, and phase by phase in this process, which has most
    of what it needs in memory already."""
    for number, (name, config) in enumerate((("by default", {}), ("fast", {"fast": True}))):
        db = _project(encoder, args, folder / f"{encoder.name}-{number}.db", folder)
        with placed(args.device), timed(PHASES) as seconds:
            from spanloop.recipes.training.retrain import retrain as recipe

            begin = time.perf_counter()
            report = recipe(db, TrainConfig(**config), allow_leaks=True)  # type: ignore[arg-type]
            whole = time.perf_counter() - begin
        told = {"documents": report.train_documents, "seconds": whole} | seconds  # type: ignore[union-attr]
        yield {"way": f"retrain, {name}"} | told
    db = _project(encoder, args, folder / f"{encoder.name}-c.db", folder)
    command = [sys.executable, "-m", "spanloop.recipes", "retrain", str(db), "--json", "--allow-leaks"]
    begin = time.perf_counter()
    environment = {**os.environ, DEVICE_VARIABLE: args.device}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    row: Row = {"way": "retrain, the command", "seconds": time.perf_counter() - begin}
    if done.returncode:
        row["failed"] = done.stderr[-500:]
    yield row


def _project(encoder: Path, args: argparse.Namespace, db: Path, folder: Path) -> Path:
    from spanloop.recipes.files.importing import import_files
    from spanloop.recipes.project.init import init

    path, labels = models.gold(args.gold, args.train * 5 // 4, folder / "gold.jsonl")
    init(db, labels=labels, model=str(encoder))
    import_files(db, [path], near_duplicates=False)
    return db


def first(model: Path, args: argparse.Namespace) -> list[Row]:
    """The first entity of a new process, and one short text after the other in this one."""
    import gpu

    text = models.texts(args.texts, 1)[0]
    nlp = models.pipeline(model, device=args.device, precision="fp32")
    folder = model.with_name(f"{model.name}-pipeline")
    nlp.to_disk(folder)
    command = [sys.executable, "-c", SCRIPT, str(folder), text]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return [{"way": "first entity", "failed": done.stderr[-500:]}]
    imports, loaded, entity, again, _ = json.loads(done.stdout.splitlines()[-1])
    row: Row = {"way": "first entity", "import_spacy": imports, "spacy_load": loaded - imports}
    row |= {"first_text": entity - loaded, "second_text": again - entity, "seconds": entity}
    rows = [row]
    device = models.component(nlp.get_pipe("hf_token_classifier")).hf_model().device
    rival = gpu.hf_pipeline(model, device, "fp32")
    ways = {"nlp(text)": lambda: nlp(text), "hf pipeline(text)": lambda: rival([text], 1)}
    for way, seconds in gpu.interleaved(ways, 50).items():
        rows.append({"way": way, "milliseconds": 1000 * statistics.median(seconds)})
    return rows


@contextmanager
def placed(device: str) -> Iterator[None]:
    """As the option --device does it."""
    os.environ[DEVICE_VARIABLE] = device
    try:
        yield
    finally:
        del os.environ[DEVICE_VARIABLE]


@contextmanager
def timed(phases: Any) -> Iterator[dict[str, float]]:
    """Seconds spent in these functions, while it lasts."""
    seconds: dict[str, float] = {}
    kept = []
    for name, module_name, function in phases:
        module = importlib.import_module(module_name)
        kept.append((module, function, getattr(module, function)))
        setattr(module, function, _timing(name, kept[-1][2], seconds))
    try:
        yield seconds
    finally:
        for module, function, before in reversed(kept):
            setattr(module, function, before)


def _timing(name: str, function: Any, seconds: dict[str, float]) -> Any:
    def run(*args: Any, **kwargs: Any) -> Any:
        begin = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - begin

    return run
