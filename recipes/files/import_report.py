"""What an import did, counted while it runs, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt

from spanloop.recipes.report import UNTOLD, Count, Report
from spanloop.recipes.table import counted
from spanloop.store import Store

LEAST_DRAWN = 20
"""Documents from which on the share of eval says something."""


@dataclass(slots=True)
class ImportReport(Report):
    """What an import did; every document of the files is in exactly one of added, already_there and empty."""

    added: Count = 0
    """Documents that are new."""
    already_there: Count = 0
    """Documents that were in the project."""
    empty: Count = 0
    """Documents without text, skipped."""
    annotated: Count = 0
    """Documents that the file annotated newly."""
    predicted: Count = 0
    """Documents with predictions from the file."""
    ledger: Count = 0
    """Spans that were set apart, each with its reason."""
    kept: Count = 0
    """Spans that are stored as they were meant."""
    moved: Count = 0
    """Spans that are stored beside where the file has them, as their text and the ledger say."""
    other_split: Count = 0
    """Documents that were there in the other split, where they stay."""
    near_duplicates: Count = 0
    """Documents that are nearly the same as another one, whose group and split they join."""
    splits: dict[str, Count] = field(default_factory=dict)
    """Documents added, by split."""
    notes: tuple[str, ...] = ()
    """What was guessed in a file, or is in it and was not read, a line each."""
    language: str | None = None
    """The line that says which language was chosen by the texts; null where the project had one."""
    misfit: str | None = None
    """The line that says that the project's tokenizer is not for these texts; null where it is."""

    drawn: Count = 0
    """Documents added whose split was drawn, by their group."""
    drawn_eval: Count = 0
    """Those of them that went to eval."""
    given_eval: Count = field(default=0, metadata=UNTOLD)
    eval_fraction: float | None = None
    """The share of eval that was asked for, where the draw is far from it; else null."""
    largest_group: Count = 0
    """Documents of the largest group, where the draw is far from what was asked for."""

    def text(self) -> str:
        where = " and ".join(f"{number:,} in {split}" for split, number in self.splits.items() if number)
        lines = [f"{counted(self.added, 'document')} added" + (f" ({where})" if where else "")]
        rest = {
            "already there": self.already_there,
            "without text, skipped": self.empty,
            "newly annotated by the file": self.annotated,
            "with predictions from the file": self.predicted,
            "span conflicts in the ledger (their documents are no gold)": self.ledger,
            "spans moved to where their text stands (see the ledger)": self.moved,
            "already there in the other split, where they stay": self.other_split,
            "nearly the same as another document, whose group and split they join": self.near_duplicates,
        }
        lines.extend(f"{number:,} {what}" for what, number in rest.items() if number)
        if self.kept or self.ledger:
            lines.append(f"spans: kept {self.kept:,}, ledger {self.ledger:,}")
        if self.eval_fraction is not None:
            lines.append(
                f"eval got {self.drawn_eval / self.drawn:.0%} of the documents drawn, "
                f"{self.eval_fraction:.0%} were asked for: a group goes to one side whole, "
                f"and the largest has {counted(self.largest_group, 'document')}; --split decides for a file"
            )
        return "\n".join([*lines, *self.notes, *(line for line in (self.language, self.misfit) if line)])

    def look_at_draw(self, store: Store) -> None:
        """Note where eval got much more or less than was asked for, beyond what drawing single documents
        does."""
        asked = store.project.eval_fraction
        self.drawn_eval = self.splits["eval"] - self.given_eval
        if self.drawn < LEAST_DRAWN:
            return
        chance = 3 * sqrt(asked * (1 - asked) / self.drawn)
        if abs(self.drawn_eval / self.drawn - asked) > max(asked / 2, chance):
            self.eval_fraction, self.largest_group = asked, store.documents.largest_group()
