"""Patterns as a pipe of a spaCy pipeline; those that may never end run in a process that can be ended."""

# No annotations from __future__ here: the confection of spaCy 3.7 takes those of a registered function as
# they stand.

import json
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from spacy.language import Language
from spacy.pipeline import EntityRuler
from spacy.tokens import Doc, Span

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.suggest.match_process import Settings, read_frame, write_frame
from spanloop.recipes.suggest.patterns import UNUSABLE, Pattern, ruler

NAME = "spanloop_patterns"
SECONDS = 10.0
"""How long one text may take: a thousand times what ordinary patterns do."""
_SHOWN = 60  # characters of a text in a message


class Matcher(Protocol):
    """Finds the patterns in one Doc."""

    def __call__(self, doc: Doc) -> Doc: ...


class PatternsPipe:
    """The pipe that stands in the pipeline; `add_patterns` says what it matches with."""

    def __init__(self) -> None:
        self.matcher: Matcher | None = None

    def __call__(self, doc: Doc) -> Doc:
        return doc if self.matcher is None else self.matcher(doc)

    def pipe(self, docs: Iterable[Doc], batch_size: int = 0) -> Iterator[Doc]:
        del batch_size  # spaCy names one; each text is matched by itself
        yield from map(self, docs)


@Language.factory(NAME)
def _make(nlp: Language, name: str) -> PatternsPipe:
    del nlp, name
    return PatternsPipe()


def add_patterns(nlp: Language, source: str | None, file: Path, patterns: list[Pattern]) -> None:
    """Put the patterns at the end of the pipeline, beside what it says of entities; ``source``: from where it
    was loaded, None for a blank one.

    FormatError for a pattern that spaCy cannot use; RecipeError at the first text for one that this pipeline
    cannot match.
    """
    found = ruler(nlp, file, patterns)
    matcher: Matcher = InThisProcess(file, found)
    if any(pattern.endless for pattern in patterns):
        matcher = InAnotherProcess(
            file, Settings(source, nlp.lang or "xx", [p.row for p in patterns], SECONDS)
        )
    pipe = nlp.add_pipe(NAME)
    assert isinstance(pipe, PatternsPipe)
    pipe.matcher = matcher


@dataclass(frozen=True, slots=True)
class InThisProcess:
    """Patterns that take no longer than their texts are long."""

    file: Path
    ruler: EntityRuler

    def __call__(self, doc: Doc) -> Doc:
        try:
            return self.ruler(doc)
        except UNUSABLE as error:
            raise _unmatched(self.file, str(error)) from error


class InAnotherProcess:
    """Patterns that may take for ever: their process is ended after some seconds on one text, and another one
    begins with the next."""

    def __init__(self, file: Path, settings: Settings) -> None:
        self._file = file
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self.close: Callable[[], object] = _nothing

    def __call__(self, doc: Doc) -> Doc:
        process = self._process or self._start()
        told = _asked(process, doc, self._settings.seconds)
        if told is None:
            self._process = None
            self.close()
            raise RecipeError(
                f"{self._file}: these patterns take more than {self._settings.seconds:g} s or all memory on "
                f"the text {doc.text[:_SHOWN]!r}: a regular expression such as (a+)+, or many tokens with OP "
                "* or + in a row, tries every way to part a text; simplify them"
            )
        if "error" in told:
            raise _unmatched(self._file, str(told["error"]))
        doc.set_ents(
            [
                Span(doc, start, end, label=label, span_id=identity)
                for start, end, label, identity in told["entities"]
            ]
        )
        return doc

    def _start(self) -> subprocess.Popen[bytes]:
        process = self._process = subprocess.Popen(
            [sys.executable, "-m", "spanloop.recipes.suggest.match_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.close = weakref.finalize(self, _end, process)
        write_frame(_pipe(process.stdin), self._settings.to_bytes())
        return process


def _nothing() -> None:
    """There is no process to end."""


def _asked(process: subprocess.Popen[bytes], doc: Doc, seconds: float) -> dict[str, Any] | None:
    """What the process says of the Doc; None where it has ended, or had to be."""
    waited = threading.Timer(seconds, process.kill)
    if read_frame(_pipe(process.stdout)) is None:  # it has loaded everything, or is done with the text before
        return None
    waited.start()
    try:
        write_frame(_pipe(process.stdin), doc.to_bytes(exclude=["user_data"]))
        said = read_frame(_pipe(process.stdout))
    except BrokenPipeError:
        said = None
    finally:
        waited.cancel()
    if said is None:
        return None
    told: dict[str, Any] = json.loads(said)
    return told


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


def _unmatched(file: Path, why: str) -> RecipeError:
    return RecipeError(f"{file}: this project's pipeline cannot match these patterns: {why}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        _pipe(stream).close()
