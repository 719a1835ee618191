"""Calls as Label Studio makes them, and a backend that serves them: in this process or in one of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from starlette.testclient import TestClient

from spanloop.recipes.labelstudio.app import create_app
from spanloop.recipes.labelstudio.backend import Backend
from spanloop.recipes.labelstudio.events import work_off
from spanloop.recipes.labelstudio.predictor import Predictor
from spanloop.store import Store
from spanloop.store.records import Span
from support.processes import PATIENCE_SECONDS, wait_for
from support.store_making import add_model, make_store

CONFIG = (
    '<View><Labels name="label" toName="text"><Label value="PER"/><Label value="LOC"/></Labels>'
    '<Text name="text" value="$text"/></View>'
)
SECRETS = ("projects-own-token", "legacy-access-token", "login-of-the-data")
PROJECT = {"id": 1, "label_config": CONFIG, "token": SECRETS[0], "task_data_password": SECRETS[2]}


def task(number: int, text: str, **data: Any) -> dict[str, Any]:
    return {"id": number, "project": 1, "data": {"text": text, **data}, "annotations": [], "predictions": []}


def region(start: int, end: int, label: str = "PER", **value: Any) -> dict[str, Any]:
    place = {"start": start, "end": end, "labels": [label], **value}
    return {"id": "r", "from_name": "label", "to_name": "text", "type": "labels", "value": place}


def answered(number: int, of: Mapping[str, Any], *regions: Any, at: int = 0, **more: Any) -> dict[str, Any]:
    """The webhook of an annotation; ``at``: the second in which it was changed."""
    annotation = {
        "id": number,
        "result": list(regions),
        "was_cancelled": False,
        "completed_by": 1,
        "updated_at": f"2026-01-01T00:00:{at:02d}.000000Z",
        "lead_time": 4.5,
        **more,
    }
    kind = "CREATED" if at == 0 else "UPDATED"
    return {"action": f"ANNOTATION_{kind}", "annotation": annotation, "task": dict(of), "project": PROJECT}


def deleted(*numbers: int) -> dict[str, Any]:
    gone = [{"id": number} for number in numbers]
    return {"action": "ANNOTATIONS_DELETED", "annotations": gone, "project": PROJECT}


def asked(*tasks: Mapping[str, Any]) -> dict[str, Any]:
    return {"tasks": list(tasks), "project": "1.1795408323", "label_config": CONFIG, "params": {}}


def setup() -> dict[str, Any]:
    return {
        "project": "1.1795408323",
        "schema": CONFIG,
        "hostname": "http://localhost:8080",
        "access_token": SECRETS[1],
    }


def places(prediction: Mapping[str, Any]) -> list[tuple[int, int, str]]:
    """The regions of a prediction as start, end and label."""
    values = [found["value"] for found in prediction["result"]]
    return [(value["start"], value["end"], value["labels"][0]) for value in values]


ANN = task(1, "😀 Ann met Ann\r\nin Rome")  # Ann 2-5 and 10-13, Rome 18-22
EMPTY = task(2, "nobody")


class Bench:
    """A store and a backend over it in this process; ``said`` is what it told people."""

    def __init__(self, store: Store, credentials: tuple[str, str] | None = None) -> None:
        self.store = store
        self.said: list[str] = []
        predictor = Predictor(store.path, {})  # never started: what is asked here is stored already
        self.backend = Backend(store, predictor, wake=lambda: None, say=self.said.append)
        self.client = TestClient(create_app(self.backend, credentials))

    def post(self, path: str, body: Any, **more: Any) -> httpx.Response:
        response: Any = self.client.post(path, json=body, **more)
        return response  # type: ignore[no-any-return]

    def promote_round(self) -> int:
        """A round that is done and promoted; gives its model's id. Its folder does not exist."""
        number = self.store.rounds.start(parameters={}, seed=0, train_ids=[], eval_ids=[]).number
        model_id = add_model(self.store, f"round {number}", kind="round", round=number)
        self.store.rounds.finish(number, model_id=model_id, scores=[], manifest={})
        self.store.rounds.promote(number)
        return model_id

    def predict_names(self, model_id: int) -> None:
        """Every document that is stored gets a PER on each Ann and a LOC on each Rome."""
        rows = []
        for document in self.store.documents.iterate():
            found = re.finditer("Ann|Rome", document.text)
            spans = [Span(m.start(), m.end(), {"Ann": "PER", "Rome": "LOC"}[m[0]], 0.75) for m in found]
            rows.append((document.id, spans, {"mnlp": 0.5}))
        self.store.predictions.add(model_id, rows)


@contextmanager
def bench(folder: Path, credentials: tuple[str, str] | None = None, **options: Any) -> Iterator[Bench]:
    with make_store(folder, **options) as store:
        made = Bench(store, credentials)
        with made.client:
            yield made


def tell(made: Bench, *events: dict[str, Any]) -> list[str]:
    """Send webhooks, work them off, and give what was said of them."""
    for event in events:
        assert made.post("/webhook", event).status_code == 200
    began = len(made.said)
    work_off(made.store, train=lambda: "training", say=made.said.append)
    return made.said[began:]


def gold(store: Store) -> dict[str, list[tuple[int, int, str]]]:
    return {
        found.document.text: [(s.start, s.end, s.label) for s in found.spans]
        for found in store.annotations.gold()
    }


@contextmanager
def served(db: Path, *options: str) -> Iterator[tuple[httpx.Client, Path]]:
    """``spanloop backend`` as a process: a client of it, and the file with what it says."""
    log = db.with_suffix(".log")
    command = [sys.executable, "-m", "spanloop.recipes", "backend", str(db), "--port", "0", *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with log.open("w") as told, subprocess.Popen(command, stderr=told, env=environment) as process:
        try:
            link = wait_for(lambda: re.search(r"is at (http://\S+)", log.read_text()))[1]
            with httpx.Client(base_url=link, timeout=PATIENCE_SECONDS) as client:
                yield client, log
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def recorded(data: Path) -> list[dict[str, Any]]:
    """The calls that Label Studio 1.23.2 made to a backend, in their order."""
    calls: list[dict[str, Any]] = json.loads((data / "labelstudio_calls.json").read_text("utf-8"))
    return calls
