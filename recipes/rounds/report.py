"""Everything there is to know of the rounds on one page: HTML that needs nothing beside itself, Markdown or
JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.near_duplicates.leaks import Leaks, find_leaks
from spanloop.recipes.progress import Progress, silent
from spanloop.recipes.rounds.status import SPLITS, Standing, headline_name, standings
from spanloop.recipes.scoring.changes import Changes, Hard, changes, hardest
from spanloop.recipes.scoring.evaluate import Evaluation, eval_gold, score
from spanloop.recipes.table import figure, markdown_table
from spanloop.store import Store
from spanloop.store.records import Gold, Round, Score

if TYPE_CHECKING:
    from spanloop.plugin.metrics.intervals import Figure
    from spanloop.plugin.metrics.score import ScoreReport

ReportFormat = Literal["html", "md", "json"]
SHOWN = 12
"""Examples of each kind on the page; JSON has them all."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a report is made of. ``older`` and ``changed`` are None where there is only one round."""

    project: str
    task: str
    labels: tuple[str, ...]
    documents: dict[str, dict[str, int]]
    rounds: tuple[Standing, ...]
    trained_on: dict[int, int]
    label_scores: dict[int, dict[str, Score]]
    shown: Evaluation
    older: Evaluation | None
    changed: Changes | None
    hard: tuple[Hard, ...]
    leaks: Leaks
    ledger: dict[str, Any]
    effort: list[dict[str, Any]]

    @property
    def balance(self) -> dict[str, Any] | None:
        """How the way of balancing of the round shown was chosen, None where nobody left it to be chosen."""
        return next((balance_of(s.round) for s in self.rounds if s.round.number == self.shown.round), None)


@dataclass(frozen=True, slots=True)
class Written:
    """The file that was written."""

    path: Path
    rounds: int

    def json(self) -> dict[str, object]:
        return {"schema": 1, "path": str(self.path), "rounds": self.rounds}

    def text(self) -> str:
        return f"{self.path}: {self.rounds} rounds"


def report(
    db: str | Path,
    file: str | Path,
    *,
    round: int | None = None,
    format: ReportFormat | None = None,
    progress: Progress | None = None,
) -> Written:
    """Write the report to ``file``, in the format of its suffix (html, md, json) or the one named.

    The promoted round (or the one named) and the finished one before it are scored on today's eval gold.
    RecipeError where there is no round or no eval gold yet.
    """
    path = Path(file)
    chosen = format or path.suffix.removeprefix(".")
    writers = {"html": as_html, "md": as_markdown, "json": as_json}
    if chosen not in writers:
        raise RecipeError(
            f"a report is html, md or json, not {chosen or 'a file without a suffix'}: give --format"
        )
    if not path.parent.is_dir():
        raise RecipeError(f"there is no folder {path.parent}: make it first, or name another")
    with Store.open(db) as store:
        facts = gather(store, round, progress or silent)
    part = path.with_name(f".{path.name}.part")
    part.write_text(writers[chosen](facts), encoding="utf-8")
    os.replace(part, path)
    return Written(path, len(facts.rounds))


def gather(store: Store, number: int | None, progress: Progress) -> Facts:
    """Score what must be scored and collect the rest."""
    from spanloop.recipes.suggest.pipelines import promoted_round

    row = promoted_round(store, number)
    golds = eval_gold(store)
    done = [standing for standing in standings(store) if standing.round.state == "done"]
    before = [standing.round for standing in done if standing.round.number < row.number]
    shown = _score(store, row, golds, progress)
    older = _score(store, before[-1], golds, progress) if before else None
    return Facts(
        project=store.path.name,
        task=store.project.task,
        labels=tuple(store.labels.names()),
        documents={split: store.queue.counts(split) for split in SPLITS},
        rounds=tuple(done),
        trained_on={s.round.number: len(store.rounds.annotation_ids(s.round.number, "train")) for s in done},
        label_scores={s.round.number: _label_scores(store, s.round) for s in done},
        shown=shown,
        older=older,
        changed=None if older is None else changes(golds, shown.predicted, older.predicted),
        hard=hardest(golds, shown.predicted),
        leaks=find_leaks(list(store.annotations.gold(split="pool")), golds),
        ledger=store.ledger.counts(),
        effort=store.effort(),
    )


def _score(store: Store, row: Round, golds: Sequence[Gold], progress: Progress) -> Evaluation:
    from spanloop.recipes.suggest.pipelines import label_names, load_round

    nlp = load_round(store, row.number)
    return score(store, nlp, golds, round=row.number, renamed=label_names(store, row), progress=progress)


def _label_scores(store: Store, row: Round) -> dict[str, Score]:
    rows = store.rounds.scores(row.number, split="eval")
    return {score.label: score for score in rows if score.metric == "strict" and score.label is not None}


