"""How fast documents are tagged: nlp.pipe beside plain torch on the same windows, interleaved.

    python benchmarks/inference.py wnut17/train.jsonl --docs 600 --rounds 3

``unsorted``: torch in reading order, 16 windows a batch, padded to the longest. ``sorted``: torch on batches
of like length, 1,024 wordpieces each: the forward passes alone, the ceiling of this backend. ``pipe``:
nlp.pipe, all of it: spaCy's tokenizer, wordpieces, alignment, the model, decoding, doc.ents. ``bf16``,
``openvino``, ``openvino bf16`` and ``onnx``: the same with another precision or backend, and how many of the
documents have the entities of ``pipe``.
``hf_token_pipe``, with ``--peer``: the same weights in spacy-huggingface-pipelines with its defaults. It
needs transformers 4, so it runs in the environment of the Python that is named (benchmarks/peer.py), on the
same texts and in turn with the others. Ratios are medians over pairs.
"""

from __future__ import annotations

import json
import operator
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import arguments, corpus_file, keep, say

if TYPE_CHECKING:
    from spacy.language import Language

    from spanloop.plugin.alignment.windows import Window
    from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("file", type=corpus_file, help="JSONL with a text a line; a path, or CORPUS/FILE")
    parser.add_argument("--docs", type=int, default=600, help="documents (600)")
    parser.add_argument("--join", type=int, default=1, help="so many lines make one document")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved repeats (3)")
    parser.add_argument("--model", default="offline", help="a model (offline)")
    parser.add_argument("--peer", type=Path, metavar="PYTHON", help="that of make test-spacy-transformers")
    args = parser.parse_args()
    say("loading torch and transformers ...")
    import spacy
    import torch
    import transformers

    from spanloop.plugin.model.pretrained import save
    from spanloop.plugin.model.runtime import batches
    from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe

    texts = list(islice(_texts(args.file, args.join), args.docs))
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("hf_token_classifier", config={"model": args.model})
    assert isinstance(pipe, HFTokenClassifierPipe)
    if not pipe.tags:
        pipe.set_labels(["A", "B", "C", "D", "E"])
        pipe.hf_model().classifier.bias.data[0] += (
            1.0  # a random head would find an entity in every third token
        )
    encoded = pipe.encode([nlp.make_doc(text) for text in texts])
    windows = [window for doc in encoded for window in doc.windows]
    in_order = [list(range(i, min(i + 16, len(windows)))) for i in range(0, len(windows), 16)]
    by_length = batches([len(window) for window in windows], 1024)
    ways: dict[str, Callable[[], None]] = {
        "unsorted": lambda: _forward(pipe, windows, in_order),
        "sorted": lambda: _forward(pipe, windows, by_length),
        "pipe": partial(_tag, nlp, texts),
    }
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        save(pipe.pretrained, folder)
        others = _others(folder)
        ways |= {name: partial(_tag, other, texts) for name, other in others.items()}
        if args.peer:
            ways["hf_token_pipe"] = stack.enter_context(Peer(args.peer, folder, texts)).run
        seconds = _time(ways, args.rounds)
        expected = _entities(nlp, texts)
        alike = {name: _share(_entities(other, texts), expected) for name, other in others.items()}
    words = sum(len(text.split()) for text in texts)
    print(
        f"{len(texts)} documents, {words} words, {sum(map(len, windows))} wordpieces in {len(windows)} "
        f"windows, {torch.get_num_threads()} threads, torch {torch.__version__}, transformers "
        f"{transformers.__version__}"
    )
    for line in _lines(seconds, alike, len(texts), words):
        print(line)
    keep(
        args, [{"way": name, "seconds": times, "as_pipe": alike.get(name)} for name, times in seconds.items()]
    )


def _lines(
    seconds: Mapping[str, Sequence[float]], alike: Mapping[str, float], documents: int, words: int
) -> Iterator[str]:
    """One line a way; ratios are medians of the pairs of a round."""
    for name, times in seconds.items():
        best = min(times)
        ratios = [a / b for a, b in zip(seconds["unsorted"], times, strict=True)]
        speed = f"{documents / best:8.1f} docs/s {words / best:9.0f} words/s"
        same = f"   {alike[name]:6.1%} of the documents as pipe" if name in alike else ""
        yield f"{name:<13} {speed}   {statistics.median(ratios):5.2f} x unsorted{same}"


def _others(folder: Path) -> dict[str, Language]:
    """The model once more with every other backend and precision that is here."""
    settings = {"bf16": {"precision": "bf16"}}
    if find_spec("openvino"):
        settings["openvino"] = {"backend": "openvino"}
        settings["openvino bf16"] = {"backend": "openvino", "precision": "bf16"}
    if find_spec("onnxruntime") and find_spec("onnx"):
        settings["onnx"] = {"backend": "onnx"}
    import spacy

    found = {}
    for name, how in settings.items():
        found[name] = spacy.blank("en")
        found[name].add_pipe("hf_token_classifier", config={"model": str(folder), **how})
    return found


def _tag(nlp: Language, texts: Sequence[str]) -> None:
    for _ in nlp.pipe(texts):
        pass


def _entities(nlp: Language, texts: Sequence[str]) -> list[list[tuple[int, int, str]]]:
    return [[(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents] for doc in nlp.pipe(texts)]


def _share(found: Sequence[object], expected: Sequence[object]) -> float:
    return sum(map(operator.eq, found, expected)) / len(expected)


def _texts(path: Path, join: int) -> Iterator[str]:
    with path.open(encoding="utf-8") as lines:
        while group := [json.loads(line)["text"] for line in islice(lines, join)]:
            yield "\n".join(group)


def _forward(pipe: HFTokenClassifierPipe, windows: list[Window], groups: list[list[int]]) -> None:
    import torch

    from spanloop.plugin.model.runtime import pad

    model, pad_id = pipe.hf_model(), pipe.pretrained.pad_id
    with torch.inference_mode():
        for group in groups:
            input_ids, mask = pad([windows[index] for index in group], pad_id)
            model(input_ids=torch.from_numpy(input_ids), attention_mask=torch.from_numpy(mask))


class Peer:
    """A process of another environment that tags the texts with the same weights whenever it is asked."""

    def __init__(self, python: Path, folder: Path, texts: Sequence[str]) -> None:
        command = [str(python), str(Path(__file__).with_name("peer.py"))]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        versions = self._ask({"model": str(folder), "texts": list(texts)})
        print("hf_token_pipe beside us:", ", ".join(f"{name} {there}" for name, there in versions.items()))

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # its input ends, and so does it

    def run(self) -> None:
        self._ask({})

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        if not (line := self._process.stdout.readline()):
            raise SystemExit("the peer has ended: it says above why")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _time(ways: dict[str, Callable[[], None]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each way, a b c a b c: what else the machine does falls on all alike. One round warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        say(f"round {number} of {rounds} ..." if number else "a round that warms up ...")
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            if number:
                seconds[name].append(time.perf_counter() - started)
    return seconds


if __name__ == "__main__":
    main()
