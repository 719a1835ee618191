"""benchmarks/actions.py: its hands bring stored suggestions back to the gold, whatever is wrong with them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.places import ROOT

from spanloop.recipes.active_learning.actions import actions

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TEXT = "Ann Lee of Acme Tool Works met Bob Ray in New York City ."
WORDS = TEXT.split()
# (first word, last word, label): what is suggested, what it should be
CASES: list[tuple[list[Any], list[Any]]] = [
    ([(0, 1, "PER")], [(0, 1, "PER")]),  # right as it is
    ([(3, 5, "PER")], [(4, 4, "ORG")]),  # one word inside a longer suggestion, of another label
    ([(3, 5, "PER")], [(4, 4, "PER")]),
    ([(2, 6, "LOC")], [(3, 5, "ORG")]),  # several words inside a longer one
    ([(3, 4, "ORG")], [(3, 5, "ORG")]),  # a word too short
    ([(9, 10, "LOC")], [(10, 12, "LOC")]),  # beside the mark
    ([(10, 11, "PER"), (12, 12, "PER")], [(10, 12, "LOC")]),  # in two pieces
    ([(6, 6, "ORG"), (7, 8, "PER")], [(7, 8, "PER")]),  # one that should not be there
    ([(6, 6, "ORG")], []),
    ([], [(0, 1, "PER"), (3, 5, "ORG"), (10, 12, "LOC")]),
    ([(0, 12, "PER")], [(0, 1, "PER"), (3, 5, "ORG"), (10, 10, "LOC")]),  # two in one
]


def characters(spans: list[Any]) -> list[tuple[int, int, str]]:
    starts = [len(" ".join(WORDS[:n])) + (n > 0) for n in range(len(WORDS))]
    return [(starts[first], starts[last] + len(WORDS[last]), label) for first, last, label in spans]


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    sys.modules.pop("hands", None)
    import hands

    return hands


@pytest.mark.parametrize("sheet", [1, 5])
def test_every_suggestion_is_brought_back_to_its_gold(
    chromium: Any, serve: Callable[..., Any], make_store: Callable[..., Path], hands: Any, sheet: int
) -> None:
    documents = [(TEXT, [(*span, 0.9) for span in characters(suggested)]) for suggested, _ in CASES]
    gold = {f"d{number}": characters(wanted) for number, (_, wanted) in enumerate(CASES)}
    path = make_store(documents, ["PER", "ORG", "LOC"])
    tasks, count = hands.correct_all(chromium, serve(path).link, gold, sheet)
    hands.judge(path, gold)
    assert len(tasks) == len(CASES)
    assert count.all < hands.prodigy_count(tasks, "LOC").all
    if sheet == 1:
        assert count.keys + count.clicks == computed(tasks, "PER")


def computed(tasks: list[Any], active: str) -> int:
    """What the cost model says of the same documents."""
    number = 0
    for task in tasks:
        found = actions(task.suggested, task.gold, active)
        number, active = number + found.number, found.active
    return number


def test_tags_take_one_press_a_word(
    chromium: Any, serve: Callable[..., Any], make_store: Callable[..., Path], hands: Any
) -> None:
    labels = [f"T{number}" for number in range(1, 13)]
    tags = [(n, n, labels[n % 12]) for n in range(len(WORDS))]
    wrong = [(n, n, "T1" if n in (3, 7, 11) else label) for n, _, label in tags]
    path = make_store([(TEXT, [(*span, 0.9) for span in characters(wrong)])], labels, task="tags")
    gold = {"d0": characters(tags)}
    tasks, count = hands.correct_all(chromium, serve(path).link, gold, 1)
    hands.judge(path, gold)
    assert (count.keys, count.clicks, count.wheel) == (4, 0, 0)  # three tags and the accept
    assert computed(tasks, "T1") == 4
