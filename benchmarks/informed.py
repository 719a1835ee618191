"""How much longer a prediction takes that also says what the model would learn (`bald`, `bald_spans`).

    OMP_NUM_THREADS=1 python benchmarks/informed.py wnut17/test.jsonl

The same documents, predicted in turn with and without, by a head of chance: seconds of the processor, and the
median ratio of the pairs with the lowest and the highest.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from common import arguments, corpus_file, keep


def main() -> None:
    """Measure, print, keep."""
    parser = arguments(__doc__)
    parser.add_argument("file", type=corpus_file, help="texts, as JSONL")
    parser.add_argument("--labels", type=int, nargs="*", default=[2, 50, 250], help="labels of the head")
    parser.add_argument("--documents", type=int, default=500, help="of the file (500)")
    parser.add_argument("--pairs", type=int, default=5, help="of runs (5)")
    parser.add_argument("--model", default="offline", help="base model (offline)")
    options = parser.parse_args()
    rows = []
    for labels in options.labels:
        rows.append(measured(options, labels))
        print(
            "{labels:4} labels: {seconds:.2f} s, with it {ratio:.2f} ({low:.2f} to {high:.2f})".format(
                **rows[-1]
            )
        )
    keep(options, rows)


def measured(options: Any, labels: int) -> dict[str, Any]:
    """The row of a head with so many labels."""
    import spacy
    from corpora import pipeline, read

    from spanloop.plugin.pipe.informed import predict_informed

    names = [f"LABEL{n}" for n in range(labels)]
    pipe: Any = pipeline("en", options.model, names).get_pipe("hf_token_classifier")
    blank = spacy.blank("en")
    docs = [gold.doc for gold in read(blank, options.file, options.documents)]
    pipe.predict(docs)
    pairs = [
        (seconds(lambda: pipe.predict(docs)), seconds(lambda: predict_informed(pipe, docs)))
        for _ in range(options.pairs)
    ]
    ratios = [informed / plain for plain, informed in pairs]
    return {
        "labels": labels,
        "seconds": statistics.median(plain for plain, _ in pairs),
        "ratio": statistics.median(ratios),
        "low": min(ratios),
        "high": max(ratios),
    }


def seconds(work: Callable[[], object]) -> float:
    """Of the processor."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


if __name__ == "__main__":
    main()
