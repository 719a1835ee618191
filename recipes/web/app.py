"""The correction page's server: a Starlette application over one store. Imports no spaCy and no torch."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from spanloop.recipes.web import operations as ask
from spanloop.recipes.web.access import AccessLog
from spanloop.recipes.web.assets import Assets
from spanloop.recipes.web.desk import Desk
from spanloop.recipes.web.door import Door
from spanloop.recipes.web.entering import Entering
from spanloop.recipes.web.guard import Guard, refuse
from spanloop.recipes.web.operations import OPERATIONS, Operation
from spanloop.recipes.web.received import json_body
from spanloop.recipes.web.settings import PageSettings
from spanloop.recipes.web.wire import Asked, WireError, read
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
            Route("/api/openapi.json", _openapi),
            Route(ask.ENTER.path, entering.sign_in, methods=[ask.ENTER.method]),
            _route(desk, ask.PROJECT, desk.overview.project),
            _route(desk, ask.NEXT, desk.dealing.next),
            _route(desk, ask.DOCUMENT, desk.dealing.document),
            _route(desk, ask.TOKENS, desk.dealing.tokens),
            _route(desk, ask.SEARCH, desk.finding.search),
            _route(desk, ask.SAME, desk.finding.same),
            _route(desk, ask.PROPOSE, desk.finding.propose),
            _route(desk, ask.OPEN, desk.dealing.open),
            _route(desk, ask.ANSWERS, desk.finding.answers),
            _route(desk, ask.ANSWER, desk.submitting.answer),
            _route(desk, ask.DRAFT, desk.submitting.draft),
            _route(desk, ask.SITTING, desk.dealing.sitting),
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
    return {"/", "/enter", "/api/openapi.json", *(operation.path for operation in OPERATIONS), *files}


async def _index(request: Request) -> Response:
    return ASSETS.reply("index.html", request)


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in ASSETS:
        raise HTTPException(404)
    return ASSETS.reply(name, request)


async def _openapi(_: Request) -> Response:
    from spanloop.recipes.web.openapi import openapi  # a tenth of a second that only who asks waits for

    return JSONResponse(await run_in_threadpool(openapi))


A = TypeVar("A", bound=Asked)
R = TypeVar("R")


def _route(desk: Desk, operation: Operation[A, R], answer: Callable[[str, A], R]) -> Route:
    """The route of an operation, which answers with what ``answer(annotator, what was asked)`` returns; a
    session that is named there must be the one of now."""

    def work(annotator: str, said: Any) -> R:
        if not isinstance(said, dict):
            raise WireError("the request must be a JSON object")
        if operation.in_session:
            desk.overview.session(annotator).check(said, required=operation.signed)
        return answer(annotator, read(operation.asked, said))

    async def endpoint(request: Request) -> Response:
        said = _parameters(request) if operation.method == "GET" else await json_body(request)
        return JSONResponse(await run_in_threadpool(work, request.state.annotator, said))

    # a path holds numbers alone, so that anything else in its place is a 404
    path = operation.path.replace("{id}", "{id:int}")
    return Route(path, endpoint, methods=[operation.method])


def _parameters(request: Request) -> dict[str, str]:
    numbers = {name: str(value) for name, value in request.path_params.items()}
    return {**request.query_params, **numbers}


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


async def _http_error(_: Request, error: Exception) -> Response:
    return refuse(str(error), error.status_code if isinstance(error, HTTPException) else 400)
