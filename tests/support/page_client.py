"""A client of the page's server in this process: it says whose page it is, as the page itself does, and holds
every answer to the server's description."""

from __future__ import annotations

from typing import Any

from starlette.testclient import TestClient

from spanloop.recipes.web.app import create_app
from spanloop.recipes.web.settings import PageSettings
from spanloop.store import Store
from support.page_answers import check_answer

HOST = "http://localhost:8765"
HEADERS = {"origin": HOST, "content-type": "application/json"}


class PageClient(TestClient):
    """What it posts as ``json`` carries the session that /api/project names, unless it says another one."""

    asked: list[int]  # documents that the server wanted tokens for

    def session(self) -> dict[str, str]:
        found: dict[str, str] = self.get("/api/project").json()["session"]
        return found

    def request(self, method: str, url: Any, **options: Any) -> Any:
        """As of any client; ValidationError for an answer that the OpenAPI does not have."""
        reply = super().request(method, url, **options)
        if reply.headers.get("content-type") == "application/json":
            check_answer(method, reply.request.url.path, reply.status_code, reply.json())
        return reply

    def post(self, url: Any, *, json: Any = None, **options: Any) -> Any:
        if json is None or url == "/api/enter":
            return super().post(url, json=json, **options)
        return super().post(url, json={**self.session(), **json}, **options)


def client_of(store: Store, **settings: Any) -> PageClient:
    asked: list[int] = []

    def ask(document_id: int) -> bool:
        asked.append(document_id)
        return True

    app = create_app(store, PageSettings(**settings), ask_tokens=ask)
    client = PageClient(app, base_url=HOST, raise_server_exceptions=True)
    client.asked = asked
    return client


def page_of(store: Store, **settings: Any) -> PageClient:
    """A client that sends what a page of ours sends with every request."""
    client = client_of(store, **settings)
    client.headers.update(HEADERS)
    return client
