"""The demo: interrupted, taken up again, finished; then what it leaves behind.

``make test`` plays its first two rounds, ``make life`` all three.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from spanloop.recipes.demo import demo as module
from spanloop.recipes.demo.demo import LABELS, RARE, ROUNDS, DemoReport, demo, file_gold
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.project.init import init
from spanloop.store import Store

# rounds of a real encoder: a busy machine takes longer than the limit of the others
pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


class Interrupted(Exception):
    """Somebody pressed Ctrl-C, more or less."""


@pytest.fixture(scope="module")
def heard() -> list[str]:
    return []


@pytest.fixture(scope="module")
def played() -> Iterator[tuple[int, ...]]:
    """The documents answered by the end of each round; the third takes as long as the others together."""
    rounds = ROUNDS if os.environ.get("SPANLOOP_DEMO") == "whole" else ROUNDS[:2]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ROUNDS", rounds)
        yield rounds


@pytest.fixture(scope="module")
def finished(tmp_path_factory, heard, played) -> DemoReport:
    folder = tmp_path_factory.mktemp("demo") / "here"

    def stop_before_the_second_round(text: str) -> None:
        if text.startswith("Round 2"):
            raise Interrupted

    with pytest.raises(Interrupted):
        demo(folder, serve=False, say=stop_before_the_second_round)
    return demo(folder, serve=False, say=heard.append)


@pytest.mark.slow
def test_demo_goes_on_where_it_was_interrupted(finished, heard, played):
    assert "is there already" in heard[0]
    assert not any(line.startswith("Round 1") for line in heard)
    assert [row.number for row in finished.rounds] == list(range(1, len(played) + 1))


@pytest.mark.slow
def test_demo_scores_rise_and_have_intervals(finished, played):
    assert [row.documents for row in finished.rounds] == list(played)
    for row in finished.rounds:
        assert row.micro.f1_low < row.micro.f1 < row.micro.f1_high
        assert row.seconds > 0
    assert finished.rounds[-1].micro.f1 > finished.rounds[0].micro.f1 > 0.3
    assert finished.rounds[0].suggested is None
    assert finished.rounds[-1].suggested > 0.3


@pytest.mark.slow
def test_after_the_first_round_the_model_asks_and_chance_draws_a_tenth(finished, played):
    with Store.open(finished.path) as store:
        drawn = [
            store.annotations.history(row.document.id)[0].drawn
            for row in store.annotations.gold(split="pool")
        ]
    asked = played[-1] - played[0]
    assert drawn.count("strategy") + drawn.count("random") == played[-1]
    assert abs(drawn.count("strategy") - 0.9 * asked) <= 2


@pytest.mark.slow
def test_demo_trains_on_simulated_answers_and_never_on_the_eval_split(finished, played):
    gold = file_gold(module.CORPUS)
    with Store.open(finished.path) as store:
        eval_ids = {row.document.id for row in store.annotations.gold(split="eval")}
        assert len(eval_ids) == store.documents.count("eval") == finished.evaluated
        for row in store.annotations.gold():
            assert {a.origin for a in store.annotations.history(row.document.id)} == {"simulated"}
            assert [(s.start, s.end, s.label) for s in row.spans] == [
                (s.start, s.end, s.label) for s in gold[row.document.key]
            ]
        eval_ids = {row.annotation_id for row in store.annotations.gold(split="eval")}
        for number, documents in enumerate(played, start=1):
            trained = set(store.rounds.annotation_ids(number, "train"))
            assert len(trained) == documents
            assert not trained & eval_ids


@pytest.mark.slow
def test_demo_leaves_open_documents_with_suggestions(finished):
    with Store.open(finished.path) as store:
        assert finished.open == store.queue.counts("pool")["open"] > 20
        items = store.queue.next("me", n=5)
        assert [item.model.round for item in items] == [store.rounds.promoted().number] * 5


@pytest.mark.slow
def test_demo_finished_is_only_reported_again(finished):
    again = demo(finished.path.parent, serve=False)
    assert again.rounds == finished.rounds
    assert again.open == finished.open


@pytest.mark.slow
def test_demo_table_shows_every_round_with_its_interval(finished, heard):
    table = heard[-1]
    assert "simulated" in table
    assert RARE in table
    for row in finished.rounds:
        assert f"{row.micro.f1:.3f}  {row.micro.f1_low:.3f}-{row.micro.f1_high:.3f}" in table


def test_demo_refuses_another_project(tmp_path):
    init(tmp_path / "demo.db", labels=["PER", "LOC"])
    with pytest.raises(RecipeError, match="spanloop demo FOLDER"):
        demo(tmp_path, serve=False)


def test_file_gold_needs_ids(tmp_path):
    file = tmp_path / "gold.jsonl"
    file.write_text(
        '{"id": "a", "text": "Ann", "spans": []}\n{"text": "Bob", "spans": []}\n', encoding="utf-8"
    )
    with pytest.raises(RecipeError, match=r"gold\.jsonl:2"):
        file_gold(file)


def test_demo_labels_are_the_corpus_labels():
    assert {span.label for spans in file_gold(module.CORPUS).values() for span in spans} == set(LABELS)
