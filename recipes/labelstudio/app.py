"""The backend's routes: a Starlette application that lets in only who knows the password."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Callable
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
from spanloop.store import StoreError

MAX_BODY = 256 * 2**20  # Label Studio sends all the tasks of a project at once


def create_app(backend: Backend, credentials: tuple[str, str] | None) -> Starlette:
    """The application over one backend; ``credentials``: user and password, None where nobody is asked."""
    return Starlette(
        routes=[
            Route("/", _health),
            Route("/health", _health),
            Route("/versions", _versions(backend)),
            Route("/setup", _post(backend.setup), methods=["POST"]),
            Route("/predict", _post(backend.predict), methods=["POST"]),
            Route("/webhook", _post(backend.webhook), methods=["POST"]),
        ],
        middleware=[Middleware(Door, credentials=credentials)],
        exception_handlers={Busy: _busy, RecipeError: _refused, StoreError: _busy},
    )


async def _health(_: Request) -> Response:
    """Up, said without a look at the store: Label Studio waits for one second."""
    return JSONResponse({"status": "UP", "model_class": "spanloop"})


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
    try:
        body = json.loads(received.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise RecipeError("the request is no JSON") from error
    if not isinstance(body, dict):
        raise RecipeError("the request must be a JSON object")
    return work(body)


async def _refused(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, status_code=400)


async def _busy(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, status_code=503)


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
