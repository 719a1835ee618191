"""Requests made after the server's own description, right and wrong ones: never a 5xx, never a broken store.

``SPANLOOP_SOAK=100000`` sets how many; without it a few hundred. Several people ask at once.
"""

from __future__ import annotations

import asyncio
import copy
import json
import os
import random
import sys
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.page_answers import check_answer

from spanloop.recipes.web.app import create_app
from spanloop.recipes.web.openapi import openapi
from spanloop.recipes.web.settings import PageSettings
from spanloop.store import Store
from spanloop.store.records import NewDocument, NewModel, Span

REQUESTS = int(os.environ.get("SPANLOOP_SOAK", "400"))
PEOPLE = 4
DOCUMENTS = 40
HOST = "http://localhost:8765"
ODD: list[Any] = [
    None,
    True,
    False,
    0,
    -1,
    1,
    1.5,
    2**31,
    2**53,
    2**63,
    2**64,
    10**40,
    1e308,
    [],
    [[]],
    [1],
    {},
]
ODD += [
    [[0, 1]],
    {"start": 0},
    {"a": {"b": [None]}},
    "",
    "a",
    "\0",
    "\ud800",
    "💩",
    "0",
    "accept",
    "PER",
    "k1",
]
ODD += ["%00", "../..", "'; DROP TABLE annotations; --", "x" * 5000]


def made_from(schema: dict[str, Any], luck: random.Random) -> Any:
    """A value that the schema allows."""
    if "$ref" in schema:
        return made_from(openapi()["components"]["schemas"][schema["$ref"].rpartition("/")[2]], luck)
    if "enum" in schema:
        return luck.choice(schema["enum"])
    if "anyOf" in schema:
        return made_from(luck.choice(schema["anyOf"]), luck)
    kind = schema.get("type")
    if kind == "object":
        fields = schema.get("properties", {})
        return {name: made_from(part, luck) for name, part in fields.items() if luck.random() < 0.97}
    if kind == "array":
        if "prefixItems" in schema:
            return [made_from(part, luck) for part in schema["prefixItems"]]
        return [made_from(schema["items"], luck) for _ in range(luck.randrange(4))]
    if kind == "integer":
        return luck.choice([0, 1, 2, 3, luck.randrange(40), schema.get("maximum", 99)])
    if kind == "number":
        return luck.choice([0, 1.25, 3600])
    if kind == "boolean":
        return luck.random() < 0.5
    if schema.get("format") == "uuid":
        return str(uuid.UUID(int=luck.getrandbits(128)))
    return luck.choice(["k0", "k1", "k2", "PER", "LOC", "tab", "Ann", "💩"]) if kind == "string" else None


