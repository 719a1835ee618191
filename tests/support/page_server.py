"""A running ``spanloop correct``, and what the people on its page left in the store."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spanloop.store import Store
from spanloop.store.records import Annotation
from support.places import SERVE
from support.processes import PATIENCE_SECONDS, wait_for


@dataclass
class Server:
    """A running ``spanloop correct``."""

    path: Path
    options: dict[str, Any] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None
    link: str = ""

    def start(self) -> Server:
        command = [sys.executable, str(SERVE), str(self.path), json.dumps(self.options)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.link = self.process.stdout.readline().strip()
        assert self.link, "the server ended before it served"
        return self

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.send_signal(sign)
        code = self.process.wait(timeout=PATIENCE_SECONDS)
        self.process.stdout.close()
        self.process = None
        return code


def answers_now(path: Path) -> list[Annotation]:
    """The human annotations in the store, oldest first."""
    with Store.open(path) as store:
        found = [a for d in store.documents.iterate() for a in store.annotations.history(d.id)]
    return sorted(found, key=lambda a: a.id)


def answers(path: Path, count: int) -> list[Annotation]:
    """The same, once there are ``count`` of them."""
    wait_for(lambda: len(answers_now(path)) >= count)
    found = answers_now(path)
    assert len(found) == count
    return found


def spans_of(annotation: Annotation) -> list[tuple[int, int, str]]:
    return [(s.start, s.end, s.label) for s in annotation.spans if s.action != "rejected"]
