"""Labels of a model under other names: renamed, merged into one, dropped.

The probabilities of tags that become one are added before anything is decoded: they exclude each other, so
their sum is the probability of the merged tag, and confidences stay as well calibrated as they were. A name
of two units that a model calls "B-PER I-ORG" is one span once both labels are one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from spanloop.plugin.alignment.values import TokenScores
from spanloop.plugin.tagging.reading import detect, read_tags
from spanloop.plugin.tagging.schemes import OUTSIDE, Scheme, is_outside, spell

Names = tuple[tuple[str, str], ...]
UNTAGGED = "_"
"""What a dropped tag becomes where every unit has a tag (part of speech): as in a column of CoNLL-U, none."""


class LabelMapError(ValueError):
    """A label map that cannot be read, or that names a label which is not there."""


def refuse_to_learn(pipe: str, names: Mapping[str, str]) -> None:
    """LabelMapError where a pipe has a label map and is about to learn: its head knows the old names alone,
    so that gold by the new ones would teach it nothing."""
    if names:
        raise LabelMapError(
            f"the pipe {pipe!r} has a label map, and its head knows the old names alone: call its "
            "set_labels(pipe.labels) first, which keeps the rows under their new names"
        )


def read_map(text: str) -> dict[str, str]:
    """A label map as it is typed: ``PER=PERSON,MISC=``, or a JSON object where a label has a comma in it.

    Args:
        text: pairs of a model's label and its new name, parted by commas; without a new name it is dropped.

    Returns:
        The new name of each label, empty for those that are dropped.

    Raises:
        LabelMapError: where it is neither, or where a label is named twice.
    """
    if text.lstrip().startswith("{"):
        return _read_json(text)
    names: dict[str, str] = {}
    for part in text.split(","):
        label, equals, name = (piece.strip() for piece in part.partition("="))
        if not label or not equals:
            raise LabelMapError(
                f"the label map {part.strip()!r} is no LABEL=NAME: type e.g. PER=PERSON,MISC= "
                "(nothing behind the = drops a label)"
            )
        if label in names:
            raise LabelMapError(f"the label map names {label!r} twice: give it one new name")
        names[label] = name
    return names


def _read_json(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise LabelMapError(f"the label map is no JSON object: {error}") from error
    if not all(isinstance(name, str) for name in found.values()):
        raise LabelMapError('each label of a label map has a text as its new name, e.g. {"PER": "PERSON"}')
    return dict(found)


def typed_map(names: Mapping[str, str]) -> str:
    """The label map as it can be typed; `read_map` reads it."""
    if any(sign in word for pair in names.items() for word in pair for sign in ",={"):  # { begins JSON
        return json.dumps(dict(names), ensure_ascii=False)
    return ",".join(f"{label}={name}" for label, name in names.items())


def renamed(labels: Sequence[str], names: Mapping[str, str]) -> list[str]:
    """The labels under their new names, each once, without those that are dropped."""
    new = [names.get(label, label) for label in labels]
    return list(dict.fromkeys(name for name in new if name and not is_outside(name)))


@dataclass(frozen=True, slots=True)
class MappedScores(TokenScores):
    """Scores whose tags have their new names. ``unmapped``: the scores of the model itself, which a
    temperature is applied to before their probabilities are added; ``columns``: which of its tags each tag
    is made of."""

    unmapped: TokenScores
    columns: tuple[tuple[int, ...], ...]

    def calibrated(self, temperature: float) -> NDArray[np.float32]:
        """The log probabilities at this temperature."""
        if temperature == 1.0 or not len(self):
            return self.logprobs
        return _added(self.unmapped.calibrated(temperature), self.columns)


@dataclass(frozen=True, slots=True)
class TagMap:
    """What a label map makes of the tags of a head. ``tags``: the new ones, each once; ``columns``: of which
    tags of the head each is made; ``scheme``: what they are written in, which is that of the head unless
    plain labels were given tags as their new names."""

    tags: tuple[str, ...]
    columns: tuple[tuple[int, ...], ...]
    head: tuple[str, ...]
    scheme: Scheme

    @property
    def changes(self) -> bool:
        """Whether any tag is another than before."""
        return self.tags != self.head

    def known_as(self) -> tuple[str, ...]:
        """The new tag of each tag of the head, in the order of its rows."""
        names = [""] * len(self.head)
        for tag, columns in zip(self.tags, self.columns, strict=True):
            for row in columns:
                names[row] = tag
        return tuple(names)

    def scores(self, scores: TokenScores) -> TokenScores:
        """The same scores by the new tags; themselves where no tag changes."""
        if not self.changes:
            return scores
        return MappedScores(
            _added(scores.logprobs, self.columns), scores.starts, scores.ends, self.tags, scores, self.columns
        )


def tag_map(tags: Sequence[str], names: Mapping[str, str], *, every_unit: bool = False) -> TagMap:
    """What the label map makes of a head's tags.

    Args:
        tags: the tags of the head in the order of its rows.
        names: the new name of each label, empty (or an outside tag, such as O) to drop it. A label of plain
            tags can be renamed to a tag of a scheme: ``LABEL_1`` to ``B-PER``.
        every_unit: each unit has a tag (part of speech): a dropped one leaves its unit without, and does not
            make neighbours of one tag into one span.

    Raises:
        LabelMapError: for a label that the head has not.
    """
    return _tag_map(tuple(tags), tuple(names.items()), every_unit)


@lru_cache(maxsize=32)
def _tag_map(tags: tuple[str, ...], names: Names, every_unit: bool) -> TagMap:
    known, reading = dict(names), read_tags(tags)
    strangers = [label for label in known if label not in reading.labels]
    if strangers:
        raise LabelMapError(
            f"the label map names {', '.join(map(repr, strangers))}, which the model does not have; "
            f"its labels are {', '.join(reading.labels) or 'none'}"
        )
    outside = UNTAGGED if every_unit and OUTSIDE not in tags else OUTSIDE
    new: list[str] = []
    for tag, (role, label) in zip(tags, reading.parts, strict=True):
        name = known.get(label, label)
        if name == label:
            new.append(tag)
        elif not name or is_outside(name):
            new.append(outside)
        else:
            new.append(name if label in reading.bare else spell((role, name), reading.scheme))
    scheme = reading.scheme if reading.scheme != "plain" or every_unit else detect(new)
    if new == list(tags):
        return TagMap(tags, tuple((row,) for row in range(len(tags))), tags, reading.scheme)
    made_of = _grouped(new, scheme)
    return TagMap(tuple(made_of), tuple(map(tuple, made_of.values())), tags, scheme)


def _grouped(new: Sequence[str], scheme: Scheme) -> dict[str, list[int]]:
    """The rows of each tag. Two spellings of one tag, as of a head with ``M-PER`` whose ORG is now PER, are
    one."""
    made_of: dict[str, list[int]] = {}
    spelled: dict[tuple[str, str], str] = {}
    for row, (tag, part) in enumerate(zip(new, read_tags(new, scheme).parts, strict=True)):
        name = spelled.setdefault(part, tag) if part[1] else tag
        made_of.setdefault(name, []).append(row)
    return made_of


def _added(logprobs: NDArray[np.float32], columns: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """Log probabilities with those of each group of columns added."""
    parts = [
        logprobs[:, group[0]] if len(group) == 1 else np.logaddexp.reduce(logprobs[:, list(group)], axis=1)
        for group in columns
    ]
    return np.stack(parts, axis=1).astype(np.float32, copy=False)
