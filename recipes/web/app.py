"""The correction page's server: a Starlette application over one store. Imports no spaCy and no torch."""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from spanloop.recipes.web import strict_json
from spanloop.recipes.web.access import AccessLog
from spanloop.recipes.web.assets import Assets
from spanloop.recipes.web.desk import Desk
from spanloop.recipes.web.guard import Guard, refuse
from spanloop.recipes.web.openapi import openapi
from spanloop.recipes.web.settings import PageSettings
from spanloop.recipes.web.wire import WireError
from spanloop.store import Store, StoreError

STATIC = Path(__file__).parent / "static"
ASSETS = Assets(STATIC)
MAX_BODY = 16 * 2**20  # a 20,000-word document with every word a span is about 4 MiB


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
    cookie = f"spanloop-{desk.uid}"  # cookies know no ports: two projects on one machine must not share one
    annotator_of = _door(store, settings)
    app = Starlette(
        routes=[
            Route("/", _index),
            Route("/enter", _enter),
            Route("/api/openapi.json", _openapi),
            Route("/api/project", _get(desk.overview.project)),
            Route("/api/next", _get(desk.dealing.next)),
            Route("/api/documents/{id:int}", _get(desk.dealing.document)),
            Route("/api/documents/{id:int}/tokens", _get(desk.dealing.tokens)),
            Route("/api/search", _get(desk.finding.search)),
            Route("/api/same", _get(desk.finding.same)),
            Route("/api/proposals", _post(desk.finding.propose), methods=["POST"]),
            Route("/api/open", _post(desk.dealing.open), methods=["POST"]),
            Route("/api/answers", _get(desk.finding.answers), methods=["GET"]),
            Route("/api/answers", _post(desk.submitting.answer), methods=["POST"]),
            Route("/api/drafts", _post(desk.submitting.draft), methods=["POST"]),
            Route("/api/sittings", _post(desk.dealing.sitting), methods=["POST"]),
            Route("/static/{name}", _static),
        ],
        middleware=[
            *([] if log is None else [Middleware(AccessLog, write=log, known=_paths())]),
            Middleware(
                Guard,
                host=settings.host,
                annotator=settings.annotator,
                annotator_of=annotator_of,
                cookie=cookie,
            ),
        ],
        exception_handlers={
            WireError: _wire_error,
            StoreError: _store_error,
            sqlite3.Error: _sqlite_error,
            HTTPException: _http_error,
        },
    )
    app.state.annotator_of = annotator_of
    app.state.cookie = cookie
    return app


def _paths() -> set[str]:
    """Every path that means something here."""
    files = {f"/static/{name}" for name in ASSETS.names()}
    return {"/", "/enter", "/api/openapi.json", *openapi()["paths"], *files}


def _door(store: Store, settings: PageSettings) -> Callable[[str], str | None] | None:
    """Whose secret a token is; None where nobody is asked for one."""
    shared, named = settings.token, store.annotators.names()
    if shared is None and not named:
        return None

    def annotator_of(token: str) -> str | None:
        if shared is not None and hmac.compare_digest(token.encode(), shared.encode()):
            return settings.annotator
        return store.annotators.by_token(token)

    return annotator_of


async def _index(request: Request) -> Response:
    return ASSETS.reply("index.html", request)


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in ASSETS:
        raise HTTPException(404)
    return ASSETS.reply(name, request)


async def _openapi(_: Request) -> Response:
    return JSONResponse(openapi())


async def _enter(request: Request) -> Response:
    """Trade the link's token for a cookie; the page then moves on by script.

    A redirect would not do: coming from a mail or a chat it would lose a Strict cookie.
    """
    token = request.query_params.get("token", "")
    annotator_of, cookie = request.app.state.annotator_of, request.app.state.cookie
    if annotator_of is None or annotator_of(token) is None:
        return refuse("this link is not valid (any more): ask for a new one", 401)
    response = ASSETS.reply("enter.html", request)
    response.set_cookie(
        cookie,
        token,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        max_age=30 * 86400,
    )
    return response


def _get(read: Callable[[str, Mapping[str, str]], dict[str, Any]]) -> Callable[[Request], Any]:
    """A route that answers with what ``read(annotator, path and query parameters)`` returns."""

    async def endpoint(request: Request) -> Response:
        parameters = {
            **request.query_params,
            **{name: str(value) for name, value in request.path_params.items()},
        }
        return JSONResponse(await run_in_threadpool(read, request.state.annotator, parameters))

    return endpoint


def _post(write: Callable[[str, Any], dict[str, Any]]) -> Callable[[Request], Any]:
    """A route that answers with what ``write(annotator, posted JSON)`` returns."""

    async def endpoint(request: Request) -> Response:
        body = await _json_body(request)
        return JSONResponse(await run_in_threadpool(write, request.state.annotator, body))

    return endpoint


async def _json_body(request: Request) -> Any:
    received = bytearray()
    try:
        async for chunk in request.stream():
            received += chunk
            if len(received) > MAX_BODY:
                raise WireError(f"the request is larger than {MAX_BODY // 2**20} MiB", 413)
    except ClientDisconnect:
        raise WireError("the request broke off") from None
    try:
        return strict_json.read(bytes(received))
    except ValueError as error:
        raise WireError(f"the request is no JSON: {error}") from None


async def _wire_error(_: Request, error: Exception) -> Response:
    return refuse(str(error), error.status if isinstance(error, WireError) else 400)


async def _store_error(_: Request, error: Exception) -> Response:
    """What the store never takes is a 409; what it cannot take now (locked, full) is sent again."""
    if isinstance(error.__cause__, sqlite3.OperationalError):
        return await _sqlite_error(_, error)
    return refuse(str(error), 409)


async def _sqlite_error(_: Request, error: Exception) -> Response:
    return refuse(
        f"the store cannot save at the moment ({error}); the page keeps the answer and tries again", 503
    )


async def _http_error(_: Request, error: Exception) -> Response:
    return refuse(str(error), error.status_code if isinstance(error, HTTPException) else 400)
