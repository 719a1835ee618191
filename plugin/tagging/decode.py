"""Token scores to labelled character spans: the one decoder of prediction, evaluation and simulation."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from spanloop.plugin.alignment.values import CharSpan, TokenScores
from spanloop.plugin.tagging.schemes import OUTSIDE, Scheme, decode_tags, split_tag, transitions

# An illegal step costs more than any sum of log probabilities gains, yet stays finite: where the tags allow
# no legal path at all, the least illegal one is taken.
_ILLEGAL = -1e6


def decode(
    scores: TokenScores, *, scheme: Scheme, viterbi: bool = True, temperature: float = 1.0
) -> list[CharSpan]:
    """The spans of one document in text order, each with its confidence (0 to 1).

    ``viterbi``: the most probable legal tag sequence; without it the best tag of each unit by itself,
    repaired as `decode_tags` says. ``temperature`` changes confidences, never spans. Plain tags without an
    outside tag (part of speech) give one span a unit.
    """
    path = best_tags(scores, scheme=scheme, viterbi=viterbi)
    merge = OUTSIDE in scores.tags
    if merge and (path == scores.tags.index(OUTSIDE)).all():
        return []
    runs = decode_tags([scores.tags[tag] for tag in path], scheme, merge=merge)
    logprobs = scores.calibrated(temperature)
    return [
        CharSpan(
            int(scores.starts[start]),
            int(scores.ends[end - 1]),
            label,
            run_confidence(logprobs, path, start, end, _continuing(scores.tags, scheme, label, merge)),
        )
        for start, end, label in runs
    ]


def best_tags(scores: TokenScores, *, scheme: Scheme, viterbi: bool = True) -> NDArray[np.intp]:
    """The index of each unit's tag on the best path."""
    greedy = scores.logprobs.argmax(axis=1) if len(scores) else np.zeros(0, dtype=np.intp)
    if not viterbi or not len(greedy):
        return greedy
    start_ok, step_ok, end_ok = _legal(scores.tags, scheme)
    legal = start_ok[greedy[0]] and end_ok[greedy[-1]] and step_ok[greedy[:-1], greedy[1:]].all()
    # The best tag of every unit cannot be beaten: where it is legal it is the Viterbi path.
    return greedy if legal else _viterbi(scores.logprobs, start_ok, step_ok, end_ok)


def run_confidence(
    logprobs: NDArray[np.float32],
    path: NDArray[np.intp],
    start: int,
    end: int,
    continuing: NDArray[np.intp],
) -> float:
    """How probable it is that units ``start`` to ``end`` are one whole span, the units taken as independent.

    The tags of all its units must be right, and the unit after it must not continue it.
    """
    units = np.arange(start, end)
    joint = float(logprobs[units, path[start:end]].sum())
    confidence = float(np.exp(joint))
    if end < len(path) and len(continuing):
        confidence *= 1.0 - float(np.exp(logprobs[end, continuing]).sum())
    return min(max(confidence, 0.0), 1.0)


# The tables depend on the head alone: computed once, read for every document.
_legal = lru_cache(maxsize=32)(transitions)


@lru_cache(maxsize=512)
def _continuing(tags: tuple[str, ...], scheme: Scheme, label: str, merge: bool) -> NDArray[np.intp]:
    """The tags that make a span of ``label`` go on."""
    parts = [split_tag(tag, scheme) for tag in tags]
    goes_on = [merge and part[1] == label and part[0] in ("I", "E", "L") for part in parts]
    return np.flatnonzero(goes_on)


def _viterbi(
    logprobs: NDArray[np.float32],
    start_ok: NDArray[np.bool_],
    step_ok: NDArray[np.bool_],
    end_ok: NDArray[np.bool_],
) -> NDArray[np.intp]:
    """The legal path with the highest sum (Viterbi 1967); one vectorised step a unit."""
    n_units, n_tags = logprobs.shape
    steps = np.where(step_ok, 0.0, _ILLEGAL)
    best = logprobs[0].astype(np.float64) + np.where(start_ok, 0.0, _ILLEGAL)
    came_from = np.zeros((n_units, n_tags), dtype=np.intp)
    columns = np.arange(n_tags)
    for unit in range(1, n_units):
        candidates = best[:, None] + steps
        came_from[unit] = candidates.argmax(axis=0)
        best = candidates[came_from[unit], columns] + logprobs[unit]
    path = np.zeros(n_units, dtype=np.intp)
    path[-1] = (best + np.where(end_ok, 0.0, _ILLEGAL)).argmax()
    for unit in range(n_units - 1, 0, -1):
        path[unit - 1] = came_from[unit, path[unit]]
    return path
