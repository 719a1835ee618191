"""What a list of tags means: which role and label each has, in which scheme, and what may follow what.

A list is judged as a whole, since one tag alone says little: ``E-mail`` is a label, unless its list has a
B and an I of mail. What may follow what is judged label by label, from the tags that the label really has: a
label without B begins with I, one without S may be a B alone, and so on. So a list with a gap, and lists
that are of no scheme with a name, are read by the same rules as the regular ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from spanloop.plugin.tagging.schemes import (
    ALONE,
    OUTSIDE,
    PREFIXED,
    ROLES,
    SUFFIXED,
    Part,
    Run,
    Scheme,
    is_outside,
    runs_of,
    says_nothing,
)

Bools = NDArray[np.bool_]
Steps = tuple[Bools, Bools, Bools]
"""Which tags may stand first, which may follow which (``[before, after]``), and which may stand last."""

_NEXT_BEST = {"O": "O", "B": "BI", "I": "I", "E": "EI", "S": "SBI"}

_Split = dict[str, tuple[str, str]]  # a tag -> the letter it was spelled with, and its label


@dataclass(frozen=True, slots=True)
class Reading:
    """A list of tags as it is read. ``parts``: role and label of each tag. ``bare``: the labels whose tags
    have no prefix, so that nothing says where one of them begins beside another."""

    tags: tuple[str, ...]
    scheme: Scheme
    parts: tuple[Part, ...]
    bare: frozenset[str]

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, each once, in the order of their first tag."""
        return tuple(dict.fromkeys(label for _, label in self.parts if label))

    @property
    def names(self) -> tuple[str, ...]:
        """The label of each tag, "O" outside."""
        return tuple(label or OUTSIDE for _, label in self.parts)

    @property
    def merges(self) -> bool:
        """Whether neighbours of one label are one span. Plain tags without an outside tag (part of speech)
        are a span each."""
        return self.scheme != "plain" or OUTSIDE in self.tags

    def ids(self) -> dict[Part, int]:
        """Where the tag of each role and label stands, however it is spelled; of several the first, and
        outside "O" before any other."""
        found: dict[Part, int] = {}
        for index, part in enumerate(self.parts):
            found.setdefault(part, index)
        if OUTSIDE in self.tags:
            found[ALONE] = self.tags.index(OUTSIDE)
        return found

    def id_of(self, part: Part) -> int | None:
        """Where the tag stands that says this of a unit; None where there is none. A label that has no tag
        for a role writes it as the next best: a single unit as B, the last one as I, the first one as I."""
        ids, (role, label) = self.ids(), part
        return next((ids[r, label] for r in _NEXT_BEST[role] if (r, label) in ids), None)

    def roles(self) -> dict[str, set[str]]:
        """The roles for which each label has a tag."""
        return _roles_of(self.parts)

    def runs(self, tags: Sequence[str]) -> list[Run]:
        """The labelled runs of a sequence of tags of this list, as a file has them. KeyError for a tag that
        is not in the list."""
        part = dict(zip(self.tags, self.parts, strict=True))
        return runs_of([part[tag] for tag in tags])

    def runs_of_path(self, path: Iterable[int]) -> list[Run]:
        """The labelled runs of a model's tags, named by their places in this list."""
        return runs_of([self.parts[tag] for tag in path], merge=self.merges)


def read_tags(tags: Iterable[str], scheme: Scheme | None = None, *, of_model: bool = True) -> Reading:
    """What this list of tags means.

    Args:
        tags: all tags of a model's head, in the order of its rows, or all that a file has.
        scheme: where it is known. ``plain``: every tag is a label. None: as the list looks. B and I of each
            label alone are ``IOB``: IOB1 or IOB2.
        of_model: tags that stand for no label in a model (``X``, ``PAD``) are outside. In a file somebody
            wrote them, so they are labels.

    Returns:
        The reading.
    """
    return _read(tuple(tags), scheme, of_model)


def detect(tags: Iterable[str]) -> Scheme:
    """The scheme that a model's tags are written in."""
    return read_tags(tags).scheme


@lru_cache(maxsize=256)
def _read(tags: tuple[str, ...], scheme: Scheme | None, of_model: bool) -> Reading:
    split = {} if scheme == "plain" else _split(tags)
    if not split and scheme not in (None, "plain"):  # somebody knows what the list does not show
        split = {tag: shape for tag, shape in _shaped(tags, PREFIXED, 1, 2).items() if tag[0].isupper()}
    outside: Callable[[str], bool] = says_nothing if split and of_model else is_outside
    parts: list[Part] = []
    bare: set[str] = set()
    for tag in tags:
        if tag in split:
            letter, label = split[tag]
            parts.append((ROLES[letter.upper()], label))
        elif outside(tag):
            parts.append(ALONE)
        else:
            parts.append(("I", tag))
            bare.add(tag)
    found = scheme or _named(split)
    return Reading(tags, found, tuple(parts), frozenset(bare))


