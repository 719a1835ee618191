"""What answering a document costs a person: tokens read, actions (key presses and clicks), seconds.

The one cost model of the project. Actions follow the rules of the page (`actions`); seconds are a straight
line over both, learned from the times that the page kept, or a default from the literature.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from spanloop.recipes.report import Count, Seconds, Shape
from spanloop.recipes.table import counted

ENOUGH = 30
"""Answers with a time from which on a pace is learned: three numbers from fewer would be chance."""
STEPS = 25
HUBER = 1.345
"""Residuals beyond so many standard deviations count less and less (95 % efficient where there are none)."""
MAD = 1.4826
"""The standard deviation of a normal distribution, in median absolute deviations."""
RIDGE = 1e-9


@dataclass(frozen=True, slots=True)
class Cost(Shape):
    """What was spent, or will be."""

    tokens: float = 0.0
    """Tokens read."""
    actions: float = 0.0
    """Key presses and clicks, those that accept a document included."""
    seconds: Seconds = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.tokens + other.tokens, self.actions + other.actions, self.seconds + other.seconds)

    def __mul__(self, times: float) -> Cost:
        return Cost(self.tokens * times, self.actions * times, self.seconds * times)

    def text(self) -> str:
        """``1,200 tokens, 85 actions, 9 minutes``."""
        tokens, actions = counted(round(self.tokens), "token"), counted(round(self.actions), "action")
        return f"{tokens}, {actions}, {duration(self.seconds)}"


@dataclass(frozen=True, slots=True)
class Pace(Shape):
    """How many seconds a person takes: so many a document, a token and an action."""

    base: Seconds
    """A document, whatever is in it."""
    per_token: Seconds
    per_action: Seconds
    learned_from: Count = 0
    """Answers with a time that it was learned from; 0: the default."""

    def cost(self, tokens: float, actions: float, documents: float = 1) -> Cost:
        """What so many documents with so many tokens and actions in all cost."""
        seconds = self.base * documents + self.per_token * tokens + self.per_action * actions
        return Cost(tokens, actions, seconds)

    def text(self) -> str:
        """Where the seconds come from, in words."""
        if self.learned_from:
            source = f"learned from {counted(self.learned_from, 'answer')} on the page"
        else:
            source = f"a default, until {ENOUGH} answers on the page have a time"
        return (
            f"{self.base:.1f} s a document, {self.per_token:.2f} s a token, {self.per_action:.1f} s an "
            f"action ({source})"
        )


DEFAULT = Pace(base=1.35, per_token=60 / 238, per_action=2.73)
"""Reading: 238 words a minute (Brysbaert 2019, the mean of 190 studies). An action: to decide 1.35 s, to
point 1.1 s, to press 0.28 s; a document: to take it up, once more 1.35 s (the keystroke-level model, Card,
Moran and Newell 1980)."""


@dataclass(frozen=True, slots=True)
class Timed:
    """An answer and how long it took."""

    tokens: int
    actions: int
    seconds: float


def learn_pace(answers: Iterable[Timed]) -> Pace:
    """The pace that these answers were given at.

    A linear regression that a pause for coffee does not move (Huber's loss, by weighted least squares), none
    of its three numbers below 0. In plain Python, since the page's server loads no numpy.

    Args:
        answers: Answers with their times, of one person or of several.

    Returns:
        The pace; `DEFAULT` where there are fewer than `ENOUGH` answers.
    """
    rows = [((1.0, float(a.tokens), float(a.actions)), a.seconds) for a in answers]
    if len(rows) < ENOUGH:
        return DEFAULT
    columns = [0, 1, 2]
    while True:
        found = _huber(rows, columns)
        lowest = min(columns, key=lambda column: found[column])
        if found[lowest] >= 0 or len(columns) == 1:
            base, per_token, per_action = (max(found[column], 0.0) for column in range(3))
            return Pace(base, per_token, per_action, len(rows))
        columns.remove(lowest)


_Row = tuple[tuple[float, float, float], float]


def _huber(rows: Sequence[_Row], columns: Sequence[int]) -> list[float]:
    """The coefficients of these columns, 0 of the others, each row weighted by how well it fits."""
    weights = [1.0] * len(rows)
    found = _least_squares(rows, weights, columns)
    for _ in range(STEPS):
        off = [abs(y - sum(x[c] * found[c] for c in columns)) for x, y in rows]
        limit = max(HUBER * MAD * median(off), RIDGE)
        weights = [1.0 if one <= limit else limit / one for one in off]
        found = _least_squares(rows, weights, columns)
    return found


def _least_squares(rows: Sequence[_Row], weights: Sequence[float], columns: Sequence[int]) -> list[float]:
    """Weighted least squares by the normal equations: three unknowns at most."""
    size = len(columns)
    matrix = [[0.0] * (size + 1) for _ in columns]
    for (x, y), weight in zip(rows, weights, strict=True):
        for i, row in enumerate(columns):
            scaled = weight * x[row]
            for j, column in enumerate(columns):
                matrix[i][j] += scaled * x[column]
            matrix[i][size] += scaled * y
    for i in range(size):  # a column that is always 0, or twice the same, gets 0 and no division by it
        matrix[i][i] += RIDGE * (1.0 + matrix[i][i])
    return _solved(matrix, columns)


def _solved(matrix: list[list[float]], columns: Sequence[int]) -> list[float]:
    """Gauss and Jordan: the matrix is symmetric and positive, so no pivot is 0."""
    size = len(columns)
    for i in range(size):
        pivot = matrix[i][i]
        matrix[i] = [value / pivot for value in matrix[i]]
        for j in range(size):
            if j != i:
                times = matrix[j][i]
                matrix[j] = [a - times * b for a, b in zip(matrix[j], matrix[i], strict=True)]
    found = [0.0, 0.0, 0.0]
    for i, column in enumerate(columns):
        found[column] = matrix[i][size]
    return found


def duration(seconds: float) -> str:
    """``7.5 seconds``, ``40 seconds``, ``12 minutes``, ``3.5 hours``."""
    if seconds < 10:
        return f"{seconds:.1f} seconds"
    if seconds < 100:
        return counted(round(seconds), "second")
    if seconds < 100 * 60:
        return counted(round(seconds / 60), "minute")
    return f"{seconds / 3600:,.1f} hours"
