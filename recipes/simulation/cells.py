"""Cells: what one strategy came to with one seed and one budget, a JSON file each.

A cell says what decided it (`MadeBy`), and cells that something else decided are never mixed with it. So a
simulation that was killed goes on, and figures that lie in files stay what they were.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from spanloop.recipes.active_learning.cost import Cost
from spanloop.recipes.active_learning.parts import base_of
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.report import Count, Shape, Share, plain
from spanloop.store.files.atomic import write_whole

DECIDES = (
    "spanloop.plugin",
    "spanloop.recipes.active_learning",
    "spanloop.recipes.simulation",
    "spanloop.recipes.suggest",
    "spanloop.recipes.training",
    "spanloop.store.queue",
)
"""The rooms whose code decides what a cell comes to."""
APART = ("cells", "compared", "curves", "picture", "simulate")
"""Files of this room that read cells and change nothing in them."""
LIBRARIES = ("torch", "transformers", "tokenizers", "spacy", "numpy")


@dataclass(frozen=True, slots=True)
class MadeBy(Shape):
    """What decides a cell."""

    code: str
    """A hash of the code, comments and docstrings apart."""
    corpus: str
    """A hash of the documents, their gold, and the base model's name."""
    libraries: dict[str, str]
    """Versions."""
    settings: dict[str, Any]
    """Settings of the training that are not as they are by default."""
    earlier: tuple[float, ...]
    """The budgets before this one: each had a model that chose what came next."""


@dataclass(frozen=True, slots=True)
class Cell(Shape):
    """One strategy, one seed, one budget."""

    corpus: str
    """The name of the files."""
    strategy: str
    seed: int
    budget: float
    """As it was asked for: up to 1 a share of the pool's tokens, else tokens."""
    documents: Count
    """Documents that were answered."""
    spans: Count
    """Gold spans in them."""
    cost: Cost
    """What the answers took, from the first one on."""
    pool: Cost
    """Tokens of all documents of the pool; the rest is 0."""
    micro: Share
    """F1, or in a corpus of tags the accuracy."""
    macro: Share
    labels: dict[str, Share]
    """F1 by label; those without gold in the eval split are left out."""
    training_seconds: float
    """Of the machine: training and scoring; 0 where another strategy had trained on the same gold."""
    made_by: MadeBy

    @property
    def whole(self) -> bool:
        """Whether the whole pool was answered, each document as a whole."""
        return base_of(self.strategy)[1] == "documents" and self.cost.tokens >= self.pool.tokens


class Cells:
    """The cells of a folder; without one they are in memory alone."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._found: dict[str, Cell] = {}
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            for path in sorted(folder.glob("*.json")):
                self._found[path.stem] = read_cell(path)

    def __iter__(self) -> Iterator[Cell]:
        return iter(self._found.values())

    def get(self, corpus: str, strategy: str, seed: int, budget: float, made_by: MadeBy) -> Cell | None:
        """The cell, if it is there. RecipeError where something else has made it."""
        cell = self._found.get(_stem(corpus, strategy, seed, budget))
        if cell is not None and cell.made_by != made_by:
            raise RecipeError(
                f"{self._folder}/{_stem(corpus, strategy, seed, budget)}.json was made by other "
                f"{differing(cell.made_by, made_by)}, and such cells do not compare: give another --results "
                "folder, or delete the file"
            )
        return cell

    def add(self, cell: Cell) -> None:
        """Keep it; the file is whole or not there."""
        stem = _stem(cell.corpus, cell.strategy, cell.seed, cell.budget)
        self._found[stem] = cell
        if self._folder is not None:
            text = json.dumps(plain(cell), indent=1, ensure_ascii=False, sort_keys=True)
            write_whole(self._folder / f"{stem}.json", text + "\n")

    def whole(self, corpus: str, seed: int, made_by: MadeBy) -> Cell | None:
        """A cell of any strategy whose model learned from the whole pool: it is the same for all of them."""
        for cell in self:
            same = (cell.corpus, cell.seed) == (corpus, seed) and not differing(
                cell.made_by, made_by, ("earlier",)
            )
            if same and cell.whole:
                return cell
        return None


def differing(one: MadeBy, other: MadeBy, apart: Iterable[str] = ()) -> str:
    """What of both is not the same, in words; empty where everything is."""
    a, b = asdict(one), asdict(other)
    names = [name for name in a if a[name] != b[name] and name not in apart]
    return ", ".join("budgets before it" if name == "earlier" else name for name in names)


def read_cell(path: Path) -> Cell:
    """The cell of a file. RecipeError where it holds none."""
    try:
        found = json.loads(path.read_text("utf-8"))
        made_by = found.pop("made_by")
        made_by["earlier"] = tuple(made_by["earlier"])
        cost, pool = (Cost(**found.pop(name)) for name in ("cost", "pool"))
        return Cell(**found, cost=cost, pool=pool, made_by=MadeBy(**made_by))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecipeError(f"{path} holds no cell of a simulation ({error}): move it elsewhere") from error


def made_by(corpus: str, settings: Mapping[str, Any], earlier: Iterable[float]) -> MadeBy:
    """What decides a cell of this code and these libraries.

    Args:
        corpus: The hash of the documents.
        settings: Those that are not as they are by default.
        earlier: The budgets before.
    """
    libraries = {name: version(name) for name in LIBRARIES}
    return MadeBy(code_hash(), corpus, libraries, json.loads(json.dumps(dict(settings))), tuple(earlier))


@cache
def code_hash() -> str:
    """A hash of the code that decides, comments and docstrings apart."""
    digest = hashlib.sha256()
    for name in DECIDES:
        for folder in import_module(name).__path__:
            for path in sorted(Path(folder).rglob("*.py")):
                if name.endswith("simulation") and path.stem in APART:
                    continue
                digest.update(f"{name} {path.relative_to(folder).as_posix()}".encode())
                digest.update(_meaning(path).encode())
    return digest.hexdigest()[:16]


def _meaning(path: Path) -> str:
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [line for line in body if not _is_text(line)]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _is_text(line: ast.stmt) -> bool:
    """A docstring, or what is said below a field."""
    return (
        isinstance(line, ast.Expr)
        and isinstance(line.value, ast.Constant)
        and isinstance(line.value.value, str)
    )


def _stem(corpus: str, strategy: str, seed: int, budget: float) -> str:
    return f"{corpus}-{strategy}-{seed}-{budget:g}"
