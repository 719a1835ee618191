"""The backend's routes: a Starlette application that lets in only who knows the password."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.labelstudio.backend import Backend, Busy
from spanloop.recipes.labelstudio.messages import one_line, read_json, reason
from spanloop.store import StoreError, StoreUnavailable

MAX_BODY = 256 * 2**20  # Label Studio sends all the tasks of a project at once

WEBHOOK = "/webhook"


def create_app(backend: Backend, credentials: tuple[str, str] | None) -> Starlette:
    """The application over one backend; ``credentials``: user and password, None where nobody is asked."""
    health = _health(backend)
    return Starlette(
        routes=[
            Route("/", health),
            Route("/health", health),
            Route("/versions", _versions(backend)),
            Route("/setup", _post(backend.setup), methods=["POST"]),
            Route("/predict", _post(backend.predict), methods=["POST"]),
            Route(WEBHOOK, _post(backend.webhook), methods=["POST"]),
        ],
        middleware=[Middleware(Door, credentials=credentials)],
        exception_handlers={
            Busy: _refusal(backend, 503),
            StoreUnavailable: _refusal(backend, 503),
            RecipeError: _refusal(backend, 400),
            StoreError: _refusal(backend, 400),
        },
    )


def _health(backend: Backend) -> Callable[[Request], Any]:
    """200 where what comes in is worked on, else 503. Label Studio waits for one second, so this has a thread
    of its own: those of the other calls may all be waiting for predictions."""
    looking = ThreadPoolExecutor(1, thread_name_prefix="health")

    async def endpoint(_: Request) -> Response:
        health = await asyncio.get_running_loop().run_in_executor(looking, backend.health)
        return JSONResponse(health.json(), 503 if health.trouble else 200)

    return endpoint


def _versions(backend: Backend) -> Callable[[Request], Any]:
    async def endpoint(_: Request) -> Response:
        return JSONResponse(await run_in_threadpool(backend.versions))

    return endpoint


def _post(work: Callable[[Any], dict[str, Any]]) -> Callable[[Request], Any]:
    """A route that answers with what ``work(posted JSON object)`` returns."""

    async def endpoint(request: Request) -> Response:
        received = await _body(request)
        return JSONResponse(await run_in_threadpool(_worked, work, received))

    return endpoint


async def _body(request: Request) -> bytes:
    received = bytearray()
    try:
        async for chunk in request.stream():
            received += chunk
            if len(received) > MAX_BODY:
                raise RecipeError(f"the request is larger than {MAX_BODY // 2**20} MiB")
    except ClientDisconnect:
        raise RecipeError("the request broke off") from None
    return bytes(received)


def _worked(work: Callable[[Any], dict[str, Any]], received: bytes) -> dict[str, Any]:
    body = read_json(received)
    if not isinstance(body, dict):
        raise RecipeError("the request must be a JSON object")
    try:
        return work(body)
    except RecursionError as error:
        raise RecipeError(reason(error)) from error


def _refusal(backend: Backend, status: int) -> Callable[[Request, Exception], Any]:
    """What answers an error with that status and its one line."""

    async def endpoint(request: Request, error: Exception) -> Response:
        why = one_line(str(error))
        if request.url.path == WEBHOOK:
            backend.refused(why)
        return JSONResponse({"error": why}, status_code=status)

    return endpoint


class Door:
    """ASGI middleware: no pages of other sites (they send an Origin, or no JSON), nobody without the
    password where there is one."""

    def __init__(self, app: ASGIApp, *, credentials: tuple[str, str] | None) -> None:
        self.app = app
        self.expected = None if credentials is None else ":".join(credentials).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        await (self.app if refusal is None else refusal)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if "origin" in headers:
            return JSONResponse({"error": "this is for Label Studio's server, not for web pages"}, 403)
        kind = headers.get("content-type", "").split(";")[0].strip().lower()
        if scope["method"] not in ("GET", "HEAD") and kind != "application/json":
            return JSONResponse({"error": "application/json is expected"}, 415)
        if self.expected is not None and not self._knows(headers.get("authorization", "")):
            asking = {"www-authenticate": 'Basic realm="spanloop", charset="UTF-8"'}
            return JSONResponse({"error": "user and password are needed"}, 401, asking)
        return None

    def _knows(self, authorization: str) -> bool:
        scheme, _, encoded = authorization.partition(" ")
        try:
            given = base64.b64decode(encoded.strip(), validate=True)
        except (binascii.Error, ValueError):
            return False
        return scheme.lower() == "basic" and hmac.compare_digest(given, self.expected or b"")
