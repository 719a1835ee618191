"""A peer of ours in a process and an environment of its own, because it needs transformers 4.

    .venv-spacy-transformers/bin/python benchmarks/peer.py     # started by benchmarks/inference.py --peer

Reads lines of JSON: the first one has the folder of a model and the texts, every further one asks to tag them
all once. Answers each with a line of JSON: the versions, then the seconds and how many entities there were.
``hf_token_pipe`` is spacy-huggingface-pipelines with its defaults.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spacy.language import Language


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
    nlp = hf_token_pipe(first["model"])
    yield {name: version(name) for name in ("transformers", "torch", "spacy", "spacy-huggingface-pipelines")}
    for _ in questions:
        started = time.perf_counter()
        entities = count(nlp, first["texts"])
        yield {"seconds": time.perf_counter() - started, "entities": entities}


def count(nlp: Language, texts: Iterable[str]) -> int:
    return sum(len(doc.ents) for doc in nlp.pipe(texts))


def hf_token_pipe(folder: str) -> Language:
    """A pipeline with the peer's pipe around the weights in ``folder``."""
    import spacy
    import spacy_huggingface_pipelines  # noqa: F401 - registers the factory

    # it warns for every entity that it cannot put on tokens
    warnings.filterwarnings("ignore", message="Skipping annotation")
    nlp = spacy.blank("en")
    nlp.add_pipe("hf_token_pipe", config={"model": folder})
    return nlp


def send(answers: IO[str], told: dict[str, Any]) -> None:
    answers.write(json.dumps(told) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
