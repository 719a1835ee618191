"""A tokenizer of transformers that is written in Python, behind the face of a fast one.

Such a tokenizer does not say which characters a wordpiece stands for. Its wordpieces are looked for in the
text one after the other, as they are spelled, or as it spells them itself when it decodes them: that finds
them as long as it leaves the text's letters in their order, whatever it does to case, accents and blanks.
"""

from __future__ import annotations

import functools
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spanloop.plugin.model.errors import ModelError, reading

_SAMPLE = "The quick brown fox, aged 10, jumped over O'Neil."
_MARKS_BEFORE = ("##", "\u2581", "\u0120")
_MARKS_BEHIND = ("</w>", "@@")
# So many wordpieces can stand for one character (the bytes of an emoji); so long can an unknown word be.
_MOST_PIECES = 16
_MOST_UNKNOWN = 200
_MOST_WORDS = 1_000_000


class Unplaceable(ValueError):
    """A text in which wordpieces are not found again."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """What the ``tokenizers`` library puts out, as far as windows ask for it: lists of one length."""

    ids: list[int]
    tokens: list[str]
    offsets: list[tuple[int, int]]
    special_tokens_mask: list[int]

    @property
    def type_ids(self) -> list[int]:
        """The segment of each: none of these tokenizers knows another than the first."""
        return [0] * len(self.ids)

    def __len__(self) -> int:
        return len(self.ids)


class SlowTokenizer:
    """As much of a fast tokenizer as the rest of the plugin uses.

    Args:
        slow: the tokenizer of transformers.
        name: of the model, for messages.

    Raises:
        ModelError: where its wordpieces are not found again in a plain sentence.
    """

    is_fast = False
    truncation = padding = None
    """It never cuts off and never pads."""

    def __init__(self, slow: Any, name: str) -> None:
        self.slow = slow
        self._name = name
        kind = type(slow).__name__
        with reading(f"no tokenizer can be read from {name!r} ({kind})"):
            around = list(slow.build_inputs_with_special_tokens([-1]))
            try:
                self._prefix, self._suffix = around[: around.index(-1)], around[around.index(-1) + 1 :]
                self.encode(_SAMPLE)
            except Unplaceable as error:
                raise ModelError(
                    f"the model {name!r} has only a slow tokenizer ({kind}), which changes its text so much "
                    "that nobody can say which characters a wordpiece stands for: choose a model with a "
                    "tokenizer.json"
                ) from error

    # The face of the tokenizer of transformers

    @property
    def backend_tokenizer(self) -> SlowTokenizer:
        """What cuts the text: this itself."""
        return self

    @property
    def pad_token_id(self) -> int | None:
        return None if self.slow.pad_token_id is None else int(self.slow.pad_token_id)

    @property
    def model_input_names(self) -> list[str]:
        return list(self.slow.model_input_names)

    @property
    def model_max_length(self) -> int:
        return int(self.slow.model_max_length)

    @property
    def name_or_path(self) -> str:
        return str(self.slow.name_or_path)

    @name_or_path.setter
    def name_or_path(self, name: str) -> None:
        self.slow.name_or_path = name

    def __len__(self) -> int:
        return len(self.slow)

    def save_pretrained(self, folder: Path) -> None:
        """Write its files. OSError where the disk refuses."""
        self.slow.save_pretrained(folder)

    # The face of what cuts the text

    def no_truncation(self) -> None:
        """It never cuts off."""

    def no_padding(self) -> None:
        """It never pads."""

    def to_str(self) -> str:
        """What it is, for a hash: the same text gives the same wordpieces."""
        known = self.slow.get_vocab() if self.slow.vocab_size < _MOST_WORDS else {}  # else all of Unicode
        return json.dumps([type(self.slow).__name__, self.slow.special_tokens_map, known], default=str)

    def encode(self, text: str, add_special_tokens: bool = True) -> Encoding:
        """The wordpieces of a text, each with its characters. Unplaceable where they are not found in it."""
        tokens = [str(token) for token in self.slow.tokenize(text)]
        ids = [int(number) for number in self.slow.convert_tokens_to_ids(tokens)]
        places = places_of(text, tokens, unknown=self.slow.unk_token, spell=self._spell)
        if places is None:
            raise Unplaceable(
                f"the slow tokenizer {type(self.slow).__name__} of {self._name!r} changes this text so much "
                "that nobody can say which characters a wordpiece stands for"
            )
        if not add_special_tokens:
            return Encoding(ids, tokens, places, [0] * len(ids))
        before, behind = len(self._prefix), len(self._suffix)
        return Encoding(
            [*self._prefix, *ids, *self._suffix],
            [*[""] * before, *tokens, *[""] * behind],
            [*[(0, 0)] * before, *places, *[(0, 0)] * behind],
            [*[1] * before, *[0] * len(ids), *[1] * behind],
        )

    def encode_batch(self, texts: Sequence[str]) -> list[Encoding]:
        """The same of several texts."""
        return [self.encode(text) for text in texts]

    def _spell(self, tokens: Sequence[str]) -> str:
        return str(self.slow.convert_tokens_to_string(list(tokens)))


def places_of(
    text: str, tokens: Sequence[str], *, unknown: str | None, spell: Any
) -> list[tuple[int, int]] | None:
    """The characters of each wordpiece, half-open; wordpieces that are one character together share it.

    Args:
        text: what was cut.
        tokens: the wordpieces as the vocabulary spells them.
        unknown: the wordpiece that stands for what the vocabulary has not.
        spell: gives the text of a few wordpieces.

    Returns:
        A place for each; None where one is not found, or letters of the text are left over.
    """
    places: list[tuple[int, int]] = []
    at = number = 0
    while number < len(tokens):
        if tokens[number] == unknown and not text.startswith(tokens[number], _begin(text, at)):
            found = _unknown(text, at, tokens[number + 1] if number + 1 < len(tokens) else None, unknown)
            taken = 1
        else:
            found, taken = _known(text, at, tokens[number : number + _MOST_PIECES], spell)
        if found is None:
            return None
        places += [found] * taken
        at, number = found[1], number + taken
    return None if _folded(text[at:]) else places


def _known(text: str, at: int, tokens: Sequence[str], spell: Any) -> tuple[tuple[int, int] | None, int]:
    """Where the first of these wordpieces stands, and how many of them stand there together."""
    first, begin = tokens[0], _begin(text, at)
    if first.isascii() or spell(tokens[:1]):  # else a byte, written as a letter that it is not
        if first and text.startswith(first, begin):  # marks of the text's own too
            return (begin, begin + len(first)), 1
        if found := _find(text, at, _bare(first)):
            return found, 1
    for taken in range(1, len(tokens) + 1):
        spelled = spell(tokens[:taken])
        if spelled and text.startswith(spelled, at):
            return (at, at + len(spelled)), taken
        if _folded(spelled) and (found := _find(text, at, spelled.strip())):
            return found, taken
    return None, 0


def _find(text: str, at: int, piece: str) -> tuple[int, int] | None:
    """The place of a wordpiece that is the next thing in the text."""
    if text.startswith(piece, at):  # exactly, blanks and accents of their own too
        return at, at + len(piece)
    wanted = _folded(piece)
    begin = _begin(text, at)
    if not wanted:
        return at, at  # a mark, or what shows nothing
    end, got = begin, ""
    while end < len(text) and len(got) < len(wanted):
        got += _folded(text[end])
        end += 1
    if got != wanted:
        return None
    while end < len(text) and unicodedata.combining(text[end]):
        end += 1
    return begin, end


def _unknown(text: str, at: int, following: str | None, unknown: str | None) -> tuple[int, int] | None:
    """The place of a wordpiece that says nothing of itself: a word, or as much as what follows leaves it."""
    begin = _begin(text, at)
    if begin == len(text):
        return None
    word = begin + 1
    while word < len(text) and text[begin].isalnum() and text[word].isalnum():
        word += 1
    if following is None:
        end = len(text.rstrip())
        return (begin, end) if end - begin <= _MOST_UNKNOWN else None
    if following == unknown:
        return begin, word
    piece = _bare(following)
    for end in (word, *range(begin + 1, min(len(text), begin + _MOST_UNKNOWN))):
        if _folded(piece) and _find(text, end, piece):
            return begin, end
    return begin, word


def _begin(text: str, at: int) -> int:
    """The next character that shows something."""
    while at < len(text) and not _folded(text[at]):
        at += 1
    return at


def _bare(piece: str) -> str:
    for mark in _MARKS_BEFORE:
        piece = piece.removeprefix(mark)
    for mark in _MARKS_BEHIND:
        piece = piece.removesuffix(mark)
    return piece


def _folded(text: str) -> str:
    """A text without what tokenizers change: case, accents, width, blanks and what shows nothing."""
    return "".join(map(_folded_character, text))


@functools.lru_cache(maxsize=10_000)
def _folded_character(character: str) -> str:
    plain = unicodedata.normalize("NFKD", character).upper().lower()  # ß is ss, and ς is σ
    return "".join(
        part
        for part in unicodedata.normalize("NFKD", plain)
        if not (part.isspace() or unicodedata.category(part) in ("Mn", "Cc", "Cf"))
    )
