"""Real processes of ours, waited for by what they leave in the store."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from spanloop.store import Store

PATIENCE_SECONDS = 120


def start_watch(db: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "spanloop.recipes", "watch", str(db), "--epochs", "1", "--pause", "0.2"]
    return subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True)


def wait_for(what: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.1)


def rounds(db: Path, state: str) -> int:
    with Store.open(db) as store:
        return sum(row.state == state for row in store.rounds.all())


def stop_watch(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, log
    return log
