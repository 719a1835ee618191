"""The facts of a report as a page: HTML that needs nothing beside itself, Markdown or JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from spanloop.recipes.report import versioned
from spanloop.recipes.rounds.report_facts import Facts, balance_of, calibration
from spanloop.recipes.rounds.report_shape import report_file
from spanloop.recipes.rounds.standings import headline_name
from spanloop.recipes.rounds.status import SPLITS
from spanloop.recipes.table import figure, interval, markdown_table
from spanloop.recipes.training.first_suggestions import FirstSuggestions
from spanloop.store import clock
from spanloop.store.records import Round, Score

if TYPE_CHECKING:
    from spanloop.plugin.metrics.intervals import Figure
    from spanloop.plugin.metrics.score import ScoreReport

SHOWN = 12
"""Examples of each kind on the page; JSON has them all."""


def as_html(facts: Facts) -> str:
    """One page with its pictures inside; reads well on paper and on dark screens."""
    from jinja2 import Environment

    from spanloop.recipes.scoring import charts

    template = files("spanloop.recipes.rounds") / "templates" / "report.html"
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(figure=figure, interval=interval, note=note)
    page: str = environment.from_string(template.read_text(encoding="utf-8")).render(
        facts=facts,
        report=facts.shown.report,
        pictures=_pictures(facts),
        shown=SHOWN,
        splits=SPLITS,
        headline=headline_name(facts.rounds),
        calibration_error=calibration(facts)["error"],
        wide=len(facts.labels) > charts.MANY,
        now=f"{clock.read_clock():%Y-%m-%d %H:%M} UTC",
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


def as_markdown(facts: Facts) -> str:
    """The tables, for a pull request or a wiki."""
    name = headline_name(facts.rounds)
    head = ("round", "trained on", name, "95 %", "macro F1", "on today's gold", "scored on", "")
    rounds = [
        (
            standing.round.number,
            facts.trained_on[standing.round.number],
            figure(standing.headline.f1 if standing.headline else None),
            interval(standing.headline),
            figure(standing.macro.f1 if standing.macro else None),
            figure(standing.today.f1 if standing.today else None),
            standing.gold or "",
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
        *filter(None, [facts.left_out_text()]),
        f"## Round {facts.shown.round}, {facts.shown.report.documents} documents of eval, strict",
        markdown_table(("label", "precision", "recall", "F1", "support", "95 %"), labels),
    ]
    if facts.changed is not None and facts.older is not None:
        changed = facts.changed
        parts.append(
            f"Against round {facts.older.round}: {len(changed.fixed)} gold spans newly found, "
            f"{len(changed.broken)} lost, "
            f"{len(changed.new_alarms)} new false alarms, {len(changed.gone_alarms)} gone."
        )
    if lines := facts.cost.text().splitlines():
        parts.append("\n".join(["## What an answer costs", "", *(f"- {line}" for line in lines)]))
    if facts.advice is not None:
        parts.append("\n".join(["## When to stop", "", *(f"- {line}" for line in facts.advice.lines())]))
    if facts.bias is not None:
        parts.append(f"## Do suggestions lead people?\n\n{facts.bias.text()}.")
    if facts.leaks.found:
        parts.append(f"Beware: {facts.leaks.text()}")
    return "\n\n".join(parts) + "\n"


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


def as_json(facts: Facts) -> str:
    """Every figure and every example."""
    return json.dumps(versioned(report_file(facts)), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def note(row: Round) -> str:
    """What is to be said of a round in a word or two."""
    balance = balance_of(row)
    chosen = f"balance: {balance['chosen']}" if balance else ""
    first = FirstSuggestions.kept(row.manifest)
    waited = "" if first is None else f"new suggestions after {first.seconds:.0f} s"
    return ", ".join(part for part in ("promoted" if row.promoted else "", chosen, waited) if part)
