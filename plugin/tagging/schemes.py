"""Tagging schemes: labelled runs of units to tags and back. The only file that knows what a prefix is.

Sources: Ramshaw and Marcus 1995 (IOB1), Ratnaparkhi 1998 (IOB2), Ratinov and Roth 2009 (BILOU). Each scheme
is a table (`_ROLES`); one small engine reads it. Units are counted from 0, runs are half-open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Scheme = Literal["IOB1", "IOB2", "BIOES", "BILOU", "plain"]
Run = tuple[int, int, str]
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
OUTSIDE = "O"

# The role of a unit inside its span -> the prefix that says so.
_ROLES: dict[Scheme, dict[str, str]] = {
    "IOB1": {"begin": "B", "inside": "I"},
    "IOB2": {"begin": "B", "inside": "I"},
    "BIOES": {"begin": "B", "inside": "I", "end": "E", "single": "S"},
    "BILOU": {"begin": "B", "inside": "I", "end": "L", "single": "U"},
}
_SHAPE = re.compile(r"([BILUESM])[-_](.+)", re.DOTALL)
# Some models carry their tokenizer's special tokens as tags; none of them is a label.
_OUTSIDE = re.compile(r"O|\[(PAD|CLS|SEP|UNK|MASK)\]|<(pad|s|/s|unk)>")


def is_outside(tag: str) -> bool:
    """Whether a tag says that no label is there, in any scheme or in a column of CoNLL-U: no label may be
    called that."""
    return tag == "_" or _OUTSIDE.fullmatch(tag) is not None


def taken_for_labels(names: Iterable[str]) -> dict[str, list[str]]:
    """The tags among these names, by their label: a B and an I of the same label, which nobody calls two
    labels (an E-mail beside an S-Bahn is no tag)."""
    found: dict[str, dict[str, str]] = {}
    for name in names:
        shape = _SHAPE.fullmatch(name)
        if shape is not None:
            found.setdefault(shape.group(2), {})[shape.group(1)] = name
    return {label: list(tags.values()) for label, tags in found.items() if {"B", "I"} <= tags.keys()}


def detect(tags: Iterable[str]) -> Scheme:
    """The scheme that a model's tags are written in, from their prefixes.

    B and I alone are read as IOB2, although IOB1 looks the same: that one must be said.
    """
    inside = [tag for tag in tags if not _OUTSIDE.fullmatch(tag)]
    shapes = [_SHAPE.fullmatch(tag) for tag in inside]
    if not inside or not all(shapes):
        return "plain"
    prefixes = {shape.group(1) for shape in shapes if shape}
    if prefixes & {"L", "U"}:
        return "BILOU"
    if prefixes & {"E", "S"}:
        return "BIOES"
    return "IOB2" if "B" in prefixes else "IOB1"


@lru_cache(maxsize=4096)  # asked for every token of every document
def split_tag(tag: str, scheme: Scheme) -> tuple[str, str]:
    """The prefix and the label of a tag: ("B", "PER"); ("O", "") outside; a plain tag is ("I", tag)."""
    if _OUTSIDE.fullmatch(tag):
        return OUTSIDE, ""
    shape = None if scheme == "plain" else _SHAPE.fullmatch(tag)
    if shape is None:
        return "I", tag
    prefix = "I" if shape.group(1) == "M" else shape.group(1)  # the Chinese BMES: M for middle
    return prefix, shape.group(2)


def join_tag(prefix: str, label: str, scheme: Scheme) -> str:
    """The tag that `split_tag` takes apart."""
    if prefix == OUTSIDE:
        return OUTSIDE
    return label if scheme == "plain" else f"{prefix}-{label}"


def tag_label(tag: str, scheme: Scheme) -> str | None:
    """The label of a tag, None outside."""
    return split_tag(tag, scheme)[1] or None


def tags_for(labels: Iterable[str], scheme: Scheme = "IOB2") -> list[str]:
    """Every tag a head needs for these labels. Plain tags are the labels themselves, without an outside
    tag."""
    if scheme == "plain":
        return list(labels)
    prefixes = _ROLES[scheme].values()
    return [OUTSIDE, *(join_tag(prefix, label, scheme) for label in labels for prefix in prefixes)]


def labels_of(tags: Iterable[str], scheme: Scheme) -> list[str]:
    """The labels of a head's tags, each once, in the order of their first tag."""
    return list(dict.fromkeys(label for tag in tags if (label := tag_label(tag, scheme))))


