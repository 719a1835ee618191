"""What helps rare labels? 1,600 sentences of WNUT-17, variants of a training beside what is done by itself.

    OMP_NUM_THREADS=1 python benchmarks/macro.py wnut17 --variants default,held0,none+mentions --seeds 3
    python benchmarks/macro.py --table

The seed draws the sentences, the head and the training; the train sentences that were not drawn are text
without labels, for the variants that learn from it. Scores are strict F1 on the test split. Every cell
(variant, seed) is a JSON file under ``--results``, and one that is there is not run again: the same command
in several processes shares the work. Beside it lies what its model says of all sentences (``scores``), for
variants that learn from other models; what is not there they make. What a variant is made of:
`macro_training.py`.

The table: means over seeds, and differences to the mean of *default* and its repetitions (``default@1``) in
points, paired by seed, with 95 % intervals by Student's t.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import arguments, corpus, keep, machine, say
from macro_table import table

if TYPE_CHECKING:
    import numpy as np
    from macro_training import Variant
    from numpy.typing import NDArray

    Scores = list[NDArray[np.float32]]

RESULTS = Path(__file__).parent / "results" / "macro"


def main() -> None:
    options = _options()
    if not options.table:
        os.environ["SPANLOOP_DEVICE"] = options.device
        say("loading torch, transformers and the corpus ...")
        bench = Bench(options)
        for seed in range(options.seed, options.seed + options.seeds):
            for name in options.variants:
                bench.cell(name, seed)
    rows = table(options.results)
    print("\n".join("| " + " | ".join(row) + " |" for row in (rows[0], ["---"] * len(rows[0]), *rows[1:])))
    keep(options, rows)


def _options() -> argparse.Namespace:
    parser = arguments(__doc__)
    parser.add_argument("--variants", type=_named, default=["default"], help="parted by commas (default)")
    parser.add_argument("--seeds", type=int, default=1, help="how many (1)")
    parser.add_argument("--seed", type=int, default=0, help="the first (0)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (auto)")
    parser.add_argument(
        "corpus",
        nargs="?",
        type=corpus("train.jsonl", "test.jsonl"),
        metavar="CORPUS",
        help="its name, or a folder with train.jsonl and test.jsonl (wnut17)",
    )
    parser.add_argument("--sentences", type=int, default=1600, help="of gold (1600)")
    parser.add_argument("--model", default="offline", help="base model (offline)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the cells")
    parser.add_argument("--table", action="store_true", help="only show what is there")
    options = parser.parse_args()
    if options.corpus is None and not options.table:
        parser.error("name a corpus, for example wnut17, or show results with --table")
    return options


def _named(text: str) -> list[str]:
    return text.split(",")


def _file(name: str) -> str:
    return name.replace("@", "_s")


class Bench:
    """The corpus, and the cells that are trained on it."""

    def __init__(self, options: argparse.Namespace) -> None:
        import spacy
        from corpora import labels_of, read

        blank = spacy.blank("en")
        self.options = options
        self.train = read(blank, options.corpus / "train.jsonl", own_tokens=True)
        self.test = read(blank, options.corpus / "test.jsonl", own_tokens=True)
        self.labels = labels_of([*self.train, *self.test])
        options.results.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def alone(self, name: str, seed: int, *, wait: bool) -> Iterator[bool]:
        """One process at a time makes a cell. Gives whether it is this one, at once or once it may."""
        file = self.options.results / "locks" / f"{_file(name)}-{seed}"
        file.parent.mkdir(exist_ok=True)
        with file.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def cell(self, name: str, seed: int) -> None:
        """Train, score, store; nothing where the cell is there or another process makes it."""
        with self.alone(name, seed, wait=False) as mine:
            if mine and not (self.options.results / f"{_file(name)}-{seed}.json").is_file():
                self._cell(name, seed)

    def _cell(self, name: str, seed: int) -> None:
        from macro_training import judged, variant

        made = variant(name)
        begin, used = time.perf_counter(), time.process_time()
        pipe, scores, told = self._played(made, seed)
        found = {
            "variant": name,
            "seed": seed,
            "sentences": self.options.sentences,
            "seconds": time.process_time() - used,
            "wall": time.perf_counter() - begin,
            "spans": sum(len(gold.spans) for gold in self.drawn(made, seed)[0]),
            **judged(pipe, self.test, scores),
            **told,
            "machine": machine(),
        }
        file = self.options.results / f"{_file(name)}-{seed}.json"
        file.with_suffix(".part").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        file.with_suffix(".part").replace(file)
        print(
            f"{name:32} seed {seed} {found['wall']:6.0f} s {found['micro']:.4f} {found['macro']:.4f}",
            flush=True,
        )

    def drawn(self, made: Variant, seed: int) -> tuple[list[Any], list[Any]]:
        """The gold of a seed, and the rest as text without labels."""
        from dataclasses import replace

        from macro_training import ANY_SLICE

        order = list(range(len(self.train)))
        random.Random(f"macro-{seed}").shuffle(order)
        gold, fair = order[: self.options.sentences], set(order)
        if made.picked:
            gold, by_chance = self._picked(made.picked, seed, order)
            fair = set(by_chance)
        if ANY_SLICE in made.hooks:
            fair = set(order)
        rest = [place for place in order if place not in set(gold)]
        golds = [replace(self.train[place], at_random=place in fair) for place in gold]
        return golds, [self.train[place] for place in rest]

    def _picked(self, strategy: str, seed: int, order: list[int]) -> tuple[list[int], list[int]]:
        """Chosen once a seed, by models of the default settings."""
        from macro_picking import picked, worth_of
        from macro_training import trained, variant

        def score(gold: list[int], left: list[int]) -> Any:
            say(f"{strategy}, seed {seed}: training on {len(gold)} ...")
            golds = [self.train[place] for place in gold]
            pipe = self._pipe(variant("default"), seed)
            with tempfile.TemporaryDirectory() as folder:
                trained(pipe, golds, variant("default"), seed, [], Path(folder))
            said = self._said(pipe, [self.train[place] for place in left])
            spans = Counter(span.label for one in golds for span in one.spans)
            return worth_of(strategy, said, pipe.tags, spans)

        file = self.options.results / "picks" / f"{strategy}-{seed}.json"
        with self.alone(f"{strategy}.picked", seed, wait=True):
            if not file.is_file():
                file.parent.mkdir(exist_ok=True)
                file.write_text(json.dumps(picked(order, self.options.sentences, score)), encoding="utf-8")
        gold, fair = json.loads(file.read_text(encoding="utf-8"))
        return gold, fair

    def _played(self, made: Variant, seed: int) -> tuple[Any, Any, dict[str, Any]]:
        """The pipe, what it says of the test split, and figures of the training."""
        import numpy as np

        number = made.soup or made.ensemble
        if not number:
            return self._trained(made, seed)
        parts = [part for part in made.name.split("+") if not part.startswith(("soup", "ens"))]
        base = "+".join(parts) or "default"
        if made.ensemble:
            parts = [self.scores(f"{base}@{n}" if n else base, seed)[0] for n in range(number)]
            pipe = self._pipe(made, seed)
            logprobs = [np.log(np.mean(np.exp(rows), axis=0)) for rows in zip(*parts, strict=True)]
            return pipe, logprobs, {}
        from macro_training import variant

        states: list[Any] = []
        for n in range(number):
            pipe, _, told = self._trained(variant(f"{base}@{n}" if n else base), seed)
            states.append({key: value.clone() for key, value in pipe.hf_model().state_dict().items()})
        whole = {key: sum(state[key].float() for state in states) / number for key in states[0]}
        pipe.hf_model().load_state_dict({key: value.to(states[0][key].dtype) for key, value in whole.items()})
        return pipe, self._said(pipe, self.test), told

    def _pipe(self, made: Variant, seed: int) -> Any:
        from corpora import pipeline
        from macro_training import show_case

        pipe = pipeline("en", self.options.model, self.labels, seed=seed).get_pipe("hf_token_classifier")
        show_case(pipe, made.hooks)
        return pipe

    def _trained(self, made: Variant, seed: int) -> tuple[Any, Any, dict[str, Any]]:
        from macro_training import OF_THREE, trained

        say(f"{made.name}, seed {seed}: training ...")
        golds, rest = self.drawn(made, seed)
        targets = self._of_three(made, seed) if made.unlabelled == OF_THREE else None
        texts = [gold.doc for gold in rest] if made.unlabelled else []
        pipe = self._pipe(made, seed)
        with tempfile.TemporaryDirectory() as folder:
            report = trained(pipe, golds, made, seed, texts, Path(folder), targets)
        said = self._said(pipe, self.test), self._said(pipe, rest), self._said(pipe, golds)
        self._keep(made.name, seed, said)
        told = {"steps": report.steps, "learning_rate": report.learning_rate, "epochs": report.epochs}
        return pipe, said[0], told | {"losses": report.losses, "held_out_f1": report.held_out_f1}

    def _of_three(self, made: Variant, seed: int) -> Scores:
        """What three trainings say of the text without labels, in the mean."""
        import numpy as np

        teachers = [made.teacher, f"{made.teacher}@1", f"{made.teacher}@2"]
        each = [self.scores(name, seed)[1] for name in teachers]
        return [np.mean(np.exp(rows), axis=0).astype("float32") for rows in zip(*each, strict=True)]

    def _said(self, pipe: Any, golds: Sequence[Any]) -> Scores:
        return [one.logprobs for one in pipe.predict([gold.doc for gold in golds])]

    def scores(self, name: str, seed: int) -> tuple[Scores, ...]:
        """What the model of a cell says of the test split, of the rest and of its gold."""
        import numpy as np
        from macro_training import variant

        file = self.options.results / "scores" / f"{_file(name)}-{seed}.npz"
        if not file.is_file():
            with self.alone(name, seed, wait=True):
                if not file.is_file():
                    self._trained(variant(name), seed)
        with np.load(file) as kept:
            return tuple(
                np.split(kept[f"rows{n}"].astype("float32"), np.cumsum(kept[f"lengths{n}"])[:-1])
                for n in range(3)
            )

    def _keep(self, name: str, seed: int, said: tuple[Scores, ...]) -> None:
        import numpy as np

        file = self.options.results / "scores" / f"{_file(name)}-{seed}.npz"
        file.parent.mkdir(exist_ok=True)
        arrays = {f"rows{n}": np.concatenate(rows).astype("float16") for n, rows in enumerate(said)}
        arrays |= {f"lengths{n}": np.array([len(one) for one in rows]) for n, rows in enumerate(said)}
        part = file.with_name(f"{file.stem}.{os.getpid()}.npz")
        np.savez_compressed(part, **arrays)  # type: ignore[arg-type]
        part.replace(file)


if __name__ == "__main__":
    main()
