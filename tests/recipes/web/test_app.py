"""The page's server over a real store: what it serves, what it refuses, and that 200 means committed."""

from __future__ import annotations

import json
import re
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.page_client import PageClient, client_of

from spanloop.recipes.web.app import STATIC
from spanloop.store import Store
from spanloop.store.records import NewDocument, NewModel, Span

ORIGIN = {"origin": "http://localhost:8765"}
TEXT = "Ann met 💩 Bob in Rome ."


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    path = tmp_path / "p.db"
    with Store.create(
        path, labels=["PER", "LOC"], base_model="offline", lang="en", eval_fraction=0.0
    ) as store:
        store.documents.add([NewDocument(f"{TEXT} {n}", key=f"k{n}", meta={"n": n}) for n in range(6)])
        model = store.models.add(NewModel(hash="ab" * 8, kind="hf", name="m"))
        spans = [Span(0, 3, "PER", 0.9), Span(17, 21, "PER", 0.3)]
        store.predictions.add(
            model.id, [(d.id, spans, {"mnlp": 1.0}) for d in store.documents.iterate() if d.id]
        )
        yield store


def fetch(client: PageClient, n: int = 1, held: str = "", name: str = "tab") -> list[dict[str, Any]]:
    reply = client.get("/api/next", params={"client": name, "n": n, "held": held})
    assert reply.status_code == 200, reply.text
    documents: list[dict[str, Any]] = reply.json()["documents"]
    return documents


def answer_to(item: dict[str, Any], **changes: Any) -> dict[str, Any]:
    spans = [{"start": s["start"], "end": s["end"], "label_id": s["label_id"]} for s in item["suggestions"]]
    return {
        "uuid": str(uuid.uuid4()),
        "document_id": item["id"],
        "document_key": item["key"],
        "answer": "accept",
        "spans": spans,
        "prediction_id": item["prediction_id"],
        "seconds": 2.5,
        "comment": "",
        "flagged": False,
        "ranges": None,
        **changes,
    }


def test_next_serves_text_suggestions_and_meta_and_asks_for_tokens(store: Store) -> None:
    client = client_of(store)
    (item,) = fetch(client)
    assert item["text"].startswith(TEXT)
    assert item["tokens"] is None
    assert client.asked == [item["id"]]
    assert [(s["label"], s["score"]) for s in item["suggestions"]] == [("PER", 0.9), ("PER", 0.3)]
    assert item["meta"] == {"n": item["id"] - 1}


def test_tokens_come_once_they_are_stored(store: Store) -> None:
    store.set_project(tokenizer="t" * 32)
    (item,) = fetch(client_of(store))
    store.tokenizations.put("t" * 32, [(item["id"], [(0, 3), (4, 7)])])
    assert client_of(store).get(f"/api/documents/{item['id']}/tokens").json()["tokens"] == [0, 3, 4, 7]


def test_answer_is_in_the_file_before_the_reply(store: Store) -> None:
    client = client_of(store, annotator="ann")
    (item,) = fetch(client)
    reply = client.post("/api/answers", json=answer_to(item, spans=[]), headers=ORIGIN)
    assert reply.status_code == 200, reply.text
    with closing(sqlite3.connect(store.path)) as other, other:
        rows = other.execute("SELECT answer, seconds FROM annotations").fetchall()
    assert rows == [("accept", 2.5)]
    (stored,) = store.annotations.history(item["id"])
    assert (stored.annotator, stored.origin) == ("ann", "human")
    assert [s.action for s in stored.spans] == ["rejected", "rejected"]
    assert reply.json()["counts"]["open"] == 5


def test_the_same_answer_twice_is_one_row_and_another_under_its_uuid_is_refused(store: Store) -> None:
    client = client_of(store)
    (item,) = fetch(client)
    posted = answer_to(item)
    assert client.post("/api/answers", json=posted, headers=ORIGIN).json()["new"] is True
    assert client.post("/api/answers", json=posted, headers=ORIGIN).json()["new"] is False
    assert client.post("/api/answers", json={**posted, "spans": []}, headers=ORIGIN).status_code == 409
    assert len(store.annotations.history(item["id"])) == 1


