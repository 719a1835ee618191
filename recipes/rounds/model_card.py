"""The model card of a packaged round (Mitchell et al. 2019): what went in, how well it does and how sure that
is, where it ends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spanloop.recipes.rounds.standings import Standing
from spanloop.recipes.table import figure, interval, markdown_table
from spanloop.store.records import Score

NEEDS = "spanloop"
"""What the package asks pip for: our component, found through its entry point."""
STRICT = (
    "Strict: a span counts only with exactly the right characters and label. The interval holds the true F1 "
    "with 95 % confidence (bootstrap over documents)."
)
LIMITS = (
    "The figures hold for texts like those it was scored on. On another domain, score it again before "
    "relying on it. Labels with little support are known badly, whatever their figure."
)


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What the card is written from: the round as the store keeps it, with its labels and figures of then."""

    project: str
    standing: Standing
    labels: tuple[str, ...]
    scores: tuple[Score, ...]
    trained_on: int
    licence: str


def model_card(facts: CardFacts) -> str:
    """The card as Markdown."""
    row, manifest = facts.standing.round, facts.standing.round.manifest or {}
    versions = ", ".join(f"{name} {number}" for name, number in manifest.get("versions", {}).items())
    weights = json.dumps(dict(row.class_weights or {}), ensure_ascii=False)
    balance = manifest.get("balance")
    chosen = f" (balance {balance['chosen']}, chosen by cross-validation)" if balance else ""
    made = [_base(row.parent, row.parameters, manifest), _pipeline(manifest)]
    parts = [
        f"# {facts.project}, round {row.number}",
        f"A spaCy pipeline that finds {', '.join(facts.labels)}. It needs the package `{NEEDS}`.",
        "## Data",
        f"Trained on {facts.trained_on} annotated documents of the project's pool ({row.finished_at}). "
        "The documents it is scored on took no part in training.",
        "## Scores",
        *_scores(facts.scores),
        "## Limits",
        LIMITS,
        "## Making",
        " ".join([*filter(None, made), f"Class weights: {weights}{chosen}. Seed {row.seed}. {versions}."]),
        f"Licence: {facts.licence or 'not stated'}.",
    ]
    return "\n\n".join(parts) + "\n"


def _scores(scores: tuple[Score, ...]) -> list[str]:
    if not scores:
        return ["Its figures were not kept."]
    rows = [
        (
            score.label or f"{score.average} average",
            figure(score.precision),
            figure(score.recall),
            figure(score.f1),
            interval(score),
            score.support,
        )
        for score in scores
    ]
    return [STRICT, markdown_table(("label", "precision", "recall", "F1", "95 %", "support"), rows)]


def _base(parent: int | None, parameters: Mapping[str, Any], manifest: Mapping[str, Any]) -> str:
    """What the round was trained from: a commit of the hub, or the name of a folder without its path."""
    base = manifest.get("base_model")
    if base is not None and base["commit"] is not None:
        asked = f" ({base['revision']})" if base["revision"] not in (None, base["commit"]) else ""
        return f"Base model: {base['name']}{asked}, commit {base['commit']}."
    if base is not None:
        return f"Base model: {Path(base['name']).name}, files {base['files_hash'][:12]}."
    name = parameters.get("made_of", {}).get("base_model")
    if parameters.get("base") != "round" or name is None:
        return ""
    return f"Base model: {_without_path(name)}, through round {parent}, from which it went on."


def _pipeline(manifest: Mapping[str, Any]) -> str:
    """The spaCy pipeline that it was built on, or its language where that was a blank one."""
    found = manifest.get("pipeline")
    if found is None:
        return ""
    named = f" Pipeline: {_without_path(found['name'])} {found['version']}." if found["name"] else ""
    return f"Language: {found['lang']}.{named}"


def _without_path(name: str) -> str:
    """A hub id or a package as it is, a folder by its last part: no path of this machine is told."""
    local = name.startswith((".", "/", "~")) or Path(name).is_absolute()
    return Path(name).name if local else name
