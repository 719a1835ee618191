"""Connections that owe something: they end at their deadline, and never keep others from being served."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from support.places import SERVE
from support.processes import PATIENCE_SECONDS, wait_for
from support.store_making import make_store

from spanloop.recipes.web.connections import Limits, _address, server_config
from spanloop.recipes.web.correct import AnnouncingServer, listening

HALF_OPEN = 1200
QUICK = Limits(
    request_seconds=0.3, body_seconds=0.3, reading_seconds=0.3, look_seconds=0.05, per_address=6, in_all=9
)
LARGE = b"x" * 20_000_000  # more than the kernel takes for a reader who does not read


@contextmanager
def serving(limits: Limits, gate: threading.Event | None = None) -> Iterator[tuple[AnnouncingServer, int]]:
    """A server over real sockets and its port; ``/wait`` is answered once the gate is open."""

    async def whole(request: Request) -> Response:
        return Response(await request.body())

    async def large(_: Request) -> Response:
        return Response(LARGE)

    async def wait(_: Request) -> Response:
        assert gate is not None
        await asyncio.to_thread(gate.wait, PATIENCE_SECONDS)
        return Response(b"done")

    routes = [
        Route("/", whole, methods=["GET", "POST"]),
        Route("/large", large),
        Route("/wait", wait),
    ]
    ready = threading.Event()
    with listening("127.0.0.1", 0) as listener:
        server = AnnouncingServer(server_config(Starlette(routes=routes), limits), ready.set)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            assert ready.wait(PATIENCE_SECONDS)
            yield server, listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def served(limits: Limits, gate: threading.Event | None = None) -> Iterator[int]:
    with serving(limits, gate) as (_, port):
        yield port


def dial(port: int, sent: bytes = b"", source: str = "127.0.0.1") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS, (source, 0))
    connection.sendall(sent)
    return connection


def get(path: str = "/") -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode()


def said(connection: socket.socket, until: bytes = b"") -> bytes:
    """What comes until that is in it, or until the end."""
    received = b""
    try:
        while not (until and until in received) and (part := connection.recv(65536)):
            received += part
    except ConnectionError:
        pass
    return received


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nhost: localhost\r\n",
        b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\nhalf",
        b"POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ],
)
def test_a_request_that_never_ends_is_cut_off(sent: bytes) -> None:
    with served(QUICK) as port, dial(port, sent) as connection:
        assert said(connection) == b""


def test_bytes_that_trickle_in_do_not_move_the_deadline_of_a_head() -> None:
    with serving(QUICK) as (server, port), dial(port, b"GET / HTTP/1.1\r\n") as connection:
        wait_for(lambda: server.server_state.connections)

        def is_cut_off() -> bool:
            with suppress(ConnectionError):
                connection.sendall(b"a: b\r\n")
            return not server.server_state.connections

        wait_for(is_cut_off)


def test_a_second_half_request_after_an_answer_is_cut_off_too() -> None:
    with served(QUICK) as port, dial(port, get() + b"GET / HT") as connection:
        assert said(connection).count(b"HTTP/1.1 200") == 1


def test_a_body_that_is_on_its_way_has_as_long_as_it_needs() -> None:
    slow = Limits(body_seconds=0.1, look_seconds=0.02, bytes_per_second=1000)
    body = b"x" * 30_000  # 30 seconds more
    head = b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 30002\r\n\r\n"
    with served(slow) as other, served(slow) as port, dial(port, head + body) as connection:
        with dial(other, head) as empty:  # without a byte of its body it goes at once
            assert said(empty) == b""
        connection.sendall(b"..")
        assert said(connection, until=b"x..").startswith(b"HTTP/1.1 200")


def test_an_answer_that_nobody_takes_is_cut_off_and_one_that_is_taken_is_whole() -> None:
    with serving(QUICK) as (server, port):
        with dial(port, get("/large")) as connection:
            received = 0
            while received <= len(LARGE):
                received += len(connection.recv(2**20))
        with dial(port, get("/large")) as deaf:
            wait_for(lambda: any(c.owed == "reading" for c in server.server_state.connections))
            wait_for(lambda: not server.server_state.connections)
            assert len(said(deaf)) < len(LARGE)


def test_the_one_that_has_kept_us_waiting_longest_makes_room() -> None:
    with served(Limits(per_address=6, in_all=9)) as port, ExitStack() as stack:
        waiting = [stack.enter_context(dial(port, b"GET / HT")) for _ in range(6)]
        with dial(port, get()) as one_more:
            assert said(one_more, until=b"\r\n\r\n").startswith(b"HTTP/1.1 200")
        assert said(waiting[0]) == b""
        waiting[1].sendall(b"TP/1.1\r\nhost: localhost\r\n\r\n")
        assert said(waiting[1], until=b"\r\n\r\n").startswith(b"HTTP/1.1 200")


def test_requests_that_wait_for_us_are_never_cut_off() -> None:
    gate = threading.Event()
    limits = Limits(request_seconds=0.1, body_seconds=0.1, look_seconds=0.02, per_address=3, in_all=9)
    with serving(limits, gate) as (server, port), ExitStack() as stack:
        stack.callback(gate.set)
        busy = [stack.enter_context(dial(port, get("/wait"))) for _ in range(3)]
        wait_for(lambda: [c.owed for c in list(server.server_state.connections)] == [None] * 3)
        for connection in (stack.enter_context(dial(port)) for _ in range(3)):
            assert b"503" in said(connection)
        with dial(port, get(), source="127.0.0.2") as other:
            assert said(other, until=b"\r\n\r\n").startswith(b"HTTP/1.1 200")
        gate.set()
        assert [b"done" in said(connection, until=b"done") for connection in busy] == [True] * 3


@pytest.mark.parametrize(
    ("client", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_an_address_is_what_one_customer_has(client: str, counted: str) -> None:
    assert _address((client, 1)) == counted


@contextmanager
def many_files(count: int) -> Iterator[None]:
    """Let this process open more files than the server that it has started."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, before[1]), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def project_of(port: int, source: str) -> dict[str, Any]:
    with dial(port, get("/api/project"), source) as connection:
        connection.sendall(b"")
        head, _, body = said(connection, until=b'"figures"').partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        found: dict[str, Any] = json.loads(body)
        return found


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /api/next HTTP/1.1\r\nhost: localhost\r\n",
        b"POST /api/answers HTTP/1.1\r\nhost: localhost\r\norigin: http://localhost\r\n"
        b"content-type: application/json\r\ncontent-length: 1000\r\n\r\n{",
    ],
)
def test_twelve_hundred_half_requests_do_not_keep_others_from_the_page(tmp_path: Path, sent: bytes) -> None:
    with make_store(tmp_path, documents=1) as store:
        path = store.path
    with ExitStack() as stack:
        command = [
            "sh",
            "-c",
            'ulimit -n 1024 && exec "$@"',
            "sh",
            sys.executable,
            str(SERVE),
            str(path),
            "{}",
        ]
        process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        stack.callback(process.kill)
        assert process.stdout is not None
        port = int(process.stdout.readline().rsplit(":", 1)[1].strip().strip("/"))
        stack.enter_context(many_files(HALF_OPEN + 500))
        for _ in range(HALF_OPEN):
            stack.enter_context(dial(port, sent))
        assert project_of(port, "127.0.0.2")["annotator"] == "me"
        assert project_of(port, "127.0.0.1")["annotator"] == "me"
