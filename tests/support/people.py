"""People who correct over HTTP as the page does: they take documents, answer, go back, search."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

WORDS = ("Ann", "Rome")
"""What everybody marks, with the first label and the second."""


def span_of(text: str, word: str, label: dict[str, Any]) -> dict[str, Any]:
    start = text.index(word)
    return {"start": start, "end": start + len(word), "label_id": label["id"], "from": None}


@dataclass
class Seen:
    """What all of them together have seen. Thread-safe."""

    acknowledged: dict[str, tuple[float, str, str]] = field(default_factory=dict)
    """uuid: when its reply was there (`time.monotonic`), the document's key, whose it is."""
    dealt_to_two: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    _holder: dict[int, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1

    def acknowledge(self, made: str, key: str, person: str) -> None:
        with self._lock:
            self.acknowledged[made] = (time.monotonic(), key, person)

    def keys_before(self, moment: float) -> set[str]:
        """The documents whose answers were acknowledged before that moment."""
        with self._lock:
            return {key for at, key, _ in self.acknowledged.values() if at < moment}

    def hold(self, document: int, person: str) -> None:
        """This one was dealt the document; it is noted where another one has it in hand."""
        with self._lock:
            other = self._holder.setdefault(document, person)
            if other != person:
                self.dealt_to_two.append(f"document {document}: {other} and {person}")

    def let_go(self, document: int, person: str) -> None:
        """Said before an answer is sent: once the server has it, the document may be another one's."""
        with self._lock:
            if self._holder.get(document) == person:
                del self._holder[document]


class Person:
    """One person with one window. Whatever they answer, a document's gold is its ``Ann`` and its ``Rome``."""

    def __init__(self, name: str, link: str, server: str, seen: Seen, until: float) -> None:
        self.name, self.seen, self.until = name, seen, until
        self.luck = random.Random(name)
        self.window = f"window of {name}"
        base = "http://{0.hostname}:{0.port}".format(urlsplit(server))
        self.http = httpx.Client(base_url=base, headers={"origin": base}, timeout=120)
        self.token = parse_qs(urlsplit(link).query)["token"][0]
        self.hand: list[dict[str, Any]] = []
        self.answered: list[int] = []

    def work(self) -> None:
        """Correct until the time is up, then close the window."""
        with self.http:
            self.sign_in()
            while time.monotonic() < self.until:
                self.luck.choices(
                    [self.take_and_answer, self.undo, self.search, self.keep_a_draft], [10, 2, 2, 1]
                )[0]()
            self.read("POST", "/api/sittings", json={"client": self.window, "held": None})

    def sign_in(self) -> None:
        assert self.http.get("/api/project").status_code == 401  # nobody comes in without the link
        assert self.http.get("/enter", params={"token": self.token}).status_code == 200
        if self.http.get("/api/project").status_code == 401:  # the page asks first whose link it is
            link = {"token": self.token}
            whose = self.read("POST", "/api/enter", json=link)
            self.read(
                "POST", "/api/enter", json={**link, "annotator": whose["annotator"], "now": whose["now"]}
            )
        assert self.project()["annotator"] == self.name

    def project(self) -> dict[str, Any]:
        return self.read("GET", "/api/project")

    def read(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """The reply; one that says that the store is busy is asked for again, as the page does."""
        while True:
            reply = self.http.request(method, path, **request)
            if reply.status_code != 503:
                break
            self.seen.count("busy, sent again")
        assert reply.status_code == 200, (path, reply.status_code, reply.text)
        said: dict[str, Any] = reply.json()
        return said

    def take_and_answer(self) -> None:
        if not self.hand:
            held = ",".join(str(document["id"]) for document in self.hand)
            query = {"client": self.window, "held": held, "n": "3"}
            self.hand = self.read("GET", "/api/next", params=query)["documents"]
            for document in self.hand:
                self.seen.hold(document["id"], self.name)
            self.seen.count("hands of documents")
        if self.hand:
            document = self.hand.pop(0)
            self.answer(document)
            self.answered.append(document["id"])

    def undo(self) -> None:
        """Back to an own answer, to answer it anew."""
        if self.answered:
            self.answer(self.open(self.luck.choice(self.answered[-5:])))
            self.seen.count("undone and answered anew")

    def search(self) -> None:
        """Find a document by its text; one that nobody has in hand is opened and answered out of turn."""
        text = f"number {self.luck.choice('di')}{self.luck.randrange(30)}"
        found = self.read("GET", "/api/search", params={"client": self.window, "text": text})["documents"]
        self.seen.count("searches")
        mine = {document["id"] for document in self.hand}
        free = [document["id"] for document in found if not document["others"] and document["id"] not in mine]
        if free:
            self.answer(self.open(self.luck.choice(free)))
            self.seen.count("found and answered out of turn")

    def open(self, document_id: int) -> dict[str, Any]:
        return self.read("POST", "/api/open", json={"client": self.window, "document_id": document_id})

    def keep_a_draft(self) -> None:
        if self.hand:
            first = self.hand[0]
            draft = {"document_id": first["id"], "document_key": first["key"], "draft": {"spans": []}}
            self.read("POST", "/api/drafts", json={**self.project()["session"], **draft})
            self.seen.count("drafts")

    def answer(self, document: dict[str, Any]) -> None:
        """Send it until it is taken, and now and then once more."""
        made = str(uuid.UUID(int=self.luck.getrandbits(128), version=4))
        body = self.body(made, document, self.project())
        self.seen.let_go(document["id"], self.name)
        assert self.read("POST", "/api/answers", json=body)["new"] is True
        self.seen.acknowledge(made, document["key"], self.name)
        if self.luck.random() < 0.1:  # as if the reply had been lost
            assert self.read("POST", "/api/answers", json=body)["new"] is False
            self.seen.count("sent twice")

    def body(self, made: str, document: dict[str, Any], project: dict[str, Any]) -> dict[str, Any]:
        spans = [
            span_of(document["text"], word, label)
            for word, label in zip(WORDS, project["labels"], strict=True)
        ]
        return {
            **project["session"],
            "uuid": made,
            "document_id": document["id"],
            "document_key": document["key"],
            "answer": "accept",
            "spans": spans,
            "prediction_id": None,
            "seconds": 1.5,
        }
