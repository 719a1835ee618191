"""What a retraining gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from spanloop.recipes.near_duplicates.leaks import WARN_ABOVE, Leaks
from spanloop.recipes.report import UNTOLD, Count, Report, Seconds, Shape, Share
from spanloop.recipes.scoring.evaluate import Evaluation
from spanloop.recipes.scoring.shapes import Scored
from spanloop.recipes.table import counted
from spanloop.recipes.training.balance import Balance
from spanloop.recipes.training.first_suggestions import FirstSuggestions

if TYPE_CHECKING:
    from spanloop.plugin.tagging.thresholds import Picked


@dataclass(frozen=True, slots=True)
class Kept(Shape):
    """How good the spans are that a threshold keeps, on the documents held out."""

    spans: Count
    precision: Share
    recall: Share
    f1: Share


@dataclass(frozen=True, slots=True)
class ChosenThresholds(Shape):
    """What `--thresholds` chose, on documents of the training gold that were held out."""

    wanted: Literal["f1"] | float
    """The best F1, or a precision to reach."""
    thresholds: Mapping[str, Share]
    """By label; `*` is for all others. Empty where there was too little to choose by."""
    before: Kept | None
    """Without them."""
    after: Kept | None
    """With them."""
    note: str
    """What was done, or why not."""

    @classmethod
    def of(cls, picked: Picked) -> ChosenThresholds:
        """What a training tells of them."""
        before, after = (
            None if rates is None else Kept(rates.spans, rates.precision, rates.recall, rates.f1)
            for rates in (picked.before, picked.after)
        )
        return cls(picked.wanted, picked.thresholds, before, after, picked.note)

    def text(self) -> str:
        """The note, the thresholds and what they did."""
        if self.before is None or self.after is None:
            return self.note
        labels = ", ".join(
            f"{'every other label' if label == '*' else label} {value:.2f}"
            for label, value in self.thresholds.items()
        )
        return (
            f"{self.note} ({labels}): there precision {self.before.precision:.2f} becomes "
            f"{self.after.precision:.2f}, recall {self.before.recall:.2f} becomes {self.after.recall:.2f}"
        )


@dataclass(frozen=True, slots=True)
class Beside:
    """The text without labels that a round learned from: of the open documents that were ``asked`` for those
    that were ``drawn``, less those that the tokenizer refuses (``open``), and the rest of documents that were
    answered in part."""

    asked: int = 0
    drawn: int = 0
    open: int = 0
    in_part: int = 0

    def text(self) -> str:
        """What `--unlabelled` came to."""
        if not self.open and not self.in_part:
            found = (
                f"drew {counted(self.drawn, 'open document')}, and the tokenizer refuses every one"
                if self.drawn
                else "found no open document in the pool"
            )
            return f"--unlabelled {found}: it learned from the gold alone"
        parts = (
            (self.open, counted(self.open, "open document")),
            (self.in_part, f"the rest of {counted(self.in_part, 'document')} answered in part"),
        )
        named = " and ".join(part for number, part in parts if number)
        fewer = [f"{self.asked:,} were asked for, and no more are open"] if self.drawn < self.asked else []
        if self.open < self.drawn:
            fewer.append(f"the tokenizer refuses {self.drawn - self.open:,} of the {self.drawn:,} drawn")
        why = f" ({'; '.join(fewer)})" if fewer else ""
        return f"learned from text without labels too, as a first training saw it: {named}{why}"


@dataclass(frozen=True, slots=True)
class Trained(Scored):
    """A round that was trained and scored."""

    folder: Path
    """The folder of its pipeline."""
    seconds: Seconds
    """How long training and scoring took."""
    promoted: bool
    """Whether it is in use now."""
    reason: str
    """Why it was promoted, or was not."""
    class_weights: Mapping[str, float]
    """The weight of each class in the loss."""
    balance: Balance | None
    """What `--balance auto` tried and chose; null where the way of balancing was given."""
    train_documents: Count
    """Documents that it was trained on."""
    train_spans: Count
    """Gold spans in them."""
    train_spans_lost: Count
    """Gold spans that could not be put on tokens: see the ledger."""
    documents_held_out: Count
    """Those that judged the epochs and fitted the confidences."""
    refit: bool
    """Whether a second training learned from these too (`--refit`)."""
    documents_unlabelled: Count
    """Open documents that it learned from too, as a first training saw them (`--unlabelled`)."""
    documents_completed: Count
    """Documents answered in part of whose rest it learned so."""
    documents_left_out: Count
    """Those without any span that `--undersample` left out."""
    documents_refused: Count
    """Gold documents that the tokenizer refuses."""
    unknown_labels: dict[str, Count]
    """By label, documents that it was trained on and that do not know it: there it was left open."""
    leaks: Leaks
    """Eval documents that nearly stand in training too."""
    thresholds: ChosenThresholds | None
    """What `--thresholds` chose; null where none were asked for."""
    first_suggestions: FirstSuggestions | None
    """How long it took until the next documents had suggestions of the round; null where it was not promoted,
    or where no document is open."""


@dataclass(frozen=True, slots=True)
class RoundReport(Report):
    """A finished round: the ``folder`` of its pipeline, its figures, how long it took, whether it was
    promoted and why. ``unlabelled``: the text beside the gold. ``impatient``: early stopping was asked for,
    and there was too little gold to hold some out and watch it."""

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
    refit: bool = False
    unlabelled: Beside = Beside()
    documents_left_out: int = 0
    documents_refused: int = 0
    unknown_labels: Mapping[str, int] = field(default_factory=dict)
    balance: Balance | None = None
    impatient: bool = False
    thresholds: Picked | None = None
    first_suggestions: FirstSuggestions | None = None

    def shape(self) -> Trained:
        scored = self.scores.shape()
        return Trained(
            **{field.name: getattr(scored, field.name) for field in fields(scored)},
            folder=self.folder,
            seconds=self.seconds,
            promoted=self.promoted,
            reason=self.reason,
            class_weights=self.class_weights,
            balance=self.balance,
            train_documents=self.train_documents,
            train_spans=self.train_spans,
            train_spans_lost=self.spans_lost,
            documents_held_out=self.documents_held_out,
            refit=self.refit,
            documents_unlabelled=self.unlabelled.open,
            documents_completed=self.unlabelled.in_part,
            documents_left_out=self.documents_left_out,
            documents_refused=self.documents_refused,
            unknown_labels=dict(self.unknown_labels),
            leaks=self.leaks,
            thresholds=None if self.thresholds is None else ChosenThresholds.of(self.thresholds),
            first_suggestions=self.first_suggestions,
        )

    def text(self) -> str:
        weights = ", ".join(f"{label} {weight:.2f}" for label, weight in self.class_weights.items())
        lines = [
            f"round {self.number}: trained on {counted(self.train_documents, 'document')} with "
            f"{counted(self.train_spans, 'span')} in {self.seconds:.0f} s",
            f"saved in {self.folder}",
        ]
        if self.documents_held_out:
            held = counted(self.documents_held_out, "document")
            lines.append(
                f"{held} of them to judge a first training and to fit the confidences, then to learn from too"
                if self.refit
                else f"{held} of them only to judge the epochs and to fit the confidences"
            )
        if self.unlabelled.asked:
            lines.append(self.unlabelled.text())
        if self.thresholds is not None:
            lines.append(ChosenThresholds.of(self.thresholds).text())
        if self.documents_left_out:
            left_out = counted(self.documents_left_out, "document")
            lines.append(f"{left_out} of them without any span left out, as --undersample asks")
        if self.documents_refused:
            refused = counted(self.documents_refused, "gold document")
            lines.append(
                f"{refused} left out, because the tokenizer refuses them (spanloop status names them)"
            )
        if self.unknown_labels:
            left_open = ", ".join(f"{label} by {n:,}" for label, n in self.unknown_labels.items())
            lines.append(f"not known by all documents, and left open in those that do not: {left_open}")
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
        if self.first_suggestions is not None:
            lines.append(self.first_suggestions.text())
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class NoRound(Report):
    """There was no reason to train."""

    reason: str
    """Why not."""
    exit_code: int = field(default=3, metadata=UNTOLD)
    round: None = None
    """No round was trained."""

    def text(self) -> str:
        return self.reason
