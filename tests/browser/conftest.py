"""A real Chromium against the real server over a real store; the SQLite file is the judge."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.chromium import ARGUMENTS, CHROMIUM
from support.page_server import Server
from support.processes import PATIENCE_SECONDS

from spanloop.recipes.suggest.tokenise import tokenise, tokenizer_hash
from spanloop.store import Store
from spanloop.store.records import NewDocument, NewModel, Span


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    if CHROMIUM is None:
        message = "no chromium on this machine (apt-get install chromium)"
        if os.environ.get("SPANLOOP_REQUIRE_BROWSER") == "1":
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A fresh page; an error in its JavaScript fails the test."""
    context = chromium.new_context(viewport={"width": 1200, "height": 800})
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    errors: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda m: errors.append(m.text) if "Content Security Policy" in m.text else None)
    yield page
    context.close()
    assert errors == []


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(path: Path, **options: Any) -> Server:
        servers.append(Server(path, options).start())
        return servers[-1]

    yield start
    for server in servers:
        if server.process is not None:
            server.stop()


@pytest.fixture(scope="session")
def tokenizers() -> Callable[[str], tuple[Any, str]]:
    """spaCy's tokenizer of a language and its hash, loaded once."""
    import spacy

    @functools.cache
    def load(lang: str) -> tuple[Any, str]:
        nlp = spacy.blank(lang)
        return nlp, tokenizer_hash(nlp)

    return load


@pytest.fixture
def make_store(tmp_path: Path, tokenizers: Callable[[str], tuple[Any, str]]) -> Callable[..., Path]:
    """Build a store of texts with suggestions ``(start, end, label, score)`` and return its path.

    Tokens are in it already unless ``tokens=False``: the process that computes them takes seconds to start.
    """

    def make(
        documents: list[tuple[str, list[tuple[int, int, str, float]]]],
        labels: list[str],
        *,
        name: str = "project",
        meta: dict[str, Any] | None = None,
        tokens: bool = True,
        **project: Any,
    ) -> Path:
        path = tmp_path / f"{name}.db"
        settings = {"lang": "en", "eval_fraction": 0.0, "base_model": "offline", **project}
        with Store.create(path, labels=labels, **settings) as store:
            rows = [
                NewDocument(text, key=f"d{i}", meta=meta or {}, split="pool")
                for i, (text, _) in enumerate(documents)
            ]
            added = store.documents.add(rows)
            model = store.models.add(NewModel(hash="0" * 16, kind="hf", name="first-model"))
            predictions = [
                (row.document_id, [Span(*span) for span in spans], {"mnlp": float(-i), "random": 0.0})
                for i, (row, (_, spans)) in enumerate(zip(added, documents, strict=True))
            ]
            store.predictions.add(model.id, predictions)
            store.queue.prioritise("mnlp", model.id)
            if tokens:
                nlp, tokenizer = tokenizers(settings["lang"])
                store.set_project(tokenizer=tokenizer)
                tokenise(store, nlp, store.documents.iterate(), tokenizer=tokenizer)
        return path

    return make