@pytest.mark.parametrize("change", [("rename", "PER", "PERSON"), ("merge", "PER", "LOC"), ("retire", "PER")])
def test_a_retry_is_acknowledged_though_its_label_was_changed_meanwhile(
    store: Store, change: tuple[str, ...]
) -> None:
    client = client_of(store)
    (item,) = fetch(client)
    posted = answer_to(item, spans=[{"start": 0, "end": 3, "label_id": 1}])
    first = client.post("/api/answers", json=posted, headers=ORIGIN).json()
    getattr(store.labels, change[0])(*change[1:])
    again = client.post("/api/answers", json=posted, headers=ORIGIN)
    assert again.status_code == 200, again.text
    assert again.json()["annotation_id"] == first["annotation_id"]
    assert again.json()["new"] is False
    (stored,) = store.annotations.history(item["id"])
    assert [span.action for span in stored.spans] == ["taken", "rejected"]


def test_two_tabs_of_one_person_get_different_documents(store: Store) -> None:
    client = client_of(store)
    first, second = fetch(client, 2, name="one"), fetch(client, 2, name="two")
    assert not {d["id"] for d in first} & {d["id"] for d in second}
    client.post("/api/sittings", json={"client": "one", "held": None}, headers=ORIGIN)
    resumed = fetch(client, 2, held=",".join(str(d["id"]) for d in second), name="two")
    assert {d["id"] for d in resumed} == {d["id"] for d in first}


def test_a_draft_comes_back_and_goes_with_the_answer(store: Store) -> None:
    client = client_of(store)
    (item,) = fetch(client)
    draft = {"base": [], "edits": [], "position": 0, "comment": "💩", "saved_at": 1}
    body = {"document_id": item["id"], "document_key": item["key"], "draft": draft}
    assert client.post("/api/drafts", json=body, headers=ORIGIN).status_code == 200
    assert client.get(f"/api/documents/{item['id']}").json()["draft"] == draft
    client.post("/api/answers", json=answer_to(item), headers=ORIGIN)
    assert client.get(f"/api/documents/{item['id']}").json()["draft"] is None


def test_an_earlier_answer_is_listed_and_reopened_as_it_was(store: Store) -> None:
    client = client_of(store)
    (item,) = fetch(client)
    spans = [{"start": 10, "end": 13, "label_id": 1}]
    client.post(
        "/api/answers", json=answer_to(item, spans=spans, comment="why", flagged=True), headers=ORIGIN
    )
    (listed,) = client.get("/api/answers").json()["answers"]
    assert (listed["id"], listed["flagged"]) == (item["id"], True)
    opened = client.get(f"/api/documents/{item['id']}").json()
    assert opened["answer"]["spans"] == [{"label": "PER", **spans[0]}]
    assert opened["answer"]["comment"] == "why"
    assert len(opened["suggestions"]) == 2


def test_a_partial_answer_judges_only_what_was_looked_at(store: Store) -> None:
    client = client_of(store)
    (item,) = fetch(client)
    client.post("/api/answers", json=answer_to(item, spans=[], ranges=[[0, 10]]), headers=ORIGIN)
    (stored,) = store.annotations.history(item["id"])
    assert stored.ranges == ((0, 10),)
    assert [(s.start, s.action) for s in stored.spans] == [(0, "rejected")]


