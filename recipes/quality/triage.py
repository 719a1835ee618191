"""What may be left to the machine: documents whose suggestions are accepted unseen, under a bound."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

from annotated_types import Gt, Lt

from spanloop.recipes.active_learning.bound import certify, more_answers
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.report import UNTOLD, Count, Report, Shape, Share
from spanloop.recipes.settle import settle
from spanloop.recipes.table import counted, table
from spanloop.store import Store
from spanloop.store.records import AnnotatedSpan, Span
from spanloop.store.tables.drawn import Candidate, Drawn, Sample

Between = Annotated[float, Gt(0), Lt(1)]
NO_SPAN = "no label"
"""What a group of documents in which nothing is suggested is called."""
EVERY = "all"


@dataclass(frozen=True, slots=True)
class Group(Shape):
    """What was found of some documents: all of them, or those of one label."""

    name: str
    """The rarest label that is suggested in them (`no label`: none is); `all` without --by-label."""
    documents: Count
    """Documents that nobody has answered."""
    accepted: Count
    """Of these, the ones that are accepted."""
    earlier: Count
    """Documents that an earlier triage accepted and that are as sure: the bound is of both together."""
    answers: Count
    """Random answers to such documents."""
    surest: Count
    """Of these, the ones of which the model is as sure as of what is accepted; where nothing is, the
    surest part that was tried."""
    wrong: Count
    """Of the surest, those in which the model was wrong anywhere."""
    at_most: Share | None
    """The share of the accepted documents that are wrong, at most; null where none is."""
    more_needed: Count | None
    """Random answers that are lacking, should as large a share of them be wrong as now; 0 where documents
    are accepted, null where the model errs too often for any number."""


@dataclass(frozen=True, slots=True)
class Triaged(Report):
    """Documents that were left to the machine."""

    path: Path = field(metadata=UNTOLD)
    round: Count
    """The promoted round, whose suggestions they are."""
    max_error: Share
    """The share of wrong documents that was allowed."""
    confidence: Share
    """The probability with which the bound holds."""
    dry_run: bool
    """Whether it was only asked what would be accepted."""
    accepted: Count
    """Documents that were (with --dry-run: would be) accepted."""
    groups: tuple[Group, ...]
    """What the bound stands on."""
    learned: Count
    """Random answers that do not count, since the round or one before it learned from them."""
    early: Count
    """Random answers that do not count, since documents came in after them."""
    apart: Count
    """Random answers of eval that do not count, since eval was not drawn by chance from the same documents as
    the pool (`import --split`, or files that name their split)."""
    closed: Count
    """Random answers that do not count, since the round learned from open documents of the pool too (`retrain
    --unlabelled`) and could not from these: they are of eval, or were answered before it began."""
    without_suggestions: Count
    """Random answers that do not count, since the promoted round has said nothing of their documents."""

    def text(self) -> str:
        head = ("documents of", "waiting", "accepted", "random answers", "surest", "wrong", "at most wrong")
        rows = [
            (
                g.name, f"{g.documents:,}", f"{g.accepted:,}", f"{g.answers:,}", f"{g.surest:,}",
                f"{g.wrong:,}", "-" if g.at_most is None else f"{g.at_most:.1%}",
            )
            for g in self.groups
        ]  # fmt: skip
        return "\n".join([table(head, rows, right=range(1, 7)), "", self._said(), *self._lacking()])

    def _said(self) -> str:
        bound = f"at most {self.max_error:.1%} of them wrong, with {self.confidence:.0%} confidence"
        if not self.accepted:
            more = "further " if any(group.earlier for group in self.groups) else ""
            return f"No {more}document can be accepted unseen with {bound}."
        what = counted(self.accepted, "document")
        if self.dry_run:
            return f"{what} would be accepted unseen, {bound}: leave --dry-run out to do it."
        back = f"spanloop triage {self.path} --undo takes them back"
        return f"{what} accepted unseen from round {self.round}, {bound}; {back}."

    def _lacking(self) -> list[str]:
        """What stands in the way, and what to do about it."""
        lines = []
        for group in self.groups:
            of = "" if group.name == EVERY else f" for {group.name}"
            if group.more_needed:
                lines.append(
                    f"About {counted(group.more_needed, 'more random answer')} would be needed{of}: spanloop "
                    f"correct {self.path} draws every tenth at random, --split eval or --strategy random all."
                )
            elif group.more_needed is None:
                lines.append(
                    f"Of the {group.surest:,} answers that the model is surest of{of}, {group.wrong:,} say "
                    "that it is wrong: more of them do not help, a better round or a larger --max-error does."
                )
        left_out = {
            "the round has learned from": self.learned,
            "came before the newest documents": self.early,
            "are of an eval split that chance did not draw": self.apart,
            "are of documents that were not open to the round, which learned from open ones": self.closed,
            "lack suggestions of this round (spanloop prelabel makes them)": self.without_suggestions,
        }
        if told := [f"{number:,} {why}" for why, number in left_out.items() if number]:
            lines.append(f"Random answers that do not count: {', '.join(told)}.")
        return lines


@dataclass(frozen=True, slots=True)
class TriageUndone(Report):
    """What was taken back."""

    path: Path = field(metadata=UNTOLD)
    triages: tuple[Count, ...]
    """The numbers of the triages."""
    withdrawn: Count
    """Answers of the machine that say nothing any more."""

    def text(self) -> str:
        if not self.triages:
            return f"{self.path}: no triage stands"
        return (
            f"{counted(self.withdrawn, 'answer')} of the machine taken back: their documents are open again"
        )


def triage(
    db: str | Path,
    *,
    max_error: Between = 0.02,
    confidence: Between = 0.95,
    by_label: bool = False,
    dry_run: bool = False,
) -> Triaged:
    """Accept what the promoted round suggests, unseen, wherever a bound on wrong documents can be held.

    The bound stands on answers to documents that chance drew (of the pool every tenth, of the eval split all)
    and that the round never learned from; what active learning chose is no fair sample. Accepted documents
    get answers of origin ``machine``: never of the eval split, below every person's, and no round learns
    from them.

    Args:
        db: The project file.
        max_error: The share of the accepted documents that may be wrong anywhere, above 0 and below 1.
        confidence: The probability with which the bound holds, above 0 and below 1.
        by_label: Hold the bound among the documents of each label on its own, by the rarest label that is
            suggested in them. It needs many more answers.
        dry_run: Only tell what would be accepted.

    Returns:
        How many documents, and what the bound stands on.

    Raises:
        RecipeError: No round is promoted, or it has suggested nothing yet.
    """
    with Store.open(db) as store:
        with store.reading():
            promoted = store.rounds.promoted()
            if promoted is None or promoted.model_id is None:
                raise RecipeError(
                    f"no round is promoted yet, so nothing can be left to one: spanloop retrain {db}"
                )
            model_id, number = promoted.model_id, promoted.number
            sample, known = store.triages.sample(model_id, number), store.triages.candidates(model_id)
        if not any(one.waiting for one in known):
            raise RecipeError(
                f"no waiting document has suggestions of round {number}: spanloop prelabel {db} makes them, "
                f"spanloop status {db} says how many documents wait"
            )
        accepted, groups = choose(sample.drawn, known, max_error, confidence, by_label=by_label)
        done = len(accepted)
        if accepted and not dry_run:
            basis = {"by_label": by_label, "groups": [asdict(group) for group in groups]}
            done = store.triages.add(
                model_id, accepted, _taken, max_error=max_error, confidence=confidence, basis=basis
            ).documents
        return _report(Path(db), number, max_error, confidence, dry_run, done, groups, sample)


def _report(
    path: Path,
    number: int,
    max_error: float,
    confidence: float,
    dry_run: bool,
    accepted: int,
    groups: tuple[Group, ...],
    sample: Sample,
) -> Triaged:
    return Triaged(
        path, number, max_error, confidence, dry_run, accepted, groups,
        learned=sample.learned, early=sample.early, apart=sample.apart,
        closed=sample.closed, without_suggestions=sample.unseen,
    )  # fmt: skip


def _taken(spans: Sequence[Span]) -> tuple[AnnotatedSpan, ...]:
    return settle([(span.start, span.end, span.label) for span in spans], spans)


def choose(
    drawn: Sequence[Drawn],
    unanswered: Sequence[Candidate],
    max_error: float,
    confidence: float,
    *,
    by_label: bool,
) -> tuple[list[Candidate], tuple[Group, ...]]:
    """The documents to accept, and what was found of each group.

    Several groups share what certainty allows: each is held to a part of it, so that all bounds hold at once.
    """
    everything: list[Drawn | Candidate] = [*drawn, *unanswered]
    counts = Counter(label for one in everything for label in one.labels)
    names = [_group(one, counts) if by_label else EVERY for one in unanswered]
    groups: list[Group] = []
    accepted: list[Candidate] = []
    each = 1 - (1 - confidence) / len(set(names))
    for name in sorted(set(names)):
        own = [one for one, called in zip(unanswered, names, strict=True) if called == name]
        said = [
            (one.confidence, one.right)
            for one in drawn
            if (_group(one, counts) if by_label else EVERY) == name
        ]
        found = certify(said, [one.confidence for one in own], max_error, each)
        new = [
            one
            for one in own
            if one.waiting and found.threshold is not None and one.confidence >= found.threshold
        ]
        accepted += new
        groups.append(
            Group(
                name, sum(one.waiting for one in own), len(new), found.accepted - len(new),
                len(said), found.answers, found.wrong,
                None if found.threshold is None else found.at_most,
                more_answers(found, len(said), max_error, each),
            )
        )  # fmt: skip
    return accepted, tuple(groups)


def _group(one: Drawn | Candidate, counts: Mapping[str, int]) -> str:
    """The rarest label that is suggested in a document."""
    return min(one.labels, key=lambda label: (counts[label], label), default=NO_SPAN)


def undo_triage(db: str | Path) -> TriageUndone:
    """Take back what triages accepted: their answers stay in the file and say nothing any more.

    Args:
        db: The project file.

    Returns:
        How many answers were withdrawn.

    Raises:
        StoreError: There is no such project.
    """
    with Store.open(db) as store:
        standing = [one.id for one in store.triages.all() if one.undone_at is None]
        return TriageUndone(Path(db), tuple(standing), sum(store.triages.undo(one) for one in standing))
