"""The table of `macro.py`: means over seeds, and what pairs of one seed differ by."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev


def table(results: Path) -> list[list[str]]:
    """The heading and a row a variant, best macro F1 first. Compared is with the mean of `default` and of its
    repetitions (``default@1``) on the same sentences."""
    cells = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(results.glob("*.json"))]
    usual = [cell for cell in cells if cell["variant"].partition("@")[0] == "default"]
    rows = []
    for name in sorted({cell["variant"] for cell in cells}):
        own = [cell for cell in cells if cell["variant"] == name]
        row = [name, str(len(own)), f"{mean(cell['wall'] for cell in own):.0f}"]
        for figure in ("micro", "macro"):
            paired = []
            for cell in own:
                beside = [one[figure] for one in usual if one["seed"] == cell["seed"]]
                if beside and cell not in usual:
                    paired.append(100 * (cell[figure] - mean(beside)))
            row += [f"{mean(cell[figure] for cell in own):.3f}", _interval(paired)]
        rows.append((mean(cell["macro"] for cell in own), row))
    head = ["variant", "seeds", "s", "micro F1", "to default", "macro F1", "to default"]
    return [head, *(row for _, row in sorted(rows, reverse=True))]


def _interval(values: Sequence[float]) -> str:
    """The mean with its 95 % interval by Student's t."""
    if not values:
        return "-"
    if len(values) < 2:
        return f"{values[0]:+.1f}"
    from scipy.stats import t

    half = t.ppf(0.975, len(values) - 1) * stdev(values) / len(values) ** 0.5
    return f"{mean(values):+.1f} ({mean(values) - half:+.1f} to {mean(values) + half:+.1f})"
