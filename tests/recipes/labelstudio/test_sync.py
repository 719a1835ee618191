"""Pull, push and connect: run once or ten times, both sides say the same, and a refusal says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.labelstudio_making import CONFIG, region
from support.labelstudio_stand_in import LEGACY, PERSONAL, StandIn, standing_in
from support.store_making import add_model, make_store, predict_all

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.labelstudio.client import API_KEY, LabelStudio
from spanloop.recipes.labelstudio.connect import connect
from spanloop.recipes.labelstudio.layout import read_layout
from spanloop.recipes.labelstudio.pull import Pulled, pull
from spanloop.recipes.labelstudio.push import push
from spanloop.recipes.labelstudio.serve import PASSWORD
from spanloop.store import Store

BACKEND = "http://localhost:9090"


@pytest.fixture
def studio(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    monkeypatch.setenv(API_KEY, LEGACY)
    monkeypatch.setenv(PASSWORD, "long-enough")
    with standing_in() as made:
        yield made


@pytest.fixture
def db(tmp_path: Path) -> Path:
    with make_store(tmp_path) as store:
        return store.path


def gold(db: Path) -> dict[str, list[tuple[int, int, str]]]:
    with Store.open(db) as store:
        return {
            found.document.text: [(s.start, s.end, s.label) for s in found.spans]
            for found in store.annotations.gold()
        }


def asked_for(pulled: Pulled) -> dict[str, int]:
    return dict(pulled.annotations)


# Pull


def test_a_pull_brings_everything_once(studio: StandIn, db: Path) -> None:
    project = studio.add_project()
    tasks = [studio.add_task(project, text=f"😀 Ann {number}") for number in range(250)]
    for task in tasks[:120]:
        studio.annotate(task, region(2, 5, text="Ann"))
    first = pull(db, url=studio.url, project=project)
    assert (first.tasks, first.documents, asked_for(first)) == (250, 250, {"new": 120})
    assert len(gold(db)) == 120
    assert "spans: kept 120, ledger 0" in first.text()
    studio.clock = studio.clock.replace(hour=23)
    for everything in (False, True):
        again = pull(db, everything=everything)
        assert asked_for(again).get("new", 0) == 0
        assert again.documents == 0
    with Store.open(db) as store:
        assert store.annotations.count() == 120


def test_a_pull_asks_only_for_what_changed_since_the_last_one(studio: StandIn, db: Path) -> None:
    project = studio.add_project()
    tasks = [studio.add_task(project, text=f"Ann {number}") for number in range(5)]
    kept, changed, gone = (studio.annotate(task, region(0, 3)) for task in tasks[:3])
    pull(db, url=studio.url, project=project)
    studio.clock = studio.clock.replace(hour=13)
    studio.tick()
    studio.change(tasks[1], changed, region(0, 3, "LOC"))
    studio.delete(tasks[2], gone)
    studio.annotate(tasks[3], was_cancelled=True)
    told = pull(db)
    assert (told.tasks, asked_for(told)) == (3, {"changed": 1, "deleted": 1, "skipped": 1})
    assert gold(db) == {"Ann 0": [(0, 3, "PER")], "Ann 1": [(0, 3, "LOC")]}
    assert kept["id"] == 1


def test_d6_what_is_skipped_there_is_no_gold_here(studio: StandIn, db: Path) -> None:
    project = studio.add_project()
    studio.annotate(studio.add_task(project, text="Ann"), region(0, 3), was_cancelled=True)
    assert asked_for(pull(db, url=studio.url, project=project)) == {"skipped": 1}
    assert gold(db) == {}


def test_a_whole_project_in_one_line_counts_what_was_kept(studio: StandIn, tmp_path: Path) -> None:
    project = studio.add_project()
    whole, crossed = (studio.add_task(project, text=f"Ann in Rome {n}") for n in (1, 2))
    studio.annotate(whole, region(0, 3), region(7, 11, "LOC"))
    studio.annotate(crossed, region(0, 6), region(4, 11, "LOC"))
    db = tmp_path / "new.db"
    told = pull(db, url=studio.url, project=project, create=True)
    assert "spans: kept 2, ledger 1, stored without being gold 1; 4 in all" in told.text()
    with Store.open(db) as store:
        assert store.labels.names() == ["PER", "LOC"]
        assert [(e.start, e.end, e.label, e.action) for e in store.ledger.all()] == [
            (0, 6, "PER", "conflict")
        ]
        [kept] = store.annotations.history(2)
        assert (kept.answer, [(s.start, s.end) for s in kept.spans]) == ("ignore", [(4, 11)])
    assert list(gold(db)) == ["Ann in Rome 1"]


def test_every_region_of_a_pull_is_counted_once_and_as_the_store_has_it(studio: StandIn, db: Path) -> None:
    """Said twice, with blanks at its edges, nothing but blanks, another label, and one that was skipped."""
    project = studio.add_project()
    tasks = [studio.add_task(project, text=f"Ann in Rome {n}") for n in range(3)]
    studio.annotate(tasks[0], region(0, 3), region(0, 3), region(6, 12, "LOC"), region(3, 4))
    studio.annotate(tasks[1], region(0, 3), region(7, 11, "CITY"))
    studio.annotate(tasks[2], region(0, 3), was_cancelled=True)
    told = pull(db, url=studio.url, project=project)
    assert (told.kept, told.moved, told.set_aside, told.ledger) == (1, 1, 2, 3)
    assert "spans: kept 1, ledger 3, moved 1, stored without being gold 2; 7 in all" in told.text()
    with Store.open(db) as store:
        actions = [event.action for event in store.ledger.all()]
        assert (actions.count("snapped"), len(actions)) == (told.moved, told.moved + told.ledger)
    assert gold(db) == {"Ann in Rome 0": [(0, 3, "PER"), (7, 11, "LOC")]}


def test_a_task_that_cannot_be_read_stops_no_other(studio: StandIn, db: Path) -> None:
    project = studio.add_project()
    studio.add_task(project, image="x.png")
    studio.annotate(studio.add_task(project, text="Ann"), {"type": "polygonlabels", "value": {}})
    studio.annotate(studio.add_task(project, text="Bob"), region(0, 3))
    told = pull(db, url=studio.url, project=project)
    assert gold(db) == {"Bob": [(0, 3, "PER")]}
    assert [problem.split(":")[0] for problem in told.problems] == ["task 1", "task 2"]


def test_labels_that_are_unknown_here_are_named(studio: StandIn, db: Path) -> None:
    project = studio.add_project(CONFIG.replace("LOC", "CITY"))
    studio.annotate(studio.add_task(project, text="Rome"), region(0, 4, "CITY"))
    told = pull(db, url=studio.url, project=project)
    assert (asked_for(told), "CITY" in told.notes[-1]) == ({"ledger": 1}, True)
    strange = studio.add_project(CONFIG.replace("LOC", "X").replace("PER", "Y"))
    with pytest.raises(RecipeError, match="none in common"):
        pull(db, url=studio.url, project=strange)


# Push


def test_a_push_sends_what_is_missing_and_nothing_twice(studio: StandIn, tmp_path: Path) -> None:
    with make_store(tmp_path, documents=450) as store:
        predict_all(store, add_model(store, kind="patterns"), "mnlp")
        db = store.path
    made = push(db, url=studio.url, create=True)
    assert (made.tasks, made.predictions, made.there) == (450, 450, 0)
    layout = read_layout(studio.projects[made.project]["label_config"])
    assert layout.labels == ("PER", "LOC")
    assert studio.projects[made.project]["model_version"] == made.version
    sent = [task["predictions"] for task in studio.tasks.values()]
    assert {len(one) for one in sent} == {1}
    assert sent[0][0]["result"][0]["value"] == {
        "start": 0, "end": 3, "text": "Ann", "labels": ["PER"], "score": 0.9,
    }  # fmt: skip
    assert 0 <= sent[0][0]["score"] <= 1
    studio.tasks[7]["predictions"] = []  # somebody deleted it there
    again = push(db)
    assert (again.tasks, again.predictions, again.there) == (0, 1, 449)
    assert len(studio.tasks) == 450


def test_an_answer_that_was_lost_makes_no_second_task(studio: StandIn, tmp_path: Path) -> None:
    with make_store(tmp_path, documents=3) as store:
        db = store.path
    project = studio.add_project()
    studio.add_task(project, text="Ann met Bob in Rome 1", spanloop_id="d1")  # sent, and then the line broke
    made = push(db, url=studio.url, project=project, documents=True)
    assert (made.tasks, len(studio.tasks)) == (2, 3)
    assert "3 tasks without a prediction here" in made.text()
    with Store.open(db) as store:
        assert store.documents.count() == 3


def test_a_second_project_is_not_made_by_mistake(studio: StandIn, db: Path) -> None:
    made = push(db, url=studio.url, create=True)
    with pytest.raises(RecipeError, match=f"--project {made.project} instead of --create"):
        push(db, url=studio.url, create=True)


def test_tasks_from_there_get_predictions_from_here(studio: StandIn, db: Path) -> None:
    project = studio.add_project(CONFIG.replace('"text"', '"body"').replace("$text", "$body"))
    studio.add_task(project, body="Ann met Bob")
    pull(db, url=studio.url, project=project)
    with Store.open(db) as store:
        predict_all(store, add_model(store))
    assert push(db).predictions == 1
    (found,) = studio.tasks[1]["predictions"][0]["result"]
    assert (found["to_name"], found["value"]["text"]) == ("body", "Ann")


# Connect


def test_the_backend_comes_with_a_webhook_that_knows_the_password(studio: StandIn, db: Path) -> None:
    project = studio.add_project()
    where = {"url": studio.url, "project": project}
    assert connect(db, backend=BACKEND, user="ls", **where).webhook == "mended"  # type: ignore[arg-type]
    assert studio.backends[0]["basic_auth_user"] == "ls"
    assert studio.webhooks[0]["headers"]["Authorization"].startswith("Basic ")
    assert connect(db, backend=BACKEND, user="ls").webhook == "in order"
    assert len(studio.backends) == len(studio.webhooks) == 1


def test_a_missing_webhook_is_mended_on_the_way(studio: StandIn, db: Path) -> None:
    project = studio.add_project()
    connect(db, backend=BACKEND, url=studio.url, project=project)
    studio.webhooks.clear()
    assert pull(db).notes == [f"webhook of {BACKEND}: made"]
    studio.webhooks[0]["is_active"] = False
    assert push(db).notes[0] == f"webhook of {BACKEND}: mended"
    assert pull(db).notes == []


def test_a_refused_local_backend_names_the_setting(studio: StandIn, db: Path) -> None:
    project = studio.add_project()
    studio.refuses_local = True
    with pytest.raises(RecipeError, match="USE_DEFAULT_BANNED_SUBNETS=False"):
        connect(db, backend=BACKEND, url=studio.url, project=project)
    studio.refuses_local, studio.refuses_webhooks = False, True  # half allowed: added, without a webhook
    with pytest.raises(RecipeError, match=r"refuses its webhook.*labelstudio pull"):
        connect(db, backend=BACKEND)
    assert len(studio.backends) == 1


# Who asks


def test_a_personal_token_is_traded_and_traded_again(
    studio: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.legacy_allowed = False
    project = studio.add_project()
    refusal = pytest.raises(RecipeError, match="make a personal access token")
    with LabelStudio(studio.url) as client, refusal:
        client.project(project)
    with LabelStudio(studio.url, PERSONAL) as client:
        assert client.project(project)["id"] == project
        assert client.project(project)["id"] == project
        assert studio.calls.count("POST /api/token/refresh/") == 1
        studio.access += 1  # the access token has run out there
        assert client.project(project)["id"] == project
        assert studio.calls.count("POST /api/token/refresh/") == 2
    refusal = pytest.raises(RecipeError, match="refuses the personal access token")
    with LabelStudio(studio.url, "not.the.one") as client, refusal as refused:
        client.get("/api/ml")
    assert "not.the.one" not in str(refused.value)


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://x", "http://", "http://user:pass@host"])
def test_what_is_no_address_is_refused(url: str, studio: StandIn) -> None:
    with pytest.raises(RecipeError, match="is no address of a Label Studio"):
        LabelStudio(url)


def test_what_is_missing_is_asked_for(studio: StandIn, db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RecipeError, match="say which project"):
        pull(db)
    with pytest.raises(RecipeError, match="say where Label Studio is"):
        pull(db, project=1)
    with pytest.raises(RecipeError, match="there is no project 9"):
        pull(db, url=studio.url, project=9)
    project = studio.add_project()
    pull(db, url=studio.url, project=project)
    with pytest.raises(RecipeError, match="one store, one Label Studio"):
        pull(db, url="http://127.0.0.1:1", project=project)
    monkeypatch.delenv(API_KEY)
    with pytest.raises(RecipeError, match=API_KEY):
        pull(db)


def test_no_answer_is_said_in_a_line(studio: StandIn) -> None:
    refusal = pytest.raises(RecipeError, match=r"no answer from Label Studio at http://127\.0\.0\.1:1")
    with LabelStudio("http://127.0.0.1:1") as client, refusal:
        client.get("/api/ml")