def as_json(facts: Facts) -> str:
    """Every figure and every example."""
    changed = None if facts.changed is None else asdict(facts.changed)
    sure = calibration(facts)
    content = {
        "schema": 1,
        "project": facts.project,
        "task": facts.task,
        "labels": list(facts.labels),
        "documents": facts.documents,
        "rounds": [
            {
                "round": standing.round.number,
                "promoted": standing.round.promoted,
                "trained_on": facts.trained_on[standing.round.number],
                "micro": standing.micro and asdict(standing.micro),
                "macro": standing.macro and asdict(standing.macro),
                "accuracy": standing.accuracy and asdict(standing.accuracy),
                "labels": {n: asdict(s) for n, s in facts.label_scores[standing.round.number].items()},
                "balance": balance_of(standing.round),
            }
            for standing in facts.rounds
        ],
        "evaluation": facts.shown.json(),
        "calibration": {**sure, "bins": [asdict(each) for each in sure["bins"]]},
        "changed": changed,
        "hardest": [asdict(hard) for hard in facts.hard],
        "leaks": facts.leaks.json(),
        "alignment_events": facts.ledger,
        "effort": facts.effort,
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def as_markdown(facts: Facts) -> str:
    """The tables, for a pull request or a wiki."""
    head = ("round", "trained on", headline_name(facts.rounds), "95 %", "macro F1", "")
    rounds = [
        (
            standing.round.number,
            facts.trained_on[standing.round.number],
            figure(standing.headline.f1 if standing.headline else None),
            interval(standing.headline),
            figure(standing.macro.f1 if standing.macro else None),
            note(standing.round),
        )
        for standing in facts.rounds
    ]
    labels = [
        (name, figure(f.precision), figure(f.recall), figure(f.f1), f.support, interval(f))
        for name, f in [*facts.shown.report.labels.items(), *_averages(facts.shown.report)]
    ]
    parts = [
        f"# {facts.project}",
        markdown_table(head, rounds),
        f"## Round {facts.shown.round}, {facts.shown.report.documents} documents of eval, strict",
        markdown_table(("label", "precision", "recall", "F1", "support", "95 %"), labels),
    ]
    if facts.changed is not None and facts.older is not None:
        changed = facts.changed
        parts.append(
            f"Against round {facts.older.round}: {len(changed.fixed)} gold spans newly found, "
            f"{len(changed.broken)} lost, {len(changed.new_alarms)} new false alarms."
        )
    if facts.leaks.found:
        parts.append(f"Beware: {facts.leaks.text()}")
    return "\n\n".join(parts) + "\n"


def balance_of(row: Round) -> dict[str, Any] | None:
    """What ``--balance auto`` tried and chose for the round."""
    return (row.manifest or {}).get("balance")


def note(row: Round) -> str:
    """What is to be said of a round in a word or two."""
    balance = balance_of(row)
    chosen = f"balance: {balance['chosen']}" if balance else ""
    return ", ".join(part for part in ("promoted" if row.promoted else "", chosen) if part)


def _averages(report: ScoreReport) -> list[tuple[str, Figure]]:
    """The figures over all labels, those that this kind of project has."""
    found = {
        "micro": report.micro,
        "macro": report.macro,
        "weighted": report.weighted,
        "lenient micro": report.lenient_micro,
        "accuracy": report.accuracy,
    }
    return [(name, value) for name, value in found.items() if value is not None]


def interval(score: Any) -> str:
    """``0.41-0.52``, empty where a figure has no interval."""
    if score is None or score.f1_low is None:
        return ""
    return f"{figure(score.f1_low, 3)}-{figure(score.f1_high, 3)}"


def as_html(facts: Facts) -> str:
    """One page with its pictures inside; reads well on paper and on dark screens."""
    from jinja2 import Environment

    from spanloop.recipes.scoring import charts

    template = (
        files("spanloop.recipes.rounds").joinpath("templates", "report.html").read_text(encoding="utf-8")
    )
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(figure=figure, interval=interval, note=note)
    page: str = environment.from_string(template).render(
        facts=facts,
        report=facts.shown.report,
        pictures=_pictures(facts),
        shown=SHOWN,
        splits=SPLITS,
        headline=headline_name(facts.rounds),
        calibration_error=calibration(facts)["error"],
        wide=len(facts.labels) > charts.MANY,
        now=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
    )
    return page


def _pictures(facts: Facts) -> dict[str, str]:
    """The charts that these facts can fill, by name, as data URIs."""
    from spanloop.recipes.scoring import charts

    scored = [
        standing for standing in facts.rounds if standing.micro is not None and standing.macro is not None
    ]
    pictures: dict[str, str] = {}
    if scored:
        numbers = [standing.round.number for standing in scored]
        name = headline_name(scored)
        curves = [_curve(name, [s.headline for s in scored])]
        if len(facts.labels) > 1:  # of one label the mean is itself
            curves.append(_curve("macro F1", [s.macro for s in scored]))
        trained_on = [facts.trained_on[n] for n in numbers]
        pictures["curve"] = charts.learning_curve(
            trained_on, numbers, curves, y="" if name == "accuracy" else "strict"
        )
        values = [
            [(s.f1 or 0.0) if (s := facts.label_scores[n].get(name)) else 0.0 for n in numbers]
            for name in facts.labels
        ]
        columns = [str(n) for n in numbers]
        pictures["labels"] = charts.heat_map(facts.labels, columns, values, form="{:.2f}", x="round", y="")
    if facts.shown.report.confusion:
        pictures["confusion"] = charts.confusion(facts.shown.report.confusion, facts.labels)
    if bins := calibration(facts)["bins"]:
        pictures["reliability"] = charts.reliability(bins)
    return pictures


def _curve(name: str, scores: Sequence[Score | None]) -> Any:
    from spanloop.recipes.scoring.charts import Curve

    known = [score for score in scores if score is not None]
    return Curve(name, [s.f1 or 0.0 for s in known], [s.f1_low for s in known], [s.f1_high for s in known])


def calibration(facts: Facts) -> dict[str, Any]:
    """The bins of the reliability diagram and the expected calibration error, in points; no bins without
    predictions."""
    from spanloop.plugin.tagging.calibrate import calibration_error, judge, reliability

    confidence, correct = judge(facts.shown.predicted, facts.shown.truth)
    bins = reliability(confidence, correct) if len(confidence) else []
    return {"error": calibration_error(confidence, correct), "bins": bins}
