"""What an import did, counted while it runs, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass, field

from spanloop.recipes.table import counted


@dataclass(slots=True)
class ImportReport:
    """What an import did; every document of the files is in exactly one of added, already_there and empty.

    ``kept`` spans are stored as they were meant; ``ledger``: those set apart, each with its reason;
    ``moved``: stored beside where the file has them, as their text and the ledger say.
    """

    added: int = 0
    already_there: int = 0
    empty: int = 0
    annotated: int = 0
    predicted: int = 0
    ledger: int = 0
    kept: int = 0
    moved: int = 0
    other_split: int = 0
    near_duplicates: int = 0
    splits: dict[str, int] = field(default_factory=dict)

    def json(self) -> dict[str, object]:
        return {"schema": 1} | {name: getattr(self, name) for name in self.__slots__}

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
        return "\n".join(lines)
