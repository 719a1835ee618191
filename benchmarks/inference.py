"""How fast, how large and how right each way to find entities is, beside each other on the same texts.

    python benchmarks/inference.py ncbi_disease --model n.rounds/0001 --by doc --words 6000

``hf_token_pipe`` (with ``--peer``) is spacy-huggingface-pipelines with its defaults; it needs transformers 4,
so it runs with the Python of another environment. ``pipeline 1`` and ``pipeline 8`` are transformers' own, in
batches of so many texts, with stride 128 and ``aggregation_strategy="first"``. ``ours BACKEND PRECISION``:
nlp.pipe with our component, every library and precision that is here; eight bits are made of 8,000 words of
the train split, as `spanloop optimise` makes them. Each way has a process of its own (benchmarks/peer.py) and
the same weights, and all are asked in turn, a b c a b c: what else the machine does falls on all alike.

``words/s``: of its fastest turn. ``ratio``: how many times as fast as the first way, the median over turns,
the least and the most behind it. ``MB``: the most that its process held. ``first``: seconds until the first
text had its entities, with all that is loaded for it but the imports. ``same``: documents with exactly the
entities of ``ours torch fp32``. ``F1`` is strict, against the gold of these texts, ``ECE`` the expected
calibration error of the confidences.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from itertools import chain, groupby
from pathlib import Path
from typing import Any

from common import arguments, corpus, keep, say

PIPE = "hf_token_classifier"
PLAIN = "ours torch fp32"
BY = ("sentence", "doc", "mixed")
Row = dict[str, Any]
CALIBRATED_ON = 8000


def main() -> None:
    args = _options()
    rows = list(drawn(joined(args.corpus / f"{args.split}.jsonl", args.by), args.words))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        say("loading spaCy and torch ...")
        pipeline = pipeline_in(args.model, folder / "made")
        ways = {name: stack.enter_context(way) for name, way in _ways(args, pipeline, folder, rows)}
        seconds, told = _time(ways, args.repeats)
    words = [len(row["text"].split()) for row in rows]
    print(_head(words, next(iter(ways.values()))))
    table = [_row(name, ways[name].about, seconds, told, rows, sum(words)) for name in ways]
    print("way                   words/s  ratio               MB  first    same      F1    ECE")
    for row in table:
        print(_line(row))
    keep(args, table)


def _options() -> argparse.Namespace:
    parser = arguments(__doc__)
    parser.add_argument("corpus", type=corpus("train.jsonl"), help="its name, or a folder of splits as JSONL")
    parser.add_argument(
        "--model",
        required=True,
        help="a round's folder, a token classifier, or minilm or bert-base with random weights",
    )
    parser.add_argument("--split", default="test", help="whose texts (test)")
    parser.add_argument(
        "--by", choices=BY, default="sentence", help="what one document is; mixed: of all lengths (sentence)"
    )
    parser.add_argument("--words", type=int, default=6000, help="of documents, at most (6000)")
    parser.add_argument("--repeats", type=int, default=3, help="turns; 0: only how right they are (3)")
    parser.add_argument("--ways", nargs="*", help="only ways whose name holds one of these (all)")
    parser.add_argument("--peer", type=Path, metavar="PYTHON", help="that of make test-spacy-transformers")
    return parser.parse_args()


def joined(file: Path, by: str) -> Iterator[Row]:
    """The documents of a split: its sentences; those of one ``doc`` as one text; or of every length, a third
    of the documents cut to sentences, a third as they are, a third four together."""
    with file.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    if by == "sentence":
        yield from (one_text([row]) for row in rows)
        return
    docs = [list(group) for _, group in groupby(rows, key=lambda row: row["doc"])]
    if by == "doc":
        yield from map(one_text, docs)
        return
    third = len(docs) // 3
    yield from (one_text([row]) for doc in docs[:third] for row in doc)
    yield from (one_text(doc) | {"part": 1} for doc in docs[third : 2 * third])
    for at in range(2 * third, len(docs), 4):
        yield one_text([*chain(*docs[at : at + 4])]) | {"part": 2}


def one_text(rows: Sequence[Row]) -> Row:
    """Rows as one text, a line each, with all their spans."""
    text, spans = "", list[tuple[int, int, str]]()
    for row in rows:
        text += "\n" * bool(text)
        spans += [(len(text) + s["start"], len(text) + s["end"], s["label"]) for s in row["spans"]]
        text += row["text"]
    return {"text": text, "spans": spans, "part": 0}


def drawn(rows: Iterable[Row], most: int) -> Iterator[Row]:
    """Rows in an order of chance, as many as fit into so many words, one at least; of each part as many
    words as of the others."""
    waiting: dict[int, list[Row]] = {}
    for row in rows:
        waiting.setdefault(row["part"], []).append(row)
    for part in waiting.values():
        random.Random(0).shuffle(part)
    words = dict.fromkeys(waiting, 0)
    while waiting:
        part = min(waiting, key=words.__getitem__)
        row = waiting[part].pop()
        size = len(row["text"].split())
        if not any(words.values()) or sum(words.values()) + size <= most:
            words[part] += size
            yield row
        if not waiting[part]:
            del waiting[part]


def pipeline_in(model: str, folder: Path) -> Path:
    """The folder of a pipeline with this model: its own, or one that is written to ``folder``, of a token
    classifier, or of a size with random weights."""
    if (Path(model) / "config.cfg").is_file():
        return Path(model)
    import spacy
    from gpu_models import SIZES, build

    if model in SIZES:
        model = str(build(folder.with_name("random"), model, "offline")[1])
    nlp = spacy.blank("en")
    nlp.add_pipe(PIPE, config={"model": model})
    nlp.to_disk(folder)
    return folder


def _ways(
    args: argparse.Namespace, pipeline: Path, folder: Path, rows: Sequence[Row]
) -> Iterator[tuple[str, Way]]:
    """Each way that is here, its process started."""
    wanted = [*(["hf_token_pipe"] if args.peer else []), "pipeline 1", "pipeline 8", PLAIN, "ours torch bf16"]
    if find_spec("openvino"):
        wanted += ["ours openvino fp32", "ours openvino bf16"]
    if find_spec("onnxruntime") and find_spec("onnx"):
        wanted += ["ours onnx fp32"]
    if find_spec("nncf"):
        wanted += ["ours openvino int8"]
    texts = [row["text"] for row in rows]
    for name in wanted:
        if args.ways and not any(part in name for part in args.ways):
            continue
        say(f"{name}: starting ...")
        python = args.peer if name == "hf_token_pipe" else Path(sys.executable)
        where = pipeline if name.startswith("ours") else pipeline / PIPE / "model"
        if name.endswith("int8"):
            where = in_eight_bits(pipeline, folder / "int8", args)
        yield name, Way(python, {"way": name, "folder": str(where), "texts": texts})


def in_eight_bits(pipeline: Path, folder: Path, args: argparse.Namespace) -> Path:
    """The pipeline as `spanloop optimise` makes it, its ranges measured on texts of the train split."""
    import spacy

    from spanloop.recipes.rounds.beside import once_more, ours, quantise

    rows = drawn(joined(args.corpus / "train.jsonl", args.by), CALIBRATED_ON)
    nlp, small = spacy.load(pipeline), once_more(pipeline, "openvino", "int8")
    quantise(ours(nlp, "it"), ours(small, "it"), nlp, [row["text"] for row in rows])
    small.to_disk(folder)
    return folder


class Way:
    """A process that tags the texts whenever it is asked; ``about``: its releases and its first text."""

    def __init__(self, python: Path, question: Mapping[str, Any]) -> None:
        command = [str(python), str(Path(__file__).with_name("peer.py"))]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self.about = self.ask(question)

    def __enter__(self) -> Way:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # its input ends, and so does it

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        if not (line := self._process.stdout.readline()):
            raise SystemExit("one of the ways has ended: it says above why")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _time(ways: Mapping[str, Way], repeats: int) -> tuple[dict[str, list[float]], dict[str, Row]]:
    """Seconds of each way, in turn, and what each found. The first turn warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    told: dict[str, Row] = {}
    for number in range(repeats + 1):
        for name, way in ways.items():
            say(f"turn {number} of {repeats}: {name} ..." if number else f"warming up: {name} ...")
            told[name] = way.ask({"tell": number == repeats})
            if number:
                seconds[name].append(told[name]["seconds"])
    return seconds, told


