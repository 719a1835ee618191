"""Confidences that mean something: one temperature, so that of spans said to be 80 % sure 80 % are right.

Temperature scaling after Guo et al. 2017, "On Calibration of Modern Neural Networks"; fitted on whole
spans, since whole spans are what a person accepts or corrects. numpy and scipy only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from spanloop.plugin.alignment.values import CharSpan, TokenScores
from spanloop.plugin.tagging.decode import decode
from spanloop.plugin.tagging.schemes import Scheme

# Below this, one temperature would be fitted to chance.
MIN_DOCUMENTS = 50
MIN_SPANS = 20
_COLDEST, _HOTTEST = 0.25, 4.0
_PRECISION = 1e-4  # of the logarithm of a temperature
_EDGE = 1e-6  # a confidence of exactly 0 or 1 has no logarithm


@dataclass(frozen=True, slots=True)
class Calibration:
    """``temperature`` 1 and no errors where it was skipped; ``note`` says why, or what was done.

    ``error_before`` and ``error_after``: expected calibration error on the ``spans`` it was fitted on.
    """

    temperature: float
    error_before: float | None
    error_after: float | None
    spans: int
    note: str


@dataclass(frozen=True, slots=True)
class Bin:
    """The spans of one stretch of confidence: how sure the model was of them, and how many were right."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def calibrate(
    scores: Sequence[TokenScores],
    gold: Sequence[Sequence[CharSpan]],
    *,
    scheme: Scheme,
    viterbi: bool = True,
    unknown: Sequence[Collection[str]] | None = None,
) -> Calibration:
    """The temperature at which the confidences of the decoded spans have the highest likelihood.

    ``scores`` and ``gold`` are of documents the model was not trained on. ``unknown``: the labels that each
    document says nothing of, None for none; predicted spans of these are neither right nor wrong. Skipped
    with under 20 predicted spans.
    """

    def judged(temperature: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        found = [decode(s, scheme=scheme, viterbi=viterbi, temperature=temperature) for s in scores]
        if unknown is not None:
            found = [
                [span for span in spans if span.label not in labels]
                for spans, labels in zip(found, unknown, strict=True)
            ]
        return judge(found, gold)

    confidence, correct = judged(1.0)
    if len(confidence) < MIN_SPANS:
        note = f"not calibrated: {len(confidence)} predicted spans, it takes {MIN_SPANS}"
        return Calibration(1.0, None, None, len(confidence), note)
    best = _lowest(lambda temperature: _surprise(*judged(temperature)))
    before, after = calibration_error(confidence, correct), calibration_error(*judged(best))
    note = f"calibrated on {len(confidence)} spans of {len(scores)} held-out documents"
    return Calibration(best, before, after, len(confidence), note)


def calibrate_like(scores: Sequence[TokenScores], model: Sequence[TokenScores], temperature: float) -> float:
    """The temperature at which these scores are as sure as those of another model, which is calibrated: the
    one of the lowest cross-entropy to its probabilities. It takes no gold.

    Args:
        scores: of some documents.
        model: of the same documents and tags.
        temperature: the other model's.

    Returns:
        A temperature above 0; the other model's where the documents have no token.
    """
    pairs = [
        (own, np.exp(other.calibrated(temperature).astype(np.float64)))
        for own, other in zip(scores, model, strict=True)
        if len(own)
    ]
    if not pairs:
        return temperature
    tokens = sum(len(own) for own, _ in pairs)

    def apart(candidate: float) -> float:
        return -sum(float((likely * own.calibrated(candidate)).sum()) for own, likely in pairs) / tokens

    return _lowest(apart)


def judge(
    predicted: Sequence[Sequence[CharSpan]], gold: Sequence[Sequence[CharSpan]]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The confidence of each predicted span and whether it is exactly right."""
    confidence: list[float] = []
    correct: list[bool] = []
    for predicted_spans, gold_spans in zip(predicted, gold, strict=True):
        true = {span.key for span in gold_spans}
        confidence += [1.0 if span.score is None else span.score for span in predicted_spans]
        correct += [span.key in true for span in predicted_spans]
    return np.array(confidence, dtype=np.float64), np.array(correct, dtype=bool)


def reliability(confidence: NDArray[np.float64], correct: NDArray[np.bool_], *, bins: int = 10) -> list[Bin]:
    """The bins of a reliability diagram, of equal width from 0 to 1; empty ones are left out."""
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    found = []
    for k in np.unique(place).tolist():
        here = place == k
        mean, share = float(confidence[here].mean()), float(correct[here].mean())
        found.append(Bin(k / bins, (k + 1) / bins, int(here.sum()), mean, share))
    return found


def calibration_error(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> float:
    """Expected calibration error (Naeini et al. 2015): how far confidence and accuracy lie apart on
    average."""
    if not len(confidence):
        return 0.0
    apart = sum(b.count * abs(b.confidence - b.accuracy) for b in reliability(confidence, correct))
    return float(apart / len(confidence))


def _surprise(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> float:
    """The mean negative log likelihood of what was right and wrong."""
    p = np.clip(confidence, _EDGE, 1 - _EDGE)
    return float(-np.where(correct, np.log(p), np.log1p(-p)).mean())


def _lowest(cost: Callable[[float], float]) -> float:
    """The temperature of the lowest cost, looked for on its logarithm."""
    found = minimize_scalar(
        lambda logarithm: cost(float(np.exp(logarithm))),
        bounds=(np.log(_COLDEST), np.log(_HOTTEST)),
        method="bounded",
        options={"xatol": _PRECISION},
    )
    return float(np.exp(found.x))
