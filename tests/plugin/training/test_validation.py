from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import spacy
import torch
from hypothesis import given
from hypothesis import strategies as st

from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.tagging.gold import Gold
from spanloop.plugin.training.config import TrainConfig
from spanloop.plugin.training.train import TrainReport, train
from spanloop.plugin.training.validation import InnerSlice, hold_out

NLP = spacy.blank("en")
DOC = NLP.make_doc("Ann met Bob")


def golds(groups: list[str | None]) -> list[Gold]:
    return [Gold(DOC, (), group=group) for group in groups]


@given(st.lists(st.sampled_from([None, *"abcdefghij"]), max_size=120), st.integers(0, 3))
def test_a_group_is_learned_from_or_held_out_never_both(groups: list[str | None], seed: int) -> None:
    learned, held = hold_out(golds(groups), 0.2, seed)
    assert sorted(learned + held) == list(range(len(groups)))
    assert not {groups[k] for k in learned if groups[k]} & {groups[k] for k in held if groups[k]}
    assert len(held) <= 0.2 * len(groups)


def test_under_fifty_documents_nothing_is_held_out() -> None:
    assert hold_out(golds([None] * 49), 0.1, 0)[1] == []
    assert len(hold_out(golds([None] * 50), 0.1, 0)[1]) == 5
    assert len(hold_out(golds([None] * 5000), 0.1, 0)[1]) == 200


@given(st.integers(0, 120), st.integers(50, 120), st.integers(0, 3))
def test_the_slice_is_of_what_chance_chose_where_there_is_enough_of_it(
    at_random: int, documents: int, seed: int
) -> None:
    made = [Gold(DOC, (), at_random=place < at_random) for place in range(documents)]
    held = hold_out(made, 0.2, seed)[1]
    assert len(held) == int(0.2 * documents)  # never fewer than without
    if at_random >= 0.2 * documents:
        assert max(held) < at_random
    else:
        assert held == hold_out(golds([None] * documents), 0.2, seed)[1]


def test_what_was_looked_at_in_part_is_never_held_out() -> None:
    partly = [Gold(DOC, (), ranges=((0, 3),)) for _ in range(100)]
    assert hold_out(partly, 0.1, 0)[1] == []


def test_the_slice_depends_on_the_seed_alone() -> None:
    names = [f"g{k}" for k in range(100)]
    assert hold_out(golds(names), 0.1, 0) == hold_out(golds(names), 0.1, 0)
    assert hold_out(golds(names), 0.1, 0) != hold_out(golds(names), 0.1, 1)


def names(n_documents: int) -> tuple[spacy.Language, list[Gold]]:
    nlp = spacy.blank("en")
    made = []
    for k in range(n_documents):
        who, where = ("Angela", "Barack", "Neil")[k % 3], ("York", "Rome", "Zürich")[k % 2]
        text = f"{who} met {'no one' if k % 4 else 'Barack'} in {where}"
        spans = [CharSpan(0, len(who), "PER"), CharSpan(len(text) - len(where), len(text), "LOC")]
        made.append(Gold(nlp.make_doc(text), tuple(spans)))
    return nlp, made


def test_a_training_is_watched_and_calibrated_on_its_slice(tiny: Path, tmp_path: Path) -> None:
    nlp, made = names(240)
    pipe = nlp.add_pipe("hf_token_classifier", config={"model": str(tiny)})
    config = TrainConfig(epochs=3, learning_rate=5e-3, bf16=False, batch_wordpieces=256)
    report = train(pipe, made, config, folder=tmp_path)
    assert report.documents_held_out == 24
    assert len(report.held_out_f1) == 3
    assert report.calibration.error_after is not None
    assert (
        report.calibration.note == f"calibrated on {report.calibration.spans} spans of 24 held-out documents"
    )
    assert pipe.temperature == report.calibration.temperature != 1.0
    total = sum(len(doc.starts) for doc in pipe.encode([gold.doc for gold in made]))
    assert report.tokens_trained + report.tokens_masked + report.tokens_held_out == total
    assert report.tokens_left_out == 0


def test_a_pipe_with_a_label_map_is_not_trained_on_names_that_its_head_has_not(
    tiny: Path, tmp_path: Path
) -> None:
    nlp, made = names(4)
    renamed = {"model": str(tiny), "label_map": {"PER": "PERSON"}}
    pipe = nlp.add_pipe("hf_token_classifier", config=renamed)
    with pytest.raises(ValueError, match=r"set_labels\(pipe.labels\) first"):
        train(pipe, made, TrainConfig(epochs=1, bf16=False), folder=tmp_path)


