"""The choice of a balance: its folds, its figures against some made by hand, what it leaves behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import spacy
import torch
from hypothesis import given
from hypothesis import strategies as st

from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.metrics.score import score_spans, score_tags
from spanloop.plugin.tagging.gold import Gold
from spanloop.plugin.training.choose_balance import choose_balance, split_folds, trials_share
from spanloop.plugin.training.config import TrainConfig
from spanloop.plugin.training.train import train

NLP = spacy.blank("en")


def golds(count: int) -> list[Gold]:
    made = []
    for k in range(count):
        who = ("Angela", "Neil")[k % 2]
        made.append(Gold(NLP.make_doc(f"{who} met no one in Rome"), (CharSpan(0, len(who), "PER"),)))
    return made


@given(st.lists(st.sampled_from("abcdefg"), min_size=7, max_size=60), st.integers(2, 4))
def test_folds_cut_no_group_and_lose_nothing(groups: list[str], folds: int) -> None:
    made = [Gold(NLP.make_doc("x"), (), group=group) for group in [*"abcdefg", *groups]]
    parts = split_folds(made, folds, seed=0)
    assert sorted(place for part in parts for place in part) == list(range(len(made)))
    of_parts = [{made[place].group for place in part} for part in parts]
    assert sum(map(len, of_parts)) == len(set().union(*of_parts))


def test_too_few_groups_for_the_folds_is_said() -> None:
    with pytest.raises(ValueError, match="3 folds need as many groups of documents, there are 2"):
        split_folds(golds(2), 3, seed=0)


def test_gold_seen_in_part_only_is_no_judge() -> None:
    in_part = [replace(gold, ranges=((0, 3),)) for gold in golds(4)]
    with pytest.raises(ValueError, match="every document was looked at in part only"):
        split_folds(in_part, 2, seed=0)


@pytest.mark.parametrize("count", [50, 300, 1000])
@pytest.mark.parametrize("epochs", [None, 4])
def test_a_choice_costs_what_the_help_says(count: int, epochs: int | None) -> None:
    share = trials_share(golds(count), TrainConfig(epochs=epochs))
    assert 11 < 1 / (1 - share) < 17


def test_text_without_labels_costs_the_training_that_follows_and_no_trial() -> None:
    made, config = golds(300), TrainConfig(epochs=4, unlabelled=900)
    plain = trials_share(made, replace(config, unlabelled=0))
    # a first training on the gold, and a second one on four times as much
    share = trials_share(made, config, unlabelled=900)
    assert (1 - share) / share == pytest.approx(5 * (1 - plain) / plain)
    assert trials_share(made, config, unlabelled=0) == plain  # no document is open
    refit = trials_share(made, replace(config, refit=True), unlabelled=900)
    assert refit == share


def test_trials_learn_from_gold_alone(tiny: Path, tmp_path: Path) -> None:
    """Also where gold was looked at in part, whose rest the training that follows learns from."""
    made = [*golds(8), *(replace(gold, ranges=((0, gold.spans[0].end),)) for gold in golds(12))]
    config = TrainConfig(epochs=3, learning_rate=2e-3, batch_wordpieces=64, bf16=False)
    ways = {"as it is": {}, "plain": {"class_weights": "none"}}
    found = [
        choose_balance(
            pipe_of(tiny), made, one, folds=2, folder=tmp_path / str(one.unlabelled), balances=ways
        )
        for one in (config, replace(config, unlabelled=3))
    ]
    assert (found[0].micro, found[0].macro) == (found[1].micro, found[1].macro)
    assert [one.config.unlabelled for one in found] == [0, 3]


def test_one_document_that_was_looked_at_whole_is_enough_to_judge_by(encoder: Path, tmp_path: Path) -> None:
    made = [*golds(1), *(replace(gold, ranges=((0, gold.spans[0].end),)) for gold in golds(5))]
    choice = choose_balance(
        pipe_of(encoder),
        made,
        TrainConfig(epochs=1, bf16=False),
        folder=tmp_path / "loop",
        balances={"as it is": {}},
    )
    assert set(choice.micro) == {"as it is"}


def pipe_of(model: Path, **settings: Any) -> Any:
    nlp = spacy.blank("en")
    pipe: Any = nlp.add_pipe("hf_token_classifier", config={"model": str(model), **settings})
    pipe.set_labels(["PER", "LOC"], seed=0)
    return pipe


@pytest.mark.parametrize("task", ["spans", "tags"])
def test_the_figures_are_those_of_models_that_never_saw_what_they_are_judged_by(
    encoder: Path, tmp_path: Path, task: str
) -> None:
    settings = {"annotate": "tag", "scheme": "plain"} if task == "tags" else {}
    made = [*golds(7), replace(golds(1)[0], ranges=((0, 3),))]  # the last is learned from and judges nothing
    config = TrainConfig(epochs=15, bf16=False, learning_rate=5e-3, held_out=0, batch_wordpieces=32)
    choice = choose_balance(
        pipe_of(encoder, **settings),
        made,
        config,
        folder=tmp_path / "loop",
        folds=2,
        balances={"as it is": {}},
    )
    truth, found, tokens = [], [], []
    for part in split_folds(made, 2, seed=0):
        pipe = pipe_of(encoder, **settings)
        train(pipe, [gold for k, gold in enumerate(made) if k not in part], config, folder=tmp_path / "hand")
        for place in part:
            if made[place].ranges is None:
                truth.append(made[place].spans)
                found.append(pipe.decode(pipe.predict([made[place].doc])[0]))
                tokens.append([(token.idx, token.idx + len(token)) for token in made[place].doc])
    report = (
        score_tags(truth, found, pipe.labels)
        if task == "tags"
        else score_spans(truth, found, tokens, pipe.labels)
    )
    assert choice.micro == {"as it is": pytest.approx(report.micro.f1)}
    assert choice.macro == {"as it is": pytest.approx(report.macro.f1)}
    assert report.documents == 7
    assert report.micro.f1 > 0.5


def test_trials_stop_early_where_the_training_would(encoder: Path, tmp_path: Path) -> None:
    steps = {}
    for patience in (None, 1):
        told: list[float] = []
        config = TrainConfig(epochs=6, bf16=False, learning_rate=1e-12, patience=patience)
        choose_balance(
            pipe_of(encoder),
            golds(104),
            config,
            folder=tmp_path / f"loop-{patience}",
            folds=2,
            balances={"as it is": {}},
            progress=lambda share, _text, told=told: told.append(share),  # type: ignore[misc]
        )
        steps[patience] = len(told)
    assert steps[1] < steps[None] / 2


@pytest.mark.slow
def test_the_way_that_learns_is_chosen_and_the_pipe_comes_back(tiny: Path, tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("hf_token_classifier", config={"model": str(tiny)})
    before = {name: tensor.clone() for name, tensor in pipe.hf_model().state_dict().items()}
    told: list[float] = []
    config = TrainConfig(epochs=15, bf16=False, learning_rate=5e-3, batch_wordpieces=32)
    choice = choose_balance(
        pipe,
        golds(18),
        config,
        folder=tmp_path / "loop",
        balances={
            "all is O": {"class_weights": {"PER": 0.0}},
            "none": {"class_weights": "none"},
        },
        progress=lambda share, _text: told.append(share),
    )
    assert choice.name == "none"
    assert choice.config == replace(config, class_weights="none")
    assert choice.macro["none"] > 0.9 > choice.macro["all is O"]
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert all(torch.equal(before[name], tensor) for name, tensor in pipe.hf_model().state_dict().items())


def test_what_was_found_is_kept_but_for_a_line_that_was_cut_short(encoder: Path, tmp_path: Path) -> None:
    """A kill or a full disk in the middle of the file: that trial is tried again, and no other."""

    def choose() -> tuple[list[str], dict[str, float]]:
        tried: list[str] = []
        choice = choose_balance(
            pipe_of(encoder),
            golds(6),
            TrainConfig(epochs=1, bf16=False),
            folder=tmp_path / "loop",
            folds=2,
            balances={"one": {}, "other": {"class_weights": "sqrt"}},
            progress=lambda _share, what: tried.append(what),
        )
        return list(dict.fromkeys(tried)), choice.micro

    tried, micro = choose()
    assert len(tried) == 4
    assert choose() == ([], micro)
    (kept,) = (tmp_path / "loop").iterdir()
    kept.write_bytes(kept.read_bytes()[:-20])
    assert choose() == (["try other, fold 2 of 2"], micro)
    lines = kept.read_text(encoding="utf-8").split("\n")
    kept.write_text("\n".join([lines[1][:40], *lines[2:]]), encoding="utf-8")
    assert choose() == (["try one, fold 1 of 2"], micro)
    assert choose() == ([], micro)
