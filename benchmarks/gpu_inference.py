"""The parts of `gpu.py` that predict: beside the Hugging Face pipeline, and where the time goes."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gpu_models as models
import torch
import transformers
from spacy.language import Language

from spanloop.plugin.model import runtime
from spanloop.plugin.model.device import device_of

STRIDE = 128
Row = dict[str, Any]


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
