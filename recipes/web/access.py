"""The access log: one JSON object a line, without document text, search words or secrets."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spanloop.store import StoreError
from spanloop.store.clock import now

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_NUMBER = re.compile(r"(?<=/)\d{1,16}(?=/|\Z)")
OTHER = "(other)"


class AccessLog:
    """ASGI middleware, outermost: says of each answered request when, who, what, the status and how long.

    ``known`` are the paths of the server, document ids in them as ``{id}``. Any other path, any query and any
    unknown method may hold anything and are never written: they become ``(other)``, nothing and ``(other)``.
    """

    def __init__(self, app: ASGIApp, *, write: Callable[[str], None], known: Collection[str]) -> None:
        self.app = app
        self.write = write
        self.known = frozenset(known)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            self.write(self._line(scope, status, time.perf_counter() - began))

    def _line(self, scope: Scope, status: int, seconds: float) -> str:
        method, path = scope["method"], scope["path"]
        known = _NUMBER.sub("{id}", path) in self.known
        entry = {
            "at": now(),
            "annotator": scope.get("state", {}).get("annotator"),
            "method": method if method in METHODS else OTHER,
            "path": path if known else OTHER,
            "status": status,
            "ms": round(1000 * seconds, 1),
        }
        return json.dumps(entry, ensure_ascii=False) + "\n"


@contextmanager
def log_to(path: Path) -> Iterator[Callable[[str], None]]:
    """Lines to the end of a file that its owner alone may read, each there at once."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(f"--access-log {path} cannot be written: {error.strerror or error}") from None
    with os.fdopen(descriptor, "w", buffering=1, encoding="utf-8") as file:
        yield _writer(file)


def _writer(file: TextIO) -> Callable[[str], None]:
    def write(line: str) -> None:
        file.write(line)

    return write
