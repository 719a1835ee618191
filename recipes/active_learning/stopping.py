"""When to stop: the arithmetic of stable predictions and of learning curves. `advice` puts it into words.

In plain Python, since the page's server and `status` load no numpy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

from spanloop.recipes.report import Shape, Share

LEAST_ROUNDS = 3
"""Rounds from which on a curve is drawn: two points lie on every curve."""
SURE = 1.645
"""Standard errors on each side that hold nine tenths; on one side, nineteen twentieths."""
ALIKE = 0.55
"""What is left of the standard error of an F1 where rounds are scored on the same documents: their errors are
much the same (correlated by about 0.7), and only the difference counts."""
SEED_POINTS = 0.013
"""The standard deviation of F1 between trainings that only the seed tells apart, as 15 of them had, three on
each of five draws of 1,600 sentences of WNUT-17 (``benchmarks/results/macro``)."""
LITTLE = 0.01
"""Up to this gain of F1 more annotations are said not to pay."""
AHEAD = 3.0
"""A curve is drawn on over at most so many times the tokens that it is of."""
LEAST_F1 = 0.1
"""Below it a curve is flat because nothing has been learned yet, which is no reason to stop."""
ONE_MORE = 0.001
"""An F1 is taken for no nearer to 1, where its logarithm has no end."""


def kappa(first: Sequence[object], second: Sequence[object]) -> float | None:
    """Cohen's kappa of two lists of tags: how much more they agree than by chance.

    Returns:
        1 where they agree in all, 0 where as often as by chance; None for empty lists.
    """
    if not first:
        return None
    number = len(first)
    agreed = sum(a == b for a, b in zip(first, second, strict=True)) / number
    ours, theirs = Counter(first), Counter(second)
    chance = sum(ours[tag] * theirs[tag] for tag in ours) / number**2
    return 1.0 if chance == 1 else (agreed - chance) / (1 - chance)


def change_at_most(agreement: float) -> float | None:
    """The bound on the change of F1 between two models whose predictions have this kappa, 4(1-k)/k (Bloodgood
    and Vijay-Shanker 2013); None where it says nothing, since it is above 1."""
    bound = 4 * (1 - agreement) / agreement if agreement > 0 else 2.0
    return bound if bound <= 1 else None


@dataclass(frozen=True, slots=True)
class Scored:
    """A round on a curve: the tokens that it learned from, its F1 and the ends of the 95 % interval."""

    tokens: float
    f1: float
    low: float | None = None
    high: float | None = None

    @property
    def error(self) -> float:
        """The standard error of its F1 beside rounds that were scored on the same documents."""
        sampled = 0.0 if self.low is None or self.high is None else (self.high - self.low) / 2 / 1.96
        return sqrt((ALIKE * sampled) ** 2 + SEED_POINTS**2)


@dataclass(frozen=True, slots=True)
class Gained(Shape):
    """What more annotations are expected to add to F1, with an interval that holds nine tenths."""

    expected: float
    low: float
    high: float

    def text(self) -> str:
        """``+0.4 to +1.1 points``."""
        return f"{100 * self.low:+.1f} to {100 * self.high:+.1f} points"


@dataclass(frozen=True, slots=True)
class Curve:
    """1 - F1 falls as a power of the tokens: ``missing`` at ``tokens``, with this ``slope``, 0 or above."""

    tokens: float
    missing: Share
    slope: float
    slope_low: float
    slope_high: float

    def gain(self, more: float) -> Gained:
        """What so many more tokens are expected to add to F1."""
        ratio = log((self.tokens + more) / self.tokens)
        expected, low, high = (
            self.missing * (1 - exp(-slope * ratio))
            for slope in (self.slope, self.slope_low, self.slope_high)
        )
        return Gained(expected, low, high)


def learning_curve(rounds: Sequence[Scored]) -> Curve | None:
    """The curve through the rounds, by weighted least squares of the logarithms.

    The slope is uncertain by what the intervals say, and by how far the rounds lie off the curve where that
    is more. A curve that seems to fall is taken for flat, and its interval begins there: more annotations do
    no harm in the long run, so what fell was chance.

    Args:
        rounds: Rounds scored on the same documents.

    Returns:
        The curve at the most tokens; None for fewer than three rounds, or of one size.
    """
    known = [one for one in rounds if one.tokens > 0]
    if len(known) < LEAST_ROUNDS or len({one.tokens for one in known}) < LEAST_ROUNDS:
        return None
    xs = [log(one.tokens) for one in known]
    ys = [log(max(1 - one.f1, ONE_MORE)) for one in known]
    weights = [(max(1 - one.f1, ONE_MORE) / one.error) ** 2 for one in known]
    total = sum(weights)
    x_mean = sum(w * x for w, x in zip(weights, xs, strict=True)) / total
    y_mean = sum(w * y for w, y in zip(weights, ys, strict=True)) / total
    spread = sum(w * (x - x_mean) ** 2 for w, x in zip(weights, xs, strict=True))
    slope = -sum(w * (x - x_mean) * (y - y_mean) for w, x, y in zip(weights, xs, ys, strict=True)) / spread
    slope = max(slope, 0.0)
    off = sum(w * (y - y_mean + slope * (x - x_mean)) ** 2 for w, x, y in zip(weights, xs, ys, strict=True))
    error = sqrt(max(1.0, off / (len(known) - 2)) / spread)
    most = max(known, key=lambda one: one.tokens)
    missing = exp(y_mean - slope * (log(most.tokens) - x_mean))
    ends = (slope, max(slope - SURE * error, 0.0), slope + SURE * error)
    return Curve(most.tokens, min(missing, 1.0), *ends)


def within_reach(curve: Curve, waiting: float) -> float:
    """How many of the tokens that wait the curve can say something of."""
    return min(waiting, AHEAD * curve.tokens)


def may_stop(curve: Curve | None, waiting: float) -> bool:
    """Whether annotating on is said not to pay: all that waits, as far as the curve reaches, would add no
    more than `LITTLE` by the upper end of the interval. Never of a model that hardly finds anything yet."""
    if curve is None or curve.missing > 1 - LEAST_F1:
        return False
    return curve.gain(within_reach(curve, waiting)).high <= LITTLE