def tag_ids(tags: Sequence[str], scheme: Scheme) -> dict[str, int]:
    """Where each tag that `encode` can write stands among a model's own tags, however those are spelt."""
    ids: dict[str, int] = {}
    for index, tag in enumerate(tags):
        ids.setdefault(join_tag(*split_tag(tag, scheme), scheme), index)
    return ids


def encode(runs: Iterable[Run], n_units: int, scheme: Scheme = "IOB2") -> list[str]:
    """The tag of each unit. ValueError where runs overlap, are empty or leave the document."""
    tags = [OUTSIDE] * n_units
    previous_end, previous_label = -1, ""
    for start, end, label in sorted(runs):
        if not max(previous_end, 0) <= start < end <= n_units:
            raise ValueError(
                f"the run {(start, end, label)} overlaps another, is empty or leaves {n_units} units"
            )
        touches = start == previous_end and label == previous_label
        tags[start:end] = [
            join_tag(prefix, label, scheme) for prefix in _prefixes(end - start, scheme, touches=touches)
        ]
        previous_end, previous_label = end, label
    return tags


def _prefixes(length: int, scheme: Scheme, *, touches: bool) -> list[str]:
    """The prefixes of one span; ``touches``: the unit before it ends a span of the same label."""
    roles = _ROLES.get(scheme, {})
    if "single" in roles and length == 1:
        return [roles["single"]]
    begins = "I" if scheme == "plain" or (scheme == "IOB1" and not touches) else "B"
    prefixes = [begins] + ["I"] * (length - 1)
    if "end" in roles:
        prefixes[-1] = roles["end"]
    return prefixes


def decode_tags(tags: Sequence[str], scheme: Scheme = "IOB2", *, merge: bool = True) -> list[Run]:
    """The labelled runs of a tag sequence, in order.

    Legal sequences are read as `encode` wrote them. In an illegal one nothing is lost: a tag that continues
    no span of its label begins a new one, as conlleval does. ``merge`` False: every plain tag is a run of
    its own.
    """
    runs: list[Run] = []
    open_start, open_label, closed = 0, "", True
    for unit, tag in enumerate(tags):
        prefix, label = split_tag(tag, scheme)
        continues = not closed and label == open_label and prefix not in ("B", "S", "U", OUTSIDE)
        if not continues:
            if open_label:
                runs.append((open_start, unit, open_label))
            open_start, open_label = unit, label
        closed = prefix in ("S", "U", "E", "L", OUTSIDE) or (scheme == "plain" and not merge)
    if open_label:
        runs.append((open_start, len(tags), open_label))
    return runs


def transitions(
    tags: Sequence[str], scheme: Scheme
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Which tags may stand first, which may follow which (``[before, after]``), and which may stand last."""
    parts = [split_tag(tag, scheme) for tag in tags]
    nothing = (OUTSIDE, "")
    start = np.array([_may_follow(nothing, part, scheme) for part in parts], dtype=bool)
    end = np.array([_may_follow(part, nothing, scheme) for part in parts], dtype=bool)
    inner = np.array([[_may_follow(a, b, scheme) for b in parts] for a in parts], dtype=bool)
    return start, inner.reshape(len(parts), len(parts)), end


def _may_follow(before: tuple[str, str], after: tuple[str, str], scheme: Scheme) -> bool:
    """Whether the unit after may follow the unit before; the edges of a document count as outside."""
    if scheme == "plain":
        return True
    same_label = before[1] == after[1]
    if scheme == "IOB1":  # B only where it parts two spans of one label
        return after[0] != "B" or same_label
    if scheme == "IOB2":
        return after[0] != "I" or (before[0] in ("B", "I") and same_label)
    before_open = before[0] in ("B", "I")
    after_continues = after[0] in ("I", "E", "L")
    return before_open == after_continues and (same_label or not before_open)
