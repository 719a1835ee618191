"""The curves of a simulation as one SVG: F1 over tokens, actions and seconds, with bands over seeds."""

from __future__ import annotations

import io
from collections.abc import Iterable

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.scoring.charts import INK, SERIES
from spanloop.recipes.simulation.cells import Cell
from spanloop.recipes.simulation.curves import CURRENCIES, FIGURES, Currency, Figure


def picture(cells: Iterable[Cell], *, tags: bool = False) -> str:
    """Micro F1 (of tags accuracy) above, macro F1 below, over what was spent.

    A line joins the means of a strategy at its budgets; a band goes from the lowest to the highest seed.

    Args:
        cells: Those of one corpus.
        tags: Whether it is one of tags.

    Returns:
        The SVG.

    Raises:
        RecipeError: matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure as Canvas
    except ImportError as error:
        raise RecipeError("a picture is drawn with matplotlib: pip install 'spanloop[report]'") from error
    cells = list(cells)
    names = {"micro": "accuracy" if tags else "micro F1", "macro": "macro F1"}
    canvas = Canvas(figsize=(11, 6), layout="constrained")
    FigureCanvasSVG(canvas)
    axes = canvas.subplots(len(FIGURES), len(CURRENCIES), sharey="row")
    for row, figure in zip(axes, FIGURES, strict=True):
        row[0].set_ylabel(names[figure], color=INK)
        for field, currency in zip(row, CURRENCIES, strict=True):
            field.set_xscale("log")
            field.set_xlabel(currency, color=INK)
            field.tick_params(colors=INK, which="both")
            for side, spine in field.spines.items():
                spine.set_color(INK)
                spine.set_visible(side in ("left", "bottom"))
            for place, strategy in enumerate(dict.fromkeys(cell.strategy for cell in cells)):
                xs, means, lows, highs = _band(cells, strategy, figure, currency)
                colour = SERIES[place % len(SERIES)]
                field.plot(xs, means, marker="o", markersize=3, color=colour, label=strategy)
                field.fill_between(xs, lows, highs, color=colour, alpha=0.15, linewidth=0)
    axes[0][0].legend(frameon=False, labelcolor=INK)
    file = io.BytesIO()
    with rc_context({"svg.hashsalt": "spanloop", "svg.fonttype": "path"}):
        canvas.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return file.getvalue().decode()


def _band(
    cells: Iterable[Cell], strategy: str, figure: Figure, currency: Currency
) -> tuple[list[float], list[float], list[float], list[float]]:
    """Of each budget what was spent, the mean, the lowest and the highest figure."""
    groups: dict[float, list[Cell]] = {}
    for cell in cells:
        if cell.strategy == strategy:
            groups.setdefault(cell.budget, []).append(cell)
    points = []
    for those in groups.values():
        heights = [float(getattr(cell, figure)) for cell in those]
        spent = sum(float(getattr(cell.cost, currency)) for cell in those) / len(those)
        points.append((max(spent, 1.0), sum(heights) / len(heights), min(heights), max(heights)))
    xs, means, lows, highs = (list(column) for column in zip(*sorted(points), strict=True))
    return xs, means, lows, highs
