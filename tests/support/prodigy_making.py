"""Our recipes in the stand-in for Prodigy (prodigy_host.py), a process of its own, and projects for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spanloop.store import Store
from spanloop.store.records import Range, Span
from support.places import ROOT
from support.processes import PATIENCE_SECONDS
from support.store_making import add_model, make_store

TESTS = ROOT / "tests" / "support"
PER, LOC = Span(0, 3, "PER", 0.9), Span(15, 19, "LOC", 0.6)
PLACE = {"start": 15, "end": 19, "label": "LOC", "token_start": 4, "token_end": 4}


class Host:
    """Prodigy's page and server as far as a recipe sees them."""

    def __init__(self, process: subprocess.Popen[str], dataset: Path) -> None:
        self.process = process
        self.dataset = dataset
        self.clock = 1_790_000_000
        self.killed = False
        self.parts = self._reply()

    def _reply(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            assert self.process.stderr is not None
            raise AssertionError(self.process.stderr.read())
        reply: dict[str, Any] = json.loads(line)
        return reply

    def ask(self, **asked: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return {} if "exit" in asked else self._reply()

    def kill(self) -> None:
        self.killed = True
        self.process.kill()

    def next(self, number: int = 1) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask(next=number)["tasks"]
        return found

    def send(self, *examples: dict[str, Any]) -> dict[str, Any]:
        return self.ask(answers=list(examples))

    def said(self, task: dict[str, Any], answer: str = "accept", session: str = "", **changed: Any) -> Any:
        """The task as the page sends it back."""
        self.clock += 1
        who = {"_annotator_id": session, "_session_id": session} if session else {"_session_id": None}
        return {**task, "answer": answer, "_timestamp": self.clock, **who, **changed}


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{TESTS / 'prodigy_stand_in'}{os.pathsep}{TESTS.parent}"}


@contextmanager
def host(dataset: Path, *command: str) -> Iterator[Host]:
    process = subprocess.Popen(
        [sys.executable, str(TESTS / "prodigy_host.py"), str(dataset), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        served = Host(process, dataset)
        yield served
        if not served.killed:
            served.ask(exit=True)
            _, problems = process.communicate(timeout=PATIENCE_SECONDS)
            assert process.returncode == 0, problems
    finally:
        process.kill()
        process.communicate()


def project(folder: Path, documents: int = 3, **options: Any) -> Path:
    """Documents ``Ann met Bob in Rome N`` with two suggestions and tokens; the higher N, the more urgent."""
    with make_store(folder, documents, **options) as store:
        model = add_model(store, "teacher")
        ids = list(store.documents.ids())
        store.predictions.add(model, [(d, [PER, LOC], {"mnlp": float(d)}) for d in ids])
        cut(store, *(words(document_text(store, d)) for d in ids))
        store.queue.prioritise("mnlp", model)
        return store.path


def cut(store: Store, *tokens: list[Range]) -> None:
    """These are the tokens of the documents in order: no spaCy has to be loaded for them."""
    store.set_project(tokenizer="words")
    store.tokenizations.put("words", list(zip(store.documents.ids(), tokens, strict=True)))


def document_text(store: Store, document: int) -> str:
    found = store.documents.get(document)
    assert found is not None
    return found.text


def words(text: str) -> list[Range]:
    ranges, at = [], 0
    for word in text.split(" "):
        ranges.append((at, at + len(word)))
        at += len(word) + 1
    return ranges


def counts(db: Path) -> dict[str, int]:
    with Store.open(db) as store:
        return store.queue.counts()
