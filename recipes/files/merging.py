"""Join two projects: the documents, answers and labels of the other one come into this one."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from spanloop.recipes.report import Count, Report
from spanloop.recipes.table import counted
from spanloop.store import Store
from spanloop.store.moving.load import is_dump, loaded
from spanloop.store.moving.merge import Merged, merge

SHOWN = 5  # keys that the text names; the JSON has all


@dataclass(frozen=True, slots=True)
class MergeReport(Report):
    """What came in, and what the two projects differ on."""

    path: Path
    """The project that grew."""
    other: Path
    """The one that was read."""
    documents: Count
    """Documents that are new here."""
    shared: Count
    """Documents that both have."""
    renamed: dict[str, str]
    """Keys that another text has here, each with the key that its document got."""
    other_split: tuple[str, ...]
    """Keys of documents that stand in the other split here than there."""
    annotations: Count
    """Answers that are new here."""
    known_annotations: Count
    """Answers that were here already."""
    older_annotations: Count
    """Answers left out, since here a later one of the same person stands in their place."""
    labels: tuple[str, ...]
    """Labels that were added."""
    label_differences: tuple[str, ...]
    """What the two say differently of a label; here it stays as it was."""
    settings: tuple[str, ...]
    """Settings that differ; here they stay as they were."""
    conflicts: tuple[str, ...]
    """Keys of documents that people answer differently only now."""
    rounds: Count
    """Rounds of the other project, which stay there."""

    def text(self) -> str:
        lines = [
            f"{self.path}: {counted(self.documents, 'document')} and {counted(self.annotations, 'answer')} "
            f"more, from {self.other}; {self.shared:,} of its documents and "
            f"{self.known_annotations:,} of its answers were here already"
        ]
        if self.labels:
            lines.append(f"labels added: {', '.join(self.labels)}")
        lines += [f"label: {line}; here it stays so" for line in self.label_differences]
        lines += [f"setting: {line}; here it stays so" for line in self.settings]
        if self.renamed:
            pairs = [f"{old} is {new}" for old, new in self.renamed.items()]
            lines.append(f"keys that another text has here, {len(pairs):,}: {_some(pairs)}")
        if self.other_split:
            lines.append(
                f"in the other split here than there, {len(self.other_split):,}: {_some(self.other_split)}"
            )
        if self.older_annotations:
            lines.append(
                f"{counted(self.older_annotations, 'answer')} left out: here the same person answered since"
            )
        if self.conflicts:
            lines.append(
                f"new conflicts, {len(self.conflicts):,}: {_some(self.conflicts)}; settle them with: "
                f"spanloop review {self.path} --conflicts, then: spanloop correct {self.path} --review"
            )
        if self.rounds:
            lines.append(f"its {counted(self.rounds, 'round')} stay there; train the next one here")
        return "\n".join(lines)


def merge_projects(db: str | Path, other: str | Path) -> MergeReport:
    """Bring the documents, answers and labels of another project into this one.

    Documents are the same where key and text are, labels where their names are, answers where they were given
    as one (copies of one project share them). What two people answered differently becomes a conflict, as
    everywhere. The same project again brings nothing.

    Args:
        db: The project that grows.
        other: The project that is read, or a file that `export_project` wrote of it.

    Returns:
        What came in and what the two differ on.

    Raises:
        RecipeError: There is no such project, both are the same, or one has spans and the other tags.
        StoreError: The same, as the store says it.
    """
    path = Path(other)
    with Store.open(db) as store, ExitStack() as stack:
        source = path
        if is_dump(path):
            source, _ = stack.enter_context(loaded(path, store.path))
        there = stack.enter_context(Store.open(source))
        there.named = path
        done = merge(store, there)
    return _report(Path(db), path, done)


def _report(db: Path, other: Path, done: Merged) -> MergeReport:
    return MergeReport(
        path=db,
        other=other,
        documents=done.documents,
        shared=done.shared,
        renamed=done.renamed,
        other_split=tuple(done.other_split),
        annotations=done.annotations,
        known_annotations=done.known_annotations,
        older_annotations=done.older,
        labels=tuple(done.labels),
        label_differences=tuple(done.label_differences),
        settings=tuple(done.settings),
        conflicts=tuple(done.conflicts),
        rounds=done.rounds,
    )


def _some(words: tuple[str, ...] | list[str]) -> str:
    return ", ".join(words[:SHOWN]) + (" ..." if len(words) > SHOWN else "")
