"""Connections that nobody can hold on to: what the other side owes has a deadline, an address has a share.

uvicorn waits for ever for the rest of a request and for a reader of its answer, and a process has few file
descriptors (1,024 as a rule): a thousand requests that never end would be all that the server has. Here a
connection that owes the rest of its request, or does not take its answer, is cut off at its deadline; and
where there are too many, the one that has kept us waiting longest makes room, first among those of the same
address. One that waits for us is never touched.
"""

from __future__ import annotations

import asyncio
import ipaddress
import sys
from collections import Counter
from dataclasses import dataclass
from typing import ClassVar, Literal

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

Owed = Literal["request", "body", "reading"]
BESIDES = 128  # file descriptors for what is no connection: the project file in every thread, pipes, logs
_TOO_MANY = b"too many requests at once"
FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\nretry-after: 1\r\nconnection: close\r\n"
    b"content-length: %d\r\n\r\n%b" % (len(_TOO_MANY), _TOO_MANY)
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What connections may take.

    ``request_seconds``: from the beginning, or the end of the answer before, to the end of a request's head.
    ``body_seconds`` for its body and ``reading_seconds`` to take the answer, each longer by a second for
    every ``bytes_per_second`` that came or went. ``look_seconds``: how often a connection is looked at.
    ``backlog``: how many wait to be accepted.
    """

    request_seconds: float = 10
    body_seconds: float = 20
    reading_seconds: float = 30
    bytes_per_second: int = 16 * 1024
    look_seconds: float = 1
    per_address: int = 128
    in_all: int = 512
    backlog: int = 256


def limits_here() -> Limits:
    """The limits, with fewer connections where the process may open few files."""
    usual = Limits()
    if sys.platform == "win32":  # a process may have thousands there
        return usual
    import resource

    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY:
        return usual
    room = max(48, allowed - BESIDES)
    in_all = min(usual.in_all, room * 2 // 3)
    backlog = min(usual.backlog, room // 3)  # so many are accepted at once, before any is looked at
    return Limits(in_all=in_all, per_address=min(usual.per_address, in_all), backlog=backlog)


def server_config(app: ASGIApp, limits: Limits | None = None) -> uvicorn.Config:
    """How our servers are run: quiet, and with limits on connections."""
    limits = limits or limits_here()
    return uvicorn.Config(
        app,
        http=type("BoundedProtocol", (Bounded,), {"limits": limits}),
        ws="none",
        backlog=limits.backlog,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
        lifespan="off",
    )


class Bounded(H11Protocol):
    """One connection of a server with ``limits``."""

    limits: ClassVar[Limits] = Limits()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.address = _address(self.client)
        self.cut = False
        self.owed: Owed | None = None
        self._note()
        self._make_room()
        self._later = self.loop.call_later(self.limits.look_seconds, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        self._later.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.cut:
            return
        super().data_received(data)
        self._note(len(data))

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._note()

    def _note(self, received: int = 0) -> None:
        """Note what is owed now, and since when."""
        unsent = self.transport.get_write_buffer_size()
        owed = self._what_is_owed(unsent)
        if owed != self.owed:
            self.owed, self.since, self.most_unsent = owed, self.loop.time(), unsent
            self.moved = received if owed == "body" else 0  # what came together with the head counts
        elif owed == "body":
            self.moved += received
        elif owed == "reading":
            self.most_unsent = max(self.most_unsent, unsent)
            self.moved = self.most_unsent - unsent

    def _what_is_owed(self, unsent: int) -> Owed | None:
        if unsent:
            return "reading"
        if self.cycle is None or self.cycle.response_complete:
            return "request"
        return "body" if self.cycle.more_body else None

    def _look(self) -> None:
        """Cut the connection off if it is overdue, else look again in a while."""
        self._note()
        if self._overdue():
            self._cut_off()
        elif not self.cut:
            self._later = self.loop.call_later(self.limits.look_seconds, self._look)

    def _overdue(self) -> bool:
        if self.owed is None:
            return False
        allowed = {
            "request": self.limits.request_seconds,
            "body": self.limits.body_seconds + self.moved / self.limits.bytes_per_second,
            "reading": self.limits.reading_seconds + self.moved / self.limits.bytes_per_second,
        }[self.owed]
        return self.loop.time() - self.since >= allowed

    def _cut_off(self) -> None:
        self.cut = True
        self.transport.abort()

    def _make_room(self) -> None:
        """Where this connection is one too many, cut off another that owes something, or refuse this one."""
        there = [c for c in self.connections if isinstance(c, Bounded) and not c.cut]
        crowd = [c for c in there if c.address == self.address]
        if len(crowd) <= self.limits.per_address:
            if len(there) <= self.limits.in_all:
                return
            ((largest, _),) = Counter(c.address for c in there).most_common(1)
            crowd = [c for c in there if c.address == largest]
        owing = [c for c in crowd if c is not self and c.owed is not None]
        if owing:
            min(owing, key=lambda c: (c.owed != "request", c.since))._cut_off()
            return
        self.transport.write(FULL)
        self.transport.close()
        self.cut = True


def _address(client: tuple[str, int] | None) -> str:
    """Whom a connection counts for: an address, of IPv6 the network that one customer has."""
    if client is None:
        return ""
    try:
        address = ipaddress.ip_address(client[0].partition("%")[0])
    except ValueError:
        return client[0]
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))