def _split(tags: Sequence[str]) -> _Split:
    """The tags that are a letter and a label. None where the list has none."""
    inside = [tag for tag in tags if not is_outside(tag)]
    before = _shaped(inside, PREFIXED, 1, 2)
    behind = _shaped(inside, SUFFIXED, 2, 1)
    pairs, pairs_behind = _pairs(before), _pairs(behind)
    if len(pairs_behind) > len(pairs):
        return _of_pairs(behind, pairs_behind)
    if pairs:
        return _of_pairs(before, pairs)
    # No label has two tags: believed where every tag looks like one, and none is an E alone (an E-mail), or
    # where most of them, and two at least, are an I (IO).
    told = [tag for tag in inside if not says_nothing(tag)]
    large = {tag: before[tag] for tag in told if tag in before and tag[0].isupper()}
    roles = _roles_of((ROLES[letter], label) for letter, label in large.values())
    if len(large) == len(told) and all(known != {"E"} for known in roles.values()):
        return large
    inside_alone = {tag: shape for tag, shape in large.items() if shape[0] == "I"}
    return inside_alone if len(inside_alone) > max(1, len(told) / 2) else {}


def _shaped(tags: Sequence[str], shape: re.Pattern[str], letter: int, label: int) -> _Split:
    found = ((tag, shape.fullmatch(tag)) for tag in tags)
    return {tag: (match.group(letter), match.group(label)) for tag, match in found if match}


def _pairs(split: _Split) -> set[str]:
    """The labels with a B and an I, or with B, E and S, which nobody calls labels of their own."""
    roles = _roles_of((ROLES[letter.upper()], label) for letter, label in split.values())
    return {label for label, known in roles.items() if {"B", "I"} <= known or {"B", "E", "S"} <= known}


def _of_pairs(split: _Split, pairs: set[str]) -> _Split:
    """Without the tags of labels that only look like a letter and a label (an E-mail beside B-PER and
    I-PER). Letters are as those of the pairs are, all small or all large."""
    sure = [letter for letter, label in split.values() if label in pairs]
    cases = {letter.isupper() for letter in sure}
    known = {ROLES[letter.upper()] for letter in sure}
    roles = _roles_of((ROLES[letter.upper()], label) for letter, label in split.values())
    believed = {label for label, own in roles.items() if own <= known and own != {"E"}}
    return {
        tag: (letter, label)
        for tag, (letter, label) in split.items()
        if letter.isupper() in cases and label in believed
    }


def _roles_of(parts: Iterable[Part]) -> dict[str, set[str]]:
    roles: dict[str, set[str]] = {}
    for role, label in parts:
        if label:
            roles.setdefault(label, set()).add(role)
    return roles


def _named(split: Mapping[str, tuple[str, str]]) -> Scheme:
    """The name of the scheme that these tags are written in; where they are of none, the nearest."""
    letters = {letter.upper() for letter, _ in split.values()}
    if not letters:
        return "plain"
    if letters & {"L", "U"}:
        return "BILOU"
    if "E" in letters:
        return "BIOES"
    if letters & {"S", "W"}:
        return "BIOS"
    if "B" not in letters:
        return "IO"
    roles = _roles_of((ROLES[letter.upper()], label) for letter, label in split.values()).values()
    # Only in IOB1 does a label do without B: no two of its spans touched. Only in IOB2 does one do without
    # I: all its spans were of one unit.
    without_b, without_i = {"I"} in roles, {"B"} in roles
    if without_b == without_i:
        return "IOB"
    return "IOB1" if without_b else "IOB2"


@lru_cache(maxsize=64)
def transitions(reading: Reading, *, iob1: bool = False) -> Steps:
    """Which tags may stand first, which may follow which, and which may stand last. The edges of a document
    count as outside. ``iob1``: B only parts two spans of one label."""
    n, parts, roles = len(reading.parts), reading.parts, reading.roles()
    if reading.scheme == "plain":
        return np.ones(n, dtype=bool), np.ones((n, n), dtype=bool), np.ones(n, dtype=bool)

    def may_follow(before: Part, after: Part) -> bool:
        (role, label), (next_role, next_label) = before, after
        if label and label == next_label and role in ("B", "I") and next_role in ("I", "E"):
            return True
        if iob1 and next_role == "B" and "I" in roles[next_label] and label != next_label:
            return False
        return _may_end(role, roles.get(label, set())) and _may_begin(
            next_role, roles.get(next_label, set()), iob1=iob1
        )

    start = np.array([may_follow(ALONE, part) for part in parts], dtype=bool)
    end = np.array([may_follow(part, ALONE) for part in parts], dtype=bool)
    inner = np.array([[may_follow(a, b) for b in parts] for a in parts], dtype=bool)
    return start, inner.reshape(n, n), end


def _may_begin(role: str, roles: set[str], *, iob1: bool) -> bool:
    """Whether a span of a label with these roles may begin so."""
    if role == "I":
        return iob1 or "B" not in roles
    return role != "E" or not roles & {"B", "S"}


def _may_end(role: str, roles: set[str]) -> bool:
    """Whether a span of a label with these roles may end so. I beside E without B (IOE) may: one of its two
    forms writes E only between spans that touch."""
    if role == "B":
        return "S" not in roles or not roles & {"I", "E"}
    return role != "I" or "E" not in roles or "B" not in roles