def test_thresholds_are_chosen_on_the_slice_and_saved_with_the_pipe(tiny: Path, tmp_path: Path) -> None:
    nlp, made = names(240)
    pipe = nlp.add_pipe("hf_token_classifier", config={"model": str(tiny)})
    pipe.threshold = 0.9  # of before: what is trained anew has confidences of its own
    config = TrainConfig(epochs=2, learning_rate=5e-3, bf16=False, batch_wordpieces=256, thresholds=0.8)
    report = train(pipe, made, config, folder=tmp_path / "train")
    picked = report.thresholds
    assert picked is not None
    assert picked.before is not None
    assert picked.after is not None
    assert pipe.threshold == picked.thresholds
    assert picked.after.precision >= picked.before.precision
    assert picked.after.precision >= 0.8 or "cannot be reached" in picked.note
    nlp.to_disk(tmp_path / "saved")
    loaded = spacy.load(tmp_path / "saved").get_pipe("hf_token_classifier")
    assert loaded.threshold == picked.thresholds
    again = train(pipe, made[:49], TrainConfig(epochs=1, bf16=False, thresholds="f1"), folder=tmp_path / "2")
    assert again.thresholds is not None
    assert (again.thresholds.thresholds, pipe.threshold) == ({}, {})
    assert again.thresholds.note == "no thresholds: under 50 documents, or nothing held out"


def test_a_refit_has_the_weights_of_all_the_gold_and_the_confidences_of_the_slice(
    tiny: Path, tmp_path: Path
) -> None:
    def run(**settings: Any) -> tuple[TrainReport, torch.Tensor, Any]:
        nlp, made = names(120)
        pipe = nlp.add_pipe("hf_token_classifier", config={"model": str(tiny)})
        config = TrainConfig(epochs=2, learning_rate=5e-3, bf16=False, batch_wordpieces=256, **settings)
        report = train(pipe, made, config, folder=tmp_path)
        weights = torch.cat([parameter.flatten() for parameter in pipe.hf_model().parameters()])
        return report, weights.detach(), pipe

    judged, _, sure = run(thresholds=0.8)
    whole, weights, _ = run(held_out=0.0)
    refit, own, pipe = run(thresholds=0.8, refit=True)
    assert torch.equal(own, weights)
    assert (refit.losses, refit.tokens_trained) == (whole.losses, whole.tokens_trained)
    assert (refit.documents_held_out, refit.tokens_held_out, refit.refit) == (12, 0, True)
    assert (refit.calibration, refit.thresholds, refit.held_out_f1) == (
        judged.calibration,
        judged.thresholds,
        judged.held_out_f1,
    )
    assert (pipe.temperature, pipe.threshold) == (sure.temperature, sure.threshold)


def test_a_small_round_says_that_it_was_not_calibrated(tiny: Path, tmp_path: Path) -> None:
    nlp, made = names(49)
    pipe = nlp.add_pipe("hf_token_classifier", config={"model": str(tiny)})
    pipe.temperature = 2.0
    report = train(pipe, made, TrainConfig(epochs=1, bf16=False, refit=True), folder=tmp_path)
    assert not report.refit  # all of it was learned from at once
    assert report.calibration.note == "not calibrated: under 50 documents, or nothing held out"
    assert pipe.temperature == 1.0
    assert report.held_out_f1 == []


def test_watching_does_not_change_what_is_learned(tiny: Path, tmp_path: Path) -> None:
    def run(patience: int | None) -> torch.Tensor:
        nlp, made = names(60)
        pipe = nlp.add_pipe("hf_token_classifier", config={"model": str(tiny)})
        train(pipe, made, TrainConfig(epochs=3, bf16=False, patience=patience), folder=tmp_path)
        return torch.cat([parameter.flatten() for parameter in pipe.hf_model().parameters()]).detach()

    class Blind(InnerSlice):
        def __call__(self) -> bool:
            self.f1.append(0.0)
            return False

    watched = run(None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("spanloop.plugin.training.validation.InnerSlice", Blind)
        assert torch.equal(watched, run(None))


def test_patience_ends_a_training_and_takes_the_best_epoch(tiny: Path, tmp_path: Path) -> None:
    nlp, made = names(60)
    pipe = nlp.add_pipe("hf_token_classifier", config={"model": str(tiny)})
    config = TrainConfig(epochs=30, learning_rate=5e-3, bf16=False, patience=2, batch_wordpieces=256)
    report = train(pipe, made, config, folder=tmp_path)
    assert len(report.held_out_f1) < 30
    best = max(report.held_out_f1)
    assert report.held_out_f1[-3:].index(max(report.held_out_f1[-3:])) == 0
    _, held = hold_out(made, config.held_out, config.seed)
    again = InnerSlice(pipe, [made[place] for place in held], tmp_path)
    again()
    assert again.f1 == [pytest.approx(best)]
