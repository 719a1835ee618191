"""The report of a project as JSON: every figure and every example."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from spanloop.recipes.active_learning.advice import Advice
from spanloop.recipes.active_learning.bias import Bias
from spanloop.recipes.active_learning.outlook import Outlook
from spanloop.recipes.near_duplicates.leaks import Leaks
from spanloop.recipes.report import Count, Seconds, Shape, Share
from spanloop.recipes.rounds.report_facts import Facts, calibration
from spanloop.recipes.rounds.standings import OfGold, Standing
from spanloop.recipes.scoring.changes import Changes, Hard
from spanloop.recipes.scoring.shapes import AlignmentEvents, Scored
from spanloop.recipes.training.balance import Balance
from spanloop.recipes.training.first_suggestions import FirstSuggestions
from spanloop.store.records import Origin, Score, Task


@dataclass(frozen=True, slots=True)
class RoundScores(Shape):
    """The stored figures of a finished round."""

    round: Count
    promoted: bool
    trained_on: Count
    """Documents."""
    micro: Score | None
    macro: Score | None
    accuracy: Score | None
    """Only in a tags project."""
    gold: OfGold | None
    """Whether these figures are of the eval gold of today, of an earlier one, or of other labels."""
    today: Score | None
    """Its micro F1 (in a tags project accuracy) on today's gold, where it was scored on it."""
    labels: dict[str, Score]
    balance: Balance | None
    """What `--balance auto` tried and chose."""
    first_suggestions: FirstSuggestions | None
    """How long it took until the next documents had suggestions of the round; null where it was not promoted
    when it was trained, or where no document was open."""


@dataclass(frozen=True, slots=True)
class ConfidenceBin(Shape):
    """The predicted spans of one stretch of confidence."""

    low: Share
    high: Share
    count: Count
    confidence: Share
    """The mean of theirs."""
    accuracy: Share
    """The share that was right."""


@dataclass(frozen=True, slots=True)
class Calibration(Shape):
    """How far confidences can be trusted."""

    error: Share
    """The expected calibration error."""
    bins: tuple[ConfidenceBin, ...]
    """None without predictions."""


@dataclass(frozen=True, slots=True)
class Effort(Shape):
    """What the suggestions of a model saved and cost a person."""

    round: Count | None
    model: str | None
    annotator: str
    origin: Origin
    documents: Count
    revisions: Count
    taken: Count
    """Suggestions that were left as they were."""
    changed: Count
    rejected: Count
    added: Count
    """Spans that nothing had suggested."""
    seconds: Seconds | None
    seconds_per_document: Seconds | None


@dataclass(frozen=True, slots=True)
class ReportFile(Shape):
    """Everything there is to know of the rounds."""

    project: str
    """The name of the project file."""
    task: Task
    """Spans, or one tag a token."""
    labels: tuple[str, ...]
    """The names of those in use."""
    documents: dict[str, dict[str, Count]]
    """Documents of each split by state."""
    rounds: tuple[RoundScores, ...]
    """Every finished round, the oldest first."""
    evaluation: Scored
    """The round that the report is about, on today's gold, as `spanloop evaluate --json` has it."""
    calibration: Calibration
    """How far its confidences can be trusted."""
    changed: Changes | None
    """What it finds that the finished round before it did not, and the other way round."""
    hardest: tuple[Hard, ...]
    """The eval documents with the most errors."""
    leaks: Leaks
    """Eval documents that nearly stand in training too."""
    left_out: tuple[Count, ...]
    """Finished rounds without a sound pipeline here: their figures are those of the day of training."""
    alignment_events: AlignmentEvents
    """Spans in the ledger of alignment."""
    effort: tuple[Effort, ...]
    """What suggestions saved and cost."""
    cost: Outlook
    """What an answer costs a person, and what the open documents of the pool will."""
    advice: Advice | None
    """Whether to annotate on."""
    bias: Bias | None
    """What suggestions do to people; null where no document was answered without."""


def report_file(facts: Facts) -> ReportFile:
    """The facts as they are written."""
    sure = calibration(facts)
    return ReportFile(
        project=facts.project,
        task=facts.task,
        labels=facts.labels,
        documents=facts.documents,
        rounds=tuple(_round(facts, standing) for standing in facts.rounds),
        evaluation=facts.shown.shape(),
        calibration=Calibration(sure["error"], tuple(map(_bin, sure["bins"]))),
        changed=facts.changed,
        hardest=facts.hard,
        leaks=facts.leaks,
        left_out=facts.left_out,
        alignment_events=AlignmentEvents.of(facts.ledger),
        effort=tuple(Effort(**row) for row in facts.effort),
        cost=facts.cost,
        advice=facts.advice,
        bias=facts.bias,
    )


def _round(facts: Facts, standing: Standing) -> RoundScores:
    number = standing.round.number
    return RoundScores(
        round=number,
        promoted=standing.round.promoted,
        trained_on=facts.trained_on[number],
        micro=standing.micro,
        macro=standing.macro,
        accuracy=standing.accuracy,
        gold=standing.gold,
        today=standing.today,
        labels=facts.label_scores[number],
        balance=Balance.kept(standing.round.manifest),
        first_suggestions=FirstSuggestions.kept(standing.round.manifest),
    )


def _bin(found: Any) -> ConfidenceBin:
    return ConfidenceBin(**{field.name: getattr(found, field.name) for field in fields(ConfidenceBin)})
