"""Score a round on the gold of the eval split, as it is today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from spanloop.recipes.calls.ranges import FromOne
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.progress import Progress, silent
from spanloop.recipes.report import Report
from spanloop.recipes.scoring.shapes import Averages, Confused, Figures, Scored
from spanloop.recipes.suggest.choice import Used, used_by
from spanloop.recipes.suggest.refusal import Refusal, Refused, refusals_text
from spanloop.recipes.table import counted, interval
from spanloop.store import Store
from spanloop.store.records import Gold, Moment, Split, Task

if TYPE_CHECKING:
    from spacy.language import Language

    from spanloop.plugin.alignment.values import CharSpan, TokenScores
    from spanloop.plugin.metrics.intervals import Figure
    from spanloop.plugin.metrics.score import ScoreReport

BLOCK = 128
FEW_DOCUMENTS = 30
WIDE_POINTS = 3.0
"""Half the width of an interval, in points of F1, from which on it is worth a warning."""


@dataclass(frozen=True, slots=True)
class Evaluation(Report):
    """The figures of one round on one split; ``alignment_events`` are the predicted spans that tokens cannot
    carry, ``predicted`` and ``truth`` the spans of each document, ``refused`` the documents that the pipeline
    could not read, all of whose spans count as missed; ``used``, how its answer was read, and
    ``below_threshold``, how many spans it was not sure enough of; ``unmatchable``, how many gold spans do not
    begin and end where its units do, so that no prediction can be them."""

    round: int
    task: Task
    report: ScoreReport
    alignment_events: int
    predicted: tuple[tuple[CharSpan, ...], ...] = field(default=(), repr=False)
    truth: tuple[tuple[CharSpan, ...], ...] = field(default=(), repr=False)
    split: Split = "eval"
    refused: tuple[Refusal, ...] = ()
    used: Used = field(default_factory=Used)
    below_threshold: int = 0
    unmatchable: int = 0

    @property
    def headline(self) -> Figure:
        """The one figure that rounds are compared by: strict micro F1, in a tags project accuracy."""
        return self.report.accuracy if self.report.accuracy is not None else self.report.micro

    def doubt(self) -> str:
        """What so few documents cannot tell; empty where they are many enough."""
        figure, documents = self.headline, self.report.documents
        if documents < FEW_DOCUMENTS:
            return f"Only {counted(documents, 'document')} to score on: take these figures as a hint"
        if figure.f1_low is None or figure.f1_high is None:
            return ""
        points = 50 * (figure.f1_high - figure.f1_low)
        if points < WIDE_POINTS:
            return ""
        return f"±{points:.0f} points at {counted(documents, 'document')}: closer rounds cannot be told apart"

    def confusion(self) -> tuple[Confused, ...]:
        """How many tokens of each gold label were given which label, the most frequent pair first; "O" is
        none."""
        pairs = sorted(self.report.confusion.items(), key=_most_first)
        return tuple(Confused(gold, said, tokens) for (gold, said), tokens in pairs)

    def shape(self) -> Scored:
        report, spans = self.report, self.task == "spans"
        return Scored(
            round=self.round,
            split=self.split,
            documents=report.documents,
            mode="strict" if spans else "tags",
            scheme="IOB2" if spans else None,
            micro=Figures.of(report.micro),
            macro=Figures.of(report.macro),
            weighted=Figures.of(report.weighted),
            labels={label: Figures.of(figure) for label, figure in report.labels.items()},
            known=dict(report.known),
            accuracy=None if report.accuracy is None else report.accuracy.f1,
            alignment_events=self.alignment_events,
            confusion=self.confusion(),
            refused=self.refused,
            lenient=self._lenient(),
            used=self.used,
            below_threshold=self.below_threshold,
            unmatchable=self.unmatchable,
        )

    def _lenient(self) -> Averages | None:
        report = self.report
        if report.lenient_micro is None or report.lenient_macro is None or report.lenient_weighted is None:
            return None
        return Averages(
            Figures.of(report.lenient_micro),
            Figures.of(report.lenient_macro),
            Figures.of(report.lenient_weighted),
            {label: Figures.of(figure) for label, figure in report.lenient_labels.items()},
        )

    def text(self) -> str:
        report = self.report
        lines = [
            f"round {self.round} on {report.documents} documents of {self.split}",
            "",
            seqeval_table(report),
            "",
        ]
        if report.accuracy is not None:
            lines.append(f"accuracy {_with_interval(report.accuracy)}")
        else:
            lines.append(f"strict micro F1 {_with_interval(report.micro)}")
        if doubt := self.doubt():
            lines.append(doubt)
        if report.without_gold:
            lines.append(
                f"macro avg is the mean of {len(report.labels) - len(report.without_gold)} of "
                f"{counted(len(report.labels), 'label')}: no gold of {', '.join(report.without_gold)}"
            )
        if less_known := {name: n for name, n in report.known.items() if n < report.documents}:
            documents = ", ".join(f"{name} {n:,}" for name, n in less_known.items())
            lines.append(
                f"documents that know a label, and that its figures are of, where not all "
                f"{report.documents:,} do: {documents}"
            )
        if report.lenient_micro is not None:
            lines.append(
                f"lenient micro F1 {report.lenient_micro.f1:.4f} (a shared character and the label suffice)"
            )
        if self.used.text():
            left_out = counted(self.below_threshold, "span")
            lines.append(f"read with {self.used.text()}: {left_out} below the threshold left out")
        if self.alignment_events:
            lines.append(f"{self.alignment_events} predicted spans do not end at token boundaries")
        if self.unmatchable:
            told = counted(self.unmatchable, "gold span")
            lines.append(f"{told} cut a token or have blanks at an edge: no prediction can match them")
        if self.refused:
            lines.append(f"{refusals_text(self.refused)}; their spans count as missed")
        return "\n".join(lines)


def _most_first(pair: tuple[tuple[str, str], int]) -> tuple[int, tuple[str, str]]:
    return -pair[1], pair[0]


def seqeval_table(report: ScoreReport) -> str:
    """The layout of seqeval's ``classification_report``, with four digits and the 95 % interval of F1 at the
    end."""
    averages = {"micro avg": report.micro, "macro avg": report.macro, "weighted avg": report.weighted}
    width = max(len(name) for name in [*report.labels, *averages])
    head = f"{'':>{width}} " + "".join(
        f" {name:>9}" for name in ("precision", "recall", "f1-score", "support")
    )
    labels = [_row(name, figure, width) for name, figure in report.labels.items()]
    return "\n".join(
        [head + "  95 % of f1", "", *labels, "", *(_row(n, f, width) for n, f in averages.items())]
    )


def _row(name: str, figure: Figure, width: int) -> str:
    numbers = "".join(f" {value:>9.4f}" for value in (figure.precision, figure.recall, figure.f1))
    return f"{name:>{width}} {numbers} {figure.support:>9}  {interval(figure)}".rstrip()


def _with_interval(figure: Figure) -> str:
    ends = interval(figure)
    return f"{figure.f1:.4f}" + (f" (95 % interval {ends})" if ends else "")


def evaluate(db: str | Path, *, round: FromOne | None = None, progress: Progress | None = None) -> Evaluation:
    """Predict every eval document that has gold, and score it.

    Args:
        db: The project file.
        round: The round; None: the promoted one.
        progress: Called with how far it is.

    Returns:
        The scores, of this moment.

    Raises:
        RecipeError: There is no such round or no gold in the eval split.
    """
    with Store.open(db) as store:
        from spanloop.recipes.suggest.pipelines import load_round, promoted_round
        from spanloop.recipes.suggest.run_pipeline import named

        with store.reading():
            row, moment, golds = promoted_round(store, round), store.moment(), eval_gold(store)
        nlp = load_round(store, row.number)
        with named(f"round {row.number}", store):
            return score(
                moment, nlp, golds, round=row.number, labels=row.label_ids, progress=progress or silent
            )


def eval_gold(store: Store) -> list[Gold]:
    """The gold of the eval split. RecipeError says what to type where there is none."""
    golds = list(store.annotations.gold(split="eval"))
    if not golds:
        db = store.named
        how = f"annotate some with: spanloop correct {db} --split eval"
        if not store.documents.count("eval"):
            how = f"import some with: spanloop import {db} FILE --split eval"
        raise RecipeError(f"there is no gold in the eval split, so no score can be trusted; {how}")
    return golds


def score(
    moment: Moment,
    nlp: Language,
    golds: Sequence[Gold],
    *,
    round: int,
    labels: Mapping[str, int],
    progress: Progress = silent,
) -> Evaluation:
    """Score the pipeline on gold documents, read at that moment. ``labels``: what each name of it means."""
    from spanloop.plugin.alignment.tokens import token_ranges
    from spanloop.plugin.alignment.values import CharSpan
    from spanloop.plugin.metrics.judged import of_known_labels
    from spanloop.plugin.metrics.score import score_spans, score_tags
    from spanloop.recipes.convert import char_spans
    from spanloop.recipes.suggest.run_pipeline import annotate, found_events, found_spans, left_out

    project, names = moment.project, moment.names
    renamed = moment.names_of(labels)
    predicted, refused = list[list[CharSpan]](), list[Refusal]()
    tokens: list[list[tuple[int, int]]] = []
    events = below = unmatchable = 0
    for begin in range(0, len(golds), BLOCK):
        progress(begin, len(golds), f"evaluate round {round}")
        block = golds[begin : begin + BLOCK]
        for gold, found in zip(block, annotate(nlp, [g.document.text for g in block]), strict=True):
            if isinstance(found, Refused):  # it says nothing of the document: what stands there is missed
                refused.append(Refusal(gold.document.key, found.by, str(found)))
                predicted.append([])
                tokens.append([])
                continue
            spans = found_spans(found, task=project.task, labels=[*renamed, *names])
            named = [(span, renamed.get(span.label, span.label)) for span in spans]
            predicted.append(
                [CharSpan(s.start, s.end, label, s.score) for s, label in named if label is not None]
            )
            tokens.append(token_ranges(found.doc))
            events += len(found_events(found))
            below += len(left_out(found))
            unmatchable += _unmatchable(gold, tokens[-1], found.scores)
    progress(len(golds), len(golds), f"evaluate round {round}")
    truth, unknown = [char_spans(gold.spans) for gold in golds], [gold.unknown for gold in golds]
    seed = project.seed
    if project.task == "tags":
        report = score_tags(truth, predicted, names, unknown=unknown, seed=seed)
    else:
        ranges = [gold.ranges for gold in golds]
        report = score_spans(truth, predicted, tokens, names, ranges=ranges, unknown=unknown, seed=seed)
    return Evaluation(
        round=round,
        task=project.task,
        report=report,
        alignment_events=events,
        predicted=tuple(tuple(spans) for spans in of_known_labels(predicted, unknown)),
        truth=tuple(tuple(spans) for spans in of_known_labels(truth, unknown)),
        refused=tuple(refused),
        used=used_by(nlp),
        below_threshold=below,
        unmatchable=unmatchable,
    )


def _unmatchable(gold: Gold, tokens: Sequence[tuple[int, int]], scores: TokenScores | None) -> int:
    """How many spans of a document do not begin and end where units do: tokens, or wordpieces where the model
    labels these."""
    starts = {start for start, _ in tokens} if scores is None else set(scores.starts.tolist())
    ends = {end for _, end in tokens} if scores is None else set(scores.ends.tolist())
    return sum(span.start not in starts or span.end not in ends for span in gold.spans)
