"""Where the access token goes: only to an address that this person has named on this machine."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse, RedirectResponse, Response
from support.commands import done, refused
from support.labelstudio_making import bench, region, setup
from support.labelstudio_stand_in import LEGACY, PERSONAL, StandIn, standing_in
from support.store_making import make_store

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.labelstudio.client import API_KEY, LabelStudio
from spanloop.recipes.labelstudio.confirmed import address_of, confirm, file_of_confirmed, is_confirmed
from spanloop.store import Store
from spanloop.store.tables.bridges import Bridge


@pytest.fixture
def mine(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    monkeypatch.setenv(API_KEY, LEGACY)
    with standing_in() as made:
        made.add_project()
        yield made


@pytest.fixture
def thief(mine: StandIn) -> Iterator[StandIn]:
    with standing_in() as made:
        made.add_project()
        yield made


@pytest.fixture
def db(tmp_path: Path) -> Path:
    with make_store(tmp_path) as store:
        return store.path


def saw_the_token(studio: StandIn) -> bool:
    return any(secret in line for line in studio.headers for secret in (LEGACY, "authorization"))


def of_a_stranger(db: Path, url: str, number: int = 1) -> None:
    """The file says where its Label Studio is, as one that came by mail."""
    with Store.open(db) as store:
        store.bridges.put(Bridge(f"labelstudio/{number}", url))


@pytest.mark.parametrize("command", ["pull", "push", "connect"])
def test_a_file_does_not_say_where_the_token_goes(
    mine: StandIn, thief: StandIn, db: Path, command: str
) -> None:
    done("labelstudio", "pull", db, "--url", mine.url, "--project", 1)  # one's own is confirmed; his is not
    with Store.open(db) as store:
        store.run("DELETE FROM bridges")
    of_a_stranger(db, thief.url)
    line = refused("labelstudio", command, db)
    assert f"--url {thief.url} --project 1" in line
    assert thief.calls == []
    assert "token is not sent there" in line
    done("labelstudio", command, db, "--url", thief.url, "--project", 1)  # the person says so
    assert saw_the_token(thief)
    thief.calls.clear()
    done("labelstudio", command, db)
    assert thief.calls


def test_what_was_confirmed_is_for_this_project_on_this_machine(
    mine: StandIn, db: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    done("labelstudio", "pull", db, "--url", mine.url + "/", "--project", 1)
    done("labelstudio", "pull", db)
    of_a_stranger(db, mine.url, 2)
    assert "--project 2" in refused("labelstudio", "pull", db, "--project", 2)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "another person"))
    assert "which you have not named" in refused("labelstudio", "pull", db, "--project", 1)


def test_an_address_that_does_not_answer_is_not_confirmed(mine: StandIn, db: Path) -> None:
    refused("labelstudio", "pull", db, "--url", "http://127.0.0.1:1", "--project", 1)
    refused("labelstudio", "pull", db, "--url", mine.url, "--project", 9)
    assert not file_of_confirmed().exists()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("key", [LEGACY, PERSONAL])
def test_a_redirect_does_not_carry_the_token_along(
    mine: StandIn, thief: StandIn, db: Path, status: int, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(API_KEY, key)
    there = RedirectResponse(thief.url + "/api/projects/1/", status)
    mine.answers = {"/api/projects/1/": there, "/api/token/refresh/": there}
    line = refused("labelstudio", "pull", db, "--url", mine.url, "--project", 1)
    assert f"sends us to {thief.url}" in line
    assert thief.calls == []


def test_a_backend_sends_no_token_to_whom_it_is_told_of(thief: StandIn, tmp_path: Path) -> None:
    with bench(tmp_path) as made:
        body = {**setup(), "hostname": thief.url, "access_token": LEGACY}
        assert made.post("/setup", body).status_code == 200
    assert thief.calls == []


def test_a_redirect_to_nowhere_is_told(mine: StandIn, db: Path) -> None:
    mine.answers["/api/projects/1/"] = Response(status_code=304)
    assert "304" in refused("labelstudio", "pull", db, "--url", mine.url, "--project", 1)


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "javascript:alert(1)", "http://[", "http://h:99999", "http://a@b", "http://a b",
     "http://h/\x1b[2J", "http://h?x", "http://h#x", "//h", "", "http://\ud800", "http://h\nlocation: x"],
)  # fmt: skip
def test_what_is_no_address_of_a_web_server_is_refused(url: str, mine: StandIn, db: Path) -> None:
    with pytest.raises(RecipeError, match="is no address of a Label Studio"):
        address_of(url)
    if "\ud800" not in url:
        of_a_stranger(db, url)
        refused("labelstudio", "pull", db)


def test_one_address_has_one_form() -> None:
    forms = ["HTTP://Host:80/", "http://host", "http://host//"]
    assert {address_of(form) for form in forms} == {"http://host"}
    assert address_of("https://h:8443/ls/") == "https://h:8443/ls"
    assert address_of("http://[::1]:8080") == "http://[::1]:8080"


# The file


def test_the_file_is_for_its_owner_only_and_keeps_the_others(configuration: Path) -> None:
    confirm("http://a", "labelstudio/1")
    confirm("http://b", "labelstudio/2")
    confirm("http://a", "labelstudio/3")
    path = file_of_confirmed()
    assert path.is_relative_to(configuration)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text()) == {
        "confirmed": {"http://a": ["labelstudio/1", "labelstudio/3"], "http://b": ["labelstudio/2"]}
    }
    assert {each.name for each in path.parent.iterdir()} == {path.name, "label-studio.lock"}
    assert is_confirmed("http://b", "labelstudio/2")
    assert not is_confirmed("http://b", "labelstudio/1")


@pytest.mark.parametrize(
    "broken",
    [b"", b"{", b"\xff", b"[]", b'{"confirmed": []}', b'{"confirmed": {"http://a": 3}}', b"[" * 100_000,
     b'{"confirmed": {"http://a": [["x"]]}}'],
)  # fmt: skip
def test_a_broken_file_is_told_in_a_line(mine: StandIn, db: Path, broken: bytes) -> None:
    of_a_stranger(db, mine.url)
    path = file_of_confirmed()
    path.parent.mkdir()
    path.write_bytes(broken)
    for arguments in ((), ("--url", mine.url, "--project", 1)):
        assert f"{path} cannot be read" in refused("labelstudio", "pull", db, *arguments)
    assert path.read_bytes() == broken


def test_a_folder_that_cannot_be_written_is_told_in_a_line(
    mine: StandIn, db: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file"))
    assert "cannot be written" in refused("labelstudio", "pull", db, "--url", mine.url, "--project", 1)


# Answers that nobody would expect


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize("command", ["pull", "push", "connect"])
@pytest.mark.parametrize("path", ["/api/projects/1/", "/api/tasks", "/api/ml", "/api/webhooks/"])
def test_an_answer_of_another_shape_is_told_in_a_line(
    mine: StandIn, db: Path, path: str, command: str
) -> None:
    done("labelstudio", "connect", db, "--url", mine.url, "--project", 1)
    for body in ("", "no JSON", "[3]", "{}", "3", nested(50_000), '{"tasks": 5}', '[{"url": 3}]', "\xff"):
        mine.answers = {path: body}
        arguments = ("labelstudio", command, db, "--url", mine.url, "--project", 1)
        if command == "connect" and path == "/api/tasks":
            done(*arguments)  # it asks for no tasks
            continue
        refused(*arguments)


def test_one_poisoned_task_stops_no_other(mine: StandIn, db: Path) -> None:
    good = [mine.add_task(1, text=f"Ann {number}") for number in range(3)]
    for each in good:
        mine.annotate(each, region(0, 3))
    page = {"total": 0, "tasks": list(mine.tasks.values())}
    text = {"text": "Ann"}
    wild: list[Any] = [
        5, None, [], {}, {"id": 10**30, "data": {"text": "x"}}, {"id": 8, "data": 3},
        {"id": 9, "data": {"text": "a\0"}},
        {"id": 10, "data": {"text": "b", "meta": "\ud800"}, "annotations": 3},
        {"id": 11, "data": text, "annotations": [{"id": 10**30, "result": []}, {"id": 77, "result": 3}]},
        {"id": 12, "data": text, "annotations": [{"id": 78, "updated_at": "0001-01-01T00:00:00+05:00"}]},
        {"id": 13, "data": {"text": "Bob"}, "annotations": [], "predictions": {"a": 1}},
    ]  # fmt: skip
    page["tasks"] = [*wild, *page["tasks"]]
    mine.answers["/api/tasks"] = Response(json.dumps(page))
    told = done("labelstudio", "pull", db, "--url", mine.url, "--project", 1, "--json")
    assert told["annotations"] == {"new": 3}
    assert len(told["problems"]) == 11  # one each but for the last; two of task 11
    assert "--all" in told["notes"][0]
    assert len(done("labelstudio", "push", db, "--json")["notes"]) >= 7


def test_a_task_that_cannot_be_read_is_left_out_of_its_page(mine: StandIn, db: Path) -> None:
    for number in range(3):
        mine.annotate(mine.add_task(1, text=f"Ann {number}"), region(0, 3))
    mine.spoiled = (b'"Ann 1"', nested(50_000).encode())
    told = done("labelstudio", "pull", db, "--url", mine.url, "--project", 1, "--json")
    assert (told["annotations"], len(told["problems"])) == ({"new": 2}, 1)
    assert "number 2 of the list" in told["problems"][0]


@pytest.mark.parametrize("key", ["ключ", "a\nb", "a\x1bb"])
def test_a_token_that_is_none_is_not_shown(key: str) -> None:
    with pytest.raises(RecipeError, match=API_KEY) as told:
        LabelStudio("http://localhost", key)
    assert key not in str(told.value)


def test_moments_that_are_none_only_cost_a_whole_look(mine: StandIn, db: Path) -> None:
    page = JSONResponse({"total": 0, "tasks": []}, headers={"date": "Fri, 31 Dec 9999 23:59:59 -2359"})
    mine.answers["/api/tasks"] = page
    done("labelstudio", "pull", db, "--url", mine.url, "--project", 1)
    assert os.environ[API_KEY] == LEGACY
