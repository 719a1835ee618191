"""A stream of documents on a GPU: one group computes there while the one after it is tokenised and the one
before it is annotated here."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from spacy.tokens import Doc

if TYPE_CHECKING:
    from spanloop.plugin.alignment.values import TokenScores
    from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe

# What a document can make fail: spaCy's handler of errors decides what becomes of its group.
_FAILURES = (
    ArithmeticError, AttributeError, LookupError, MemoryError, OSError, RuntimeError, TypeError, ValueError
)  # fmt: skip

Waiting = deque[tuple[list[Doc], Callable[[], "list[TokenScores]"]]]


def annotated(pipe: HFTokenClassifierPipe, groups: Iterable[list[Doc]]) -> Iterator[Doc]:
    """The documents of the groups in order, annotated.

    Args:
        pipe: the component whose model is on a GPU.
        groups: documents that are scored together.
    """
    failed = pipe.get_error_handler()
    waiting: Waiting = deque()
    for docs in groups:
        try:
            waiting.append((docs, pipe.begin(docs)))
        except _FAILURES as error:
            yield from _rest(pipe, waiting)  # whoever is told of the error has had all that came before it
            failed(pipe.name, pipe, docs, error)
        if len(waiting) > 1:
            yield from _next(pipe, waiting)
    yield from _rest(pipe, waiting)


def _rest(pipe: HFTokenClassifierPipe, waiting: Waiting) -> Iterator[Doc]:
    while waiting:
        yield from _next(pipe, waiting)


def _next(pipe: HFTokenClassifierPipe, waiting: Waiting) -> Iterator[Doc]:
    docs, scored = waiting.popleft()
    try:
        pipe.set_annotations(docs, scored())
    except _FAILURES as error:
        pipe.get_error_handler()(pipe.name, pipe, docs, error)
    else:
        yield from docs
