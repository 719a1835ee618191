"""Two servers with four people each on one project, beside renames, imports and exports: no answer is lost,
every export is whole, nobody is dealt what another one has in hand.

``SPANLOOP_SOAK_SECONDS=600`` makes it the long run (``make soak``).
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.commands import done, jsonl_file
from support.disturbing import PAIRS, Disturbance, text_of
from support.page_server import Server
from support.people import WORDS, Person, Seen

from spanloop.recipes.files.importing import import_files
from spanloop.recipes.project.init import init
from spanloop.store import Store

SECONDS = float(os.environ.get("SPANLOOP_SOAK_SECONDS", "12"))
SERVERS, PEOPLE = 2, 4
DOCUMENTS, ANNOTATED = 300, 20
pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(0 if SECONDS > 60 else 600)]


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "p.db"
    init(path, labels=[pair[0] for pair in PAIRS], eval_fraction=0)
    rows: list[dict[str, object]] = [{"id": f"d{n}", "text": text_of(f"d{n}")} for n in range(DOCUMENTS)]
    for row in rows[:ANNOTATED]:
        row["spans"] = [
            [place, place + len(word), pair[0]] for place, word, pair in places_in(str(row["text"]))
        ]
    import_files(path, [jsonl_file(tmp_path / "pool.jsonl", *rows)])
    return path


def places_in(text: str) -> list[tuple[int, str, tuple[str, str]]]:
    return [(text.index(word), word, pair) for word, pair in zip(WORDS, PAIRS, strict=True)]


def contents(file: Path, form: str) -> dict[str, tuple[str, ...]]:
    """The labels of the spans of each document, by its key, which stands in its text."""
    text = file.read_text("utf-8")
    if form == "jsonl":
        rows = [json.loads(line) for line in text.splitlines()]
        return {row["id"]: tuple(span["label"] for span in row.get("spans") or ()) for row in rows}
    if form == "labelstudio":
        return {task["data"]["text"].split()[3]: labels_of(task) for task in json.loads(text)}
    documents = [part for part in text.split("\n\n") if re.search(r"(?m)^met\b", part)]
    return {
        re.findall(r"(?m)^([di]\d+)\b", part)[0]: tuple(re.findall(r"\bB-(\w+)", part)) for part in documents
    }


def labels_of(task: dict[str, Any]) -> tuple[str, ...]:
    (annotation,) = task["annotations"]
    return tuple(region["value"]["labels"][0] for region in annotation["result"])


def is_whole(export: dict[str, Any], seen: Seen) -> None:
    """It has both spans of every answer that was acknowledged when it began, all in one set of names."""
    found = contents(Path(export["file"]), export["format"])
    assert seen.keys_before(export["began"]) <= {key for key, labels in found.items() if labels}, export
    sets = {labels for labels in found.values() if labels}
    assert len(sets) == 1, f"several sets of names in {export}: {sets}"
    (labels,) = sets
    assert len(labels) == len(PAIRS), export
    assert all(label in pair for label, pair in zip(labels, PAIRS, strict=True)), labels


def everything_is_there(db: Path, seen: Seen, added: int) -> None:
    """One row for each acknowledged answer, whole, and whose it is; documents as imported; a sound file."""
    with Store.open(db) as store:
        rows = store.rows(
            "SELECT uuid, documents.key, annotator, (SELECT count(*) FROM annotation_spans"
            " WHERE annotation_id = annotations.id) FROM annotations"
            " JOIN documents ON documents.id = document_id WHERE origin = 'human'"
        )
        stored = {made: (key, person, spans) for made, key, person, spans in rows}
        assert stored == {made: (key, person, 2) for made, (_, key, person) in seen.acknowledged.items()}
        assert store.annotations.count() == ANNOTATED + len(stored)
        assert store.documents.count() == DOCUMENTS + added
        assert store.row("SELECT count(*) FROM conflicts") == (0,)
        assert store.check() == []


def test_people_on_two_servers_lose_nothing_beside_renames_imports_and_exports(
    db: Path, tmp_path: Path
) -> None:
    seen = Seen()
    names = [f"person {n}" for n in range(SERVERS * PEOPLE)]
    links = [done("annotators", db, "--json", "add", name)["link"] for name in names]
    with ExitStack() as stack:
        servers = [Server(db).start() for _ in range(SERVERS)]
        for server in servers:
            stack.callback(lambda s=server: s.process is None or s.process.kill())
        disturbances = {k: Disturbance(db, tmp_path / k, k) for k in ("rename", "import", "export")}
        for disturbance in disturbances.values():
            stack.callback(disturbance.kill)
        until = time.monotonic() + SECONDS
        people = [
            Person(name, link, servers[n % SERVERS].link, seen, until)
            for n, (name, link) in enumerate(zip(names, links, strict=True))
        ]
        with ThreadPoolExecutor(len(people)) as threads:
            checked = 0
            for working in [threads.submit(person.work) for person in people]:
                while not working.done():
                    checked += check_new(disturbances["export"], checked, seen)
                    time.sleep(0.05)
                working.result()
        for disturbance in disturbances.values():
            disturbance.stop()
        checked += check_new(disturbances["export"], checked, seen)
        assert [server.stop() for server in servers] == [0] * SERVERS
    renames, imports = len(disturbances["rename"].done), len(disturbances["import"].done)
    sys.stdout.write(
        f"\n{SECONDS:g} s, {SERVERS} servers, {len(people)} people: {len(seen.acknowledged):,} answers "
        f"acknowledged, {renames:,} renames, {imports:,} imports, {checked:,} exports\n"
        + "".join(f"  {count:,} {what}\n" for what, count in sorted(seen.counts.items()))
    )
    assert seen.dealt_to_two == []
    assert min(checked, renames, imports, len(seen.acknowledged)) > 0
    everything_is_there(db, seen, sum(d["added"] for d in disturbances["import"].done))


def check_new(exporting: Disturbance, checked: int, seen: Seen) -> int:
    """Look at the exports that came since, and remove them; gives how many."""
    new = exporting.done[checked:]
    for export in new:
        is_whole(export, seen)
        Path(export["file"]).unlink()
    return len(new)