def test_blind_shows_no_suggestions(store: Store) -> None:
    (item,) = fetch(client_of(store, blind=True))
    assert (item["suggestions"], item["prediction_id"], item["model"]) == ([], None, None)


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"uuid": "x"}, 400, "uuid"),
        ({"answer": "maybe"}, 400, "answer"),
        ({"document_id": True}, 400, "document_id"),
        ({"document_id": 999}, 404, "no such document"),
        ({"document_key": "other"}, 409, "another project"),
        ({"spans": [{"start": 3, "end": 3, "label_id": 1}]}, 400, "end after"),
        ({"spans": [{"start": 0, "end": 999, "label_id": 1}]}, 409, ""),
        ({"spans": [{"start": 0, "end": 3, "label_id": 77}]}, 409, "no label of the id 77"),
        (
            {"spans": [{"start": 0, "end": 3, "label_id": 1}, {"start": 2, "end": 5, "label_id": 2}]},
            409,
            "",
        ),
        ({"comment": "a\0b"}, 400, "NUL"),
        ({"seconds": -1}, 400, "seconds"),
        ({"ranges": [[5, 3]]}, 400, "ranges"),
    ],
)
def test_a_bad_answer_is_refused_with_a_reason_and_stores_nothing(
    store: Store, changes: dict[str, Any], status: int, said: str
) -> None:
    client = client_of(store)
    (item,) = fetch(client)
    reply = client.post("/api/answers", json=answer_to(item, **changes), headers=ORIGIN)
    assert reply.status_code == status
    assert said in reply.json()["error"]
    assert store.annotations.history(item["id"]) == []


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"\\ud800"', b"\xff", b"1" * 5000, b"[" * 100_000, b"NaN", b"1e400", b"-1e400"],
)
def test_malformed_bodies_are_400(store: Store, body: bytes) -> None:
    client = client_of(store)
    for path in ("/api/answers", "/api/drafts", "/api/sittings"):
        reply = client.post(path, content=body, headers={**ORIGIN, "content-type": "application/json"})
        assert reply.status_code == 400
        assert reply.json()["error"]


def draft_of(client: PageClient, item: dict[str, Any], inside: str) -> str:
    """A draft as JSON, with JSON or what only looks like it inside."""
    said = {"document_id": item["id"], "document_key": item["key"], "draft": {"seconds": "HERE"}}
    return json.dumps({**client.session(), **said}).replace('"HERE"', inside)


@pytest.mark.parametrize(
    "inside",
    [
        "1e400",
        "-1e999999",
        "NaN",
        "Infinity",
        "[" * 900 + "]" * 900,
        '{"a":' * 80 + "1" + "}" * 80,
        "9" * 5000,
    ],
)
def test_what_a_draft_holds_never_keeps_the_document_from_anybody(store: Store, inside: str) -> None:
    client = client_of(store)
    (item,) = fetch(client)
    body = draft_of(client, item, inside)
    reply = client.post("/api/drafts", content=body, headers={**ORIGIN, "content-type": "application/json"})
    assert reply.status_code == 400
    assert "\n" not in reply.json()["error"]
    assert client.get(f"/api/documents/{item['id']}").json()["draft"] is None


def test_numbers_that_json_can_hold_come_back_as_they_were(store: Store) -> None:
    client = client_of(store)
    (item,) = fetch(client)
    body = draft_of(client, item, "[1e308, -0.0, 1e-400, 12345678901234567890]")
    reply = client.post("/api/drafts", content=body, headers={**ORIGIN, "content-type": "application/json"})
    assert reply.status_code == 200
    kept = client.get(f"/api/documents/{item['id']}").json()["draft"]["seconds"]
    assert kept == [1e308, 0.0, 0.0, 12345678901234567890]


def test_too_large_a_body_is_413(store: Store) -> None:
    body = b'{"document_id": "' + b"x" * (17 * 2**20)
    reply = client_of(store).post(
        "/api/drafts", content=body, headers={**ORIGIN, "content-type": "application/json"}
    )
    assert reply.status_code == 413


def test_a_locked_store_is_503_so_that_the_page_sends_the_answer_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spanloop.store.files.connection.BUSY_SECONDS", 0.1)
    client = client_of(store)
    (item,) = fetch(client)
    posted = answer_to(item)
    other = sqlite3.connect(store.path, isolation_level=None)
    with Store.open(store.path) as impatient:
        waiting = client_of(impatient)
        other.execute("BEGIN IMMEDIATE")
        assert waiting.post("/api/answers", json=posted, headers=ORIGIN).status_code == 503
        other.execute("ROLLBACK")
        assert waiting.post("/api/answers", json=posted, headers=ORIGIN).json()["new"] is True
    other.close()


