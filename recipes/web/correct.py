"""Serve the correction page: the person's half of the loop."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from types import FrameType

import uvicorn

from spanloop.recipes.calls.ranges import Port
from spanloop.recipes.web.access import log_to
from spanloop.recipes.web.addresses import page_url
from spanloop.recipes.web.app import create_app
from spanloop.recipes.web.connections import server_config
from spanloop.recipes.web.guard import is_loopback
from spanloop.recipes.web.settings import Ignored, PageSettings, View
from spanloop.store import Store, StoreError
from spanloop.store.records import Split

CATCH_UP_SECONDS = 20.0  # the first documents on the screen come before the search index


def correct(
    path: str | Path,
    *,
    annotator: str | None = None,
    host: str = "127.0.0.1",
    port: Port = 8765,
    token: str | None = None,
    split: Split = "pool",
    strategy: str | None = None,
    blind: bool = False,
    view: View = "document",
    only: str | None = None,
    review: bool = False,
    ignored: Ignored = "never",
    browser: bool = True,
    access_log: str | Path | None = None,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the correction page until Ctrl-C or SIGTERM.

    Args:
        path: The project file.
        annotator: Whose answers they are; None: ``me``.
        host: Where to serve. Beyond this machine there must be a ``token`` or named annotators.
        port: The port; 0: any free one.
        token: A secret of 16 letters or more that lets in as ``annotator``.
        split: Which documents.
        strategy: What to ask first; None: as the last `prelabel` left it.
        blind: Show no suggestions.
        view: Whole documents, or one span at a time with yes or no.
        only: Ask about this label alone, in the view ``binary``.
        review: What waits for review, of either split, instead of open documents; answers have the last word.
        ignored: Whether what was set aside comes again at the end.
        browser: Open the page in a browser.
        access_log: A file that gets a line for every request, without texts.
        on_ready: Called with the page's link.

    Raises:
        StoreError: There is no such project, or others could come in without being asked.
    """
    settings = PageSettings(
        host, annotator or "me", token, split, strategy, blind, view, only, review, ignored
    )
    with Store.open(path) as store, closing(_Tokeniser(store.path)) as tokeniser, ExitStack() as stack:
        _check_door(store, host, token)
        _check_view(store, view, only, review)
        store.checkpoints.run_beside()
        listener = stack.enter_context(listening(host, port))
        url = page_url(host, listener.getsockname()[1])
        if store.project.page_url != url:  # `spanloop annotators` makes links to it
            store.set_project(page_url=url)
        link = _link(url, token)
        log = None if access_log is None else stack.enter_context(log_to(Path(access_log)))
        app = create_app(store, settings, ask_tokens=tokeniser.ask, log=log)
        server = AnnouncingServer(server_config(app), lambda: _announce(link, on_ready, browser))
        with signals_end_the_server_only(), _after(CATCH_UP_SECONDS, tokeniser.catch_up):
            server.run(sockets=[listener])


def _check_door(store: Store, host: str, token: str | None) -> None:
    if token is not None and len(token) < 16:
        raise StoreError("--token must be at least 16 characters long, so that nobody guesses it")
    if token is None and not is_loopback(host) and not store.annotators.names():
        raise StoreError(
            f"--host {host} can be reached from other machines: add --token SECRET (16 characters or more), "
            f"or name who may come in with `spanloop annotators {store.named} add NAME`, "
            "or leave --host out to serve this machine alone"
        )


def _check_view(store: Store, view: View, only: str | None, review: bool) -> None:
    if review and view == "binary" and only is None:
        raise StoreError(
            "--review shows whole documents; to be asked about one label there, with all else left as it is, "
            "add --only LABEL"
        )
    if review and not store.reviews.waiting():
        raise StoreError(
            f"nothing waits for review: send documents with `spanloop review {store.named} --top 50`"
        )
    if only is not None and view != "binary":
        raise StoreError("--only LABEL goes with --view binary")
    if only is not None and only not in store.labels.names():
        raise StoreError(f"--only {only}: the labels are {', '.join(store.labels.names())}")


@contextmanager
def signals_end_the_server_only() -> Iterator[None]:
    """uvicorn raises its signals anew once it has stopped: let them not cut off what closes afterwards."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {sign: signal.signal(sign, _nothing) for sign in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)


def _nothing(_number: int, _frame: FrameType | None) -> None:
    return


class AnnouncingServer(uvicorn.Server):
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


def _link(url: str, token: str | None) -> str:
    return url + (f"enter?token={token}" if token else "")


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
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
def _after(seconds: float, act: Callable[[], None]) -> Iterator[None]:
    """Do something a while after the start, unless it is over by then."""
    timer = threading.Timer(seconds, act)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class _Tokeniser:
    """The tokenising process: starts when a document lacks tokens, ends with its standard input."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._closed = False

    def ask(self, document_id: int) -> bool:
        """Have this document tokenised before the others; False if the process died: it said why itself."""
        with self._lock:
            process = self._process = self._process or self._start()
            if process.poll() is not None or process.stdin is None:
                return False
            try:
                process.stdin.write(f"{document_id}\n")
                process.stdin.flush()
            except BrokenPipeError:
                return False
            return True

    def catch_up(self) -> None:
        """Start the process if the search index lacks documents: it fills that when all have tokens."""
        with Store.open(self._path) as store:
            behind = store.search.indexed() < store.queue.counts()["total"]
        with self._lock:
            if behind and not self._closed:
                self._process = self._process or self._start()

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "spanloop.recipes.suggest.tokenise", str(self._path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C is for the server alone
        )

    def close(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            self._closed = True
            if self._process is None or self._process.stdin is None:
                return
            with suppress(BrokenPipeError):  # it may have died with an id unread
                self._process.stdin.close()
            self._process.terminate()  # it writes in transactions: nothing half-done is left
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
