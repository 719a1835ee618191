"""What a GPU makes of spanloop: prediction beside the Hugging Face pipeline, training, one short text.

    python benchmarks/gpu.py --json gpu.json
    python benchmarks/gpu.py --tiny --device cpu        # a minute on any machine, to see that it runs

Needs spanloop with torch and transformers, and nothing from any network: the models have the size of
MiniLM-L6 and of BERT-base and random weights, whose speed is that of trained ones. Parts (--parts a,b):
``infer``: the Hugging Face pipeline at its best batch size, our pipe with and without spaCy's own share, and
the forward passes alone, interleaved; ``where``: what our pipe spends its time on; ``budget``: wordpieces a
batch; ``steps``: training steps a second; ``retrain``: a round of 1,000 documents in a temporary project;
``first``: the first entity of a process, and one short text. Ratios are medians over interleaved pairs.
``infer`` takes about 70 s a size on an H100.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from common import arguments, keep, say

PARTS = ("infer", "where", "budget", "steps", "retrain", "first")
Row = dict[str, Any]


def main() -> None:
    args = _arguments()
    say("loading torch and transformers ...")
    import gpu_models as models

    sizes = ["tiny"] if args.tiny else args.sizes.split(",")
    rows: list[Row] = []
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in sizes:
            say(f"making a model of the size of {size} ...")
            built = models.build(folder, size, args.tokenizer)
            for part in args.parts.split(","):
                begin = time.perf_counter()
                for row in _rows(part, args, folder, *built):
                    rows.append({"size": size, "part": part, **row})
                    _say(rows[-1])
                    keep(args, rows)  # after each: whoever has to stop it keeps what was measured
                print(f"# {size} {part}: {time.perf_counter() - begin:.0f} s", flush=True)
    print(f"# all: {time.perf_counter() - started:.0f} s; {models.machine(args.device)}")


def _rows(
    part: str, args: argparse.Namespace, folder: Path, encoder: Path, classifier: Path
) -> Iterable[Row]:
    """What one part measures."""
    import gpu_inference as inference
    import gpu_training as training

    ways: dict[str, Callable[[], Iterable[Row]]] = {
        "infer": lambda: inference.infer(classifier, args),
        "where": lambda: inference.where(classifier, args),
        "budget": lambda: inference.budget(classifier, args),
        "steps": lambda: training.steps(encoder, args, folder),
        "retrain": lambda: training.retrain(encoder, args, folder),
        "first": lambda: training.first(classifier, args),
    }
    return ways[part]()


def _arguments() -> argparse.Namespace:
    parser = arguments(__doc__)
    parser.add_argument("--parts", default=",".join(PARTS), help="parted by commas (default: all)")
    parser.add_argument("--sizes", default="minilm,bert-base", help="parted by commas")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--tokenizer", default="offline", help="a folder with a tokenizer.json, or offline")
    parser.add_argument("--texts", type=Path, help="JSONL with a text a line (default: made of the demo)")
    parser.add_argument("--gold", type=Path, help="JSONL with texts and spans (default: made of the demo)")
    parser.add_argument("--docs", type=int, default=2000, help="documents to predict")
    parser.add_argument("--train", type=int, default=1000, help="documents to train on")
    parser.add_argument("--precisions", default="fp32,bf16", help="of infer, parted by commas")
    parser.add_argument(
        "--batches", default="1,8,32,128", help="of the Hugging Face pipeline, parted by commas"
    )
    parser.add_argument("--rounds", type=int, default=3, help="interleaved repeats")
    parser.add_argument("--tiny", action="store_true", help="a tiny model and few documents, for a look")
    args = parser.parse_args()
    if args.tiny:
        args.docs, args.train, args.rounds = 40, 60, 1
    if unknown := set(args.parts.split(",")) - set(PARTS):
        parser.error(f"there are no parts {', '.join(sorted(unknown))}: choose of {', '.join(PARTS)}")
    return args


def _say(row: Row) -> None:
    told = {key: value for key, value in row.items() if key not in ("size", "part", "way", "precision")}
    cells = [f"{key} {_number(value)}" for key, value in told.items()]
    head = f"{row['size']:<10}{row['part']:<8}{row.get('precision', ''):<5}{row.get('way', ''):<40}"
    print(head + "  ".join(cells), flush=True)


def _number(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_number(one)}" for key, one in value.items())
    return (
        f"{value:,.3g}"
        if isinstance(value, float) and abs(value) < 100
        else (f"{value:,.0f}" if isinstance(value, float) else str(value))
    )


if __name__ == "__main__":
    sys.exit(main())
