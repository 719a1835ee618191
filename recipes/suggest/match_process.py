"""The process that matches patterns which may never come to an end: ``python -m ...match_process``.

It reads its settings and then Docs from standard input, and answers each with the entities in it. It is ended
from outside; should whoever started it be gone, it ends itself.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

ROOM = 2 * 2**30
"""Bytes beyond what it has when all is loaded: patterns that repeat tokens can ask for any number."""
_LENGTH = struct.Struct(">Q")


@dataclass(frozen=True, slots=True)
class Settings:
    """The project's pipeline, or the language where it has none; what spaCy's entity ruler takes; seconds a
    text."""

    nlp: str | None
    lang: str
    rows: list[dict[str, Any]]
    seconds: float

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, said: bytes) -> Settings:
        return cls(**json.loads(said))


def write_frame(stream: IO[bytes], content: bytes) -> None:
    """Write the content so that `read_frame` knows where it ends."""
    stream.write(_LENGTH.pack(len(content)) + content)
    stream.flush()


def read_frame(stream: IO[bytes]) -> bytes | None:
    """The next content; None where the other side has ended."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    content = stream.read(_LENGTH.unpack(head)[0])
    return content if len(content) == _LENGTH.unpack(head)[0] else None


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not stand between our answers
    said = read_frame(sys.stdin.buffer)
    if said is None:
        return
    settings = Settings.from_bytes(said)
    answer = _matching(settings)
    _limit_memory()
    while True:
        write_frame(answers, b"ready")
        content = read_frame(sys.stdin.buffer)
        if content is None:
            return
        _die_after(2 * settings.seconds)
        try:
            found = answer(content)
        except MemoryError:  # whoever asked sees that we are gone
            return
        write_frame(answers, json.dumps(found).encode())
        _die_after(0)


def _matching(settings: Settings) -> Callable[[bytes], dict[str, Any]]:
    import spacy
    from spacy.pipeline import EntityRuler
    from spacy.tokens import Doc

    nlp = spacy.load(settings.nlp) if settings.nlp else spacy.blank(settings.lang)
    ruler = EntityRuler(nlp)
    ruler.add_patterns(settings.rows)

    def answer(content: bytes) -> dict[str, Any]:
        doc = Doc(nlp.vocab).from_bytes(content)
        try:
            doc = ruler(doc)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            return {"error": str(error)}
        return {"entities": [(ent.start, ent.end, ent.label_, ent.id_) for ent in doc.ents]}

    return answer


def _limit_memory() -> None:
    if sys.platform != "linux":
        return
    import resource

    now = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + ROOM, now + ROOM))


def _die_after(seconds: float) -> None:
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)  # without a handler it ends the process


if __name__ == "__main__":
    main()
