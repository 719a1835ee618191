"""Who may call the backend, what it refuses, and that it tells no secrets on."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from support.labelstudio_making import (
    ANN,
    CONFIG,
    PROJECT,
    SECRETS,
    Bench,
    answered,
    asked,
    bench,
    deleted,
    setup,
    tell,
)

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.labelstudio.serve import PASSWORD, serve


def test_with_a_password_nobody_else_comes_in(tmp_path: Path) -> None:
    with bench(tmp_path, credentials=("ls", "long-enough")) as made:
        for path, body in (("/setup", setup()), ("/predict", asked()), ("/webhook", deleted(1))):
            assert made.post(path, body).status_code == 401
            assert made.post(path, body, auth=("ls", "wrong")).status_code == 401
            assert made.post(path, body, auth=("ls", "long-enough")).status_code == 200
        garbage = {"authorization": "Basic ==="}
        assert made.client.get("/health", headers=garbage).status_code == 401
        header = "basic " + base64.b64encode(b"ls:long-enough").decode()
        assert made.client.get("/health", headers={"authorization": header}).status_code == 200


def test_d13_beyond_this_machine_a_password_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD, "short")
    with pytest.raises(RecipeError, match="--basic-auth-user NAME"):
        serve(tmp_path / "p.db", host="0.0.0.0")
    with pytest.raises(RecipeError, match="8 characters or more"):
        serve(tmp_path / "p.db", user="ls")


def test_web_pages_of_other_sites_are_turned_away(one: Bench) -> None:
    assert one.post("/setup", setup(), headers={"origin": "http://evil.example"}).status_code == 403
    plain = one.client.post("/webhook", content="{}", headers={"content-type": "text/plain"})
    assert plain.status_code == 415
    assert (
        one.client.post("/setup", content="{", headers={"content-type": "application/json"}).status_code
        == 400
    )
    assert one.post("/setup", [1]).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"tasks": 3},
        {"tasks": [], "label_config": "<View"},
        {"tasks": [], "label_config": CONFIG, "project": "../1"},
        {"tasks": [], "label_config": CONFIG, "project": None},
    ],
)
def test_a_call_that_is_none_is_refused_with_a_reason(one: Bench, body: dict[str, Any]) -> None:
    refused = one.post("/predict", body)
    assert (refused.status_code, bool(refused.json()["error"])) == (400, True)


def test_no_secret_is_stored_or_said(one: Bench) -> None:
    one.post("/setup", setup())
    one.post("/webhook", answered(7, ANN, "broken"))
    one.post("/webhook", {"action": "START_TRAINING", "project": PROJECT})
    tell(one, answered(8, ANN))
    dump = "\n".join(one.store.db.conn.iterdump()) + "\n".join(one.said)
    assert "broken" in dump
    assert not [secret for secret in SECRETS if secret in dump]
