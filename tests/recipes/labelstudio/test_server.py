"""The backend as a process, and real calls of Label Studio to it."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from support.labelstudio_making import (
    asked,
    places,
    recorded,
    served,
    task,
)
from support.processes import PATIENCE_SECONDS, wait_for

from spanloop.store import Store


def test_the_server_loads_neither_spacy_nor_torch() -> None:
    script = (
        "import sys, spanloop.recipes.labelstudio.serve\n"
        "assert not {'spacy', 'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


PATTERNS = '{"label": "PER", "pattern": "Ada Lovelace"}\n{"label": "LOC", "pattern": "London"}\n'


@pytest.fixture(scope="module")
def patterns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A backend in a process of its own that knows Ada Lovelace and London."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "patterns.jsonl").write_text(PATTERNS, encoding="utf-8")
    Store.create(folder / "p.db", labels=["PER", "LOC"], base_model="offline", eval_fraction=0.0).close()
    with served(folder / "p.db", "--patterns", str(folder / "patterns.jsonl")) as (client, log):
        yield client, log, folder / "p.db"


def test_d1_d2_names_far_apart_stay_two_spans(patterns: Any) -> None:
    client, _, _ = patterns
    text = "Ada Lovelace went to the market in spring and later Ada Lovelace met London"
    (found,) = client.post("/predict", json=asked(task(101, text))).json()["results"]
    assert places(found) == [(0, 12, "PER"), (52, 64, "PER"), (69, 75, "LOC")]


def test_d13_a_long_document_is_read_to_its_end(patterns: Any) -> None:
    client, _, _ = patterns
    text = "😀 nobody was there.\r\n" * 2_000 + "Ada Lovelace"
    (found,) = client.post("/predict", json=asked(task(102, text))).json()["results"]
    assert places(found) == [(len(text) - 12, len(text), "PER")]


@pytest.mark.data
def test_the_recorded_calls_of_label_studio_are_answered(patterns: Any, data: Path) -> None:
    client, log, db = patterns
    versions = set()
    for call in recorded(data):
        answer = client.request(call["method"], call["path"], json=call["body"])
        assert answer.status_code == 200, (call["trigger"], answer.text)
        made = answer.json()
        versions.add(made.get("model_version", ""))
        if call["path"] == "/predict":
            texts = [each["data"]["text"] for each in call["body"]["tasks"]]
            assert len(made["results"]) == len(texts)
            for text, found in zip(texts, made["results"], strict=True):
                wanted = [(text.find("Ada Lovelace"), "PER"), (text.find("London"), "LOC")]
                assert [(start, label) for start, _, label in places(found)] == [
                    (at, label) for at, label in wanted if at >= 0
                ]
    assert len(versions - {""}) == 1
    with Store.open(db) as store:
        wait_for(lambda: not store.inbox.waiting())
        assert store.inbox.failed() == []
        told = {document.key: document for document in store.documents.iterate()}
        emoji = told["labelstudio-1-49"]
        assert [a.answer for a in store.annotations.history(emoji.id)] == ["accept", "accept", "ignore"]
        skipped = told["labelstudio-1-5"]
        assert [a.answer for a in store.annotations.history(skipped.id)] == ["ignore"]
        assert {"label not in project", "its offsets lie outside the text"} <= set(
            store.ledger.counts()["by_reason"]
        )
        kept = "\n".join(store.db.conn.iterdump()) + log.read_text()
    wait_for(lambda: "no round" in log.read_text())  # Start Training ran, and there is no eval gold
    secrets = [call["body"].get("access_token") for call in recorded(data) if call["path"] == "/setup"]
    secrets += [c["body"]["project"]["token"] for c in recorded(data) if c["path"] == "/webhook"]
    assert not [secret for secret in set(secrets) if secret in kept]


def test_half_requests_do_not_keep_label_studio_from_its_answers(tmp_path: Path) -> None:
    Store.create(tmp_path / "p.db", labels=["PER"], base_model="offline", eval_fraction=0.0).close()
    with served(tmp_path / "p.db") as (client, _), ExitStack() as stack:
        place = (client.base_url.host, client.base_url.port or 0)
        half = [stack.enter_context(socket.create_connection(place)) for _ in range(200)]
        for connection in half:
            connection.sendall(b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n")
        assert client.get("/health").status_code == 200
        half[0].settimeout(PATIENCE_SECONDS)
        with suppress(ConnectionResetError):  # the one that kept it waiting longest made room
            assert half[0].recv(1) == b""
