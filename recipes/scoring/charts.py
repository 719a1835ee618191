"""The pictures of a report, drawn by matplotlib as SVG. Lines and letters are grey enough for light and dark
pages."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from spanloop.recipes.errors import RecipeError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure as Canvas

    from spanloop.plugin.tagging.calibrate import Bin

INK = "#7a7f87"
SERIES = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
)  # Okabe and Ito: told apart by all

LONG_NAME = 6
"""Letters of a column's name above which the names are tilted."""
MANY = 8
"""Columns above which a confusion leaves out shares below half a per cent, so that the others are seen."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a learning curve: a value and its 95 % interval at each x."""

    name: str
    values: Sequence[float]
    low: Sequence[float | None]
    high: Sequence[float | None]


def learning_curve(
    documents: Sequence[int], rounds: Sequence[int], curves: Sequence[Curve], *, y: str
) -> str:
    """Figures over the documents trained on, with bands; the numbers of the rounds stand above. The axis
    called ``y`` begins at the tenth below the lowest band."""
    canvas, axes = _canvas(4.8, 3.0)
    for curve, colour in zip(curves, SERIES, strict=False):
        axes.plot(documents, curve.values, marker="o", color=colour, label=curve.name)
        band = [
            (x, low, high)
            for x, low, high in zip(documents, curve.low, curve.high, strict=True)
            if low is not None
        ]
        if band:
            xs, lows, highs = zip(*band, strict=True)
            axes.fill_between(xs, lows, highs, color=colour, alpha=0.18, linewidth=0)
    bottoms, tops = _ends(curves)
    for x, number, top in zip(documents, rounds, tops, strict=True):
        axes.annotate(
            f"round {number}", (x, top), textcoords="offset points", xytext=(0, 5), ha="center", color=INK
        )
    axes.set_xlabel("documents trained on")
    axes.set_ylabel(y)
    floor = math.floor(10 * min(bottoms)) / 10
    axes.set_ylim(floor, max(tops) + 0.12 * (1 - floor))
    axes.set_yticks([tick / 10 for tick in range(round(10 * floor), 11)])
    axes.margins(x=0.12)
    axes.legend(frameon=False, labelcolor=INK, loc="lower right")
    return _image(canvas)


def _ends(curves: Sequence[Curve]) -> tuple[list[float], list[float]]:
    """The lowest and the highest place that any curve or band takes at each x."""
    low = [
        [value if end is None else end for value, end in zip(c.values, c.low, strict=True)] for c in curves
    ]
    high = [
        [value if end is None else end for value, end in zip(c.values, c.high, strict=True)] for c in curves
    ]
    return [min(at) for at in zip(*low, strict=True)], [max(at) for at in zip(*high, strict=True)]


def heat_map(
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float]],
    *,
    form: str,
    x: str,
    y: str,
    least: float = 0.0,
) -> str:
    """A table of numbers as colours, each number from ``least`` on written in its cell by the format
    ``form``."""
    canvas, axes = _canvas(1.6 + 0.6 * len(columns), 1.0 + 0.36 * len(rows))
    top = max((max(row, default=0.0) for row in values), default=0.0) or 1.0
    axes.imshow(values, cmap=_blues(), vmin=0, vmax=top, aspect="auto")
    for i, row in enumerate(values):
        for j, value in enumerate(row):
            if value < least:
                continue
            ink = "white" if value > 0.45 * top else INK
            axes.text(j, i, form.format(value), ha="center", va="center", color=ink, fontsize=9)
    tilted = max(map(len, columns)) > LONG_NAME
    axes.set_xticks(
        range(len(columns)), columns, rotation=30 if tilted else 0, ha="right" if tilted else "center"
    )
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    return _image(canvas)


def reliability(bins: Sequence[Bin]) -> str:
    """How many of the spans of each confidence are right; on the diagonal, confidences mean what they say."""
    canvas, axes = _canvas(3.6, 3.3)
    axes.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle="--")
    most = max((b.count for b in bins), default=1)
    shown = [b for b in bins if b.count]
    axes.scatter(
        [b.confidence for b in shown],
        [b.accuracy for b in shown],
        s=[30 + 270 * b.count / most for b in shown],
        color=SERIES[0],
        alpha=0.8,
    )
    axes.set_xlim(0, 1.04)
    axes.set_ylim(0, 1.04)
    axes.set_xlabel("confidence said")
    axes.set_ylabel("share that is right")
    return _image(canvas)


def confusion(counts: Mapping[tuple[str, str], int], labels: Sequence[str]) -> str:
    """Tokens by gold label (rows) and predicted label (columns), as shares of their row: the ``labels`` that
    occur, in their order, then whatever else occurs."""
    said = _in_order({said for _, said in counts}, labels)
    gold = [name for name in _in_order({gold for gold, _ in counts}, labels) if _total(counts, name, said)]
    shares = [[counts.get((g, s), 0) / _total(counts, g, said) for s in said] for g in gold]
    return heat_map(
        gold, said, shares, form="{:.2f}", x="predicted", y="gold", least=0.005 if len(said) > MANY else 0.0
    )


def _in_order(names: set[str], labels: Sequence[str]) -> list[str]:
    return [*(label for label in labels if label in names), *sorted(names - set(labels))]


def _total(counts: Mapping[tuple[str, str], int], gold: str, said: Sequence[str]) -> int:
    return sum(counts.get((gold, name), 0) for name in said)


def _blues() -> LinearSegmentedColormap:
    """From nothing to blue: nothing is the page itself, light or dark."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    return LinearSegmentedColormap.from_list("blues", [to_rgba(SERIES[0], 0.0), to_rgba(SERIES[0], 1.0)])


def _canvas(width: float, height: float) -> tuple[Canvas, Axes]:
    try:
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError as error:
        raise RecipeError("a report draws with matplotlib: pip install 'spanloop[report]'") from error
    canvas = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(canvas)
    axes = canvas.add_subplot()
    axes.tick_params(colors=INK)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    for name, spine in axes.spines.items():
        spine.set_color(INK)
        spine.set_visible(name in ("left", "bottom"))
    return canvas, axes


def _image(canvas: Canvas) -> str:
    """The drawing as a data URI for an ``<img>``; the same figures give the same bytes."""
    from matplotlib import rc_context

    file = io.BytesIO()
    with rc_context({"svg.hashsalt": "spanloop", "svg.fonttype": "path"}):
        canvas.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(file.getvalue()).decode("ascii")
