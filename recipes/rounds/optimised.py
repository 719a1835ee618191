"""What `spanloop optimise` tells of a pipeline that was made faster, and when it is refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from spanloop.plugin.model.backends import BackendName
from spanloop.plugin.model.device import Precision
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.report import Count, Report


@dataclass(frozen=True, slots=True)
class Optimised(Report):
    """The pipeline that computes faster."""

    folder: Path
    """Where it lies, for `spacy.load`."""
    round: Count | None
    """Which round it is, null for a pipeline of no project."""
    backend: BackendName
    """What computes in it."""
    precision: Precision
    """How exactly."""
    measured_on: Count
    """The documents that the ranges of numbers were measured on; 0 but for eight bits."""
    eval_documents: Count
    """The documents that it was compared on: of a round, those of the eval split."""
    gold_documents: Count
    """How many of them have gold, which the figures are of."""
    f1_before: float | None
    """As it was, strict and micro; of tags the accuracy; null where there is no gold."""
    f1_after: float | None
    """The same in the folder."""
    agreement: float
    """F1 of its spans against those of before, on these documents."""
    calibration_before: float | None
    """The expected calibration error of its confidences before; null where there is no gold."""
    calibration_after: float | None
    """The same in the folder; in eight bits at a temperature of its own."""
    times_as_fast: float
    """How many times as fast it was here, over whole documents."""

    def text(self) -> str:
        what = self.how() if self.round is None else f"round {self.round} {self.how()}"
        return (
            f"{self.folder}: {what}\n"
            f"{self._loss()}F1 of its spans against those of before {self.agreement:.4f}, on "
            f"{self.eval_documents:,} documents\n"
            f"{self.times_as_fast:.1f} times as fast here\n"
            f'load it with: nlp = spacy.load("{self.folder}")'
        )

    def how(self) -> str:
        """How it computes, in words."""
        return how_it_computes(self.backend, self.precision)

    def _loss(self) -> str:
        if self.f1_before is None or self.f1_after is None:
            return "the documents have no gold, so what it loses was not measured\n"
        points = 100 * (self.f1_after - self.f1_before)
        few = f", on the {self.gold_documents:,} that have gold" * (self.gold_documents < self.eval_documents)
        return (
            f"F1 {self.f1_after:.4f}, {self.f1_before:.4f} before ({points:+.2f} points{few})\n"
            f"calibration error {self.calibration_after:.3f}, {self.calibration_before:.3f} before\n"
        )


def how_it_computes(backend: str, precision: str) -> str:
    """Both in words: ``in eight bits``, ``in bf16 with openvino``."""
    return "in eight bits" if precision == "int8" else f"in {precision} with {backend}"


def refuse_loss(result: Optimised, max_loss: float, doubt: str = "") -> None:
    """RecipeError where it loses more points of F1 than it may.

    Args:
        result: what was measured.
        max_loss: points of strict micro F1.
        doubt: how far so few documents can be trusted, told beside it; empty where they are many enough.
    """
    if result.f1_before is None or result.f1_after is None:
        return
    lost = 100 * (result.f1_before - result.f1_after)
    if lost > max_loss:
        what = "the pipeline" if result.round is None else f"round {result.round}"
        where = "these documents" if result.round is None else "the eval split"
        told = f" ({doubt})" if doubt else ""
        raise RecipeError(
            f"{result.how()} {what} loses {lost:.2f} points of F1 on {where} "
            f"({result.f1_before:.4f} before, {result.f1_after:.4f} after), more than {max_loss:g}{told}: "
            "nothing was written; --max-loss allows more"
        )
