"""The model card of a round that is handed on (Mitchell et al. 2019): what went in, how well it does and how
sure that is, where it ends; of a saved pipeline, what it says of itself."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spanloop.recipes.rounds.optimised import Optimised
from spanloop.recipes.rounds.standings import Standing, standings
from spanloop.recipes.table import counted, figure, interval, markdown_table
from spanloop.store import Store
from spanloop.store.records import Round, Score
from spanloop.store.tables.unlearned import learned_from

if TYPE_CHECKING:
    from spacy.language import Language

CARD = "README.md"
"""Where the card lies in a folder; ``spacy package`` takes it from there."""
_OURS = re.compile(r"spanloop\b(?!-)")
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

    standing: Standing
    labels: tuple[str, ...]
    scores: tuple[Score, ...]
    trained_on: int


def card_facts(store: Store, row: Round) -> CardFacts:
    """What the card of this round is written from, as the store has it now."""
    return CardFacts(
        next(standing for standing in standings(store) if standing.round.number == row.number),
        tuple(store.rounds.labels(row.number)),
        tuple(score for score in store.rounds.scores(row.number, split="eval") if score.metric == "strict"),
        learned_from(store, row.number),
    )


def needs(nlp: Language) -> list[str]:
    """What a package of this pipeline asks pip for: what it asked for before, and our component with the
    extra of what computes in it."""
    from spanloop.plugin.model.network import HFNetwork
    from spanloop.recipes.suggest.our_component import ours

    networks = (pipe.network for pipe in ours(nlp).values())
    named = {network.shim.backend_name for network in networks if isinstance(network, HFNetwork)}
    extras = ",".join(sorted(named & {"openvino", "onnx"}))
    others = [asked for asked in nlp.meta.get("requirements", ()) if not _OURS.match(asked)]
    return [*others, f"spanloop[{extras}]" if extras else "spanloop"]


def card_of_pipeline(folder: Path, meta: Mapping[str, Any], asked: Sequence[str], licence: str = "") -> str:
    """The card of a saved pipeline as Markdown: the one that lies in its folder, else what its meta says."""
    if (folder / CARD).is_file():
        card = (folder / CARD).read_text(encoding="utf-8")
        return card.replace(_licence(""), _licence(licence)) if licence else card
    labels = dict.fromkeys(str(label) for known in meta.get("labels", {}).values() for label in known)
    performance = [f"{name}: {json.dumps(value)}" for name, value in meta.get("performance", {}).items()]
    parts = [
        f"# {meta['name']}",
        meta.get("description") or f"A spaCy pipeline that finds {', '.join(labels) or 'no labels'}.",
        _it_needs(asked),
        *(["## Scores", "As it says itself: " + "; ".join(performance) + "."] if performance else []),
        "## Limits",
        LIMITS,
        _licence(licence or meta.get("license", "")),
    ]
    return "\n\n".join(parts) + "\n"


def section_of(result: Optimised) -> str:
    """What was measured of a pipeline that was made faster, as a section of its card."""
    told = result.text().split("\n")[1:-1]
    return "\n".join([f"## Made faster: {result.how()}", "", *(f"- {line}" for line in told)]) + "\n"


def model_card(facts: CardFacts, project: str, asked: Sequence[str], licence: str = "") -> str:
    """The card of a round as Markdown. ``asked``: what pip is asked for."""
    row, manifest = facts.standing.round, facts.standing.round.manifest or {}
    versions = ", ".join(f"{name} {number}" for name, number in manifest.get("versions", {}).items())
    weights = json.dumps(dict(row.class_weights or {}), ensure_ascii=False)
    balance = manifest.get("balance")
    chosen = f" (balance {balance['chosen']}, chosen by cross-validation)" if balance else ""
    made = [_base(row.parent, row.parameters, manifest), _pipeline(manifest)]
    parts = [
        f"# {project}, round {row.number}",
        f"A spaCy pipeline that finds {', '.join(facts.labels)}. {_it_needs(asked)}",
        "## Data",
        f"Trained on {facts.trained_on} annotated documents of the project's pool ({row.finished_at})"
        f"{_unlabelled(manifest)}. The documents it is scored on took no part in training.",
        "## Scores",
        *_scores(facts.scores),
        "## Limits",
        LIMITS,
        "## Making",
        " ".join([*filter(None, made), f"Class weights: {weights}{chosen}. Seed {row.seed}. {versions}."]),
        _licence(licence),
    ]
    return "\n\n".join(parts) + "\n"


def _unlabelled(manifest: Mapping[str, Any]) -> str:
    number = manifest.get("documents_unlabelled", 0)  # rounds of before have none
    if not number:
        return ""
    return f", and on {counted(number, 'document')} without labels as a first training saw them"


def _it_needs(asked: Sequence[str]) -> str:
    packages = ", ".join(f"`{name}`" for name in asked)
    return f"It needs the package{'s' * (len(asked) > 1)} {packages}."


def _licence(licence: str) -> str:
    return f"Licence: {licence or 'not stated'}."


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
