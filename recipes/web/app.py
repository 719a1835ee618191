"""The correction page's server: a Starlette application over one store. Imports no spaCy and no torch."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from spanloop.recipes.web.access import AccessLog
from spanloop.recipes.web.assets import Assets
from spanloop.recipes.web.desk import Desk
from spanloop.recipes.web.door import Door
from spanloop.recipes.web.entering import Entering
from spanloop.recipes.web.guard import Guard
from spanloop.recipes.web.openapi import openapi
from spanloop.recipes.web.received import json_body
from spanloop.recipes.web.refusal import refuse, refuse_asker
from spanloop.recipes.web.settings import PageSettings
from spanloop.recipes.web.wire import WireError
from spanloop.store import Store, StoreError
from spanloop.store.tables.drafts import DraftsFull

STATIC = Path(__file__).parent / "static"
ASSETS = Assets(STATIC)


def create_app(
    store: Store,
    settings: PageSettings,
    *,
    ask_tokens: Callable[[int], bool],
    log: Callable[[str], None] | None = None,
) -> Starlette:
    """The page over ``store``; ``ask_tokens`` asks the tokenising process for one document soon.

    It says whether that process lives. ``log`` gets a line for every request.
    """
    desk = Desk(store, settings, ask_tokens=ask_tokens)
    # cookies know no ports: two projects on one machine must not share one
    cookie = f"spanloop-{store.project.uid}"
    door = Door(store, settings)
    entering = Entering(door, cookie, ASSETS)
    return Starlette(
        routes=[
            Route("/", _index),
            Route("/enter", entering.page),
            Route("/api/enter", entering.sign_in, methods=["POST"]),
            Route("/api/openapi.json", _openapi),
            Route("/api/project", _get(desk, desk.overview.project, session=False)),
            Route("/api/next", _get(desk, desk.dealing.next)),
            Route("/api/documents/{id:int}", _get(desk, desk.dealing.document)),
            Route("/api/documents/{id:int}/tokens", _get(desk, desk.dealing.tokens)),
            Route("/api/search", _get(desk, desk.lists.search)),
            Route("/api/choices", _get(desk, desk.lists.choices)),
            Route("/api/same", _get(desk, desk.finding.same)),
            Route("/api/proposals", _post(desk, desk.finding.propose, session=True), methods=["POST"]),
            Route("/api/open", _post(desk, desk.dealing.open), methods=["POST"]),
            Route("/api/answers", _get(desk, desk.finding.answers), methods=["GET"]),
            Route("/api/answers", _post(desk, desk.submitting.answer, session=True), methods=["POST"]),
            Route("/api/drafts", _post(desk, desk.submitting.draft, session=True), methods=["POST"]),
            Route("/api/sittings", _post(desk, desk.dealing.sitting), methods=["POST"]),
            Route("/static/{name}", _static),
        ],
        middleware=[
            *([] if log is None else [Middleware(AccessLog, write=log, known=_paths())]),
            Middleware(Guard, host=settings.host, annotator_of=door.annotator, cookie=cookie),
        ],
        exception_handlers={
            WireError: _wire_error,
            StoreError: _store_error,
            sqlite3.Error: _sqlite_error,
            HTTPException: _http_error,
        },
    )


def _paths() -> set[str]:
    """Every path that means something here."""
    files = {f"/static/{name}" for name in ASSETS.names()}
    return {"/", "/enter", "/api/openapi.json", *openapi()["paths"], *files}


async def _index(request: Request) -> Response:
    return ASSETS.reply("index.html", request)


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in ASSETS:
        raise HTTPException(404)
    return ASSETS.reply(name, request)


async def _openapi(_: Request) -> Response:
    return JSONResponse(openapi())


def _get(
    desk: Desk, read: Callable[[str, Mapping[str, str]], dict[str, Any]], *, session: bool = True
) -> Callable[[Request], Any]:
    """A route that answers with what ``read(annotator, path and query parameters)`` returns; a ``session``
    that is named there must be the one of now."""

    def work(annotator: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        if session:
            desk.overview.session(annotator).check(parameters, required=False)
        return read(annotator, parameters)

    async def endpoint(request: Request) -> Response:
        parameters = {
            **request.query_params,
            **{name: str(value) for name, value in request.path_params.items()},
        }
        return JSONResponse(await run_in_threadpool(work, request.state.annotator, parameters))

    return endpoint


def _post(
    desk: Desk, write: Callable[[str, Any], dict[str, Any]], *, session: bool = False
) -> Callable[[Request], Any]:
    """A route that answers with what ``write(annotator, posted JSON)`` returns; where a ``session`` is asked
    for, the post must name it."""

    def work(annotator: str, body: Any) -> dict[str, Any]:
        if not isinstance(body, dict):
            raise WireError("the request must be a JSON object")
        desk.overview.session(annotator).check(body, required=session)
        return write(annotator, body)

    async def endpoint(request: Request) -> Response:
        body = await json_body(request)
        return JSONResponse(await run_in_threadpool(work, request.state.annotator, body))

    return endpoint


async def _wire_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, WireError):
        return refuse(str(error), 400)
    return refuse(str(error), error.status, error.reason)


async def _store_error(_: Request, error: Exception) -> Response:
    """What the store never takes is a 409; what it cannot take now (locked, full) is sent again."""
    if isinstance(error.__cause__, sqlite3.OperationalError):
        return await _sqlite_error(_, error)
    return refuse(str(error), 409, "full" if isinstance(error, DraftsFull) else "")


async def _sqlite_error(_: Request, error: Exception) -> Response:
    return refuse(
        f"the store cannot save at the moment ({error}); the page keeps the answer and tries again", 503
    )


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 400
    return refuse_asker(request.headers, str(error), status)