def body_schema(described: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = described["requestBody"]["content"]["application/json"]["schema"]
    return schema


def damaged(value: Any, luck: random.Random) -> Any:
    """The value with one place of it made odd."""
    value = copy.deepcopy(value)
    place, where = value, None
    while isinstance(place, dict | list) and place and (where is None or luck.random() < 0.7):
        holder, where = (
            place,
            luck.choice(list(place)) if isinstance(place, dict) else luck.randrange(len(place)),
        )
        place = holder[where]
        if luck.random() < 0.3:
            break
    if where is None:
        return luck.choice(ODD)
    if luck.random() < 0.2:
        del holder[where]
    else:
        holder[where] = luck.choice(ODD)
    return value


def body_of(value: Any, luck: random.Random) -> bytes:
    body = json.dumps(value).encode()
    if luck.random() < 0.05:
        cut = luck.randrange(len(body) + 1)
        body = body[:cut] + luck.choice([b"", b"\xff", b"\0", b"}", b"NaN"]) + body[cut + luck.randrange(3) :]
    return body


class Soak:
    """One person after another's luck: requests made from the server's own description."""

    def __init__(self, seen: Counter[int], session: dict[str, str]) -> None:
        self.session = session
        described = openapi()["paths"].items()
        self.posts = {path: body_schema(methods["post"]) for path, methods in described if "post" in methods}
        self.reads = [path for path, methods in described if "get" in methods]
        self.seen = seen

    async def run(self, client: httpx.AsyncClient, luck: random.Random, requests: int) -> None:
        for _ in range(requests):
            reply = await (self.post(client, luck) if luck.random() < 0.7 else self.read(client, luck))
            self.seen[reply.status_code] += 1
            assert reply.status_code < 500, (reply.request.url, reply.request.content[:500], reply.text)
            assert reply.status_code == 200 or reply.json()["error"]
            check_answer(reply.request.method, reply.request.url.path, reply.status_code, reply.json())

    async def post(self, client: httpx.AsyncClient, luck: random.Random) -> httpx.Response:
        where = luck.choice(list(self.posts))
        value = made_from(self.posts[where], luck)
        value |= {name: said for name, said in self.session.items() if name in value}
        for _ in range(luck.choice([0, 1, 1, 2])):
            value = damaged(value, luck)
        headers = {"origin": HOST, "content-type": "application/json"}
        if luck.random() < 0.03:
            headers = {name: luck.choice(["", "null", "x"]) for name in headers}
        return await client.post(where, content=body_of(value, luck), headers=headers)

    async def read(self, client: httpx.AsyncClient, luck: random.Random) -> httpx.Response:
        number = str(luck.choice([1, 2, 99, 2**63, 10**30, "x", "-1"]))
        odd = [str(v)[:300].encode("utf-8", "replace").decode() for v in luck.choices(ODD, k=3)]
        parameters = {
            "client": odd[0] or "tab",
            "held": luck.choice(["1,2", odd[1]]),
            "n": luck.choice(["2", odd[2]]),
            "text": luck.choice(["Ann", "no", "💩", odd[0], odd[1]]),
            "label_id": luck.choice(["1", odd[2]]),
            **(self.session if luck.random() < 0.5 else {"mode": luck.choice(["ordinary", odd[1]])}),
        }
        return await client.get(luck.choice(self.reads).replace("{id}", number), params=parameters)


async def soak(store: Store, requests: int) -> Counter[int]:
    """So many requests by several at once; how many replies of each status came."""
    app = create_app(store, PageSettings(), ask_tokens=lambda _: None)
    seen: Counter[int] = Counter()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HOST) as client:
        session = (await client.get("/api/project")).json()["session"]
        people = [
            Soak(seen, session).run(
                client, random.Random(seed), requests // PEOPLE + (seed < requests % PEOPLE)
            )
            for seed in range(PEOPLE)
        ]
        await asyncio.gather(*people)
    return seen


@pytest.mark.slow
def test_nothing_that_is_sent_makes_the_server_fail(tmp_path: Path) -> None:
    path = tmp_path / "soak.db"
    with Store.create(
        path, labels=["PER", "LOC"], base_model="offline", lang="en", eval_fraction=0.0
    ) as store:
        added = store.documents.add(
            [NewDocument(f"Ann 💩 met Bob no {n} .", key=f"k{n}", split="pool") for n in range(DOCUMENTS)]
        )
        model = store.models.add(NewModel(hash="ab" * 8, kind="hf", name="m"))
        store.predictions.add(
            model.id, [(a.document_id, [Span(0, 3, "PER", 0.9)], {"mnlp": 1.0}) for a in added]
        )
        began = time.monotonic()
        # in a thread of its own: where a browser test ran before, this one has a running event loop
        with ThreadPoolExecutor(1) as thread:
            seen = thread.submit(asyncio.run, soak(store, REQUESTS)).result()
        sys.stdout.write(
            f"{REQUESTS:,} requests, {time.monotonic() - began:.0f} s, {dict(sorted(seen.items()))}\n"
        )
        assert seen.total() == REQUESTS
        assert seen[200] > REQUESTS / 20
        assert seen[400] > REQUESTS / 20
        golds = list(store.annotations.gold())
        assert all(0 <= s.start < s.end <= len(g.document.text) for g in golds for s in g.spans)
        assert store.check() == []
        assert store.row("PRAGMA integrity_check") == ("ok",)
