"""What a retraining gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spanloop.recipes.near_duplicates.leaks import WARN_ABOVE, Leaks
from spanloop.recipes.scoring.evaluate import Evaluation
from spanloop.recipes.table import counted
from spanloop.recipes.training.balance import Balance


@dataclass(frozen=True, slots=True)
class RoundReport:
    """A finished round: the ``folder`` of its pipeline, its figures, how long it took, whether it was
    promoted and why.

    ``impatient``: early stopping was asked for, and there was too little gold to hold some out and watch it.
    """

    number: int
    folder: Path
    scores: Evaluation
    promoted: bool
    reason: str
    seconds: float
    class_weights: Mapping[str, float]
    train_documents: int
    train_spans: int
    spans_lost: int
    leaks: Leaks
    documents_held_out: int = 0
    documents_left_out: int = 0
    balance: Balance | None = None
    impatient: bool = False

    def json(self) -> dict[str, object]:
        return {
            **self.scores.json(),
            "folder": str(self.folder),
            "seconds": self.seconds,
            "promoted": self.promoted,
            "reason": self.reason,
            "class_weights": dict(self.class_weights),
            "balance": None if self.balance is None else self.balance.json(),
            "train_documents": self.train_documents,
            "train_spans": self.train_spans,
            "train_spans_lost": self.spans_lost,
            "documents_held_out": self.documents_held_out,
            "documents_left_out": self.documents_left_out,
            "leaks": self.leaks.json(),
        }

    def text(self) -> str:
        weights = ", ".join(f"{label} {weight:.2f}" for label, weight in self.class_weights.items())
        lines = [
            f"round {self.number}: trained on {counted(self.train_documents, 'document')} with "
            f"{counted(self.train_spans, 'span')} in {self.seconds:.0f} s",
            f"saved in {self.folder}",
        ]
        if self.documents_held_out:
            held_out = counted(self.documents_held_out, "document")
            lines.append(f"{held_out} of them only to judge the epochs and to fit the confidences")
        if self.documents_left_out:
            left_out = counted(self.documents_left_out, "document")
            lines.append(f"{left_out} of them without any span left out, as --undersample asks")
        if self.impatient:
            lines.append("--patience had nothing to watch, so little gold is there: all epochs were trained")
        if self.spans_lost:
            lines.append(
                f"{counted(self.spans_lost, 'gold span')} could not be put on tokens (see the ledger)"
            )
        if self.balance is not None:
            lines += ["", self.balance.text(), ""]
        if weights:
            lines.append(f"class weights: {weights}")
        lines += ["", self.scores.text(), ""]
        if self.leaks.share > WARN_ABOVE:
            lines.append(f"Beware: {self.leaks.text()}")
        lines.append(self.reason)
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class NoRound:
    """There was no reason to train; ``reason`` says why."""

    reason: str
    exit_code: int = 3

    def json(self) -> dict[str, object]:
        return {"schema": 1, "round": None, "reason": self.reason}

    def text(self) -> str:
        return self.reason
