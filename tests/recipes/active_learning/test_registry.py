"""One list of strategies, with those of other packages, and one line for what is wrong with a name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from spanloop.recipes.active_learning import registry
from spanloop.recipes.errors import RecipeError

OTHERS = """\
from spanloop.recipes.active_learning.strategy import DocumentStrategy

class Longest(DocumentStrategy):
    "Long documents first."
    name = "longest"
    paper = "our own"
    def score(self, logprobs):
        return float(len(logprobs))

class Stranger:
    name = "stranger"
"""
POINTS = """\
[spanloop.strategies]
longest = others_of_a_test:Longest
mnlp = others_of_a_test:Longest
gone = others_of_a_test:Gone
absent = no_such_package_of_a_test:Gone
stranger = others_of_a_test:Stranger
Bad-Name = others_of_a_test:Longest
"""


@pytest.fixture
def others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another package that brings strategies, some of them broken."""
    (tmp_path / "others_of_a_test.py").write_text(OTHERS)
    about = tmp_path / "others_of_a_test-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: others-of-a-test\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(POINTS)
    monkeypatch.syspath_prepend(str(tmp_path))
    registry._others.cache_clear()
    yield
    sys.modules.pop("others_of_a_test", None)
    registry._others.cache_clear()


def test_every_strategy_says_what_it_is_and_where_it_comes_from() -> None:
    for name in registry.NAMES:
        found = registry.by_name(name)
        assert found.name == name
        assert (type(found).__doc__ or "").splitlines()[0].endswith("."), name
        assert found.paper, name


def test_another_package_brings_a_strategy_and_cannot_take_a_name_of_ours(others: None) -> None:
    assert registry.by_name("longest").name == "longest"
    assert type(registry.by_name("mnlp")).__name__ == "MNLP"
    rows = np.zeros((3, 2), dtype=np.float32)
    assert registry.document_scores(rows, "longest")["longest"] == 3
    assert "longest" not in registry.document_scores(rows, "mnlp")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("entropie", "there is no strategy 'entropie': did you mean entropy"),
        ("zzz", "there is no strategy 'zzz': choose one of random, least_confidence, mnlp"),
        ("", "there is no strategy '': choose one of random"),
        ("gone", "'gone' of others_of_a_test:Gone cannot be loaded"),
        ("absent", "cannot be loaded, No module named 'no_such_package_of_a_test': mend the package"),
        ("stranger", "is no DocumentStrategy and no PoolStrategy"),
        ("Bad-Name", "has a name that is not of small letters"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_line(others: None, name: str, told: str) -> None:
    with pytest.raises(RecipeError) as error:
        registry.check(["mnlp", name])
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_what_the_model_would_learn_is_found_where_a_strategy_asks_it_and_breaks_nothing_else(
    others: None,
) -> None:
    """A prediction that somebody waits for does not end because the queue stands by a broken package."""
    standing = (*registry.names(), "mnlp@sentences", "gone@sentences", "not_there", None)
    assert [name for name in standing if registry.wants_information(name)] == ["bald", "bald_spans"]


@pytest.mark.parametrize(
    ("standing", "rounds"),
    [("committee", 5), ("fluctuation", 5), ("mnlp", 0), (None, 0), ("of_a_package_that_is_gone", 0)],
)
def test_predictions_of_so_many_rounds_are_kept(standing: str | None, rounds: int) -> None:
    assert registry.rounds_looked_at(standing) == rounds
