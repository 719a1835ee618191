"""What Hugging Face's own pipeline says of the same texts, and where its words and ours coincide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from transformers import TokenClassificationPipeline, pipeline

from spanloop.plugin.alignment.values import TokenScores
from support.conformance.answers import SAME, Spans
from support.conformance.habits import Habit, Run, seqeval_runs

Range = tuple[int, int]
_MARKS = ("\u2581", "\u0120")  # a word begins: no wordpiece of ours where another has its characters
_CLOSE = 0.001
"""Two tags whose probabilities are as near as that may change places on another machine."""


class Words(TokenClassificationPipeline):
    """The pipeline with its words left alone: one entity a word, those with "O" too."""

    def group_entities(self, entities: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Leave them as they are."""
        return entities


@dataclass(frozen=True, slots=True)
class Compared:
    """How much was compared: wordpieces with their tag and probability, and spans; and what differs."""

    pieces: int
    spans: int
    differing: tuple[str, ...]


class Peer:
    """The pipeline for the model in a folder, loaded by transformers alone."""

    def __init__(self, folder: Path, habit: Habit) -> None:
        self.habit = habit
        self.pipeline = pipeline(
            "token-classification", model=str(folder), pipeline_class=Words, ignore_labels=[]
        )

    def asked(self, text: str, strategy: str) -> Any:
        """What it says of the text where it has read no other: BigBird attends in another way for good once
        it has read a short one."""
        encoder = self.pipeline.model.base_model
        if hasattr(encoder, "set_attention_type"):
            encoder.set_attention_type(self.pipeline.model.config.attention_type)
        return self.pipeline(text, aggregation_strategy=strategy)

    def fits(self, text: str) -> bool:
        """Whether it reads the text to its end, and there is anything to read."""
        tokenizer = self.pipeline.tokenizer
        return bool(text.strip()) and len(tokenizer(text)["input_ids"]) <= tokenizer.model_max_length

    def reads(self, text: str) -> list[int]:
        """The wordpieces that it reads, special tokens included."""
        return list(self.pipeline.tokenizer(text)["input_ids"])

    def pieces(self, text: str, ours: TokenScores) -> tuple[int, list[str]]:
        """How many of its wordpieces are units of ours too, and where their tags or probabilities differ;
        ``ours``: our scores of wordpieces."""
        theirs: dict[int, dict[str, Any]] = {}  # the first wordpiece that begins there
        for piece in self.asked(text, "none"):
            start, _ = trimmed(text, piece)
            if start not in theirs or theirs[start]["word"] in _MARKS:
                theirs[start] = piece
        differing, compared = [], 0
        for unit, place in enumerate(_ranges(ours)):
            piece = theirs.get(place[0], {"start": 0, "end": 0})
            if trimmed(text, piece) != place:
                continue
            compared += 1
            logprob = float(ours.logprobs[unit, ours.tags.index(piece["entity"])])
            same = abs(np.log(float(piece["score"])) - logprob) < 10 * SAME
            if not same or ours.logprobs[unit].max() > logprob + _CLOSE:
                differing.append(f"wordpiece {text[slice(*place)]!r} of {text[:30]!r}")
        return compared, differing

    def spans(self, text: str, ours: TokenScores, found: Spans) -> tuple[int, list[str]]:
        """How many spans lie where words and units coincide, and which of them one of both has alone;
        ``found``: our spans, each unit's best tag taken by itself."""
        if _is_close(ours):
            return 0, []
        words = self.asked(text, "first")
        places = [trimmed(text, word) for word in words]
        units = _ranges(ours)
        known = Counter(places)  # each byte of an emoji behind a blank is a word there, and overlaps the next
        blank = {place for place, word in zip(places, words, strict=True) if _begins_blank(text, word, place)}
        blank |= {place for pair in pairwise(places) if pair[1][0] < pair[0][1] for place in pair}
        both = _Both(places, units, {unit for unit in units if known[unit] == 1} - blank)
        theirs = {both.chars(run, places) for run in self._runs(words) if both.alike(run, places)}
        own_runs = _as_runs(found, units)
        own = {both.chars(run, units) for run in own_runs if both.alike(run, units)}
        return len(theirs | own), [f"span {text[a:b]!r} {label}" for a, b, label in sorted(theirs ^ own)]

    def _runs(self, words: Sequence[dict[str, Any]]) -> list[Run]:
        tags = [str(word["entity"]) for word in words]
        if self.habit.reading == "word":
            return [(at, at + 1, tag) for at, tag in enumerate(tags)]
        if self.habit.reading == "seqeval":
            return seqeval_runs(tags, self.habit)
        numbered = [{**word, "start": at, "end": at + 1} for at, word in enumerate(words)]
        groups = TokenClassificationPipeline.group_entities(self.pipeline, numbered)
        outside = {"O", *(tag for tag in self.habit.further if tag.startswith("["))}
        named = [(group["start"], group["end"], str(group["entity_group"])) for group in groups]
        return [run for run in named if run[2] not in outside]


