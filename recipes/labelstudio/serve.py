"""``spanloop backend``: the server, its worker, the predicting process and the rounds it starts."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import datetime, timezone
from pathlib import Path

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.labelstudio.app import create_app
from spanloop.recipes.labelstudio.backend import Backend
from spanloop.recipes.labelstudio.events import work_off
from spanloop.recipes.labelstudio.predictor import Predictor
from spanloop.recipes.labelstudio.training import Training
from spanloop.recipes.web.connections import server_config
from spanloop.recipes.web.correct import AnnouncingServer, listening, signals_end_the_server_only
from spanloop.recipes.web.guard import is_loopback
from spanloop.store import Store, StoreError

PASSWORD = "SPANLOOP_BACKEND_PASSWORD"
"""The environment variable with the password; a password on a command line is seen by everybody."""

RETRY_SECONDS = 10.0

Say = Callable[[str], None]


def serve(
    path: str | Path,
    *,
    host: str = "127.0.0.1",
    port: int = 9090,
    user: str | None = None,
    named: Mapping[str, str] | None = None,
    train_options: Sequence[str] = (),
    say: Say | None = None,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve Label Studio's machine-learning backend over the store at ``path`` until Ctrl-C or SIGTERM.

    ``user``: asks for this name and the password in SPANLOOP_BACKEND_PASSWORD; a host beyond this machine
    needs one. ``named``: ``model``, ``pipeline`` or ``patterns`` that suggests until a round is promoted.
    ``train_options`` go to `spanloop retrain` at Start Training. Port 0 takes any free one.
    """
    credentials = _credentials(host, user)
    tell = _stamped(say)
    with Store.open(path) as store, ExitStack() as stack:
        listener = stack.enter_context(listening(host, port))
        predictor = stack.enter_context(closing(Predictor(store.path, named or {})))
        ready = predictor.start()
        # a round's model is known before it is loaded; that of a file only afterwards
        first = ready.result() if named else None
        worker = stack.enter_context(closing(Worker(store, predictor, train_options, tell)))
        backend = Backend(store, predictor, wake=worker.wake, say=tell, named=first)
        config = server_config(create_app(backend, credentials))
        link = f"http://{host}:{listener.getsockname()[1]}"
        server = AnnouncingServer(config, lambda: on_ready(link) if on_ready else None)
        worker.wake()
        with signals_end_the_server_only():
            server.run(sockets=[listener])


def _credentials(host: str, user: str | None) -> tuple[str, str] | None:
    password = os.environ.get(PASSWORD, "")
    if user is None:
        if not is_loopback(host):
            raise RecipeError(
                f"--host {host} can be reached from other machines: add --basic-auth-user NAME and put the "
                f"password into the environment variable {PASSWORD}"
            )
        return None
    if len(password) < 8 or ":" in user:
        raise RecipeError(f"put a password of 8 characters or more into the environment variable {PASSWORD}")
    return user, password


class Worker:
    """The thread that works off the inbox whenever it is woken."""

    def __init__(self, store: Store, predictor: Predictor, train_options: Sequence[str], say: Say) -> None:
        self._store = store
        self._say = say
        self._training = Training(store.path, train_options, say, lambda: self._warm(predictor))
        self._news = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="inbox")
        self._thread.start()

    def wake(self) -> None:
        """There is something in the inbox."""
        self._news.set()

    def _work(self) -> None:
        while True:
            self._news.wait()
            self._news.clear()
            if self._ended.is_set():
                return
            try:
                work_off(self._store, train=self._training.start, say=self._say)
            except StoreError as error:  # the disk is full, another process writes for a minute
                self._say(f"the inbox waits: {error}")
                self._ended.wait(RETRY_SECONDS)
                self._news.set()

    def _warm(self, predictor: Predictor) -> None:
        """Have the promoted round loaded before anybody asks for it."""
        try:
            predictor.predict([], timeout=600)
        except RecipeError as error:
            self._say(f"the new round could not be loaded: {error}")

    def close(self) -> None:
        """Stop after the event that is under way; the rest waits in the store."""
        self._ended.set()
        self._news.set()
        self._thread.join()


def _stamped(say: Say | None) -> Say:
    def tell(line: str) -> None:
        if say is not None:
            say(f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M:%SZ}  {line}")

    return tell
