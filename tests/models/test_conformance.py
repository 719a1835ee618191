"""Many tiny models of every make, each asked the same texts: `docs/models.md` says what holds for each.

A part of them here; all by ``make test-models`` (``SPANLOOP_MODELS=all``), which leaves one result a model.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
import transformers
from support.conformance import page
from support.conformance.answers import Elsewhere, elsewhere
from support.conformance.architectures import ARCHITECTURES, KNOWN_HERE
from support.conformance.asking import ask
from support.conformance.habits import HABITS
from support.conformance.making import TOKENIZERS, Kind, every_kind
from support.conformance.refused import REFUSED, line_of
from support.conformance.results import PAGE, chosen, keep, stored
from support.conformance.texts import TEXTS

KINDS = every_kind()


@pytest.fixture(scope="module")
def other() -> Iterator[Elsewhere]:
    """A process that has made none of the models."""
    with elsewhere() as process:
        yield process


# Said of every tokenizer without a mark on continuing pieces
@pytest.mark.filterwarnings("ignore:Tokenizer does not support real words")
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # DeBERTa is made with it
@pytest.mark.parametrize("kind", chosen(), ids=str)
def test_a_model_gives_what_the_pipeline_gives_and_always_the_same(
    tmp_path: Path, kind: Kind, other: Elsewhere
) -> None:
    if kind.architecture not in KNOWN_HERE:
        pytest.skip(f"transformers {transformers.__version__} has no token classifier {kind.architecture}")
    keep(ask(kind, tmp_path, other))


def test_any_two_of_architecture_tokenizer_and_naming_meet_in_a_model() -> None:
    made = {(kind.architecture, kind.tokenizer, kind.habit) for kind in KINDS}
    assert {(a, t) for a, t, _ in made} == set(product(ARCHITECTURES, TOKENIZERS))
    assert {(a, h) for a, _, h in made} == set(product(ARCHITECTURES, HABITS))
    assert {(t, h) for _, t, h in made} == set(product(TOKENIZERS, HABITS))


def test_there_are_as_many_of_each_as_was_promised() -> None:
    assert len(ARCHITECTURES) >= 30
    assert len(TOKENIZERS) >= 6
    assert len(HABITS) >= 8
    assert len(TEXTS) == 16
    assert len(KINDS) >= 60


def test_what_cannot_serve_is_refused_by_name() -> None:
    assert {name: line_of(name) for name in REFUSED} == stored()["refused"]


def test_the_page_tells_the_last_whole_run() -> None:
    found = stored()
    assert [row["model"] for row in found["models"]] == [str(kind) for kind in KINDS]
    assert all(row["spans"] and row["pieces"] and row["found"] for row in found["models"])
    assert PAGE.read_text("utf-8") == page.of(found)