def compare(peer: Peer, texts: Iterable[str], pieces: Any, tokens: Any) -> Compared:
    """Both comparisons over all texts that it reads to their end.

    Args:
        peer: the pipeline.
        texts: the texts.
        pieces: gives our scores of the wordpieces of a text.
        tokens: gives the wordpieces that we read for its tokens, the scores of these, and the spans of the
            best tag of each. Where we read other wordpieces, since tokens shared one, no spans are compared.
    """
    sums, differing = np.zeros(2, dtype=int), []
    for text in texts:
        if not peer.fits(text):
            continue
        read, scores, spans = tokens(text)
        found = [peer.pieces(text, pieces(text))]
        found.append(peer.spans(text, scores, spans) if read == peer.reads(text) else (0, []))
        sums += [number for number, _ in found]
        differing += chain.from_iterable(lines for _, lines in found)
    return Compared(int(sums[0]), int(sums[1]), tuple(differing))


def trimmed(text: str, entity: dict[str, Any]) -> Range:
    """The characters of an entity without blanks at its edges."""
    start, end = int(entity["start"]), int(entity["end"])
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def _begins_blank(text: str, word: dict[str, Any], place: Range) -> bool:
    """Whether the first wordpiece of a word of theirs may be a tab or another blank alone, whose tag is then
    the word's. A single space is written into the word, or is a word of its own."""
    return text[int(word["start"]) : place[0]] not in ("", " ")


def _ranges(scores: TokenScores) -> list[Range]:
    return list(zip(scores.starts.tolist(), scores.ends.tolist(), strict=True))


def _is_close(scores: TokenScores) -> bool:
    if not len(scores):
        return False
    two = np.sort(scores.logprobs, axis=1)[:, -2:]
    return bool((two[:, 1] - two[:, 0] < _CLOSE).any())


def _as_runs(spans: Spans, units: Sequence[Range]) -> list[Run]:
    begins = {start: at for at, (start, _) in enumerate(units)}
    ends = {end: at + 1 for at, (_, end) in enumerate(units)}
    return [(begins[start], ends[end], label) for start, end, label in spans]


class _Both:
    """The words of one text, theirs and ours, in order, and those that both have (``common``)."""

    def __init__(self, theirs: Sequence[Range], ours: Sequence[Range], common: set[Range]) -> None:
        self.common = common
        self.lists = (theirs, ours)
        self.at = tuple({place: number for number, place in enumerate(places)} for places in self.lists)

    def chars(self, run: Run, places: Sequence[Range]) -> tuple[int, int, str]:
        """The characters of a run over these words, and its label."""
        return places[run[0]][0], places[run[1] - 1][1], run[2]

    def alike(self, run: Run, places: Sequence[Range]) -> bool:
        """Whether both have the words of the run, and beside it the same words on both sides."""
        first, last = places[run[0]], places[run[1] - 1]
        if not self.common.issuperset(places[run[0] : run[1]]):
            return False
        theirs, ours = (
            list(places[max(at[first] - 1, 0) : at[last] + 2])
            for at, places in zip(self.at, self.lists, strict=True)
        )
        return theirs == ours and self.common.issuperset(ours)
