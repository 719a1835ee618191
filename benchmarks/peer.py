"""One way to find entities, in a process of its own: ours, transformers' pipeline, or hf_token_pipe.

    .venv-spacy-transformers/bin/python benchmarks/peer.py     # started by benchmarks/inference.py

Reads lines of JSON. The first has ``way``, ``folder`` (of the model or pipeline) and ``texts``; each further
one asks to tag them all once, or, ``{"tell": true}``, what was found. Answers each with a line of JSON: the
releases and how long the first text took with all that is loaded for it; the seconds; the entities with their
scores and the most memory that the process held. ``way``: ``hf_token_pipe`` (spacy-huggingface-pipelines with
its defaults, which needs transformers 4), ``pipeline N`` (transformers' own, in batches of N), or ``ours
BACKEND PRECISION``.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import IO, Any

Entity = tuple[int, int, str, float | None]
Tag = Callable[[Iterable[str]], Iterable[list[Entity]]]
RELEASES = ("transformers", "torch", "spacy", "spacy-huggingface-pipelines", "openvino", "onnxruntime")
STRIDE = 128


def main() -> None:
    style = argparse.RawDescriptionHelpFormatter
    argparse.ArgumentParser(description=__doc__, formatter_class=style).parse_args()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not stand between our answers
    for told in serve(json.loads(line) for line in sys.stdin):
        send(answers, told)


def serve(questions: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What is answered to each question."""
    first = next(questions)
    name, *how = first["way"].split()
    if name == "ours":
        # imported before the clock starts, as with the others: a process does it once
        importlib.import_module("spanloop.plugin.pipe.pipe")
    import spacy
    import transformers  # likewise

    transformers.utils.logging.disable_progress_bar()

    texts = first["texts"]
    begun = time.perf_counter()
    tag = WAYS[name](first["folder"], *how)
    list(tag(texts[:1]))
    yield {"first": time.perf_counter() - begun, **releases(), "spacy": spacy.__version__}
    for question in questions:
        started = time.perf_counter()
        found = list(tag(texts))
        took = time.perf_counter() - started
        told = {"entities": found, "peak_mb": peak_mb()} if question.get("tell") else {}
        yield {"seconds": took, **told}


def hf_token_pipe(folder: str) -> Tag:
    import spacy
    import spacy_huggingface_pipelines  # noqa: F401 - registers the factory

    # it warns for every entity that it cannot put on tokens
    warnings.filterwarnings("ignore", message="Skipping annotation")
    nlp = spacy.blank("en")
    nlp.add_pipe("hf_token_pipe", config={"model": folder})
    return lambda texts: (
        [(e.start_char, e.end_char, e.label_, None) for e in d.ents] for d in nlp.pipe(texts)
    )


def pipeline(folder: str, batch: str) -> Tag:
    from transformers import AutoTokenizer
    from transformers import pipeline as make

    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.model_max_length = min(tokenizer.model_max_length, 512)  # a stride needs one
    told: dict[str, Any] = {"aggregation_strategy": "first", "stride": STRIDE, "batch_size": int(batch)}
    find = make("token-classification", model=folder, tokenizer=tokenizer, **told)
    return lambda texts: (
        [(e["start"], e["end"], e["entity_group"], float(e["score"])) for e in found]
        for found in find(list(texts))
    )


def ours(folder: str, backend: str, precision: str) -> Tag:
    import spacy

    how = {"backend": backend, "precision": precision}
    nlp = spacy.load(folder, config={"components": {"hf_token_classifier": how}})
    return lambda texts: (
        [(e.start_char, e.end_char, e.label_, e._.spanloop_confidence) for e in doc.ents]
        for doc in nlp.pipe(texts)
    )


WAYS: dict[str, Callable[..., Tag]] = {"hf_token_pipe": hf_token_pipe, "pipeline": pipeline, "ours": ours}


def releases() -> dict[str, str]:
    """Of the packages that are here."""
    found = {}
    for name in RELEASES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def peak_mb() -> int:
    """The most that this process held so far, in megabytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // 2**10 if sys.platform != "darwin" else most // 2**20


def send(answers: IO[str], told: dict[str, Any]) -> None:
    answers.write(json.dumps(told) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
