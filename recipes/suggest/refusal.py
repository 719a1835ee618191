"""One document that a tokenizer or a component of a pipeline refuses stops no other: it is marked, told and
passed over. Imports no spaCy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.report import Shape
from spanloop.recipes.table import counted

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

ERRORS = (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)
"""What components of spaCy, and those that people write themselves, say of a text that they cannot read."""
TOKENIZER = "tokenizer"
_SHOWN = 3


class Refused(ValueError):
    """A text that is refused. ``by``: the tokenizer, or the name of a component."""

    def __init__(self, by: str, why: str) -> None:
        super().__init__(f"{by}: {why}")
        self.by = by


@dataclass(frozen=True, slots=True)
class Refusal(Shape):
    """A document that was passed over."""

    key: str
    """The key of the document; of a text typed in, which one."""
    by: str
    """The tokenizer, or the name of a component."""
    why: str

    def text(self) -> str:
        return f"{self.key!r} by {self.why}"


@contextmanager
def asking(by: str) -> Iterator[None]:
    """What this part of a pipeline fails with is a refusal of the text; a model that gives no numbers is
    broken, whatever it reads, and what is told in one line already (patterns without end) is told so."""
    from spanloop.plugin.model.errors import ModelError

    try:
        yield
    except (ModelError, RecipeError):
        raise
    except ERRORS as error:
        why = str(error).strip().split("\n", 1)[0] or type(error).__name__
        raise Refused(by, why) from error


def make_doc(nlp: Language, text: str) -> Doc:
    """The text cut into tokens, however long it is: spaCy's limit on its length guards the memory of parsers,
    and the tokenizer has no such limit. Refused where the tokenizer fails."""
    nlp.max_length = max(nlp.max_length, len(text))
    with asking(TOKENIZER):
        return nlp.make_doc(text)


def make_docs(nlp: Language, texts: Iterable[str]) -> list[Doc]:
    """The texts cut into tokens, without those that the tokenizer refuses."""
    found = []
    for text in texts:
        with suppress(Refused):
            found.append(make_doc(nlp, text))
    return found


def refusals_text(refusals: Sequence[Refusal]) -> str:
    """The line that tells them."""
    shown = "; ".join(refusal.text() for refusal in refusals[:_SHOWN])
    more = "" if len(refusals) <= _SHOWN else f" and {len(refusals) - _SHOWN} more"
    return f"{counted(len(refusals), 'document')} refused and passed over: {shown}{more}"
