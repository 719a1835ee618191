"""A round in a process of its own: Start Training in Label Studio never makes an annotator wait."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

NICE = 10


class Training:
    """Starts rounds, one at a time. ``say`` is told what became of each; ``done`` is called afterwards."""

    def __init__(
        self, path: Path, options: Sequence[str], say: Callable[[str], None], done: Callable[[], None]
    ) -> None:
        self._command = [
            sys.executable, "-m", "spanloop.recipes", "retrain", str(path), "--json", *options,
        ]  # fmt: skip
        self._say = say
        self._done = done
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        """Start a round, unless one is under way; tells which."""
        if self._process is not None and self._process.poll() is None:
            return "a round is being trained already: start the next one when it is done"
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # it outlives the server: what is learned is not lost
        )
        with suppress(OSError, AttributeError):  # it may be done; not every system has priorities
            os.setpriority(os.PRIO_PROCESS, self._process.pid, NICE)
        threading.Thread(target=self._wait, args=(self._process,), daemon=True).start()
        return "a round is being trained"

    def _wait(self, process: subprocess.Popen[str]) -> None:
        out, err = process.communicate()
        self._say(_outcome(process.returncode, out, err))
        self._done()


def _outcome(code: int, out: str, err: str) -> str:
    if code == 0:
        told = json.loads(out)
        verdict = "promoted" if told.get("promoted") else "not promoted"
        return f"round {told.get('round')} is trained and {verdict}: {told.get('reason')}"
    lines = [line for line in err.strip().splitlines() if line.strip()]
    return f"no round ({code}): {lines[-1] if lines else 'the training said nothing'}"
