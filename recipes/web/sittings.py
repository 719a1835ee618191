"""Which open page holds which documents, so that two pages of one person are never given the same one."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from dataclasses import dataclass

QUIET_SECONDS = (
    150.0  # a page says every half minute that it lives; a browser may slow a hidden one down to minutes
)


@dataclass
class _Sitting:
    annotator: str
    held: frozenset[int]
    seen: float


class Sittings:
    """Kept in memory: after a restart each page names what it holds with its next request. Thread-safe."""

    def __init__(self, quiet_seconds: float = QUIET_SECONDS) -> None:
        self._quiet_seconds = quiet_seconds
        self._sittings: dict[str, _Sitting] = {}
        self._lock = threading.Lock()

    def hold(self, client: str, annotator: str, held: Collection[int]) -> None:
        """Page ``client`` now holds exactly the documents ``held``."""
        with self._lock:
            self._forget_quiet()
            self._sittings[client] = _Sitting(annotator, frozenset(held), time.monotonic())

    def hold_also(self, client: str, annotator: str, document_id: int) -> None:
        """Page ``client`` holds this document besides what it held."""
        with self._lock:
            before = self._sittings.get(client)
            held = frozenset() if before is None else before.held
            self._sittings[client] = _Sitting(annotator, held | {document_id}, time.monotonic())

    def leave(self, client: str) -> None:
        """Page ``client`` was closed."""
        with self._lock:
            self._sittings.pop(client, None)

    def held_elsewhere(self, client: str, annotator: str) -> set[int]:
        """Documents that other living pages of the same person show or have fetched."""
        with self._lock:
            self._forget_quiet()
            others = (s for name, s in self._sittings.items() if name != client and s.annotator == annotator)
            return set().union(*(sitting.held for sitting in others))

    def held_by(self, annotator: str) -> set[int]:
        """Documents that any living page of this person shows or has fetched."""
        return self.held_elsewhere("", annotator)

    def _forget_quiet(self) -> None:
        oldest = time.monotonic() - self._quiet_seconds
        for client in [name for name, sitting in self._sittings.items() if sitting.seen < oldest]:
            del self._sittings[client]
