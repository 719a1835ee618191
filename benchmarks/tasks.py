"""Every kind of task end to end: train on the corpus's train split, strict scores on its test split.

    python benchmarks/tasks.py wnut17 ncbi_disease --set epochs=5 class_weights=sqrt    # no name: all

The encoder is the offline one (MiniLM-L6, English, uncased) unless ``--model`` says otherwise. ``plain`` is
what a plain fine-tuning loop with that encoder reached, one seed: the figure to match within a point.
No class weights and the corpus's own tokens, as in that loop; with ``--tokens spacy`` those of a blank
pipeline. ``ECE``: the expected calibration error of the spans' confidences on the test split, at temperature
1 and at the one fitted on what training held out.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import arguments, data_folder, keep, say

from spanloop.plugin.training.config import TrainConfig

if TYPE_CHECKING:
    from spacy.language import Language

    from spanloop.plugin.tagging.gold import Gold


@dataclass(frozen=True)
class Task:
    """One corpus; ``plain``: micro F1 (tags: accuracy) of a plain loop after so many ``epochs``.

    ``chapters``: whole documents in place of the sentences, in this folder of brat files."""

    folder: str
    plain: float | None
    epochs: int
    lang: str = "en"
    tags: bool = False
    sentences: int | None = None
    chapters: str | None = None

    def read(self, nlp: Language, data: Path, split: str, limit: int | None, tokens: str) -> list[Gold]:
        """The gold of one split (chapters: on spaCy's tokens always)."""
        from corpora import documents_of, read, read_chapters

        path = data / self.folder / f"{split}.jsonl"
        if self.chapters is None:
            return read(nlp, path, limit, own_tokens=tokens == "corpus")
        return read_chapters(nlp, data / self.chapters, documents_of(path)[:limit])


TASKS = {
    task.folder: task
    for task in (
        Task("wnut17", 0.425, epochs=5),
        Task("ncbi_disease", 0.829, epochs=3),
        Task("ud_en_ewt", 0.965, epochs=2, tags=True),
        Task("ud_en_chunks", 0.935, epochs=3),
        Task("uner_zh_gsd", 0.247, epochs=2, lang="zh", sentences=2000),
        Task("litbank", None, epochs=3, chapters="exports/brat/litbank"),
    )
}
ROW = "{:14} {:>6} {:>6} {:>13} {:>6} {:>9} {:>6} {:>13} {:>8} {:>7}"
HEADS = ("corpus", "plain", "F1", "95 %", "macro", "lost", "epochs", "ECE", "train s", "docs/s")
HEADER = ROW.format(*HEADS)


def main() -> None:
    options = _options()
    print(HEADER, flush=True)
    rows = []
    for name in options.tasks or TASKS:
        say(f"{name}: reading and training ...")
        rows.append(_row(TASKS[name], options))
        print(ROW.format(*rows[-1].values()), flush=True)
        keep(options, rows)


def _options() -> argparse.Namespace:
    parser = arguments(__doc__)
    parser.add_argument("tasks", nargs="*", metavar="CORPUS", help=f"which of {', '.join(TASKS)} (all)")
    parser.add_argument(
        "--data", type=Path, default=data_folder(), help="the corpora (SPANLOOP_DATA, else ../shared/data)"
    )
    parser.add_argument("--model", default="offline", help="base model (offline)")
    parser.add_argument("--tokens", choices=["corpus", "spacy"], default="corpus", help="whose (corpus)")
    parser.add_argument("--sentences", type=int, help="only so many of each split, to try the script")
    parser.add_argument("--set", nargs="*", default=[], type=setting, help="TrainConfig: name=value")
    options = parser.parse_args()
    for name in options.tasks:
        if name not in TASKS:
            parser.error(f"no task {name}: choose of {', '.join(TASKS)}")
    for name in options.tasks or TASKS:
        for needed in (name, TASKS[name].chapters):
            if needed is not None and not (options.data / needed).is_dir():
                parser.error(f"there is no {options.data / needed}: run python benchmarks/data.py {name}")
    return options


def setting(text: str) -> tuple[str, Any]:
    """A field of TrainConfig and its value: a number where it reads as one."""
    name, _, value = text.partition("=")
    if name not in TrainConfig.__dataclass_fields__:
        raise argparse.ArgumentTypeError(f"{name} is no setting of a training")
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, value


def _row(task: Task, options: argparse.Namespace) -> dict[str, Any]:
    """Train and score; the cells of a row by their headings."""
    import spacy
    from corpora import calibration, evaluate, labels_of, pipeline

    from spanloop.plugin.training.train import train

    blank = spacy.blank(task.lang)
    golds = task.read(blank, options.data, "train", options.sentences or task.sentences, options.tokens)
    test = task.read(blank, options.data, "test", options.sentences, options.tokens)
    settings = {"epochs": task.epochs, "class_weights": "none", "seed": 0, **dict(options.set)}
    config = TrainConfig(**settings)
    nlp = pipeline(task.lang, options.model, labels_of(golds), tags=task.tags, seed=settings["seed"])
    pipe: Any = nlp.get_pipe("hf_token_classifier")
    with tempfile.TemporaryDirectory() as folder:
        report = train(pipe, golds, config, folder=Path(folder))
    begin = time.perf_counter()
    predicted = pipe.predict([gold.doc for gold in test])
    scores = evaluate(pipe, test, tags=task.tags, scores=predicted)
    speed = len(test) / (time.perf_counter() - begin)
    before, after = calibration(pipe, test, predicted)
    best = scores.accuracy or scores.micro
    low, high = best.f1_low or 0.0, best.f1_high or 0.0
    cells = (
        task.folder,
        "-" if task.plain is None else f"{task.plain:.3f}",
        f"{best.f1:.3f}",
        f"{low:.3f}-{high:.3f}",
        f"{scores.macro.f1:.3f}",
        f"{report.gold_spans_lost}/{report.gold_spans}",
        report.epochs,
        f"{before:.3f} > {after:.3f}",
        f"{report.seconds:.0f}",
        f"{speed:.0f}",
    )
    return dict(zip(HEADS, cells, strict=True))


if __name__ == "__main__":
    main()
