"""The access log says who asked for what, and never what a document, a search or a secret says."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from support.places import SERVE
from support.store_making import TEXT, make_store

from spanloop.recipes.web.app import create_app
from spanloop.recipes.web.settings import PageSettings
from spanloop.store import Store

HOST = "http://localhost:8765"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with make_store(tmp_path, documents=3) as store:
        yield store


def client_of(store: Store, lines: list[str], **options: Any) -> TestClient:
    app = create_app(store, PageSettings(**options), ask_tokens=lambda _: None, log=lines.append)
    return TestClient(app, base_url=HOST, headers={"origin": HOST, "content-type": "application/json"})


def test_each_request_is_one_line_with_who_what_status_and_time(store: Store) -> None:
    lines: list[str] = []
    client = client_of(store, lines, annotator="Zoë")
    client.get("/api/documents/2/tokens")
    client.get("/api/documents/999")
    client.post("/api/drafts", content="{")
    client.get("/static/main.js")
    entries = [json.loads(line) for line in lines]
    assert [(e["method"], e["path"], e["status"]) for e in entries] == [
        ("GET", "/api/documents/2/tokens", 200),
        ("GET", "/api/documents/999", 404),
        ("POST", "/api/drafts", 400),
        ("GET", "/static/main.js", 200),
    ]
    assert {e["annotator"] for e in entries} == {"Zoë"}
    assert all(line.endswith("\n") and line.count("\n") == 1 for line in lines)
    assert all(0 <= e["ms"] < 60_000 for e in entries)


def test_no_secret_no_text_and_no_search_word_is_ever_written(store: Store) -> None:
    lines: list[str] = []
    client = client_of(store, lines, token="sesame" * 4, annotator="anna")
    secret = store.annotators.add("bert")
    for token in ("sesame" * 4, secret, "wrong-guess-of-a-secret"):
        client.cookies.clear()
        client.get("/enter", params={"token": token})
        who = client.post("/api/enter", json={"token": token}).json().get("annotator", "x")
        client.post("/api/enter", json={"token": token, "annotator": who, "now": None})
        client.get("/api/search", params={"text": "met Bob"})
        client.get("/api/same", params={"text": "Rome", "label": "PER", "client": "tab"})
        client.get("/api/next", params={"client": "tab", "n": 2})
        client.get(f"/enter/{token}")
        client.get(f"/{TEXT}")
        client.get(f"/static/{token}.js")
        client.request("MET-BOB", "/")
        draft = {"document_id": 1, "document_key": "d1", "draft": {"comment": "a private remark"}}
        client.post("/api/drafts", json=draft)
    written = "".join(lines)
    assert len(lines) == 33
    hidden = ["sesame", secret, "wrong-guess", "spanloop-", "Ann", "Bob", "BOB", "Rome", "private", "?"]
    assert [word for word in hidden if word in written] == []
    assert {json.loads(line)["annotator"] for line in lines} == {None, "anna", "bert"}


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.text(min_size=1, max_size=20))
def test_only_paths_of_the_server_are_written(store: Store, path: str) -> None:
    lines: list[str] = []
    client = client_of(store, lines)
    client.get(f"/api/documents/{urllib.request.quote(path)}")
    (line,) = lines
    said = json.loads(line)["path"]
    assert said == "(other)" or (path.isdigit() and said == f"/api/documents/{path}")


def test_the_file_is_the_owners_alone_and_is_added_to(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=1) as store:
        path = store.path
    log = tmp_path / "access.log"
    options = json.dumps({"access_log": str(log)})
    for _ in range(2):
        command = [sys.executable, str(SERVE), str(path), options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            with urllib.request.urlopen(f"{process.stdout.readline().strip()}api/project") as reply:
                assert reply.status == 200
            process.terminate()
    assert [json.loads(line)["path"] for line in log.read_text("utf-8").splitlines()] == ["/api/project"] * 2
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
