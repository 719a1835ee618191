"""Token scores to labelled character spans: the one decoder of prediction, evaluation and simulation."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from spanloop.plugin.alignment.values import CharSpan, TokenScores
from spanloop.plugin.tagging.reading import Reading, read_tags, transitions
from spanloop.plugin.tagging.schemes import Scheme

# An illegal step costs more than any sum of log probabilities gains, yet stays finite: where the tags allow
# no legal path at all, the least illegal one is taken.
_ILLEGAL = -1e6
# Of all that begins a span, the least share that B must have for tags that may be IOB1 or IOB2 to be read as
# IOB2. Below a half: a model of IOB2 that knows little is often unsure where a span began, and then I looks
# like a beginning too, while one of IOB1 hardly ever begins with B (`benchmarks/schemes.py`).
_SHARE_OF_B = 0.3


def decode(
    scores: TokenScores, *, scheme: Scheme, viterbi: bool = True, temperature: float = 1.0
) -> list[CharSpan]:
    """The spans of one document in text order, each with its confidence (0 to 1).

    ``viterbi``: the most probable legal tag sequence; without it the best tag of each unit by itself,
    repaired as `decode_tags` says. ``temperature`` changes confidences, never spans. Plain tags without an
    outside tag (part of speech) give one span a unit.
    """
    return decode_all([scores], scheme=scheme, viterbi=viterbi, temperature=temperature)[0]


def decode_all(
    scores: Sequence[TokenScores], *, scheme: Scheme, viterbi: bool = True, temperature: float = 1.0
) -> list[list[CharSpan]]:
    """What `decode` gives for each of several documents, whose best paths are looked for at once."""
    paths = best_paths(scores, scheme=scheme, viterbi=viterbi)
    return [
        _spans(one, path, read_tags(one.tags, scheme), temperature)
        for one, path in zip(scores, paths, strict=True)
    ]


def _spans(
    scores: TokenScores, path: NDArray[np.intp], reading: Reading, temperature: float
) -> list[CharSpan]:
    """The spans that a path of tags means."""
    if not _labelled(reading)[path].any():
        return []
    runs = reading.runs_of_path(path.tolist())
    logprobs = scores.calibrated(temperature)
    chosen = logprobs[np.arange(len(path)), path]
    return [
        CharSpan(
            int(scores.starts[start]),
            int(scores.ends[end - 1]),
            label,
            run_confidence(logprobs, chosen, start, end, _around(reading, label)[0])
            * _begins(logprobs, path, start, *_around(reading, label)),
        )
        for start, end, label in runs
    ]


def best_tags(scores: TokenScores, *, scheme: Scheme, viterbi: bool = True) -> NDArray[np.intp]:
    """The index of each unit's tag on the best path."""
    return best_paths([scores], scheme=scheme, viterbi=viterbi)[0]


def best_paths(
    scores: Sequence[TokenScores], *, scheme: Scheme, viterbi: bool = True
) -> list[NDArray[np.intp]]:
    """The same for each of several documents."""
    paths = [_surest(one) for one in scores]
    if not viterbi:
        return paths
    illegal: dict[tuple[Reading, bool], list[int]] = {}
    for number, (one, path) in enumerate(zip(scores, paths, strict=True)):
        reading = read_tags(one.tags, scheme)
        iob1 = _is_iob1(one, path, reading)
        # The best tag of every unit cannot be beaten: where it is legal it is the Viterbi path.
        if not _is_legal(path, *transitions(reading, iob1=iob1)):
            illegal.setdefault((reading, iob1), []).append(number)
    for (reading, iob1), numbers in illegal.items():
        found = _viterbi([scores[number].logprobs for number in numbers], *transitions(reading, iob1=iob1))
        for number, path in zip(numbers, found, strict=True):
            paths[number] = path
    return paths


def speaks_iob1(scores: TokenScores, *, scheme: Scheme) -> bool:
    """Whether this document is read as IOB1: because the scheme is, or because the scores say so where the
    scheme leaves it open (`IOB`). Nothing but the document's own scores has a say, so a document is read in
    one way whatever else is read before it or beside it."""
    return _is_iob1(scores, _surest(scores), read_tags(scores.tags, scheme))


def _surest(scores: TokenScores) -> NDArray[np.intp]:
    """The most probable tag of each unit by itself."""
    return scores.logprobs.argmax(axis=1) if len(scores) else np.zeros(0, dtype=np.intp)


def _is_iob1(scores: TokenScores, path: NDArray[np.intp], reading: Reading) -> bool:
    if reading.scheme != "IOB":
        return reading.scheme == "IOB1"
    # A path that both allow means the same spans in both.
    return not _is_legal(path, *transitions(reading)) and _share_of_b(scores, reading) < _SHARE_OF_B


