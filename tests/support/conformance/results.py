"""One result a model, kept beside the code that it is of: a run that was stopped goes on where it was.

As a program it puts the results of a whole run together: `tests/models/results.json` and `docs/models.md`.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from functools import lru_cache
from typing import Any

import transformers

from support.conformance import page
from support.conformance.architectures import ARCHITECTURES, KNOWN_HERE
from support.conformance.asking import Result
from support.conformance.making import Kind, every_kind
from support.conformance.refused import REFUSED, line_of
from support.places import ROOT

RESULTS = ROOT / "tests" / "models" / "results.json"
PAGE = ROOT / "docs" / "models.md"
_KEPT = ROOT / "build" / "models"
_TELL = ("page.py", "refused.py", "results.py")
_STEP = 19
"""Every so many models are asked in `make test`: prime to the numbers of habits and tokenizers, so that each
of these is among them."""


def asks_all() -> bool:
    """Whether all models are to be asked."""
    return os.environ.get("SPANLOOP_MODELS") == "all"


def chosen() -> list[Kind]:
    """The models to ask in this run: a part of them, or all that have no result for this code."""
    if not asks_all():
        return every_kind()[::_STEP]
    return [kind for kind in every_kind() if _kept(kind) is None]


def keep(result: Result) -> None:
    """Keep what a model gave, for this code, where all of them are asked."""
    if not asks_all():
        return
    _KEPT.mkdir(parents=True, exist_ok=True)
    told = json.dumps({"code": _code(), **result.json()})
    (_KEPT / f"{result.model}.json").write_text(told, encoding="utf-8")


def stored() -> dict[str, Any]:
    """The results of the last whole run."""
    found: dict[str, Any] = json.loads(RESULTS.read_text("utf-8"))
    return found


def _kept(kind: Kind) -> dict[str, Any] | None:
    path = _KEPT / f"{kind}.json"
    found = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return found if found.pop("code", None) == _code() else None


@lru_cache(maxsize=1)
def _code() -> str:
    """A hash of what a result depends on."""
    digest = hashlib.sha256(transformers.__version__.encode())
    support = ROOT / "tests" / "support"
    making = [path for path in (support / "conformance").glob("*.py") if path.name not in _TELL]
    for path in sorted([*(ROOT / "plugin").rglob("*.py"), *making, support / "tiny_models.py"]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def main() -> None:
    """Put the results together. Where one is missing, say how many and write nothing."""
    found = [_kept(kind) for kind in every_kind()]
    there = [one for one in found if one is not None]
    if len(there) < len(found):
        sys.exit(f"{len(found) - len(there)} of {len(found)} models have no result: make test-models")
    refused = {name: line_of(name) for name in REFUSED}
    rest = [name for name in KNOWN_HERE if name not in {*ARCHITECTURES, *REFUSED}]
    rows = ",\n".join("  " + json.dumps(row) for row in there)
    about = {"transformers": transformers.__version__, "refused": refused, "not_tried": rest}
    head = json.dumps(about, indent=1)
    RESULTS.write_text(f'{head[:-2]},\n "models": [\n{rows}\n ]\n}}\n', encoding="utf-8")
    PAGE.write_text(page.of(stored()), encoding="utf-8")


if __name__ == "__main__":
    main()
