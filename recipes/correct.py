"""Serve the correction page: the person's half of the loop."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from spanloop.recipes.web.app import PageSettings, create_app
from spanloop.recipes.web.guard import is_loopback
from spanloop.store import Store, StoreError


def correct(
    path: str | Path,
    *,
    annotator: str | None = None,
    host: str = "127.0.0.1",
    port: int = 8765,
    token: str | None = None,
    split: str = "pool",
    strategy: str | None = None,
    blind: bool = False,
    browser: bool = True,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the page over the store at ``path`` until Ctrl-C or SIGTERM; ``on_ready`` is told the link.

    Port 0 takes any free one. A host beyond this machine needs a ``token``, else StoreError.
    """
    if token is None and not is_loopback(host):
        raise StoreError(
            f"--host {host} can be reached from other machines: add --token SECRET (16 letters or more), "
            "or leave --host out to serve this machine alone"
        )
    if token is not None and len(token) < 16:
        raise StoreError("--token must be at least 16 characters long, so that nobody guesses it")
    settings = PageSettings(
        host=host, annotator=annotator or "me", token=token, split=split, strategy=strategy, blind=blind
    )
    with Store.open(path) as store, _listening(host, port) as listener, _tokeniser(store.path) as ask_tokens:
        link = _link(host, listener.getsockname()[1], token)
        app = create_app(store, settings, ask_tokens=ask_tokens)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=3,
            lifespan="off",
        )
        server = _AnnouncingServer(config, lambda: _announce(link, on_ready, browser))
        server.run(sockets=[listener])


class _AnnouncingServer(uvicorn.Server):
    """Says once that it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


def _announce(link: str, on_ready: Callable[[str], None] | None, browser: bool) -> None:
    if on_ready is not None:
        on_ready(link)
    if browser:
        threading.Thread(target=webbrowser.open, args=(link,), daemon=True).start()


def _link(host: str, port: int, token: str | None) -> str:
    name = socket.gethostname() if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/" + (f"enter?token={token}" if token else "")


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise StoreError(
                f"cannot serve on {host}:{port} ({error.strerror or error}): try --port 0"
            ) from None
        listener.set_inheritable(False)
        yield listener
    finally:
        listener.close()


@contextmanager
def _tokeniser(path: Path) -> Iterator[Callable[[int], None]]:
    """The tokenising process, which ends with its standard input; yields what asks it for a document."""
    process = subprocess.Popen(
        [sys.executable, "-m", "spanloop.recipes.tokenise", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # Ctrl-C is for the server; the child hears of it through its standard input
    )
    lock = threading.Lock()

    def ask(document_id: int) -> None:
        if process.stdin is None or process.poll() is not None:
            return  # the page still works: it shows provisional tokens
        with lock:
            try:
                process.stdin.write(f"{document_id}\n")
                process.stdin.flush()
            except BrokenPipeError:
                return

    try:
        yield ask
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
