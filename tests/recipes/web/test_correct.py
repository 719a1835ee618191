"""``spanloop correct`` as a process: what it refuses, what it imports, how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.places import SERVE
from support.processes import PATIENCE_SECONDS, wait_for

from spanloop.recipes.suggest.tokenise import load_tokenizer, tokenise, tokenizer_hash
from spanloop.recipes.web.correct import _Tokeniser, correct
from spanloop.store import Store, StoreError
from spanloop.store.records import NewDocument


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "p.db"
    with Store.create(path, labels=["PER"], base_model="offline", lang="en", eval_fraction=0.0) as store:
        store.documents.add([NewDocument("Isn't Ann here?", key="k", split="pool")])
    return path


@contextmanager
def serving(db: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    with subprocess.Popen(
        [sys.executable, str(SERVE), str(db), "{}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), process
        process.kill()


def tokens_of(link: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{link}api/documents/1/tokens") as reply:
        said: dict[str, Any] = json.load(reply)
    return said


def test_another_host_needs_a_token_or_named_people(db: Path) -> None:
    with pytest.raises(StoreError, match=r"add --token SECRET .* or name who may come in"):
        correct(db, host="0.0.0.0", browser=False)


def test_a_short_token_is_refused(db: Path) -> None:
    with pytest.raises(StoreError, match="at least 16 characters"):
        correct(db, token="secret", browser=False)


def test_a_port_in_use_is_named(db: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(StoreError, match="try --port 0"):
            correct(db, port=taken.getsockname()[1], browser=False)


def test_only_wants_yes_no_mode_and_a_label_of_the_project(db: Path) -> None:
    with pytest.raises(StoreError, match="--only LABEL goes with --view binary"):
        correct(db, only="PER", browser=False)
    with pytest.raises(StoreError, match="the labels are PER"):
        correct(db, view="binary", only="ORG", browser=False)


def test_the_server_process_imports_no_spacy_and_no_torch() -> None:
    code = (
        "import sys, spanloop.recipes.web.correct;"
        "print([m for m in ('spacy', 'torch', 'transformers', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_and_quietly(db: Path, sign: signal.Signals) -> None:
    with serving(db) as (link, process):
        client = f"{link}api/next?client=tab&n=1"
        with urllib.request.urlopen(client) as reply:  # asks for tokens: the second process starts
            assert json.load(reply)["documents"][0]["tokens"] is None
        process.send_signal(sign)
        _, said = process.communicate(timeout=PATIENCE_SECONDS)
        assert "Traceback" not in said
        assert process.returncode == 0
    with closing(sqlite3.connect(db)) as store, store:
        assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.slow
def test_a_tokenising_process_that_died_is_told_and_the_page_goes_on(db: Path) -> None:
    with Store.open(db) as store:
        store.set_project(nlp="no_such_pipeline")
    with serving(db) as (link, process):
        wait_for(lambda: tokens_of(link)["failed"], process=process)
        assert tokens_of(link) == {"tokens": None, "failed": True}
        process.send_signal(signal.SIGTERM)
        _, printed = process.communicate(timeout=PATIENCE_SECONDS)
        assert "no_such_pipeline" in printed


@pytest.mark.slow
def test_documents_outside_the_search_index_start_the_second_process(db: Path) -> None:
    with Store.open(db) as store:
        nlp = load_tokenizer(store.project)
        store.set_project(tokenizer=tokenizer_hash(nlp))
        tokenise(store, nlp, store.documents.iterate())  # so that no document on the page asks for tokens
        for processes in (1, 0):
            with closing(_Tokeniser(db)) as tokeniser:
                tokeniser.catch_up()
                assert (tokeniser._process is not None) == processes
                wait_for(store.search.indexed)
        assert store.search.indexed() == 1


@pytest.mark.slow
def test_tokens_are_stored_by_the_second_process_which_ends_with_the_first(db: Path) -> None:
    with serving(db) as (link, process):
        tokens = wait_for(lambda: tokens_of(link)["tokens"], process=process)
        assert tokens == [0, 2, 2, 5, 6, 9, 10, 14, 14, 15]
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        pids = children.read_text().split() if children.exists() else []
        process.kill()
        process.wait()
        wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids))
