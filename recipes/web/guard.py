"""Who may talk to the page: Host and Origin checks, the session cookie, and headers that keep text text."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from spanloop.recipes.web.refusal import SIGNED_OUT, refuse_asker
from spanloop.store import StoreError

PAGES = frozenset({"/", "/enter"})
OPEN_PATHS = frozenset({"/enter", "/api/enter", "/static/enter.js", "/static/style.css", "/static/icon.svg"})
NOBODY = "open the secret link that you were given (it ends in /enter?token=…)"
NOT_ANY_MORE = (
    "your sign-in in this browser is not valid any more: open your newest secret link (/enter?token=…)"
)
SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",
}


def is_loopback(host: str) -> bool:
    """Whether ``host`` can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """ASGI middleware around the page.

    ``host`` is the address served on. ``annotator_of`` says for every request whose it is that brings this
    token in its cookie, or none (None: nobody's who may come in).
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        host: str,
        annotator_of: Callable[[str | None], str | None],
        cookie: str,
        allowed_hosts: Iterable[str] = (),
    ) -> None:
        self.app = app
        self.annotator_of = annotator_of
        self.cookie = cookie
        self.names = {"localhost", host.lower(), *(name.lower() for name in allowed_hosts)}
        self.local = is_loopback(host)
        if not self.local:
            self.names |= {socket.gethostname().lower(), socket.getfqdn().lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        answer = refusal if refusal is not None else self.app
        await answer(scope, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._knows(host):
            return refuse_asker(headers, f"this page does not answer to the host name {host[:100]!r}", 421)
        if _is_from_elsewhere(headers) and not _opens_a_page(scope, headers):
            return refuse_asker(headers, "another site may not ask this page for anything", 403)
        if scope["method"] not in ("GET", "HEAD"):
            if not _same_origin(headers.get("origin"), host):
                return refuse_asker(headers, "writes must come from the page itself (Origin header)", 403)
            if headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
                return refuse_asker(headers, "writes must be application/json", 415)
        token = _cookie(headers, self.cookie)
        try:
            annotator = self.annotator_of(token)
        except StoreError as error:
            return refuse_asker(headers, f"the store cannot be read at the moment: {error}", 503)
        if annotator is None and scope["path"] not in OPEN_PATHS:
            return refuse_asker(headers, NOBODY if token is None else NOT_ANY_MORE, 401, SIGNED_OUT)
        scope.setdefault("state", {})["annotator"] = annotator
        return None

    def _knows(self, host: str) -> bool:
        """Names that were given, and bare addresses, which no foreign name server can rebind."""
        try:
            name = (urlsplit(f"//{host}").hostname or "").lower()
        except ValueError:
            return False
        if name in self.names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or not self.local


def _cookie(headers: Headers, name: str) -> str | None:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return None
    return None if morsel is None else morsel.value


def _is_from_elsewhere(headers: Headers) -> bool:
    """Whether a browser says that a page of another origin asks; older ones, and http, do not say."""
    return headers.get("sec-fetch-site", "none") not in ("same-origin", "none")


def _opens_a_page(scope: Scope, headers: Headers) -> bool:
    """Whether it is a link to a page of ours, which changes nothing."""
    wanted = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest"))
    return scope["method"] == "GET" and scope["path"] in PAGES and wanted == ("navigate", "document")


def _same_origin(origin: str | None, host: str) -> bool:
    return origin is not None and origin.lower() in (f"http://{host}".lower(), f"https://{host}".lower())


def _with_headers(send: Send) -> Send:
    async def send_guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers[name] = value
        await send(message)

    return send_guarded
