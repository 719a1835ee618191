"""Start Training through the backend, with a small real model: rounds come and go, the server answers on."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from support.labelstudio_making import (
    CONFIG,
    PROJECT,
    answered,
    asked,
    places,
    region,
    served,
    setup,
    task,
)
from support.processes import wait_for
from support.tiny_models import build_tiny

from spanloop.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.long]

GREETINGS = (
    "Ann met Bob.",
    "Then Bob saw Ann.",
    "Ann?",
    "It was Bob 😀 again.",
    "No one came.",
    "Bob\r\nleft Ann.",
)


def tasks() -> list[dict[str, object]]:
    texts = [f"{first} {second}" for first in GREETINGS for second in GREETINGS]
    return [task(number, text) for number, text in enumerate(texts, start=1)]


def annotate(client: httpx.Client, named: dict[str, str], at: int) -> None:
    """Tell the backend that somebody has marked every name in every task."""
    for each in tasks():
        text = str(each["data"]["text"])  # type: ignore[index]
        found = [
            region(start, start + 3, label, text=name)
            for name, label in named.items()
            for start in range(len(text))
            if text.startswith(name, start)
        ]
        told = answered(int(str(each["id"])), each, *found, at=at)
        assert client.post("/webhook", json=told).status_code == 200


def train(client: httpx.Client, log: Path, number: int) -> str:
    """Press the button and wait for the round; gives the version of the moment."""
    assert client.post("/webhook", json={"action": "START_TRAINING", "project": PROJECT}).status_code == 200
    assert client.get("/health").json()["status"] == "UP"
    wait_for(lambda: f"round {number} is trained" in log.read_text() or "no round" in log.read_text())
    assert f"round {number} is trained and promoted" in log.read_text()
    return str(client.post("/setup", json=setup()).json()["model_version"])


def test_d3_d4_rounds_through_the_backend(tmp_path: Path) -> None:
    """D4: labels may be added between rounds. D3: what is served is what the trained pipeline says itself."""
    model = build_tiny(tmp_path / "tiny", tags=("O",), head=False)
    db = tmp_path / "p.db"
    Store.create(db, labels=["PER"], base_model=str(model), lang="en", eval_fraction=0.3).close()
    db.with_name("spanloop.toml").write_text('[retrain]\npromote = "yes"\nallow-leaks = true\nepochs = 2\n')
    options = "--epochs 30 --lr 0.005"  # which count before the file
    with served(db, "--train-options", options) as (client, log):
        assert client.post("/setup", json=setup()).json()["model_version"] == "spanloop-untrained"
        annotate(client, {"Ann": "PER", "Bob": "PER"}, at=0)
        first = train(client, log, 1)
        made = client.post("/predict", json=asked(*tasks())).json()
        assert made["model_version"] == first
        assert any(places(found) for found in made["results"])
        with Store.open(db) as store:
            store.labels.add("LOC")
        annotate(client, {"Ann": "PER", "Bob": "LOC"}, at=1)
        second = train(client, log, 2)
        assert second != first
        made = client.post("/predict", json=asked(*tasks())).json()
        assert made["model_version"] == second
        served_now = [places(found) for found in made["results"]]
    with Store.open(db) as store:
        parameters = store.rounds.get(2).parameters
    assert (parameters["epochs"], parameters["settings_file"]["said"]["epochs"]) == (30, 2)
    assert "LOC" in {label for found in served_now for _, _, label in found}
    assert served_now == said_by(db, 2)
    assert CONFIG.count("LOC") == 1


def said_by(db: Path, number: int) -> list[list[tuple[int, int, str]]]:
    """What the round's own folder says of the tasks, as anybody would load it."""
    import spacy

    with Store.open(db) as store:
        nlp = spacy.load(store.rounds.folder(number))
    texts = [str(each["data"]["text"]) for each in tasks()]  # type: ignore[index]
    return [[(s.start, s.end, s.label) for s in doc._.spanloop_char_spans] for doc in nlp.pipe(texts)]
