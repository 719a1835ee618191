"""Links of people lead to where the page is served, can be replaced, and can be scanned."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import segno
from support.page_server import Server
from support.store_making import make_store

from spanloop.recipes.project.annotators import add_annotator, annotators, qr_code, reissue_annotator
from spanloop.recipes.web.addresses import page_url
from spanloop.store import Store, StoreError

HALVES = {"█": (True, True), "▀": (True, False), "▄": (False, True), " ": (False, False)}


@pytest.fixture
def db(tmp_path: Path) -> Path:
    with make_store(tmp_path, documents=1) as store:
        return store.path


def token_of(link: str | None) -> str:
    assert link is not None
    return link.partition("token=")[2]


def test_a_link_leads_to_the_page_that_was_served_last(db: Path) -> None:
    before = add_annotator(db, "anna")
    assert (before.link or "").startswith("http://HOST:8765/enter?token=")
    assert "has not been served yet" in before.note
    server = Server(db).start()
    after = reissue_annotator(db, "anna")
    server.stop()
    assert after.link == f"{server.link}enter?token={token_of(after.link)}"
    assert "works on this machine alone" in after.text()
    elsewhere = add_annotator(db, "ben", host="10.0.0.7", port=80)
    assert (elsewhere.link or "").startswith("http://10.0.0.7:80/enter?token=")
    assert elsewhere.note == ""


def test_a_new_link_ends_the_old_one(db: Path) -> None:
    old = token_of(add_annotator(db, "anna").link)
    new = token_of(reissue_annotator(db, "anna").link)
    with Store.open(db) as store:
        assert (store.annotators.by_token(old), store.annotators.by_token(new)) == (None, "anna")
        assert store.annotators.names() == ["anna"]
    with pytest.raises(StoreError, match="there is no annotator 'ben', only anna"):
        reissue_annotator(db, "ben")
    with pytest.raises(StoreError, match="annotators reissue anna"):
        add_annotator(db, "anna")
    assert annotators(db).link is None


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", "http://127.0.0.1:1/"), ("::1", "http://[::1]:1/"), ("pc.lan", "http://pc.lan:1/")],
)
def test_the_address_of_a_page_is_the_one_it_was_given(host: str, expected: str) -> None:
    assert page_url(host, 1) == expected


def test_a_page_on_every_address_is_named_by_one_that_leads_there() -> None:
    assert not re.match(r"http://(0\.0\.0\.0|\[::\])", page_url("0.0.0.0", 1))


def test_the_code_that_is_drawn_is_that_of_the_link(db: Path) -> None:
    shown = add_annotator(db, "anna", qr=True)
    assert shown.link is not None
    assert qr_code(shown.link) in shown.text()
    rows: list[list[bool]] = []
    for line in qr_code(shown.link).splitlines():
        halves = [HALVES[sign] for sign in re.sub(r"\x1b\[[\d;]*m", "", line)]
        rows += [[half[0] for half in halves], [half[1] for half in halves]]
    matrix = segno.make(shown.link, error="m", micro=False).matrix
    size = len(matrix)
    drawn = [[not light for light in row[2 : 2 + size]] for row in rows[2 : 2 + size]]
    assert drawn == [[bool(module) for module in row] for row in matrix]
