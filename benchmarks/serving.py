"""What a server feels: the first entity after a start, one short text, eight threads, a stream, a long text.

    OMP_NUM_THREADS=1 python benchmarks/serving.py wnut17/train.jsonl

``start``: a new process, from ``spacy.load`` to the first entity, by backend. ``one text``: nlp(text) and
transformers' own pipeline on the same weights and texts, in turn; the median time of one. ``threads``: so
many threads call one pipe, texts a second, and whether each got the entities that one thread gets.
``stream``: nlp.pipe over documents that all bring a new word, in blocks of 1,000, each in a ``memory_zone``
of spaCy where it has one: the memory of the process after each quarter; with a tiny model, since this is not
about the model. ``long``: one document of so many tokens: seconds, memory, and how many of the entities of
its parts (of 2,000 tokens, read alone) it has too.
"""

from __future__ import annotations

import contextlib
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import arguments, corpus_file, keep, say

if TYPE_CHECKING:
    from spacy.language import Language

PARTS = ("start", "one", "threads", "stream", "long")
PIPE = "hf_token_classifier"
_START = """
import sys, time
import spacy
from spanloop.plugin.pipe import pipe
begun = time.perf_counter()
how = {"components": {"hf_token_classifier": {"backend": sys.argv[2]}}}
nlp = spacy.load(sys.argv[1], config=how)
len(nlp(sys.argv[3]).ents)
print(time.perf_counter() - begun)
"""


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("file", type=corpus_file, help="JSONL with a text a line; a path, or CORPUS/FILE")
    parser.add_argument("--model", default="offline", help="a model, or tiny, of one small layer (offline)")
    parser.add_argument("--texts", type=int, default=200, help="short texts, one by one (200)")
    parser.add_argument("--stream", type=int, default=100_000, help="documents of the stream (100,000)")
    parser.add_argument("--tokens", type=int, default=200_000, help="tokens of the long document (200,000)")
    parser.add_argument("--only", action="append", choices=PARTS, help="this part, again for another (all)")
    args = parser.parse_args()
    with args.file.open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in islice(lines, args.texts)]
    say("loading torch and transformers ...")
    with tempfile.TemporaryDirectory() as name:
        nlp = tiny(Path(name) / "tiny") if args.model == "tiny" else pipeline_of(args.model)
        folder = Path(name) / "saved"
        nlp.to_disk(folder)
        rows: list[dict[str, Any]] = []
        parts: dict[str, Callable[[], Iterator[dict[str, Any]]]] = {
            "start": lambda: start(folder, texts[0]),
            "one": lambda: one_text(nlp, folder, texts),
            "threads": lambda: threads(nlp, texts),
            "stream": lambda: stream(tiny(Path(name) / "tiny"), texts, args.stream),
            "long": lambda: long(nlp, texts, args.tokens),
        }
        for part in args.only or parts:
            for row in parts[part]():
                print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
                rows.append(row)
    keep(args, rows)


def pipeline_of(model: str) -> Language:
    """A pipeline of our component alone; an encoder without a head gets one of chance, sure of itself."""
    import spacy

    nlp = spacy.blank("en")
    pipe: Any = nlp.add_pipe(PIPE, config={"model": model})
    if not pipe.tags:
        pipe.set_labels(["A", "B", "C", "D", "E"])
        pipe.hf_model().classifier.weight.data.mul_(20)
    return nlp


def tiny(folder: Path) -> Language:
    """A model of one small layer with the tokenizer of ours."""
    from transformers import BertConfig, BertForTokenClassification

    tokenizer = pipeline_of("offline").get_pipe(PIPE).tokenizer()  # type: ignore[attr-defined]
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 48}
    config = BertConfig(
        vocab_size=len(tokenizer), id2label={0: "O", 1: "B-A"}, label2id={"O": 0, "B-A": 1}, **sizes
    )
    BertForTokenClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return pipeline_of(str(folder))