def test_writes_need_the_page_as_origin_and_json(store: Store) -> None:
    client = client_of(store)
    (item,) = fetch(client)
    posted = answer_to(item)
    assert client.post("/api/answers", json=posted).status_code == 403
    assert (
        client.post("/api/answers", json=posted, headers={"origin": "http://evil.example"}).status_code == 403
    )
    assert client.post("/api/answers", json=posted, headers={"origin": "null"}).status_code == 403
    form = {**ORIGIN, "content-type": "text/plain"}
    assert client.post("/api/answers", content=json.dumps(posted), headers=form).status_code == 415
    assert store.annotations.history(item["id"]) == []


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "", "10.0.0.1", "[::1", "localhost.evil.example"]
)
def test_a_foreign_host_name_is_refused(store: Store, host: str) -> None:
    reply = client_of(store).get("/api/project", headers={"host": host})
    assert reply.status_code == 421
    assert "text" not in reply.text


def test_every_reply_carries_a_strict_content_policy(store: Store) -> None:
    client = client_of(store)
    for path in ("/", "/static/main.js", "/api/project", "/nowhere", "/static/../app.py"):
        policy = client.get(path).headers["content-security-policy"]
        assert "unsafe" not in policy
        assert policy.startswith("default-src 'none'; script-src 'self';")


def test_a_file_is_sent_once_and_then_only_its_tag(store: Store) -> None:
    client = client_of(store)
    for path, kind in (
        ("/", "text/html"),
        ("/static/main.js", "text/javascript"),
        ("/static/style.css", "text/css"),
    ):
        whole = client.get(path)
        assert whole.headers["content-type"].startswith(kind)
        assert whole.headers["cache-control"] == "no-cache"
        again = client.get(path, headers={"if-none-match": whole.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert client.get(path, headers={"if-none-match": '"old"'}).content == whole.content
    for path in ("/static/", "/static/none.js", "/static/..%2fapp.py", "/static/%2e%2e/app.py", "/static"):
        assert client.get(path, follow_redirects=True).status_code == 404


def test_the_page_is_small_and_loads_nothing_from_elsewhere() -> None:
    files = [file for file in STATIC.iterdir() if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 200_000
    for file in files:
        source = file.read_text("utf-8")
        assert not re.search(r"(?:src|href|from|import|url)\s*[=(]?\s*[\"']?(?:https?:)?//", source), (
            file.name
        )
        for word in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            " style=",
            "onclick=",
        ):
            assert word not in source, (file.name, word)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(
    st.sampled_from(["/api/answers", "/api/drafts", "/api/sittings"]),
    st.dictionaries(
        st.sampled_from(
            ["uuid", "document_id", "document_key", "answer", "spans", "ranges", "client", "held", "draft"]
        ),
        JSON,
    ),
)
def test_no_post_makes_the_server_fail(store: Store, path: str, changes: dict[str, Any]) -> None:
    client = client_of(store)
    document = store.documents.get(1)
    assert document is not None
    whole = {
        **client.session(),
        **answer_to({"id": 1, "key": "k0", "suggestions": [], "prediction_id": None}),
        **changes,
    }
    reply = client.post(
        path, content=json.dumps(whole), headers={**ORIGIN, "content-type": "application/json"}
    )
    assert reply.status_code in (200, 400, 404, 409)


@pytest.mark.parametrize(("ignored", "again"), [("never", []), ("last", ["k0"])])
def test_what_was_skipped_comes_again_at_the_end_or_never(
    store: Store, ignored: str, again: list[str]
) -> None:
    client = client_of(store, ignored=ignored)
    for _ in range(6):
        (item,) = fetch(client)
        answer = "ignore" if item["key"] == "k0" else "accept"
        reply = client.post("/api/answers", json=answer_to(item, answer=answer), headers=ORIGIN)
        assert reply.status_code == 200
    assert [item["key"] for item in fetch(client)] == again
