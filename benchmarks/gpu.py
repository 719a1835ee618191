"""What a GPU makes of spanloop: prediction beside the Hugging Face pipeline, training, one short text.

    python benchmarks/gpu.py --out gpu.json
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
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import gpu_models as models
import gpu_training as training
import torch
import transformers
from spacy.language import Language

from spanloop.plugin.model import runtime
from spanloop.plugin.model.device import device_of

PARTS = ("infer", "where", "budget", "steps", "retrain", "first")
STRIDE = 128
Row = dict[str, Any]


def main() -> None:
    args = _arguments()
    device = device_of(args.device)
    sizes = ["tiny"] if args.tiny else args.sizes.split(",")
    out: Row = {"machine": _machine(device), "rows": []}
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in sizes:
            built = models.build(folder, size, args.tokenizer)
            for part in args.parts.split(","):
                begin = time.perf_counter()
                for row in _rows(part, args, folder, *built):
                    out["rows"].append({"size": size, "part": part, **row})
                    _say(out["rows"][-1])
                    if args.out:  # after each: whoever has to stop it keeps what was measured
                        args.out.write_text(json.dumps(out, indent=1), encoding="utf-8")
                print(f"# {size} {part}: {time.perf_counter() - begin:.0f} s", flush=True)
    print(f"# all: {time.perf_counter() - started:.0f} s; {out['machine']}")


def _rows(
    part: str, args: argparse.Namespace, folder: Path, encoder: Path, classifier: Path
) -> Iterable[Row]:
    """What one part measures."""
    ways: dict[str, Callable[[], Iterable[Row]]] = {
        "infer": lambda: infer(classifier, args),
        "where": lambda: where(classifier, args),
        "budget": lambda: budget(classifier, args),
        "steps": lambda: training.steps(encoder, args, folder),
        "retrain": lambda: training.retrain(encoder, args, folder),
        "first": lambda: training.first(classifier, args),
    }
    return ways[part]()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
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
    parser.add_argument("--out", type=Path, help="the results as JSON")
    args = parser.parse_args()
    if args.tiny:
        args.docs, args.train, args.rounds = 40, 60, 1
    if unknown := set(args.parts.split(",")) - set(PARTS):
        parser.error(f"there are no parts {', '.join(sorted(unknown))}: choose of {', '.join(PARTS)}")
    return args


def infer(model: Path, args: argparse.Namespace) -> list[Row]:
    """The Hugging Face pipeline at its best batch size, and ours, interleaved."""
    given = models.texts(args.texts, args.docs)
    rows: list[Row] = []
    entities: dict[str, Any] = {}
    for precision in args.precisions.split(","):
        nlp = models.pipeline(model, device=args.device, precision=precision)
        rival = hf_pipeline(model, device_of(args.device), precision)
        speeds = _speeds(rival, given, [int(size) for size in args.batches.split(",")])
        best = max(speeds, key=speeds.__getitem__)
        seconds = interleaved(_ways(nlp, rival, best, given), args.rounds)
        for way, times in seconds.items():
            ratios = [a / b for a, b in zip(seconds["hf pipeline"], times, strict=True)]
            row: Row = {"way": way, "precision": precision}
            row |= {"words_s": models.words_of(given) / statistics.median(times)}
            row |= {"ratio": statistics.median(ratios), "low": min(ratios), "high": max(ratios)}
            rows.append(row | ({"batch": best, "by_batch": speeds} if way == "hf pipeline" else {}))
        entities[precision] = [_found(doc) for doc in nlp.pipe(given)]
        if precision == "fp32":
            entities["hf"] = [_found_by_hf(one) for one in rival(given, batch_size=best)]
    for name in set(entities) & {"bf16", "hf"} if "fp32" in entities else ():
        row = {"way": f"entities, {name} against spanloop fp32", "f1": _agreement(entities, name)}
        rows.append(row | {"entities": sum(map(len, entities["fp32"]))})
    return rows


def _speeds(rival: Any, given: Sequence[str], batches: Sequence[int]) -> dict[int, float]:
    """Words a second of the Hugging Face pipeline at each batch size, on an eighth of the texts."""
    few = given[: max(len(given) // 8, 8)]
    speeds = {}
    for batch in batches:
        part = few[: max(len(few) // 4, 8)] if batch == 1 else few
        rival(part[:8], batch_size=batch)
        speeds[batch] = models.words_of(part) / _seconds(lambda b=batch, p=part: rival(p, batch_size=b))
    return speeds


def _ways(nlp: Language, rival: Any, best: int, given: Sequence[str]) -> dict[str, Callable[[], object]]:
    return {
        "hf pipeline": lambda: rival(given, batch_size=best),
        "spanloop": lambda: list(nlp.pipe(given)),
        "spanloop without spaCy": lambda: _without_spacy(nlp, given),
        "forward alone": lambda: _forward(nlp, given),
    }


def hf_pipeline(model: Path, device: torch.device, precision: str) -> Any:
    """What ``transformers.pipeline`` gives; it reads long texts in overlapping windows too."""
    loaded = transformers.AutoModelForTokenClassification.from_pretrained(model).eval()
    low = {"bf16": torch.bfloat16, "fp32": torch.float32}[precision]
    words = transformers.AutoTokenizer.from_pretrained(model, model_max_length=512)
    made = transformers.pipeline(
        "token-classification",
        model=loaded.to(low),
        tokenizer=words,
        device=device,
        aggregation_strategy="simple",
        stride=STRIDE,
    )

    def run(texts: Sequence[str], batch_size: int) -> list[Any]:
        with torch.inference_mode():
            return list(made(list(texts), batch_size=batch_size))

    return run


def where(model: Path, args: argparse.Namespace) -> list[Row]:
    """Microseconds a document of what our pipe does one after the other, in bf16."""
    given = models.texts(args.texts, args.docs)
    nlp = models.pipeline(model, device=args.device, precision="bf16")
    pipe = models.component(nlp.get_pipe("hf_token_classifier"))
    list(nlp.pipe(given))
    times: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        begin = time.perf_counter()
        done = work()
        times[name] = (time.perf_counter() - begin) / len(given) * 1e6
        return done

    docs = timed("spaCy's tokens", lambda: [nlp.make_doc(text) for text in given])
    timed("wordpieces and alignment", lambda: pipe.encode(docs))
    scored = timed("the same, and batches begun", lambda: pipe.begin(docs))
    scores = timed("wait, scores", scored)
    timed("spans onto the Doc", lambda: pipe.set_annotations(docs, scores))
    timed("all, as nlp.pipe does it", lambda: list(nlp.pipe(given)))
    return [{"way": way, "us_doc": value} for way, value in times.items()]


def budget(model: Path, args: argparse.Namespace) -> list[Row]:
    """Words a second by wordpieces a batch, in both precisions."""
    given = models.texts(args.texts, args.docs)
    rows = []
    for precision in ("fp32", "bf16"):
        for size in (1024, 4096, 8192, 16384, 32768, 65536):
            nlp = models.pipeline(model, device=args.device, precision=precision, batch_wordpieces=size)
            list(nlp.pipe(given[:64]))
            alone = min(_seconds(lambda n=nlp: _forward(n, given)) for _ in range(2))
            whole = min(_seconds(lambda n=nlp: list(n.pipe(given))) for _ in range(2))
            words = models.words_of(given)
            row = {"way": f"{size} wordpieces a batch", "precision": precision}
            rows.append(row | {"words_s": words / whole, "forward_words_s": words / alone})
    return rows


def interleaved(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each way, a b c a b c, after a turn that warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            taken = _seconds(way)
            if number:
                seconds[name].append(taken)
    return seconds


def _without_spacy(nlp: Language, given: Sequence[str]) -> None:
    """Our share alone: the Docs are made before, once."""
    pipe = models.component(nlp.get_pipe("hf_token_classifier"))
    known: list[Any] = nlp.meta.setdefault("docs", [])
    if not known:
        known += [nlp.make_doc(text) for text in given]
    for begin in range(0, len(known), 1000):
        pipe.predict(known[begin : begin + 1000])


def _forward(nlp: Language, given: Sequence[str]) -> None:
    """The model on windows that are ready: the ceiling."""
    pipe = models.component(nlp.get_pipe("hf_token_classifier"))
    known: list[Any] = nlp.meta.setdefault("windows", [])
    if not known:
        known += [w for one in pipe.encode([nlp.make_doc(t) for t in given]) for w in one.windows]
    attrs, on_cpu = pipe.model.attrs, pipe.hf_model().device.type == "cpu"
    size = attrs["batch_wordpieces"] or runtime.usual_budget(pipe.hf_model().device.type)
    enough = None if on_cpu else runtime.GPU_ENOUGH
    backend = pipe.network.shim.backend  # type: ignore[attr-defined]
    with torch.inference_mode():
        for group in runtime.batches([len(window) for window in known], size, enough=enough):
            logits = backend.logits(*runtime.pad([known[at] for at in group], pipe.pretrained.pad_id))
        logits.cpu()


def _found(doc: Any) -> set[tuple[int, int, str]]:
    return {(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents}


def _found_by_hf(found: Sequence[Any]) -> set[tuple[int, int, str]]:
    return {(one["start"], one["end"], one["entity_group"]) for one in found}


def _agreement(entities: dict[str, Any], name: str) -> float:
    pairs = list(zip(entities["fp32"], entities[name], strict=True))
    common = sum(len(ours & theirs) for ours, theirs in pairs)
    return 2 * common / max(sum(len(ours) + len(theirs) for ours, theirs in pairs), 1)


def _seconds(work: Callable[[], object]) -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    begin = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - begin


def _machine(device: torch.device) -> Row:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor()
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    return {"device": f"{device} {name}", "python": platform.python_version(), **versions}


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
