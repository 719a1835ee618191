from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import spacy
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_models import build_tiny

from spanloop.plugin.choose import choose_balance, split_folds
from spanloop.plugin.gold import Gold
from spanloop.plugin.spans import CharSpan
from spanloop.plugin.train import TrainConfig

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


@pytest.mark.slow
def test_the_way_that_learns_is_chosen_and_the_pipe_comes_back(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    folder = build_tiny(tmp_path / "tiny", sharpness=1.0)
    pipe = nlp.add_pipe("hf_token_classifier", config={"model": str(folder)})
    before = {name: tensor.clone() for name, tensor in pipe.hf_model().state_dict().items()}
    told: list[float] = []
    config = TrainConfig(epochs=25, bf16=False, learning_rate=5e-3, batch_wordpieces=32)
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
