"""Which column of a CoNLL file has the tokens and which one the tags: as somebody said, or as they look.

A guess is told in the report of the import, since a wrong one is wrong gold.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from spanloop.plugin.tagging.reading import detect
from spanloop.plugin.tagging.schemes import PREFIXED, is_outside
from spanloop.recipes.errors import FormatError, RecipeError

TOKEN, TAG = "token", "tag"
LOOKED_AT = 20_000
"""Rows that a guess is made of."""
CHUNKS = frozenset(
    ("NP", "VP", "PP", "ADVP", "ADJP", "SBAR", "PRT", "CONJP", "INTJ", "LST", "UCP", "NC", "VC", "PC")
)
PLACEHOLDERS = frozenset({"-X-", "_", "-", "*", "X"})
"""What stands in a column of which nothing is known."""
MOST_VALUES = 5_000
ONLY_NUMBERS = 100
"""Rows from which on tokens that are all numbers are no tokens."""

Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the tokens stand and where the tags: columns from 0. Several columns of tags are read one after
    the other."""

    token: int
    tags: tuple[int, ...]

    def spelled(self, width: int) -> str:
        """As ``--columns`` takes it."""
        return ",".join(TOKEN if i == self.token else TAG if i in self.tags else "-" for i in range(width))


def columns_said(path: Path, roles: Sequence[str], width: int) -> Columns:
    """The columns as ``--columns`` names them.

    Args:
        path: The file, for the message.
        roles: ``token``, ``tag`` or ``-`` for each column.
        width: How many columns the file has.

    Returns:
        Where they are.

    Raises:
        RecipeError: A role is none, or there are not one ``token`` and one ``tag`` at least.
        FormatError: The file has another number of columns.
    """
    strange = [role for role in roles if role not in (TOKEN, TAG, "-", "_")]
    if strange:
        raise RecipeError(
            f"--columns has {strange[0]!r}, and a column of CoNLL is token, tag or - (to be left out)"
        )
    if roles.count(TOKEN) != 1 or TAG not in roles:
        raise RecipeError("--columns must name one column token and one tag at least, e.g. token,-,-,tag")
    if len(roles) != width:
        raise FormatError(path, None, f"it has {width} columns, and --columns names {len(roles)}")
    return Columns(roles.index(TOKEN), tuple(i for i, role in enumerate(roles) if role == TAG))


@dataclass(slots=True)
class _Look:
    """What one column has."""

    values: set[str] = field(default_factory=set)
    rows: int = 0
    letters: bool = False
    digits: bool = True
    prefixed: int = 0
    same: bool = True
    counts: bool = True

    def see(self, value: str, before: str | None) -> None:
        """A value, and the one before it in the sentence."""
        self.rows += 1
        if len(self.values) < MOST_VALUES:
            self.values.add(value)
        self.letters = self.letters or any(letter.isalpha() for letter in value)
        self.digits = self.digits and value.isdecimal()
        self.prefixed += is_outside(value) or PREFIXED.fullmatch(value) is not None
        self.same = self.same and (before is None or value == before)
        if before is None:
            self.counts = self.counts and value in ("0", "1")
        else:
            self.counts = self.counts and before.isdecimal() and value == str(int(before) + 1)

    @property
    def tags(self) -> bool:
        """Whether they look like tags of a scheme, or all like the tag outside."""
        if self.values <= {"O"}:
            return True
        return self.prefixed >= 0.9 * self.rows and detect(sorted(self.values)) != "plain"

    @property
    def chunks(self) -> bool:
        """Whether the tags are those of chunks, as CoNLL-2000 and CoNLL-2003 have them."""
        return {value[2:] for value in self.values if not is_outside(value)} <= CHUNKS

    @property
    def words(self) -> bool:
        """Whether they could be the tokens of a text."""
        empty = self.values <= PLACEHOLDERS
        return self.letters and not empty and not (self.same and self.rows > 2) and not self.tags


def guess(sentences: Iterable[Sequence[Row]], width: int, labels: Collection[str] = ()) -> Columns | None:
    """Where tokens and tags stand in sentences of that many columns, as they look.

    Args:
        sentences: The rows of each.
        width: Columns, two at least.
        labels: In a tags project its labels: the column that has them is the one with the tags.

    Returns:
        The columns; None where no column can be the tokens.
    """
    looks = [_Look() for _ in range(width)]
    left = LOOKED_AT
    for sentence in sentences:
        for place, row in enumerate(islice(sentence, left)):
            for column, look in enumerate(looks):
                look.see(row[column], sentence[place - 1][column] if place else None)
        left -= len(sentence)
        if left <= 0:
            break
    tag = _tag_column(looks, labels)
    words = [i for i, look in enumerate(looks) if look.words and i != tag]
    token = max(words, key=lambda i: (len(looks[i].values), -i)) if words else 0 if tag else 1
    if _only_numbers(looks[token]):
        return None
    return Columns(token, (tag,))


def _tag_column(looks: Sequence[_Look], labels: Collection[str]) -> int:
    """The first column of tags that are no chunks: outer entities stand before the inner ones, chunks before
    both."""
    last = len(looks) - 1
    if labels:
        known = [
            i for i, look in enumerate(looks) if look.values <= {*labels, "_"} and look.values & {*labels}
        ]
        return known[-1] if known else last
    tagged = [i for i, look in enumerate(looks) if look.tags]
    if not tagged or (tagged == [0] and looks[0].values <= {"O"}):
        return last
    entities = [i for i in tagged if not looks[i].chunks and not looks[i].values <= {"O"}]
    return entities[0] if entities else tagged[-1]


def is_tag(value: str) -> bool:
    """Whether it is a tag with a letter in front, as a scheme has them."""
    return PREFIXED.fullmatch(value) is not None and value[0].isupper()


def _only_numbers(look: _Look) -> bool:
    """Numbers that count from the beginning of each sentence, or nothing but numbers in many rows."""
    return look.digits and (look.rows >= ONLY_NUMBERS or (look.counts and not look.same and look.rows > 2))