def _row(
    name: str,
    about: Mapping[str, Any],
    seconds: Mapping[str, Sequence[float]],
    told: Mapping[str, Any],
    rows: Sequence[Row],
    words: int,
) -> dict[str, Any]:
    from spanloop.plugin.alignment.values import CharSpan
    from spanloop.plugin.metrics.score import score_spans
    from spanloop.plugin.tagging.calibrate import calibration_error, judge

    found = [[CharSpan(*entity) for entity in doc] for doc in told[name]["entities"]]
    truth = [[CharSpan(*span) for span in row["spans"]] for row in rows]
    plain = told.get(PLAIN, told[name])["entities"]
    places = [[[entity[:3] for entity in doc] for doc in side] for side in (told[name]["entities"], plain)]
    times, first = seconds[name], next(iter(seconds.values()))
    ratios = sorted(a / b for a, b in zip(first, times, strict=True))
    sure = any(span.score is not None for spans in found for span in spans)
    return {
        "way": name,
        "words_a_second": words / min(times) if times else None,
        "ratio": statistics.median(ratios) if ratios else None,
        "ratios": ratios,
        "peak_mb": told[name]["peak_mb"],
        "first_seconds": about["first"],
        "same": sum(a == b for a, b in zip(*places, strict=True)) / len(rows),
        "f1": score_spans(truth, found, [()] * len(rows), (), bootstrap=0).micro.f1,
        "ece": calibration_error(*judge(found, truth)) if sure else None,
        "releases": {key: value for key, value in about.items() if key != "first"},
    }


def _head(words: Sequence[int], way: Way) -> str:
    tenths = statistics.quantiles(words, n=10) if len(words) > 1 else [float(words[0])] * 9
    lengths = ", ".join(f"{tenths[at]:.0f}" for at in (0, 4, 8))
    other = way.about.get("transformers")
    return (
        f"{len(words)} documents, {sum(words)} words, {lengths} at the 10th, 50th and 90th percentile; the "
        f"first way under transformers {other}"
    )


def _line(row: Mapping[str, Any]) -> str:
    ratio = f"{row['ratio']:.2f} ({row['ratios'][0]:.2f}-{row['ratios'][-1]:.2f})" if row["ratios"] else ""
    speed = "" if row["words_a_second"] is None else f"{row['words_a_second']:.0f}"
    ece = "" if row["ece"] is None else f"{row['ece']:.3f}"
    return (
        f"{row['way']:<20}  {speed:>7}  {ratio:<16}  {row['peak_mb']:>5}  {row['first_seconds']:5.2f}  "
        f"{row['same']:6.1%}  {row['f1']:.4f}  {ece:>5}"
    )


if __name__ == "__main__":
    main()
