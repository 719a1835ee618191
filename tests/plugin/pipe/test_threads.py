"""Threads: the first calls come at once, and so do all that follow; a web server over a pipeline; workers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from joblib.externals.loky import get_reusable_executor
from support.pipe_making import found, make
from support.places import ROOT
from support.processes import PATIENCE_SECONDS
from support.threads import THREADS, at_once
from support.tiny_models import SAMPLE, build_tiny

from spanloop.plugin.model import stacks
from spanloop.plugin.model.pretrained import load


@pytest.fixture(scope="module")
def expected(folder: Path) -> list[list[tuple[int, int, str]]]:
    nlp, _ = make(folder)
    return [found(nlp(text)) for text in SAMPLE]


@pytest.mark.parametrize("settings", [{}, {"precision": "bf16"}, {"unit": "wordpiece", "aggregation": "max"}])
def test_eight_threads_cold_and_warm_give_what_one_gives(folder: Path, settings: dict[str, Any]) -> None:
    nlp, _ = make(folder, **settings)
    alone = [found(nlp(text)) for text in SAMPLE]
    for _ in range(3):
        cold, pipe = make(folder, **settings)
        assert not pipe.model.shims[0].is_loaded
        for _ in ("cold", "warm"):
            results = at_once(lambda number, cold=cold: [found(doc) for doc in cold.pipe(SAMPLE)])
            assert results == [alone] * THREADS


@pytest.mark.skipif(
    find_spec("spacy_transformers") is not None, reason="spacy-transformers loads transformers with spaCy"
)
def test_eight_threads_of_a_process_that_has_loaded_nothing_yet(
    folder: Path, expected: list[list[tuple[int, int, str]]]
) -> None:
    """Without `stacks.alone` seven of eight end in an ImportError of a transformers that is half read."""
    script = ROOT / "tests" / "support" / "cold_threads.py"
    command = [sys.executable, str(script), str(folder), SAMPLE[0]]
    done = subprocess.run(command, cwd=ROOT / "tests", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = [[tuple(ent) for ent in ents] for ents in json.loads(done.stdout.splitlines()[-1])]
    assert found == [expected[0]] * THREADS


def test_the_model_is_loaded_once(folder: Path) -> None:
    _, pipe = make(folder)
    models = at_once(lambda number: (pipe.hf_model(), pipe.tokenizer(), pipe.model.shims[0].backend))
    assert len({tuple(map(id, found)) for found in models}) == 1


def test_several_models_loaded_at_once_are_what_each_is_alone(folders: dict[str, Path]) -> None:
    """transformers changes torch for the whole process while it reads a model."""
    families = list(folders)[:4]
    pipes = [make(folders[family]) for family in [*families, *families]]
    prints = at_once(lambda number: pipes[number][1].fingerprint())
    assert prints[:4] == prints[4:] == [make(folders[family])[1].fingerprint() for family in families]


def test_a_model_in_use_does_not_notice_that_another_is_read(
    folder: Path, tmp_path: Path, expected: list[list[tuple[int, int, str]]]
) -> None:
    """A file of half precision has transformers 5 make every new tensor of the process such a one."""
    half = build_tiny(tmp_path)
    model = load(str(half)).model.to(torch.bfloat16)
    model.save_pretrained(half)
    nlp, _ = make(folder)
    nlp(SAMPLE[0])

    def work(number: int) -> set[torch.dtype]:
        if number % 2:
            weights = load(str(half)).model.parameters()
            return {weight.dtype for weight in weights}
        assert [found(nlp(text)) for text in SAMPLE] == expected
        return {torch.empty(1).dtype}

    assert at_once(work) == [{torch.float32}] * THREADS


def test_a_tokenizer_that_others_use_is_not_changed(folder: Path) -> None:
    nlp, pipe = make(folder)
    tokenizer = pipe.tokenizer().backend_tokenizer
    doc = nlp.make_doc(" ".join(SAMPLE))
    whole = pipe.predict([doc])[0].logprobs
    tokenizer.enable_truncation(5)
    tokenizer.enable_padding(length=50)
    for scores in at_once(lambda number: pipe.predict([doc])[0].logprobs, 2):
        np.testing.assert_allclose(scores, whole, atol=1e-5)
    assert (tokenizer.truncation, tokenizer.padding) == (None, None)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_child_does_not_wait_for_a_thread_that_it_has_not() -> None:
    begun, end = threading.Event(), threading.Event()

    def read_for_long() -> None:
        with stacks.alone():
            begun.set()
            end.wait(PATIENCE_SECONDS)

    reader = threading.Thread(target=read_for_long)
    reader.start()
    begun.wait(PATIENCE_SECONDS)
    child = os.fork()
    if not child:
        with stacks.alone():
            os._exit(3)
    end.set()
    reader.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3


# A web server


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A uvicorn with `support.web_app`. It is given a socket that listens already: requests may come before
    it is there."""
    with tempfile.TemporaryDirectory(prefix="web") as place, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{place}/socket")
        listening.listen(64)
        command = [sys.executable, "-m", "uvicorn", "support.web_app:app", "--fd", str(listening.fileno())]
        process = subprocess.Popen(
            [*command, "--log-level", "warning"],
            pass_fds=[listening.fileno()],
            env={**os.environ, "SPANLOOP_TEST_MODEL": str(folder), "PYTHONPATH": str(ROOT / "tests")},
        )
        try:
            yield f"{place}/socket"
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def asked(path: str, address: str, texts: Sequence[str]) -> list[Any]:
    with httpx.Client(transport=httpx.HTTPTransport(uds=path), timeout=PATIENCE_SECONDS) as client:
        answers = [client.get(f"http://here/{address}", params={"text": text}) for text in texts]
    assert [answer.status_code for answer in answers] == [200] * len(texts), answers[0].text
    return [answer.json() for answer in answers]


def test_the_first_requests_of_a_web_server_may_come_at_once(
    folder: Path, expected: list[list[tuple[int, int, str]]]
) -> None:
    with served(folder) as path:
        assert asked(path, "loaded", ["-"]) == [False]
        answers = at_once(lambda number: asked(path, "entities", SAMPLE))
        assert answers[1:] == answers[:-1]
        assert [[tuple(ent[:3]) for ent in ents] for ents in answers[0]] == expected
        assert all(0 < ent[3] <= 1 for ents in answers[0] for ent in ents)


# Workers that get the pipeline as a pickle


def _entities(nlp: Any, text: str) -> list[Any]:
    return [(ent.start_char, ent.end_char, ent.label_, ent._.spanloop_confidence) for ent in nlp(text).ents]


def test_joblib_sends_a_pipeline_to_its_workers(folder: Path) -> None:
    nlp, _ = make(folder)
    alone = [_entities(nlp, text) for text in SAMPLE]
    workers = get_reusable_executor(max_workers=1)  # a process that takes seconds to begin
    there = list(workers.map(partial(_entities, nlp), SAMPLE))
    workers.shutdown(wait=True)
    for ours, theirs in zip(alone, there, strict=True):
        assert [one[:3] for one in ours] == [one[:3] for one in theirs]
        np.testing.assert_allclose([one[3] for one in ours], [one[3] for one in theirs], rtol=1e-4)
