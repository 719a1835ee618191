"""What a pipe of ours says of the texts, and how much two answers differ."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc

from spanloop.plugin.alignment.values import TokenScores
from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe
from support.places import ROOT

Spans = list[tuple[int, int, str]]
SAME = 1e-4
"""How much the logarithm of a probability may move with the texts beside it (docs/component.md)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said of one text: a row of log probabilities a unit, and the spans."""

    logprobs: NDArray[np.float32]
    spans: Spans


def answers(pipe: HFTokenClassifierPipe, docs: Sequence[Doc]) -> list[Answer]:
    """What the pipe says of these documents, asked for all at once."""
    return [answer(pipe, scores) for scores in pipe.predict(docs)]


def answer(pipe: HFTokenClassifierPipe, scores: TokenScores) -> Answer:
    """The same of one, from its scores."""
    return Answer(scores.logprobs, [span.key for span in pipe.decode(scores)])


def difference(one: Sequence[Answer], other: Sequence[Answer]) -> float:
    """The largest difference between two log probabilities; infinite where units or spans differ."""
    largest = 0.0
    for a, b in zip(one, other, strict=True):
        if a.logprobs.shape != b.logprobs.shape or a.spans != b.spans:
            return float("inf")
        largest = max(largest, float(np.abs(a.logprobs - b.logprobs).max(initial=0.0)))
    return largest


class Elsewhere:
    """A process that has made none of the models and reads them from disk."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def answers(self, folder: Path, texts: Sequence[str]) -> list[Answer]:
        """What the pipeline in this folder says there, each text asked for alone, the last one first."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([str(folder), list(texts)]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the other process has ended"
        return [
            Answer(np.array(rows, dtype=np.float32).reshape(shape), [tuple(span) for span in spans])
            for shape, rows, spans in json.loads(line)
        ]


@contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    """Such a process, ended behind the block."""
    command = [sys.executable, str(Path(__file__).with_name("elsewhere.py"))]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT / "tests", **pipes) as process:
        try:
            yield Elsewhere(process)
        finally:
            process.kill()
