"""Which scheme the tags of a pipe are read in and by which names, which one it learns in, and what a user is
told about it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spanloop.plugin.alignment.values import CharSpan, TokenScores
from spanloop.plugin.alignment.windows import EncodedDoc
from spanloop.plugin.model.network import Rows
from spanloop.plugin.tagging.decode import speaks_iob1
from spanloop.plugin.tagging.label_map import LabelMapError, TagMap, tag_map
from spanloop.plugin.tagging.reading import Reading, detect, read_tags
from spanloop.plugin.tagging.schemes import OUTSIDE, Scheme, tags_for

if TYPE_CHECKING:
    from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe

AS_THE_TAGS_SAY = "auto"
"""In a saved pipe: nobody named a scheme. Where nothing stands (null), the pipe was saved when B and I were
always taken as IOB2, and goes on so: the rounds of a project were trained in it."""

FAINT = 0.01
"""A span that is less probable than this is hardly ever meant."""
_FAINT_SPANS, _FAINT_SHARE = 3, 0.1  # more than this is told: a few come from any model

_log = logging.getLogger(__name__)


def tag_map_of(pipe: HFTokenClassifierPipe, tags: Sequence[str]) -> TagMap:
    """What the pipe's label map makes of these tags of its head; nothing where there are none."""
    names = pipe.label_map if tags else {}
    return tag_map(tags, names, every_unit=pipe.cfg["annotate"] in ("tag", "pos"))


def fold(pipe: HFTokenClassifierPipe) -> tuple[str, ...] | None:
    """Make the new names of the label map the head's own, for a pipe that is about to learn: what its rows
    are called from then on, None without a map. LabelMapError where the head has no labels yet."""
    names = pipe.label_map
    if not names:
        return None
    tags = pipe.tags
    if not tags:
        raise LabelMapError(
            f"the model of the pipe {pipe.name!r} has no labels yet that a map could rename: leave "
            "label_map out"
        )
    known_as = tag_map_of(pipe, tags).known_as()
    pipe.cfg["label_map"], pipe.cfg["folded_map"] = None, names
    return known_as


def scheme_of(pipe: HFTokenClassifierPipe, tags: Sequence[str]) -> Scheme:
    """The scheme that these tags of the pipe's head are read in: as set, else as they say."""
    scheme: Scheme | None = pipe.cfg["scheme"]
    return scheme or tag_map_of(pipe, tags).scheme


def reading_of(pipe: HFTokenClassifierPipe, tags: Sequence[str]) -> Reading:
    """What these tags of the pipe's head mean, under the names of the label map."""
    return read_tags(tag_map_of(pipe, tags).tags, scheme_of(pipe, tags))


def tags_to_learn(
    pipe: HFTokenClassifierPipe, labels: Sequence[str], scheme: Scheme | None
) -> tuple[list[str], Scheme | None]:
    """The tags of a head for these labels, and the scheme to keep as a setting, None where the tags show it.

    ``scheme`` None: as set; plain for tag and pos; the model's own where it has labels; else IOB2. What is
    learned is of one scheme: IOB2 where the model's own may be IOB1 or IOB2.
    """
    chosen: Scheme = scheme or pipe.cfg["scheme"] or _own_scheme(pipe)
    if chosen == "IOB":
        chosen = "IOB2"
    tags = tags_for(list(labels), chosen)
    return tags, None if detect(tags) == chosen else chosen


def _own_scheme(pipe: HFTokenClassifierPipe) -> Scheme:
    if pipe.cfg["annotate"] in ("tag", "pos"):
        return "plain"
    tags = pipe.tags
    return tag_map_of(pipe, tags).scheme if tags else "IOB2"


def told_by_hash(pipe: HFTokenClassifierPipe) -> Scheme | None:
    """The scheme as a part of the pipe's fingerprint: None where the tags are the regular ones of a scheme,
    those of the rounds of a project. Their fingerprints stay what they were when B and I meant IOB2."""
    named: Scheme | None = pipe.cfg["scheme"]
    tags = pipe.tags
    scheme = scheme_of(pipe, tags)
    labels = read_tags(tags, scheme).labels
    regular = {OUTSIDE, *tags} == {OUTSIDE, *tags_for(labels, scheme)}
    if named == "IOB2" and regular:
        return None
    if named is None and not (regular and scheme in ("IOB2", "BIOES", "BILOU", "plain")):
        return scheme
    return named


def scores_of(pipe: HFTokenClassifierPipe, found: Sequence[tuple[EncodedDoc, Rows]]) -> list[TokenScores]:
    """The tag distribution of every unit, under the names of the label map.

    Raises:
        NotFinite: where the model gives no numbers.
    """
    from spanloop.plugin.model.finite import log_probabilities

    tags = pipe.tags
    mapped = tag_map_of(pipe, tags)
    logprobs = log_probabilities([rows for _, rows in found], f"the model of the pipe {pipe.name!r}")
    return [
        mapped.scores(TokenScores(rows, encoded.starts, encoded.ends, tags))
        for rows, (encoded, _) in zip(logprobs, found, strict=True)
    ]


@dataclass(slots=True)
class Telling:
    """What a pipe has told about how it reads, each thing once. It changes nothing that is predicted."""

    iob1: bool = False
    faint: bool = False
    spans: int = 0
    faint_spans: int = 0

    def look(
        self,
        pipe: HFTokenClassifierPipe,
        scores: Sequence[TokenScores],
        spans: Sequence[Sequence[CharSpan]],
    ) -> None:
        """Count the spans of these documents, and warn of what somebody should know."""
        scheme = pipe.scheme
        if not self.iob1 and scheme == "IOB" and pipe.cfg["viterbi"]:
            found = (one for one, in_it in zip(scores, spans, strict=True) if in_it)
            self.iob1 = any(speaks_iob1(one, scheme=scheme) for one in found)
            if self.iob1:
                _log.warning(
                    "the pipe %r: its tags can be IOB1 or IOB2, and its scores begin spans with I, so it is "
                    'read as IOB1 where they do, document by document; scheme = "IOB1" settles it, and '
                    'scheme = "IOB2" forbids it',
                    pipe.name,
                )
        self._count(pipe, spans)

    def _count(self, pipe: HFTokenClassifierPipe, spans: Sequence[Sequence[CharSpan]]) -> None:
        if self.faint:
            return
        confidences = [span.score for in_it in spans for span in in_it if span.score is not None]
        self.spans += len(confidences)
        self.faint_spans += sum(confidence < FAINT for confidence in confidences)
        self.faint = self.faint_spans >= max(_FAINT_SPANS, _FAINT_SHARE * self.spans)
        if self.faint:
            _log.warning(
                "the pipe %r: %d of the %d spans that it has found have a confidence under %s. Its tags are "
                "read as %s: set scheme = to another if its model speaks another, or look whether the model "
                "is trained and is made for such texts",
                pipe.name,
                self.faint_spans,
                self.spans,
                FAINT,
                pipe.scheme,
            )
