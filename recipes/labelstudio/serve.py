"""``spanloop backend``: the server with its worker, the predicting process and the rounds it starts."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path

from spanloop.plugin.model.backends import backend_of
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.labelstudio.app import create_app
from spanloop.recipes.labelstudio.backend import Backend
from spanloop.recipes.labelstudio.messages import one_line
from spanloop.recipes.labelstudio.predictor import Predictor
from spanloop.recipes.labelstudio.training import Training
from spanloop.recipes.labelstudio.worker import Worker
from spanloop.recipes.progress import Say, dated
from spanloop.recipes.web.connections import server_config
from spanloop.recipes.web.correct import AnnouncingServer, listening, signals_end_the_server_only
from spanloop.recipes.web.guard import is_loopback
from spanloop.store import Store

PASSWORD = "SPANLOOP_BACKEND_PASSWORD"
"""The environment variable with the password; a password on a command line is seen by everybody."""


def serve(
    path: str | Path,
    *,
    host: str = "127.0.0.1",
    port: int = 9090,
    user: str | None = None,
    named: Mapping[str, str] | None = None,
    computing: Mapping[str, str] | None = None,
    train_options: Sequence[str] = (),
    say: Say | None = None,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve Label Studio's machine-learning backend over the store at ``path`` until Ctrl-C or SIGTERM.

    ``user``: asks for this name and the password in SPANLOOP_BACKEND_PASSWORD; a host beyond this machine
    needs one. ``named``: ``model``, ``pipeline`` or ``patterns`` that suggests until a round is promoted,
    and the ``label_map`` and ``threshold`` that its answer is read by. ``computing``: the ``backend`` and the
    ``precision`` of that model and of the rounds, where they are not as saved. ``train_options`` go to
    `spanloop retrain` at Start Training. Port 0 takes any free one.
    """
    credentials = _credentials(host, user)
    tell, computing = _one_line_each(say), computing or {}
    backend_of(computing.get("backend", "torch"))  # says what is not installed before anybody asks
    with Store.open(path) as store, ExitStack() as stack:
        listener = stack.enter_context(listening(host, port))
        predictor = stack.enter_context(closing(Predictor(store.path, named or {}, computing)))
        ready = predictor.start()
        # a round's model is known before it is loaded; that of a file only afterwards
        first = ready.result() if named else None
        training = Training(store.path, train_options, tell, lambda: _warm(predictor, tell))
        worker = stack.enter_context(closing(Worker(store, training.start, tell)))
        backend = Backend(
            store,
            predictor,
            wake=worker.wake,
            trouble=worker.trouble,
            say=tell,
            named=first,
            as_saved=not computing,
        )
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


def _warm(predictor: Predictor, say: Say) -> None:
    """Have the promoted round loaded before anybody asks for it."""
    try:
        predictor.predict([], timeout=600)
    except RecipeError as error:
        say(f"the new round could not be loaded: {error}")


def _one_line_each(say: Say | None) -> Say:
    told = dated(say)

    def tell(line: str) -> None:
        with suppress(OSError):  # nobody reads the messages any more; the work goes on
            told(one_line(line))

    return tell
