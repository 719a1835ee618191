"""A stand-in for Label Studio's REST API, as measured on 1.23.2: enough of it to pull from and push to.

It is strict: a path, header, page or moment that the real one refuses is refused. What it cannot show, the
real one does: ``make test-labelstudio``.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from support.labelstudio_making import CONFIG
from support.processes import wait_for

LEGACY = "0123456789abcdef0123456789abcdef01234567"
PERSONAL = "head.body.signature"


class StandIn:
    """Projects, tasks, backends and webhooks in memory. ``clock`` is what it takes for now."""

    def __init__(self) -> None:
        self.url = ""
        self.clock = datetime(2026, 1, 1, 12, 0, 0, tzinfo=timezone.utc)
        self.projects: dict[int, dict[str, Any]] = {}
        self.tasks: dict[int, dict[str, Any]] = {}
        self.backends: list[dict[str, Any]] = []
        self.webhooks: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.headers: list[str] = []  # of every call, as they came
        self.answers: dict[str, Any] = {}  # what it answers to a path instead, as a Response or as text
        self.spoiled = (b"", b"")  # a part of every answer, and what stands there instead
        self.legacy_allowed = True
        self.refuses_local = False
        self.refuses_webhooks = False
        self.access = 0
        self._answers = 0

    def add_project(self, config: str = CONFIG) -> int:
        number = len(self.projects) + 1
        self.projects[number] = {"id": number, "label_config": config, "model_version": ""}
        return number

    def add_task(self, project: int, **data: Any) -> dict[str, Any]:
        number = len(self.tasks) + 1
        task = {"id": number, "project": project, "data": data, "annotations": [], "predictions": []}
        self.tasks[number] = {**task, "updated_at": self.now()}
        return self.tasks[number]

    def annotate(self, task: dict[str, Any], *regions: Any, **more: Any) -> dict[str, Any]:
        self._answers += 1
        made = {
            "id": self._answers,
            "result": list(regions),
            "was_cancelled": False,
            "completed_by": 1,
            **more,
        }
        made["updated_at"] = task["updated_at"] = self.tick()
        task["annotations"].append(made)
        return made

    def change(self, task: dict[str, Any], annotation: dict[str, Any], *regions: Any) -> None:
        annotation["result"] = list(regions)
        annotation["updated_at"] = task["updated_at"] = self.tick()

    def delete(self, task: dict[str, Any], annotation: dict[str, Any]) -> None:
        task["annotations"].remove(annotation)
        task["updated_at"] = self.tick()

    def tick(self) -> str:
        self.clock += timedelta(seconds=10)
        return self.now()

    def now(self) -> str:
        return self.clock.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def app(self) -> Starlette:
        routes = [
            ("/api/token/refresh/", "POST", self._refresh),
            ("/api/projects/", "POST", self._make_project),
            ("/api/projects/{id:int}/", "GET", self._project),
            ("/api/projects/{id:int}/", "PATCH", self._patch_project),
            ("/api/projects/{id:int}/import", "POST", self._import),
            ("/api/projects/{id:int}/import/predictions", "POST", self._import_predictions),
            ("/api/tasks", "GET", self._tasks),
            ("/api/ml", "GET", self._list_backends),
            ("/api/ml", "POST", self._add_backend),
            ("/api/webhooks/", "GET", self._list_webhooks),
            ("/api/webhooks/", "POST", self._add_webhook),
            ("/api/webhooks/{id:int}/", "PATCH", self._patch_webhook),
        ]
        return Starlette(routes=[Route(path, self._guarded(do), methods=[m]) for path, m, do in routes])

    def _guarded(self, do: Any) -> Any:
        async def endpoint(request: Request) -> Response:
            self.calls.append(f"{request.method} {request.url.path}")
            self.headers += [f"{name}: {value}" for name, value in request.headers.items()]
            if (instead := self.answers.get(request.url.path)) is not None:
                return instead if isinstance(instead, Response) else Response(str(instead))
            if do != self._refresh and not self._knows(request.headers.get("authorization", "")):
                return _told(401, "Invalid token.")
            body = json.loads(await request.body() or b"null")
            response: Response = do(request, body)
            if self.spoiled[0]:
                response = Response(bytes(response.body).replace(*self.spoiled), response.status_code)
            response.headers["date"] = format_datetime(self.clock, usegmt=True)
            return response

        return endpoint

    def _knows(self, authorization: str) -> bool:
        legacy = self.legacy_allowed and authorization == f"Token {LEGACY}"
        return legacy or authorization == f"Bearer access-{self.access}"

    def _refresh(self, _: Request, body: Any) -> Response:
        if body.get("refresh") != PERSONAL:
            return _told(401, "Token is invalid")
        self.access += 1
        return JSONResponse({"access": f"access-{self.access}"})

    def _make_project(self, _: Request, body: Any) -> Response:
        if not 3 <= len(body["title"]) <= 50:
            return _told(400, "Validation error", {"title": ["Ensure this field has at least 3 characters."]})
        number = self.add_project(body["label_config"])
        return JSONResponse(self.projects[number], 201)

    def _project(self, request: Request, _: Any) -> Response:
        found = self.projects.get(request.path_params["id"])
        return JSONResponse(found) if found else _told(404, "No Project matches the given query.")

    def _patch_project(self, request: Request, body: Any) -> Response:
        self.projects[request.path_params["id"]].update(body)
        return JSONResponse(self.projects[request.path_params["id"]])

    def _import(self, request: Request, body: Any) -> Response:
        made = [self.add_task(request.path_params["id"], **row["data"])["id"] for row in body]
        return JSONResponse({"task_count": len(made), "task_ids": made}, 201)

    def _import_predictions(self, _: Request, body: Any) -> Response:
        for row in body:
            self.tasks[row["task"]]["predictions"].append({name: row[name] for name in row if name != "task"})
        return JSONResponse({"created": len(body)}, 201)

    def _tasks(self, request: Request, _: Any) -> Response:
        asked = request.query_params
        mine = [task for task in self.tasks.values() if task["project"] == int(asked["project"])]
        if "query" in asked:
            (rule,) = json.loads(asked["query"])["filters"]["items"]
            try:
                datetime.strptime(rule["value"], "%Y-%m-%dT%H:%M:%S.%fZ")
            except ValueError as error:
                return _told(500, str(error))
            mine = [task for task in mine if task["updated_at"] >= rule["value"]]
        size, page = int(asked["page_size"]), int(asked["page"])
        shown = mine[(page - 1) * size : page * size]
        if page > 1 and not shown:
            return _told(404, "Invalid page.")
        return JSONResponse({"total": len(mine), "tasks": shown})

    def _list_backends(self, request: Request, _: Any) -> Response:
        project = int(request.query_params["project"])
        return JSONResponse([row for row in self.backends if row["project"] == project])

    def _add_backend(self, _: Request, body: Any) -> Response:
        if self.refuses_local:
            return _told(403, "URL resolves to a reserved network address (block: 127.0.0.0/8)")
        self.backends.append({"id": len(self.backends) + 1, "model_version": None, **body})
        if self.refuses_webhooks:
            return _told(403, "URL resolves to a reserved network address (block: 127.0.0.0/8)")
        self._hook(f"{body['url']}/webhook", body["project"], {})
        return JSONResponse(self.backends[-1], 201)

    def _hook(self, url: str, project: int, body: dict[str, Any]) -> None:
        usual = {"is_active": True, "send_payload": True, "send_for_all_actions": True, "headers": {}}
        self.webhooks.append({**usual, **body, "id": len(self.webhooks) + 1, "url": url, "project": project})

    def _list_webhooks(self, request: Request, _: Any) -> Response:
        project = int(request.query_params["project"])
        return JSONResponse([row for row in self.webhooks if row["project"] == project])

    def _add_webhook(self, request: Request, body: Any) -> Response:
        if self.refuses_webhooks:
            return _told(403, "URL resolves to a reserved network address (block: 127.0.0.0/8)")
        self._hook(body["url"], int(request.query_params["project"]), body)
        return JSONResponse(self.webhooks[-1], 201)

    def _patch_webhook(self, request: Request, body: Any) -> Response:
        (found,) = [row for row in self.webhooks if row["id"] == request.path_params["id"]]
        found.update(body)
        return JSONResponse(found)


def _told(status: int, detail: str, errors: Any = None) -> Response:
    told = {"status_code": status, "detail": detail, **({"validation_errors": errors} if errors else {})}
    return JSONResponse(told, status)


@contextmanager
def standing_in() -> Iterator[StandIn]:
    """One that answers over real HTTP, in a thread of this process."""
    stand_in = StandIn()
    config = uvicorn.Config(stand_in.app(), port=0, log_config=None, lifespan="off", date_header=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_for(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        stand_in.url = f"http://127.0.0.1:{port}"
        yield stand_in
    finally:
        server.should_exit = True
        thread.join()
