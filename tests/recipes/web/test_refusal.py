"""Who opens an address without a link, or with an old one, gets a page that says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.page_client import client_of
from support.store_making import make_store

from spanloop.store import Store

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
SCRIPT = {"accept": "*/*"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with make_store(tmp_path, documents=1) as store:
        store.annotators.add("anna")
        yield store


@pytest.mark.parametrize("path", ["/", "/enter?token=wrong", "/api/project", "/nowhere"])
def test_a_browser_is_told_what_to_do(store: Store, path: str) -> None:
    reply = client_of(store).get(path, headers=BROWSER)
    assert reply.status_code == 401
    assert reply.headers["content-type"].startswith("text/html")
    assert ("link is not valid" if "wrong" in path else "/enter?token=…") in reply.text
    assert "spanloop annotators DB reissue NAME" in reply.text
    assert "default-src 'none'" in reply.headers["content-security-policy"]


@pytest.mark.parametrize(
    "headers", [SCRIPT, {"accept": "application/json"}, {"accept": "text/html;q=0, */*"}]
)
def test_a_program_is_told_as_json(store: Store, headers: dict[str, str]) -> None:
    reply = client_of(store).get("/", headers=headers)
    assert (reply.status_code, reply.json()["reason"]) == (401, "signed out")
    client = client_of(store)
    assert (
        client.get("/enter?token=wrong", headers=headers).json()["error"].startswith("this link is not valid")
    )


def test_an_old_cookie_is_told_apart_from_none(store: Store) -> None:
    client = client_of(store)
    assert "not valid any more" not in client.get("/", headers=BROWSER).text
    client.cookies.set(f"spanloop-{store.project.uid}", "old")
    assert "not valid any more" in client.get("/", headers=BROWSER).text


def test_a_page_that_is_not_there_is_told_as_a_page_to_who_is_signed_in(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        reply = client_of(store).get("/<b>nowhere", headers=BROWSER)
        assert (reply.status_code, "There is no such page" in reply.text) == (404, True)


def test_what_was_sent_is_only_text_on_the_page(store: Store) -> None:
    reply = client_of(store).get("/", headers={**BROWSER, "host": "<script>alert(1)</script>.example"})
    assert reply.status_code == 421
    assert "<script>" not in reply.text
