"""benchmarks/training.py --table: what a row is compared with, and that it is compared with nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from support.places import ROOT


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import training

    return training


def run(row: str, seconds: float, hits: int) -> dict[str, Any]:
    """Ten documents with a gold span each, of which so many were found."""
    counts = [[[1, 0, 0]] if at < hits else [[0, 0, 1]] for at in range(10)]
    return {"row": row, "seed": 0, "seconds": seconds, "labels": ["A"], "counts": counts}


def cells(training: Any, *runs: dict[str, Any]) -> dict[str, dict[str, str]]:
    head, *rows = training._table(runs)
    names = [f"{name} {at}" if head.count(name) > 1 else name for at, name in enumerate(head)]
    return {row[0]: dict(zip(names, row, strict=True)) for row in rows}


def test_without_none_and_plain_nothing_is_compared(training: Any) -> None:
    found = cells(training, run("fast", 10.0, 5), run("sqrt", 20.0, 6))
    assert {row[name] for row in found.values() for name in ("to none 8", "to none 11", "faster")} == {"-"}


def test_rows_are_compared_with_none_and_plain_of_their_own_stack(training: Any) -> None:
    older = ", transformers 4.53.2"
    found = cells(
        training,
        run("none", 30.0, 5),
        run("plain", 90.0, 5),
        run("fast", 10.0, 5),
        run(f"fast{older}", 9.0, 8),
    )
    assert found["fast"]["to none 8"].startswith("+0.0 ")
    assert found["fast"]["faster"] == "9.0"
    assert (found[f"fast{older}"]["to none 8"], found[f"fast{older}"]["faster"]) == ("-", "-")
    found = cells(
        training, run(f"none{older}", 30.0, 2), run(f"plain{older}", 45.0, 2), run(f"fast{older}", 9.0, 8)
    )
    assert found[f"fast{older}"]["faster"] == "5.0"
    assert float(found[f"fast{older}"]["to none 8"].split()[0]) == pytest.approx(
        100 * (16 / 18 - 4 / 12), abs=0.1
    )