def start(folder: Path, text: str) -> Iterator[dict[str, Any]]:
    from spanloop.plugin.model.backends import is_here

    for backend in ("torch", "openvino", "onnx"):
        if is_here(backend):
            command = [sys.executable, "-c", _START, str(folder), backend, text]
            took = [
                float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
                for _ in range(3)
            ]
            yield {"part": "start", "backend": backend, "seconds": round(statistics.median(took), 2)}


def one_text(nlp: Language, folder: Path, texts: Sequence[str]) -> Iterator[dict[str, Any]]:
    from transformers import pipeline

    model = str(folder / PIPE / "model")
    theirs = pipeline("token-classification", model=model, aggregation_strategy="first")
    took: dict[str, list[float]] = {"nlp(text)": [], "pipeline(text)": []}
    for text in texts:
        for name, ask in (("nlp(text)", nlp), ("pipeline(text)", theirs)):
            begun = time.perf_counter()
            ask(text)
            took[name].append(time.perf_counter() - begun)
    ratio = statistics.median(b / a for a, b in zip(*took.values(), strict=True))
    for name, times in took.items():
        yield {"part": "one text", "by": name, "ms": round(1000 * statistics.median(times), 2)}
    yield {"part": "one text", "by": "theirs / ours, median of pairs", "ratio": round(ratio, 2)}


def threads(nlp: Language, texts: Sequence[str]) -> Iterator[dict[str, Any]]:
    def entities(text: str) -> list[tuple[int, int, str]]:
        return [(ent.start_char, ent.end_char, ent.label_) for ent in nlp(text).ents]

    expected = [entities(text) for text in texts]
    for number in (1, 2, 4, 8):
        begun = time.perf_counter()
        with ThreadPoolExecutor(number) as pool:
            found = list(pool.map(entities, texts))
        speed = len(texts) / (time.perf_counter() - begun)
        yield {"part": "threads", "threads": number, "texts/s": round(speed, 1), "same": found == expected}


def stream(nlp: Language, texts: Sequence[str], number: int) -> Iterator[dict[str, Any]]:
    made = (f"{text} word{at}" for at, text in enumerate(islice(cycle(texts), number)))
    zone = getattr(nlp, "memory_zone", contextlib.nullcontext)
    done, begun = 0, time.perf_counter()
    while block := list(islice(made, 1000)):
        with zone():
            for _ in nlp.pipe(block):
                pass
        done += len(block)
        if done % max(1000, number // 4) < 1000:
            seconds = round(time.perf_counter() - begun, 1)
            yield {"part": "stream", "documents": done, "MB": now_mb(), "s": seconds}


def long(nlp: Language, texts: Sequence[str], tokens: int) -> Iterator[dict[str, Any]]:
    parts, size = [], 0
    for group in iter(lambda: [nlp.make_doc(text + "\n") for text in texts], None):
        for doc in group:
            if not parts or size >= 2000:
                parts.append("")
                size = 0
            parts[-1] += doc.text
            size += len(doc)
        if (len(parts) - 1) * 2000 >= tokens:
            break
    parts = parts[: tokens // 2000]
    nlp.max_length = sum(map(len, parts)) + 1
    alone, begin = set(), 0
    for part, doc in zip(parts, nlp.pipe(parts), strict=True):
        alone |= {(begin + ent.start_char, begin + ent.end_char, ent.label_) for ent in doc.ents}
        begin += len(part)
    before, begun = peak_mb(), time.perf_counter()
    doc = nlp("".join(parts))
    seconds = time.perf_counter() - begun
    found = {(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents}
    told = {"tokens": len(doc), "s": round(seconds, 1), "peak MB": peak_mb(), "peak MB before": before}
    both = f"{len(found & alone):,} of {len(alone):,}"
    yield {"part": "long", **told, "entities of its parts": both}


def now_mb() -> int:
    """What the process holds now, in megabytes; 0 where the system does not tell."""
    with contextlib.suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * resource.getpagesize() // 2**20
    return 0


def peak_mb() -> int:
    """The most that it held so far, in megabytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // 2**10 if sys.platform != "darwin" else most // 2**20


if __name__ == "__main__":
    main()
