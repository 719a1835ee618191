"""Tagging schemes: labelled runs of units to tags and back. The only file that knows how a prefix is spelled.

Sources: Ramshaw and Marcus 1995 (IOB1), Ratnaparkhi 1998 (IOB2), Ratinov and Roth 2009 (BILOU). Each scheme
is a table (`_SPELLED`); one small engine reads it. Units are counted from 0, runs are half-open. What a list
of tags means that somebody else made is found out in `reading`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal, get_args

NamedScheme = Literal["IOB1", "IOB2", "BIOES", "BILOU", "BIOS", "IO", "plain"]
"""Those that a person names."""
Scheme = Literal[NamedScheme, "IOB"]
"""``BIOS`` is BIOES without E (CLUENER), ``IO`` has I alone. ``IOB`` is what a list of B and I may be, IOB1
or IOB2: a model's scores say it document by document (`decode`); where tags are written it is IOB2."""

Run = tuple[int, int, str]
Part = tuple[str, str]
"""The role of a tag, one letter of B, I, E and S, or O outside, and its label, "" outside."""

SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
NAMED: tuple[NamedScheme, ...] = get_args(NamedScheme)
"""What somebody who knows the scheme can say."""

OUTSIDE = "O"
ALONE: Part = (OUTSIDE, "")

# The role of a unit inside its span -> the letter that says so.
_SPELLED: dict[Scheme, dict[str, str]] = {
    "IOB1": {"B": "B", "I": "I"},
    "IOB2": {"B": "B", "I": "I"},
    "IOB": {"B": "B", "I": "I"},
    "BIOES": {"B": "B", "I": "I", "E": "E", "S": "S"},
    "BILOU": {"B": "B", "I": "I", "E": "L", "S": "U"},
    "BIOS": {"B": "B", "I": "I", "S": "S"},
    "IO": {"I": "I"},
}
# A letter -> its role. M (middle) and W (whole) are those of BMES and BMEWO.
ROLES = {"B": "B", "I": "I", "M": "I", "E": "E", "L": "E", "S": "S", "U": "S", "W": "S"}
PREFIXED = re.compile(r"([BIMELSUW])[-_](.+)", re.DOTALL | re.IGNORECASE)
SUFFIXED = re.compile(r"(.+)[-_]([BIMELSUW])", re.DOTALL | re.IGNORECASE)
# Some models carry their tokenizer's special tokens as tags; none of them is a label.
_OUTSIDE = re.compile(r"O|\[(PAD|CLS|SEP|UNK|MASK)\]|<(pad|s|/s|unk|mask)>", re.IGNORECASE)
_SAYS_NOTHING = ("X", "PAD", "CLS", "SEP", "UNK", "MASK", "START", "STOP", "END", "_", "-")


def is_outside(tag: str) -> bool:
    """Whether a tag says that no label is there, in any scheme or in a column of CoNLL-U: no label may be
    called that."""
    return tag == "_" or (tag != "o" and _OUTSIDE.fullmatch(tag) is not None)


def says_nothing(tag: str) -> bool:
    """Whether a tag without a prefix, among tags that have one, stands for no label: ``X`` is for the further
    wordpieces of a word, ``PAD`` for padding. Among tags without prefixes ``X`` is a part of speech."""
    return tag == "o" or tag in _SAYS_NOTHING or is_outside(tag)


def taken_for_labels(names: Iterable[str]) -> dict[str, list[str]]:
    """The tags among these names, by their label: a B and an I of the same label, which nobody calls two
    labels (an E-mail beside an S-Bahn is no tag)."""
    found: dict[str, dict[str, str]] = {}
    for name in names:
        shape = PREFIXED.fullmatch(name)
        if shape is not None and shape.group(1).isupper():
            found.setdefault(shape.group(2), {})[shape.group(1)] = name
    return {label: list(tags.values()) for label, tags in found.items() if {"B", "I"} <= tags.keys()}


def spell(part: Part, scheme: Scheme) -> str:
    """The tag of this role and label. A role that the scheme has no letter for is spelled as itself."""
    role, label = part
    if role == OUTSIDE:
        return OUTSIDE
    return label if scheme == "plain" else f"{_SPELLED[scheme].get(role, role)}-{label}"


def tags_for(labels: Iterable[str], scheme: Scheme = "IOB2") -> list[str]:
    """Every tag a head needs for these labels. Plain tags are the labels themselves, without an outside
    tag."""
    if scheme == "plain":
        return list(labels)
    return [OUTSIDE, *(spell((role, label), scheme) for label in labels for role in _SPELLED[scheme])]


def encode(runs: Iterable[Run], n_units: int, scheme: Scheme = "IOB2") -> list[str]:
    """The tag of each unit. ValueError where runs overlap, are empty or leave the document. In IO two spans
    of one label that touch become one: the scheme cannot say otherwise."""
    return [spell(part, scheme) for part in encode_parts(runs, n_units, scheme)]


def encode_parts(runs: Iterable[Run], n_units: int, scheme: Scheme) -> list[Part]:
    """As `encode`: the role and label of each unit, whatever its tag is spelled like."""
    parts = [ALONE] * n_units
    previous_end, previous_label = -1, ""
    for start, end, label in sorted(runs):
        if not max(previous_end, 0) <= start < end <= n_units:
            raise ValueError(
                f"the run {(start, end, label)} overlaps another, is empty or leaves {n_units} units"
            )
        touches = start == previous_end and label == previous_label
        parts[start:end] = [(role, label) for role in _roles(end - start, scheme, touches=touches)]
        previous_end, previous_label = end, label
    return parts


def _roles(length: int, scheme: Scheme, *, touches: bool) -> list[str]:
    """The roles of one span; ``touches``: the unit before it ends a span of the same label."""
    known = _SPELLED.get(scheme, {"I": "I"})
    if "S" in known and length == 1:
        return ["S"]
    begins = "I" if "B" not in known or (scheme == "IOB1" and not touches) else "B"
    roles = [begins] + ["I"] * (length - 1)
    if "E" in known:
        roles[-1] = "E"
    return roles


def runs_of(parts: Sequence[Part], *, merge: bool = True) -> list[Run]:
    """The labelled runs of a sequence of roles and labels, in order.

    Legal sequences are read as `encode_parts` wrote them. In an illegal one nothing is lost: a unit that
    continues no span of its label begins a new one, as conlleval does. ``merge`` False: every unit with a
    label is a run of its own.
    """
    runs: list[Run] = []
    open_start, open_label, closed = 0, "", True
    for unit, (role, label) in enumerate(parts):
        if closed or label != open_label or role in ("B", "S"):
            if open_label:
                runs.append((open_start, unit, open_label))
            open_start, open_label = unit, label
        closed = role in ("S", "E", OUTSIDE) or not merge
    if open_label:
        runs.append((open_start, len(parts), open_label))
    return runs