def _share_of_b(scores: TokenScores, reading: Reading) -> float:
    """How much of what begins a span is B, by the scores of the whole document; the rest is I.

    A unit begins a span of a label as far as it has the label and the unit before it has not: of what the
    two schemes write there, one is always B and the other always I.
    """
    likely = np.exp(scores.logprobs.astype(np.float64))
    begun = {"B": 0.0, "I": 0.0}
    for label, roles in reading.roles().items():
        if label in reading.bare or not {"B", "I"} <= roles:
            continue
        columns = {
            role: [n for n, part in enumerate(reading.parts) if part == (role, label)] for role in "BI"
        }
        mass = {role: likely[:, found].sum(axis=1) for role, found in columns.items()}
        without_before = 1.0 - np.concatenate([[0.0], np.minimum(mass["B"] + mass["I"], 1.0)[:-1]])
        for role, of_role in mass.items():
            begun[role] += float(of_role @ without_before)
    total = begun["B"] + begun["I"]
    return begun["B"] / total if total else 1.0


def _is_legal(
    path: NDArray[np.intp], start_ok: NDArray[np.bool_], step_ok: NDArray[np.bool_], end_ok: NDArray[np.bool_]
) -> bool:
    if not len(path):
        return True
    return bool(start_ok[path[0]] and end_ok[path[-1]] and step_ok[path[:-1], path[1:]].all())


def run_confidence(
    logprobs: NDArray[np.float32],
    chosen: NDArray[np.float32],
    start: int,
    end: int,
    continuing: NDArray[np.intp],
) -> float:
    """How probable it is that units ``start`` to ``end`` are one whole span, the units taken as independent.

    The tags of all its units must be right, and the unit after it must not continue it. ``chosen``: of each
    unit, the logarithm of how probable its tag is.
    """
    joint = float(chosen[start:end].sum())
    confidence = float(np.exp(joint))
    if end < len(chosen) and len(continuing):
        confidence *= 1.0 - float(np.exp(logprobs[end, continuing]).sum())
    return min(max(confidence, 0.0), 1.0)


def _begins(
    logprobs: NDArray[np.float32],
    path: NDArray[np.intp],
    start: int,
    continuing: NDArray[np.intp],
    opening: NDArray[np.intp],
) -> float:
    """How probable it is that unit ``start`` begins a span, its tag being right: certain where the tag says
    so; where it could as well go on with one (IOB1, plain tags), that the unit before is of none."""
    if not start or path[start] not in continuing:
        return 1.0
    return max(1.0 - float(np.exp(logprobs[start - 1, opening]).sum()), 0.0)


@lru_cache(maxsize=64)  # these depend on the head alone: computed once, read for every document
def _labelled(reading: Reading) -> NDArray[np.bool_]:
    """Which tags have a label."""
    return np.array([bool(label) for _, label in reading.parts], dtype=bool)


@lru_cache(maxsize=512)
def _around(reading: Reading, label: str) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The tags that make a span of ``label`` go on, and those behind which one can go on."""
    roles = [role if reading.merges and name == label else "" for role, name in reading.parts]
    return np.flatnonzero([r in ("I", "E") for r in roles]), np.flatnonzero([r in ("B", "I") for r in roles])


def _viterbi(
    logprobs: Sequence[NDArray[np.float32]],
    start_ok: NDArray[np.bool_],
    step_ok: NDArray[np.bool_],
    end_ok: NDArray[np.bool_],
) -> list[NDArray[np.intp]]:
    """The legal path with the highest sum (Viterbi 1967) of each document; one step a unit for all of them,
    the documents that have so many units."""
    order = sorted(range(len(logprobs)), key=lambda number: len(logprobs[number]), reverse=True)
    lengths = np.array([len(logprobs[number]) for number in order])
    begins = np.cumsum(lengths) - lengths
    flat = np.concatenate([logprobs[number] for number in order]).astype(np.float64)
    steps = np.where(step_ok, 0.0, _ILLEGAL)
    best = flat[begins] + np.where(start_ok, 0.0, _ILLEGAL)
    came_from = np.zeros(flat.shape, dtype=np.intp)
    for unit in range(1, lengths[0]):
        running = int(np.searchsorted(-lengths, -unit))  # so many documents are longer than this
        candidates = best[:running, :, np.newaxis] + steps
        came = candidates.argmax(axis=1)
        came_from[begins[:running] + unit] = came
        best[:running] = np.take_along_axis(candidates, came[:, np.newaxis], axis=1)[:, 0]
        best[:running] += flat[begins[:running] + unit]
    last = (best + np.where(end_ok, 0.0, _ILLEGAL)).argmax(axis=1)
    paths: list[NDArray[np.intp]] = [np.zeros(0, dtype=np.intp)] * len(logprobs)
    for row, number in enumerate(order):
        paths[number] = _traced(came_from[begins[row] : begins[row] + lengths[row]], int(last[row]))
    return paths


def _traced(came_from: NDArray[np.intp], last: int) -> NDArray[np.intp]:
    """The path that ends with this tag, from its end to its beginning."""
    path = [last]
    for row in came_from[:0:-1].tolist():
        path.append(row[path[-1]])
    return np.array(path[::-1], dtype=np.intp)
