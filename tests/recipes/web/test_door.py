"""Who comes in, and as whom: asked at every request, and never changed by another site's link."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from support.store_making import make_store

from spanloop.recipes.web.app import create_app
from spanloop.recipes.web.settings import PageSettings
from spanloop.store import Store

HOST = "http://localhost:8765"
SHARED = "s" * 20
CROSS = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with make_store(tmp_path, documents=3) as store:
        yield store


def client_of(store: Store, **options: Any) -> TestClient:
    app = create_app(store, PageSettings(**options), ask_tokens=lambda _: True)
    return TestClient(app, base_url=HOST, headers={"origin": HOST, "content-type": "application/json"})


def sign_in(client: TestClient, token: str, annotator: str, now: str | None = None) -> Any:
    return client.post("/api/enter", json={"token": token, "annotator": annotator, "now": now})


def who(client: TestClient) -> str | None:
    reply = client.get("/api/project")
    return reply.json()["annotator"] if reply.status_code == 200 else None


def test_a_token_is_asked_for_once_and_kept_in_a_strict_cookie(store: Store) -> None:
    client = client_of(store, host="0.0.0.0", token=SHARED, annotator="ann")
    assert client.get("/").status_code == 401
    assert client.get("/enter", params={"token": "wrong"}).status_code == 401
    assert sign_in(client, "wrong", "ann").status_code == 401
    cookie = sign_in(client, SHARED, "ann").headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert client.get("/").status_code == 200
    assert who(client) == "ann"


def test_named_annotators_come_in_by_their_own_links(store: Store) -> None:
    token = store.annotators.add("Zoë")
    client = client_of(store)
    assert who(client) is None
    assert sign_in(client, token, "Zoë").status_code == 200
    assert who(client) == "Zoë"
    store.annotators.remove("Zoë")
    store.annotators.add("somebody else")
    assert who(client) is None


def test_people_named_while_the_page_is_served_close_it_to_others_at_once(store: Store) -> None:
    client = client_of(store)
    assert who(client) == "me"
    with Store.open(store.path) as another_process:
        token = another_process.annotators.add("anna")
    for path in ("/", "/api/project", "/api/next?client=tab", "/api/documents/1", "/api/search?text=met"):
        assert client.get(path).status_code == 401
    assert client.post("/api/sittings", json={"client": "tab", "held": [1]}).status_code == 401
    sign_in(client, token, "anna")
    assert who(client) == "anna"


def test_a_page_beyond_this_machine_stays_closed_when_the_last_name_is_gone(store: Store) -> None:
    token = store.annotators.add("anna")
    client = client_of(store, host="0.0.0.0")
    sign_in(client, token, "anna")
    assert who(client) == "anna"
    store.annotators.remove("anna")
    assert who(client) is None


def test_a_link_alone_signs_nobody_in(store: Store) -> None:
    anna, ben = store.annotators.add("anna"), store.annotators.add("ben")
    client = client_of(store)
    sign_in(client, anna, "anna")
    for headers in (CROSS, {**CROSS, "sec-fetch-site": "same-site"}, {"sec-fetch-site": "none"}, {}):
        opened = client.get("/enter", params={"token": ben}, headers=headers)
        assert opened.status_code == 200
        assert "set-cookie" not in opened.headers
        assert (b'data-from="elsewhere"' in opened.content) == (headers.get("sec-fetch-site") != "none")
    assert who(client) == "anna"


def test_a_link_is_told_apart_by_both_names_before_it_changes_who_you_are(store: Store) -> None:
    anna, ben = store.annotators.add("anna"), store.annotators.add("ben")
    client = client_of(store)
    sign_in(client, anna, "anna")
    asked = client.post("/api/enter", json={"token": ben})
    assert asked.json() == {"annotator": "ben", "now": "anna", "signed_in": False}
    assert "set-cookie" not in asked.headers
    for annotator, now in (("ben", None), ("ben", "ben"), ("anna", "anna"), ("zoe", "anna")):
        refused = sign_in(client, ben, annotator, now)
        assert refused.status_code == 409
        assert "set-cookie" not in refused.headers
    assert who(client) == "anna"
    assert sign_in(client, ben, "ben", "anna").status_code == 200
    assert who(client) == "ben"


def test_no_other_site_can_post_a_token(store: Store) -> None:
    ben = store.annotators.add("ben")
    client = client_of(store)
    for headers in ({"origin": "http://evil.example"}, {"origin": "null"}, {"origin": "http://localhost:1"}):
        body = {"token": ben, "annotator": "ben", "now": None}
        assert client.post("/api/enter", json=body, headers=headers).status_code == 403
    form = client.post("/api/enter", content="token=x", headers={"content-type": "text/plain"})
    assert form.status_code == 415


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_gets_nothing_and_leases_nothing(store: Store, site: str) -> None:
    client = client_of(store)
    for mode, dest in (
        ("no-cors", "image"),
        ("cors", "empty"),
        ("navigate", "document"),
        ("navigate", "iframe"),
    ):
        headers = {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": dest}
        for path in ("/api/next?client=tab&n=3", "/api/project", "/static/main.js"):
            assert client.get(path, headers=headers).status_code == 403
        opened = client.get("/", headers=headers).status_code
        assert opened == (200 if (mode, dest) == ("navigate", "document") else 403)
    assert store.row("SELECT count(*) FROM leases") == (0,)
    assert client.get("/api/next?client=tab", headers={"sec-fetch-site": "same-origin"}).status_code == 200
