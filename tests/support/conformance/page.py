"""`docs/models.md` from the results of a whole run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

from support.conformance.architectures import ARCHITECTURES
from support.conformance.habits import HABITS
from support.conformance.making import TOKENIZERS, every_kind
from support.conformance.texts import TEXTS

Rows = Sequence[Mapping[str, Any]]

_HEAD = Path(__file__).with_name("page_head.md")
_REFUSED = """
## Refused

Token classifiers of transformers that are refused, and the line that says why:

| architecture | line |
|---|---|
"""
_NOT_TRIED = """
## Not tried

Token classifiers of transformers {transformers} that are neither among the models above nor refused by name:
"""


def of(results: Mapping[str, Any]) -> str:
    """The page.

    Args:
        results: what `tests/models/results.json` holds.
    """
    rows: Rows = results["models"]
    text = _HEAD.read_text("utf-8").format(
        models=len(rows),
        transformers=results["transformers"],
        architectures=len(ARCHITECTURES),
        tokenizers=len(TOKENIZERS),
        habits=len(HABITS),
        texts=len(TEXTS),
        names=", ".join(TEXTS),
    )
    kinds = {str(kind): kind for kind in every_kind()}
    text += _table("architecture", sorted(ARCHITECTURES), rows, lambda row: kinds[row["model"]].architecture)
    text += "\n" + _table("tokenizer", TOKENIZERS, rows, lambda row: kinds[row["model"]].tokenizer)
    text += "\n" + _table("naming of tags", list(HABITS), rows, lambda row: kinds[row["model"]].habit)
    if results["refused"]:
        text += _REFUSED
    text += "".join(f"| `{name}` | {line} |\n" for name, line in results["refused"].items())
    rest = [f"`{name}`" for name in results["not_tried"]]
    text += _NOT_TRIED.format(transformers=results["transformers"])
    return text + fill(", ".join(rest) + ".", 116, break_on_hyphens=False) + "\n"


def _table(what: str, names: Sequence[str], rows: Rows, name_of: Callable[[Mapping[str, Any]], str]) -> str:
    lines = [
        f"| {what} | models | spans found | wordpieces compared | spans compared |",
        "|---|---|---|---|---|",
    ]
    for name in names:
        own = [row for row in rows if name_of(row) == name]
        sums = (f"{sum(row[key] for row in own):,}" for key in ("found", "pieces", "spans"))
        lines.append(f"| `{name}` | {len(own)} | {' | '.join(sums)} |")
    return "\n".join(lines) + "\n"
