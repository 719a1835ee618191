"""What answering costs: actions by the page's rules, a pace learned from times, both of a whole project."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import least_squares
from support.commands import done
from support.store_making import add_model, make_store, say

from spanloop.recipes.active_learning.actions import Place, actions, expected_actions, in_tokens
from spanloop.recipes.active_learning.cost import DEFAULT, ENOUGH, Cost, Pace, Timed, learn_pace
from spanloop.recipes.active_learning.outlook import outlook
from spanloop.store.records import Span

LABELS = ("PER", "LOC", "ORG")


@st.composite
def apart(draw: st.DrawFn) -> list[Place]:
    """Spans of tokens that do not overlap."""
    edges = sorted(draw(st.sets(st.integers(0, 12), max_size=8)))
    pairs = zip(edges[::2], edges[1::2], strict=False)
    return [(first, last, draw(st.sampled_from(LABELS))) for first, last in pairs]


@given(apart(), apart(), st.sampled_from(["", *LABELS]))
def test_actions_lie_between_one_and_one_a_difference_more(
    said: list[Place], true: list[Place], active: str
) -> None:
    needed = actions(said, true, active)
    differences = len(set(said) ^ set(true))
    assert 1 <= needed.number <= 1 + differences
    assert (needed.number == 1) == (not differences or not true)
    assert needed.number >= 1 + len(set(true) - set(said))
    assert actions(true, true, active) == actions([], [], active)


@pytest.mark.parametrize(
    ("said", "true", "active", "number", "left"),
    [
        ([(0, 1, "PER")], [], "PER", 1, "PER"),  # no entities here
        ([(0, 1, "PER"), (4, 4, "LOC")], [(0, 1, "PER")], "PER", 2, "PER"),  # one deleted
        ([(0, 1, "PER")], [(0, 1, "LOC")], "PER", 2, "LOC"),  # relabelled
        ([(3, 4, "ORG")], [(3, 5, "ORG")], "PER", 2, "PER"),  # an edge moved: no label is touched
        ([(3, 5, "PER")], [(4, 4, "ORG")], "PER", 3, "ORG"),  # deleted first, then made
        ([(3, 5, "PER")], [(4, 4, "ORG")], "ORG", 2, "ORG"),  # dragged over it
        ([(0, 9, "PER")], [(0, 1, "PER"), (3, 5, "ORG")], "PER", 3, "ORG"),  # two in one
        ([], [(0, 1, "PER"), (3, 5, "ORG"), (7, 7, "LOC")], "", 4, "LOC"),
    ],
)
def test_actions_counted_by_hand(
    said: list[Place], true: list[Place], active: str, number: int, left: str
) -> None:
    found = actions(said, true, active)
    assert (found.number, found.active) == (number, left)


def test_spans_of_characters_as_tokens() -> None:
    tokens = [(0, 3), (4, 7), (7, 8)]
    spans = [(0, 3, "A"), (4, 8, "B"), (5, 6, "C"), (3, 4, "D"), (2, 5, "E")]
    assert in_tokens(spans, tokens) == [(0, 0, "A"), (1, 2, "B"), (1, 1, "C"), (0, 1, "E")]
    assert expected_actions([0.9, None, 0.4], missing=0.5) == pytest.approx(1 + 0.5 + 0.1 + 0.6)


def test_a_pace_is_that_of_a_robust_regression_and_pauses_do_not_move_it() -> None:
    luck = random.Random(4)
    true = Pace(2.0, 0.3, 4.0)
    answers = []
    for number in range(200):
        tokens, presses = luck.randint(1, 60), luck.randint(1, 6)
        seconds = true.cost(tokens, presses).seconds + luck.gauss(0, 1)
        answers.append(Timed(tokens, presses, max(seconds, 0.0) + (900 if number % 20 == 0 else 0)))
    found = learn_pace(answers)
    assert found.learned_from == 200
    x = np.array([[1.0, a.tokens, a.actions] for a in answers])
    y = np.array([a.seconds for a in answers])
    fitted = least_squares(
        lambda beta: x @ beta - y, [1.0, 1.0, 1.0], bounds=(0, np.inf), loss="huber", f_scale=1.345
    ).x
    assert [found.base, found.per_token, found.per_action] == pytest.approx(list(fitted), abs=0.3)
    assert found.per_token == pytest.approx(0.3, abs=0.03)
    plain = np.linalg.lstsq(x, y, rcond=None)[0]
    assert abs(plain[0] - 2.0) > 5  # what a plain regression makes of the pauses


@given(
    st.lists(
        st.builds(Timed, st.integers(0, 10**5), st.integers(1, 500), st.floats(0, 10**6)),
        max_size=60,
    )
)
def test_a_pace_is_never_negative_and_always_a_number(answers: list[Timed]) -> None:
    found = learn_pace(answers)
    assert (found == DEFAULT) == (len(answers) < ENOUGH)
    assert all(np.isfinite(v) and v >= 0 for v in (found.base, found.per_token, found.per_action))


def test_a_project_speaks_of_tokens_actions_and_seconds(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=60) as store:
        path = store.path
        assert outlook(store).pace == DEFAULT
        assert outlook(store).open.tokens == pytest.approx(60 * 21 / 5, rel=0.05)  # by characters
        store.set_project(tokenizer="t")
        store.tokenizations.put(
            "t", [(d, [(0, 3), (4, 7), (8, 11), (12, 14), (15, 19)]) for d in range(1, 61)]
        )
        model = add_model(store)
        store.predictions.add(model, [(d, [Span(0, 3, "PER", 0.75)], {}) for d in range(1, 61)])
        before = outlook(store)
        assert before.open == DEFAULT.cost(60 * 5, 60 * 1.25, 60)
        for number in range(1, 41):
            said = store.predictions.get(number)
            assert said is not None
            spans = "0-3:PER 15-19:LOC" if number % 2 else "0-3:PER"  # every second one lacks a place
            seconds = 2.0 + 5 * 0.2 + (2 if number % 2 else 1) * 3.0
            store.annotations.add(say(number, spans=spans, prediction_id=said.id, seconds=seconds))
        store.annotations.add(say(1, prediction_id=None, seconds=5_000))  # changed later: not a first reading
        after = outlook(store)
    assert (after.answers, after.open_documents, after.pace.learned_from) == (40, 20, 40)
    assert after.pace.per_action == pytest.approx(3.0, abs=0.01)
    assert after.answer.seconds == pytest.approx(7.5, abs=0.01)
    assert (after.answer.tokens, after.answer.actions) == (5, 1.5)
    assert after.open.tokens == 100
    assert after.open.actions == pytest.approx(30)
    assert after.open.seconds == pytest.approx(150, abs=0.5)
    told = done("status", path)
    assert "an answer costs 5.0 tokens, 1.5 actions and 7.5 seconds (mean of the last 40 answers" in told
    assert "open in the pool: about 100 tokens, 30 actions, 2 minutes" in told
    assert "learned from 40 answers" in told


def test_costs_add_up() -> None:
    assert Cost(3, 1, 2.0) + Cost(1, 1, 0.5) * 2 == Cost(5, 3, 3.0)
    assert Cost(1_200, 85, 540).text() == "1,200 tokens, 85 actions, 9 minutes"
