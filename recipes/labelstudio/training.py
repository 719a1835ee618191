"""A round in a process of its own: Start Training in Label Studio never makes an annotator wait."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryFile


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
        self._thread: threading.Thread | None = None

    def start(self) -> str:
        """Start a round, unless one is under way; tells which."""
        if self._thread is not None and self._thread.is_alive():
            return "a round is being trained already: start the next one when it is done"
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return "a round is being trained"

    def _run(self) -> None:
        try:
            self._say(self._train())
        except OSError as error:  # no memory for a process, no room for what it says
            self._say(f"no round: {error}")
        self._done()

    def _train(self) -> str:
        """Train and give what came of it. The process writes into files: pipes would break when the server
        ends."""
        with TemporaryFile("w+", encoding="utf-8") as told, TemporaryFile("w+", errors="replace") as noise:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=noise,
                start_new_session=True,  # it outlives the server, and steps back as a session
            )
            process.wait()
            told.seek(0)
            noise.seek(0)
            return _outcome(process.returncode, told.read(), noise.read())


def _outcome(code: int, out: str, err: str) -> str:
    if code == 0:
        try:
            told = json.loads(out)
        except ValueError:
            return f"a round was trained, and what it said is no JSON: {out[:200]!r}"
        verdict = "promoted" if told.get("promoted") else "not promoted"
        return f"round {told.get('round')} is trained and {verdict}: {told.get('reason')}"
    lines = [line for line in err.strip().splitlines() if line.strip()]
    return f"no round ({code}): {lines[-1] if lines else 'the training said nothing'}"
