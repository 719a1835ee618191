"""The whole loop through a real Label Studio: suggest, annotate there, train, suggest again, look at it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.chromium import ARGUMENTS, CHROMIUM
from support.labelstudio_making import served
from support.processes import PATIENCE_SECONDS, wait_for

from spanloop.recipes.cli.main import main
from spanloop.recipes.labelstudio.client import API_KEY
from spanloop.store import Store

from .conftest import EMAIL, PASSWORD, TOKEN, Studio, running

pytestmark = [pytest.mark.labelstudio, pytest.mark.slow, pytest.mark.data]

LABELS = ("PER", "ORG", "LOC", "MISC")
FROM_WNUT = {
    "person": "PER", "location": "LOC", "corporation": "ORG", "group": "ORG", "product": "MISC",
    "creative-work": "MISC",
}  # fmt: skip
CONFIG = (
    '<View><Labels name="ner" toName="body">'
    + "".join(f'<Label value="{label}"/>' for label in LABELS)
    + '</Labels><Text name="body" value="$body"/></View>'
)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def documents(data: Path) -> list[dict[str, Any]]:
    """50 real documents: a tweet with a character beyond the basic plane, CR LF, a sentence of Wikipedia."""
    tweets = [row for row in lines(data / "wnut17" / "dev.jsonl") if max(row["text"]) > "\uffff"]
    articles = [row for row in lines(data / "wikigold" / "train.jsonl") if len(row["spans"]) > 1]
    made = []
    for tweet, article in list(zip(tweets, articles, strict=False))[:50]:
        text = tweet["text"] + "\r\n" + article["text"]
        ahead = len(tweet["text"]) + 2
        spans = [(s["start"], s["end"], FROM_WNUT[s["label"]]) for s in tweet["spans"]]
        spans += [(s["start"] + ahead, s["end"] + ahead, s["label"]) for s in article["spans"]]
        made.append({"text": text, "spans": spans})
    assert len(made) == 50
    return made


def regions(text: str, spans: list[tuple[int, int, str]]) -> list[dict[str, Any]]:
    return [
        {
            "id": f"g{number}", "from_name": "ner", "to_name": "body", "type": "labels", "origin": "manual",
            "value": {"start": start, "end": end, "text": text[start:end], "labels": [label]},
        }
        for number, (start, end, label) in enumerate(spans)
    ]  # fmt: skip


def spanloop(*arguments: object) -> Any:
    """What a command gives as JSON."""
    done = CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


class Loop:
    """A project in Label Studio, a store, and the backend between them."""

    def __init__(self, studio: Studio, db: Path, backend: str, log: Path, told: list[dict[str, Any]]) -> None:
        self.studio, self.db, self.backend, self.log, self.told = studio, db, backend, log, told
        settings = {"show_collab_predictions": True, "evaluate_predictions_automatically": True}
        made = studio.post("/api/projects/", {"title": "real", "label_config": CONFIG, **settings})
        self.project = int(made["id"])
        rows = [{"data": {"body": each["text"]}} for each in told]
        path = f"/api/projects/{self.project}/import"
        self.tasks: list[int] = studio.post(path, rows, return_task_ids="true")["task_ids"]

    def retrieve(self) -> None:
        everything = {"all": True, "excluded": []}
        rules = {"ordering": [], "filters": {"conjunction": "and", "items": []}}
        body = {"selectedItems": everything, "project": str(self.project), **rules}
        self.studio.post("/api/dm/actions", body, id="retrieve_tasks_predictions", project=self.project)

    def predictions(self, version: str) -> dict[int, list[dict[str, Any]]]:
        rows = self.studio.get("/api/predictions", project=self.project)
        return {row["task"]: row["result"] for row in rows if row["model_version"] == version}

    def version(self) -> str:
        (backend,) = self.studio.get("/api/ml", project=self.project)
        return str(backend["model_version"])

    def wait_for_the_inbox(self) -> None:
        with Store.open(self.db) as store:
            wait_for(lambda: not store.inbox.waiting())
            assert [event.error for event in store.inbox.failed()] == []


@pytest.fixture(scope="module")
def loop(studio: Studio, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    os.environ[API_KEY] = TOKEN
    folder = tmp_path_factory.mktemp("loop")
    told = documents(data)
    names = sorted({(d["text"][s:e], label) for d in told[:10] for s, e, label in d["spans"]})
    patterns = folder / "patterns.jsonl"
    rows = [json.dumps({"label": label, "pattern": name}) for name, label in names]
    patterns.write_text("\n".join(rows) + "\n", encoding="utf-8")
    db = folder / "real.db"
    Store.create(db, labels=LABELS, base_model="offline", lang="en", eval_fraction=0.2).close()
    options = (
        "--patterns",
        str(patterns),
        "--train-options",
        "--epochs 8 --fast --promote yes --allow-leaks",
    )
    with served(db, *options) as (client, log):
        yield Loop(studio, db, str(client.base_url).rstrip("/"), log, told)


def test_the_backend_is_added_with_its_webhook(loop: Loop) -> None:
    where = ("--url", loop.studio.url, "--project", loop.project, "--json")
    made = spanloop("labelstudio", "connect", loop.db, "--backend", loop.backend, *where)
    assert made == {"schema": 1, "backend": loop.backend, "webhook": "in order"}
    (hook,) = loop.studio.get("/api/webhooks/", project=loop.project)
    assert loop.studio.api.delete(f"/api/webhooks/{hook['id']}/").status_code == 204
    assert spanloop("labelstudio", "connect", loop.db, "--backend", loop.backend, *where)["webhook"] == "made"


def test_every_task_gets_its_suggestions_on_its_own_characters(loop: Loop) -> None:
    loop.retrieve()
    made = loop.predictions(loop.version())
    assert sorted(made) == sorted(loop.tasks)
    assert sum(len(result) for result in made.values()) > 20
    for task, each in zip(loop.tasks, loop.told, strict=True):
        for region in made[task]:
            value = region["value"]
            assert each["text"][value["start"] : value["end"]] == value["text"]
            assert (region["from_name"], region["to_name"]) == ("ner", "body")


def test_what_is_annotated_there_is_gold_here(loop: Loop) -> None:
    for task, each in zip(loop.tasks[:40], loop.told, strict=False):
        result = regions(each["text"], each["spans"])
        loop.studio.post(f"/api/tasks/{task}/annotations", {"result": result, "lead_time": 3.5})
    skipped, wrong, gone = loop.tasks[40:43]
    loop.studio.post(f"/api/tasks/{skipped}/annotations", {"result": []}, was_cancelled=1)
    first = loop.studio.post(f"/api/tasks/{wrong}/annotations", {"result": []})
    whole = regions(loop.told[41]["text"], loop.told[41]["spans"])
    loop.studio.patch(f"/api/annotations/{first['id']}/", {"result": whole})
    taken_back = loop.studio.post(f"/api/tasks/{gone}/annotations", {"result": []})
    assert loop.studio.api.delete(f"/api/annotations/{taken_back['id']}/").status_code == 204
    loop.wait_for_the_inbox()
    with Store.open(loop.db) as store:
        gold = {
            found.document.text: [(s.start, s.end, s.label) for s in found.spans]
            for found in store.annotations.gold()
        }
        wanted = [*loop.told[:40], loop.told[41]]
        assert gold == {each["text"]: sorted(each["spans"]) for each in wanted}
        assert store.queue.counts()["skipped"] == 2


def test_a_pull_finds_what_no_webhook_told(loop: Loop) -> None:
    (hook,) = loop.studio.get("/api/webhooks/", project=loop.project)
    assert loop.studio.api.delete(f"/api/webhooks/{hook['id']}/").status_code == 204
    silent = regions(loop.told[43]["text"], loop.told[43]["spans"])
    loop.studio.post(f"/api/tasks/{loop.tasks[43]}/annotations", {"result": silent})
    told = spanloop("labelstudio", "pull", loop.db, "--json")
    assert (told["annotations"]["new"], told["annotations"]["unchanged"]) == (1, 42)
    assert told["notes"] == [f"webhook of {loop.backend}: made"]
    again = spanloop("labelstudio", "pull", loop.db, "--json")
    assert ({"new", "changed"} & set(again["annotations"]), again["notes"]) == (set(), [])


def test_training_there_promotes_a_round_whose_suggestions_come_next(loop: Loop) -> None:
    before = loop.version()
    (backend,) = loop.studio.get("/api/ml", project=loop.project)
    loop.studio.post(f"/api/ml/{backend['id']}/train", {})
    wait_for(lambda: "promoted:" in loop.log.read_text() or "no round" in loop.log.read_text())
    assert "round 1 is trained and promoted" in loop.log.read_text()
    after = loop.version()
    assert (after != before, after.startswith("spanloop-round-1-")) == (True, True)
    loop.retrieve()
    made = loop.predictions(after)
    assert sorted(made) == sorted(loop.tasks)
    with Store.open(loop.db) as store:
        known = store.bridges.tasks(f"labelstudio/{loop.project}")
        promoted = store.rounds.promoted()
        assert promoted is not None
        for task, result in made.items():
            ours = store.predictions.get(known[task], promoted.model_id)
            assert ours is not None
            assert [(r["value"]["start"], r["value"]["end"]) for r in result] == [
                (span.start, span.end) for span in ours.spans
            ]
    assert sum(len(result) for result in made.values()) > 20
    assert TOKEN not in loop.log.read_text()


def test_the_suggestion_is_on_the_right_characters_in_the_browser(loop: Loop, tmp_path: Path) -> None:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    from playwright.sync_api import sync_playwright

    made = loop.predictions(loop.version())
    right = {
        task: sum(_place(r) in each["spans"] for r in made[task])
        for task, each in list(zip(loop.tasks, loop.told, strict=True))[44:]  # not trained on
    }
    task = max(right, key=lambda number: right[number])
    values = sorted((region["value"] for region in made[task]), key=lambda value: value["start"])
    text = loop.told[loop.tasks.index(task)]["text"]
    assert any(max(text[: value["start"]] or " ") > "\uffff" for value in values)
    shot = tmp_path / "suggestion.png"  # of other people's texts: to look at, not to keep
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        page.goto(f"{loop.studio.url}/user/login/", wait_until="domcontentloaded")
        page.fill("input[name=email]", EMAIL)
        page.fill("input[name=password]", PASSWORD)
        page.click("button[type=submit]")
        page.wait_for_url(f"{loop.studio.url}/", wait_until="commit")
        page.goto(
            f"{loop.studio.url}/projects/{loop.project}/data?task={task}", wait_until="domcontentloaded"
        )
        page.wait_for_selector(".htx-highlight")
        page.get_by_text(loop.version()[-6:]).first.click()  # the tab of our newest prediction
        page.mouse.move(600, 600)
        wanted = [bare(value["text"]) for value in values]
        wait_for(lambda: highlighted(page) == wanted)
        page.screenshot(path=str(shot))
        browser.close()


def highlighted(page: Any) -> list[str]:
    shown = page.eval_on_selector_all(".htx-highlight", "all => all.map(one => one.textContent)")
    return [bare(one) for one in shown]


def _place(region: dict[str, Any]) -> tuple[int, int, str]:
    value = region["value"]
    return value["start"], value["end"], value["labels"][0]


def bare(text: str) -> str:
    return "".join(text.split())


def test_a_project_is_made_there_with_a_personal_token(studio: Studio, tmp_path: Path) -> None:
    os.environ[API_KEY] = studio.post("/api/token/", {})["token"]
    try:
        rows = [{"id": f"d{n}", "text": f"😀 Ann met Bob\r\nnumber {n}"} for n in range(250)]
        file = tmp_path / "docs.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        (tmp_path / "p.jsonl").write_text('{"label": "PER", "pattern": "Ann"}\n', encoding="utf-8")
        db = tmp_path / "made.db"
        Store.create(db, labels=["PER"], base_model="offline", lang="en").close()
        spanloop("import", db, file, "--json")
        spanloop("prelabel", db, "--patterns", tmp_path / "p.jsonl", "--json")
        first = spanloop("labelstudio", "push", db, "--url", studio.url, "--create", "--json")
        assert (first["tasks"], first["predictions"]) == (250, 250)
        again = spanloop("labelstudio", "push", db, "--json")
        assert (again["tasks"], again["predictions"], again["there"]) == (0, 0, 250)
        project = studio.get(f"/api/projects/{first['project']}")
        assert project["model_version"] == first["version"]
        rows = studio.get("/api/predictions", project=first["project"])
        assert {(r["value"]["start"], r["value"]["text"]) for row in rows for r in row["result"]} == {
            (2, "Ann")
        }
    finally:
        os.environ[API_KEY] = TOKEN


def test_a_refused_local_backend_is_explained(studio: Studio, loop: Loop, tmp_path: Path) -> None:
    """As Label Studio comes: it asks nothing on its own machine, and says so in words of its own."""
    shutil.copytree(studio.data, tmp_path / "data")
    with running(tmp_path / "data", {}) as strict:
        made = strict.post("/api/projects/", {"title": "strict", "label_config": CONFIG})
        arguments = ["labelstudio", "connect", str(tmp_path / "s.db"), "--url", strict.url]
        Store.create(tmp_path / "s.db", labels=LABELS, base_model="offline").close()
        done = CliRunner().invoke(main, [*arguments, "--project", str(made["id"]), "--backend", loop.backend])
    assert done.exit_code == 1
    assert "USE_DEFAULT_BANNED_SUBNETS=False" in done.output
