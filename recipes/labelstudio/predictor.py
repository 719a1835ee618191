"""The server's end of the predicting process: starts it, asks it, starts it anew when it died."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from pathlib import Path

from spanloop.recipes.errors import RecipeError

Said = Future[int | None]


class Predictor:
    """Predicts in a process of its own. ``named``: ``model``, ``pipeline`` or ``patterns`` for the time in
    which no round is promoted, with ``label_map`` and ``threshold`` as they are typed; with a model its
    ``scheme`` and ``aggregation_strategy``, where given. ``computing``: the ``backend`` and ``precision`` of
    that model and of the rounds; without them as they were saved."""

    def __init__(
        self, path: Path, named: Mapping[str, str], computing: Mapping[str, str] | None = None
    ) -> None:
        self._command = [
            sys.executable,
            "-m",
            "spanloop.recipes.labelstudio.predictor_process",
            str(path),
            json.dumps(dict(named)),
            json.dumps(dict(computing or {})),
        ]
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._waiting: dict[int, Said] = {}
        self._number = 0

    def start(self) -> Said:
        """Start the process, which loads its model at once; the answer comes when it has."""
        with self._lock:
            return self._ready()

    def predict(self, ids: Sequence[int], timeout: float) -> int | None:
        """Have the documents predicted and give the id of the model that did, None where there is none.

        RecipeError where it cannot, or not in time: what it has done by then is stored, and it goes on.
        """
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._ready()
            self._number += 1
            said = self._waiting[self._number] = Future()
            question = {"id": self._number, "documents": list(ids)}
            try:
                self._tell(question)
            except OSError as error:
                raise RecipeError("the predicting process has ended: see its messages above") from error
        try:
            return said.result(timeout)
        except FutureTimeoutError as error:
            raise RecipeError(
                f"{len(ids)} documents take longer than {timeout:.0f} s; the work goes on: ask again, or "
                "send them with `spanloop labelstudio push`"
            ) from error

    def _tell(self, question: dict[str, object]) -> None:
        if self._process is None or self._process.stdin is None:
            raise BrokenPipeError
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()

    def _ready(self) -> Said:
        self._forget("the predicting process was started anew")
        ready = self._waiting[0] = Future()
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is for the server alone
        )
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()
        return ready

    def _listen(self, process: subprocess.Popen[str]) -> None:
        """Hand each answer to whoever waits for it, until the process ends."""
        if process.stdout is None:
            return
        for line in process.stdout:
            told = json.loads(line)
            said = self._waiting.pop(told["id"], None)
            if said is None or said.done():
                continue
            if "error" in told:
                said.set_exception(RecipeError(told["error"]))
            else:
                said.set_result(told["model"])
        process.wait()
        if process is self._process:
            self._forget(f"the predicting process has ended ({process.returncode}): see its messages above")

    def _forget(self, why: str) -> None:
        for number in list(self._waiting):
            said = self._waiting.pop(number, None)
            if said is not None and not said.done():
                said.set_exception(RecipeError(why))

    def close(self) -> None:
        """End the process, if there is one: it writes in transactions, nothing half-done is left."""
        process = self._process
        if process is None:
            return
        with suppress(BrokenPipeError):
            if process.stdin is not None:
                process.stdin.close()
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
