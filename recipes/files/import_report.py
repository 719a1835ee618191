"""What an import did, counted while it runs, and how it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path

from spanloop.recipes.files.entry_checks import CheckedEntry
from spanloop.recipes.formats.entry import Entry
from spanloop.recipes.report import UNTOLD, Count, Report
from spanloop.recipes.table import counted
from spanloop.store import Store
from spanloop.store.tables.standing import CONFLICT

LEAST_DRAWN = 20
"""Documents from which on the share of eval says something."""


@dataclass(slots=True)
class ImportReport(Report):
    """What an import did; every document of the files is in exactly one of added, already_there, skipped and
    empty, and every span in exactly one of the fates that `spans` names."""

    added: Count = 0
    """Documents that are new."""
    already_there: Count = 0
    """Documents that were in the project."""
    empty: Count = 0
    """Documents without text, skipped."""
    documents: Count = 0
    """Different documents of the files that are in the project now."""
    gold: Count = 0
    """Those of them that are gold now."""
    gold_by: dict[str, Count] = field(default_factory=dict)
    """Those by whose word: of `this import`, or of another answer, by its origin (`human`, `review`, …)."""
    conflicts: Count = 0
    """Those of them that people, or people and this import, disagree on: they wait for a review."""
    against_people: Count = 0
    """Answers without a name that say something else than people had said: they are put beside theirs."""
    against_review: Count = 0
    """Answers that say something else than a review, which stands above them."""
    older: Count = 0
    """Answers of before, by the dates of the file, that the same person has replaced since."""
    pushed_out: Count = 0
    """Spans of earlier answers that overlap those of the file, and are in the ledger now."""
    other_labels: Count = 0
    """Spans of the files that were left out since only other labels were asked for."""
    unopened: Count = 0
    """Documents with an empty list of spans that nobody may have opened: no gold."""
    said_twice: Count = 0
    """Documents that a file has twice, with other spans or another answer; the later one counts."""
    first_said_twice: str | None = None
    """The first of them, with its lines; null where there are none."""
    labels_added: tuple[str, ...] = ()
    """Labels that are new in the project."""
    number: int | None = None
    """The number of the import, for `spanloop imports`; null where nothing was stored."""
    dry_run: bool = False
    """Whether nothing was stored."""
    cut_short: tuple[int, ...] = ()
    """Imports of before that had been cut short, and were taken back first."""
    annotated: Count = 0
    """Documents that the file annotated newly."""
    predicted: Count = 0
    """Documents with predictions from the file."""
    to_confirm: Count = 0
    """Annotations that are no gold, since spans of theirs were set apart: what is left is a suggestion for
    whoever confirms the document."""
    comments_left: Count = 0
    """Those of them that had a flag or a comment, which only an answer can carry."""
    skipped: Count = 0
    """Documents left out with all that is said of them: their key is that of another text."""
    spans: Count = 0
    """Spans in the files; each is in exactly one of kept, moved, ledger, set_aside, negatives,
    already_stored, not_read, other_labels and refused."""
    kept: Count = 0
    """Spans that are stored where the file has them."""
    moved: Count = 0
    """Spans that are stored beside where the file has them, as the ledger says."""
    ledger: Count = 0
    """Spans that are not stored, each in the ledger with its reason."""
    set_aside: Count = 0
    """Spans of answers that reject or ignore their document: stored, and never gold."""
    negatives: Count = 0
    """Suggestions that somebody refused, stored as such."""
    already_stored: Count = 0
    """Spans that an earlier import stored, or put into the ledger."""
    not_read: Count = 0
    """Spans of a file that was imported as documents alone."""
    refused: Count = 0
    """Spans of documents that are not stored: without text, or skipped."""
    first_refused: str | None = None
    """File and line of the first document whose spans were refused; null where none were."""
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
        if self.dry_run:
            lines.insert(0, "a dry run: nothing is stored; the import would give this")
        rest = {
            "already there": self.already_there,
            "without text, skipped": self.empty,
            "newly annotated by the file": self.annotated,
            "older than what the same person has said since, by the dates of the file": self.older,
            "against what people had said: put beside it, to be reviewed": self.against_people,
            "against a review, which stands; --as review has the last word": self.against_review,
            f"twice in a file, differently; the later one counts ({self.first_said_twice})": self.said_twice,
            "without any span, and perhaps never opened: gold with --accept-empty": self.unopened,
            "spans of earlier answers in the ledger, since they overlap those of the file": self.pushed_out,
            "with predictions from the file": self.predicted,
            "to be confirmed, since spans of theirs are in the ledger: no gold until then": self.to_confirm,
            "of these with a flag or a comment, which only an answer can carry": self.comments_left,
            "left out, since their key is that of another text": self.skipped,
            "already there in the other split, where they stay": self.other_split,
            "nearly the same as another document, whose group and split they join": self.near_duplicates,
        }
        lines.extend(f"{number:,} {what}" for what, number in rest.items() if number)
        if self.spans:
            lines.append(self._spans())
        if self.documents and (self.gold or self.annotated or self.conflicts):
            lines.append(self._gold())
        if self.labels_added:
            lines.append(f"labels added: {', '.join(self.labels_added)}")
        if self.number is not None:
            lines.append(
                f"this was import {self.number}; `spanloop imports DB undo {self.number}` takes it back"
            )
        if self.cut_short:
            lines.append(f"taken back first, since cut short: import {', '.join(map(str, self.cut_short))}")
        if self.eval_fraction is not None:
            lines.append(
                f"eval got {self.drawn_eval / self.drawn:.0%} of the documents drawn, "
                f"{self.eval_fraction:.0%} were asked for: a group goes to one side whole, "
                f"and the largest has {counted(self.largest_group, 'document')}; --split decides for a file"
            )
        return "\n".join([*lines, *self.notes, *(line for line in (self.language, self.misfit) if line)])

    def _gold(self) -> str:
        """How many of the documents are gold, and by whose word."""
        names = {"human": "people", "import": "earlier imports", "simulated": "a simulation"}
        by = ", ".join(f"{number:,} by {names.get(who, who)}" for who, number in self.gold_by.items())
        told = f"{self.gold:,} of the {counted(self.documents, 'document')} are gold now"
        disputed = f"; {self.conflicts:,} are disputed and wait for a review" if self.conflicts else ""
        return told + (f": {by}" if by else "") + disputed

    def look_at_gold(self, store: Store, documents: Sequence[int], number: int) -> None:
        """Note how many of the documents are gold after the import of that number, and by whose word."""
        words = store.standing.words(documents, number)
        self.documents, self.conflicts = len(documents), words.pop(CONFLICT, 0)
        self.gold, self.gold_by = words.total(), dict(words.most_common())

    def _spans(self) -> str:
        """Where the spans of the files are; the numbers add up."""
        fates = {
            "moved": self.moved,
            "ledger": self.ledger,
            "of documents rejected or ignored": self.set_aside,
            "refused suggestions": self.negatives,
            "stored before": self.already_stored,
            "not read": self.not_read,
            "of other labels, left out": self.other_labels,
            f"of documents left out (the first: {self.first_refused})": self.refused,
        }
        told = "".join(f", {what} {number:,}" for what, number in fates.items() if number)
        return f"spans: kept {self.kept:,}{told}; {self.spans:,} in all"

    def count_read(self, item: CheckedEntry) -> None:
        """Count the spans of a document that has a place in the store."""
        number = spans_in(item.entry)
        self.spans += number
        self.not_read += number if item.spans is None else 0
        self.other_labels += item.others

    def count_left_out(self, entry: Entry, file: Path) -> None:
        """Count a document that is skipped, with its spans."""
        self.skipped += not entry.continues
        self._refuse(entry, file)

    def count_empty(self, entry: Entry, file: Path) -> None:
        """Count a document without text, with its spans."""
        self.empty += 1
        self._refuse(entry, file)

    def _refuse(self, entry: Entry, file: Path) -> None:
        number = spans_in(entry)
        self.spans, self.refused = self.spans + number, self.refused + number
        if number and self.first_refused is None:
            self.first_refused = f"{file}:{entry.line}"

    def count_stored(self, item: CheckedEntry, *, new: bool) -> None:
        """Count the spans that are stored; ``new``: by this import."""
        number, moved = len(item.spans or ()), len(item.moved)
        if not new:
            self.already_stored += number
        elif item.entry.answer == "accept":
            self.kept, self.moved = self.kept + number - moved, self.moved + moved
        else:
            self.set_aside += number

    def count_suggested(self, entry: Entry, *, waits: bool) -> None:
        """Count a document with suggestions of the file; ``waits``: they are an answer to be confirmed."""
        self.predicted += not waits
        self.to_confirm += waits
        self.comments_left += waits and bool(entry.flagged or entry.comment)

    def count_negatives(self, item: CheckedEntry, *, new: bool) -> None:
        """Count the refused suggestions of an answer."""
        self.negatives += len(item.negatives) if new else 0
        self.already_stored += 0 if new else len(item.negatives)

    def count_apart(self, number: int, *, new: bool) -> None:
        """Count spans that are in the ledger; ``new``: by this import."""
        self.ledger += number if new else 0
        self.already_stored += 0 if new else number

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


def spans_in(entry: Entry) -> int:
    """How many spans the file has for a document: those that are placed, refused, or said no to."""
    return len(entry.spans or ()) + len(entry.negatives) + len(entry.refused)
