"""Text without labels, learned from as a first training sees it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc
from support.checkpointed import CONFIG, Killed, run
from torch.nn.functional import cross_entropy

from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.pipe.component import HFTokenClassifierPipe
from spanloop.plugin.tagging.gold import UNKNOWN, Gold
from spanloop.plugin.training.config import TrainConfig
from spanloop.plugin.training.loss import TokenLoss
from spanloop.plugin.training.one_course import fit_course
from spanloop.plugin.training.train import TrainReport, train
from spanloop.plugin.training.training_set import course_of
from spanloop.plugin.training.unlabelled import Unlabelled, as_seen_now

NAMES = ("Angela", "Barack", "Neil")
TEXTS = ["Neil met Angela in Zürich", "", "Nobody saw Barack", "10km of Rome, O'Neil said. " * 30, "York"]
SETTINGS: dict[str, Any] = {
    "epochs": 6, "learning_rate": 5e-3, "bf16": False, "batch_wordpieces": 128, "freeze": "none",
}  # fmt: skip


def golds(nlp: spacy.Language, n: int) -> list[Gold]:
    texts = [f"{NAMES[k % 3]} met {'Barack' if k % 4 else 'no one'} in York, {k} times" for k in range(n)]
    return [Gold(nlp.make_doc(text), (CharSpan(0, text.index(" "), "PER"),)) for text in texts]


def trained(
    tiny: Path, folder: Path, texts: list[str], *, n: int = 60, **given: Any
) -> tuple[HFTokenClassifierPipe, TrainReport, list[Doc]]:
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("hf_token_classifier", config={"model": str(tiny)})
    assert isinstance(pipe, HFTokenClassifierPipe)
    docs = [nlp.make_doc(text) for text in texts]
    config = TrainConfig(**{**SETTINGS, **given})
    texts_of_it = docs if config.unlabelled else []
    return pipe, train(pipe, golds(nlp, n), config, unlabelled=texts_of_it, folder=folder), docs


def weights(pipe: HFTokenClassifierPipe) -> torch.Tensor:
    return torch.cat([parameter.flatten() for parameter in pipe.hf_model().parameters()]).detach()


@settings(deadline=None)
@given(st.integers(0, 2**20), st.sampled_from([0.0, 2.0]), st.booleans())
def test_the_loss_is_the_cross_entropy_to_what_was_said(seed: int, gamma: float, some_open: bool) -> None:
    """Beside gold it is the sum of both over all wordpieces that are known or told of."""
    torch.manual_seed(seed)
    choices = [(0, 2)] if some_open else []
    first = 3 + len(choices)
    said = torch.rand(5, 3).softmax(-1)
    labels = torch.randint(0, first + 5, (2, 6))
    labels[:, 0] = UNKNOWN
    logits = torch.randn(2, 6, 3)
    loss = TokenLoss([0.2, 1.0, 3.0], gamma, choices, said.numpy())
    outputs = SimpleNamespace(logits=logits)
    told = labels >= first
    of_gold = TokenLoss([0.2, 1.0, 3.0], gamma, choices)(outputs, labels.masked_fill(told, UNKNOWN), 1)
    of_text = sum(
        -(said[label - first] * row.log_softmax(-1)).sum()
        for label, row in zip(labels[told], logits[told], strict=True)
    )
    known = (labels != UNKNOWN).sum()
    assert loss(outputs, labels).item() == pytest.approx(float(of_gold + of_text) / int(known), rel=1e-4)


def test_what_is_certain_is_learned_as_gold_of_weight_one() -> None:
    logits, tags = torch.randn(1, 4, 3, requires_grad=True), torch.tensor([[0, 2, 1, 1]])
    loss = TokenLoss([0.2, 1.0, 3.0], soft=np.eye(3, dtype=np.float32)[tags[0].numpy()])
    found = loss(SimpleNamespace(logits=logits), torch.tensor([[3, 4, UNKNOWN, 6]]))
    assert found.item() == pytest.approx(cross_entropy(logits[0, [0, 1, 3]], tags[0, [0, 1, 3]]).item())
    found.backward()
    assert logits.grad is not None
    assert logits.grad[0, 2].abs().max() == 0


@pytest.mark.parametrize("strategy", ["first", "all"])
def test_each_token_is_told_of_once_by_its_own_row(tiny: Path, strategy: Any) -> None:
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("hf_token_classifier", config={"model": str(tiny)})
    docs = [nlp.make_doc(text) for text in [*TEXTS, *TEXTS[:3] * 90]]
    told: list[int] = []
    seen = as_seen_now(pipe, docs, progress=lambda: told.append(1))
    assert len(told) > 1, "whoever cancels it is heard in between"
    scores = pipe.predict(docs)
    assert len(seen.encoded[3].windows) > 1
    expected = np.exp(np.concatenate([one.logprobs for one in scores]))
    np.testing.assert_allclose(seen.targets, expected, rtol=1e-4)
    windows = seen.windows(100, strategy)
    numbers = np.concatenate([window.labels[window.labels != UNKNOWN] for window in windows])
    assert set(numbers.tolist()) == set(range(100, 100 + len(seen.targets)))
    if strategy == "first":
        assert len(numbers) == len(seen.targets)


def york_is_a_place(pipe: HFTokenClassifierPipe, docs: list[Doc]) -> np.ndarray:
    """What is said of each token: that York is a place, four times in five, and nothing else is anything."""
    targets = np.zeros((sum(map(len, docs)), len(pipe.tags)), np.float32)
    outside, place = pipe.tags.index("O"), pipe.tags.index("B-LOC")
    targets[:, outside] = 1.0
    york = [token.text == "York" for doc in docs for token in doc]
    targets[york, outside], targets[york, place] = 0.2, 0.8
    return targets


def says_of_york_alone(pipe: HFTokenClassifierPipe, nlp: spacy.Language) -> None:
    """Raise AssertionError where the pipe says otherwise, or is surer or less sure."""
    (scores,) = pipe.predict([nlp.make_doc("Barack saw York again and with Neil")])
    said = np.exp(scores.logprobs[:, pipe.tags.index("B-LOC")])
    assert said[2] == pytest.approx(0.8, abs=0.1)
    assert np.delete(said, 2).max() < 0.1


def test_what_was_said_of_a_token_is_learned_for_that_token_and_as_surely(tiny: Path, tmp_path: Path) -> None:
    """The gold knows no place; of the text it is said that York is one, four times in five."""
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("hf_token_classifier", config={"model": str(tiny)})
    assert isinstance(pipe, HFTokenClassifierPipe)
    docs = [nlp.make_doc(f"Barack saw York {'again and ' * k}with Neil") for k in range(40)]
    targets = york_is_a_place(pipe, docs)
    config = TrainConfig(**{**SETTINGS, "epochs": 12, "class_weights": "none"})
    course = course_of(pipe, golds(nlp, 20), config)
    with_text = replace(course, unlabelled=Unlabelled(pipe.encode(docs), targets))
    fit_course(pipe, with_text, config, None, None, tmp_path)
    says_of_york_alone(pipe, nlp)


def test_of_gold_that_was_looked_at_in_part_the_rest_is_learned_and_the_part_stays_gold(
    tiny: Path, tmp_path: Path
) -> None:
    """Also where its documents are repeated. Of what was looked at, whatever else is said of it counts
    nothing."""
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("hf_token_classifier", config={"model": str(tiny)})
    assert isinstance(pipe, HFTokenClassifierPipe)
    texts = [f"Barack saw York {'again and ' * k}with Neil" for k in range(30)]
    seen = [Gold(nlp.make_doc(text), (CharSpan(0, 6, "PER"),), ranges=((0, 10),)) for text in texts]
    made = [*golds(nlp, 10), *seen]
    config = TrainConfig(**{**SETTINGS, "epochs": 12, "class_weights": "none"})
    course = course_of(pipe, made, config)
    course = replace(course, taught=[*course.taught, *course.taught[10:]])
    targets = york_is_a_place(pipe, [gold.doc for gold in seen])
    gold_says = [token.text in ("Barack", "saw") for gold in seen for token in gold.doc]
    targets[gold_says] = np.eye(len(pipe.tags))[pipe.tags.index("B-LOC")]
    beside = replace(course, unlabelled=Unlabelled([], targets, tuple(range(10, 40))))
    figures = beside.figures()
    assert (figures["documents_unlabelled"], figures["documents_completed"]) == (0, 30)
    assert figures["tokens_unlabelled"] == figures["tokens_masked"] == len(targets) - 2 * 30
    assert beside.label_counts(pipe) == course.label_counts(pipe)
    fit_course(pipe, beside, config, None, None, tmp_path)
    says_of_york_alone(pipe, nlp)


def test_gold_in_part_is_completed_by_the_first_training_where_text_without_labels_is_learned_from(
    tiny: Path, tmp_path: Path
) -> None:
    nlp = spacy.blank("en")
    found = []
    for number, ranges in ((0, ((0, 10),)), (1, None), (1, ((0, 10),))):
        pipe = nlp.create_pipe("hf_token_classifier", config={"model": str(tiny)})
        made = [replace(gold, ranges=ranges) for gold in golds(nlp, 20)]
        config = TrainConfig(**{**SETTINGS, "epochs": 1, "unlabelled": number})
        found.append(train(pipe, made, config, folder=tmp_path / f"{number}{ranges}"))
    assert [(one.documents_completed, one.tokens_unlabelled) for one in found[:2]] == [(0, 0)] * 2
    assert (found[2].documents_completed, found[2].tokens_unlabelled) == (20, found[2].tokens_masked)
    assert found[2].tokens_masked == found[0].tokens_masked > 20 * 3
    assert found[2].losses != found[0].losses


def test_the_second_training_begins_where_the_first_one_did(tiny: Path, tmp_path: Path) -> None:
    """And learns what a training on the gold alone sees: its weights are those of a new pipe that is taught
    the same."""
    teacher, _, docs = trained(tiny, tmp_path / "plain", TEXTS, n=20, epochs=2)
    twice, _, _ = trained(tiny, tmp_path / "twice", TEXTS, n=20, epochs=2, unlabelled=len(TEXTS))
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("hf_token_classifier", config={"model": str(tiny)})
    assert isinstance(pipe, HFTokenClassifierPipe)
    config = TrainConfig(**{**SETTINGS, "epochs": 2, "unlabelled": len(TEXTS)})
    course = replace(course_of(pipe, golds(nlp, 20), config), unlabelled=as_seen_now(teacher, docs))
    fit_course(pipe, course, config, None, None, tmp_path / "by hand")
    assert torch.equal(weights(twice), weights(pipe))
    assert not torch.equal(weights(teacher), weights(pipe))


def test_a_training_on_what_another_one_saw_goes_on_from_no_checkpoint(tiny: Path, tmp_path: Path) -> None:
    """The same text and gold, and something else said of it."""
    nlp = spacy.blank("en")
    config = TrainConfig(**{**SETTINGS, "epochs": 2, "checkpoint_seconds": 0, "unlabelled": 1})
    first: list[float] = []
    for place in (0, 0, 1):
        pipe = nlp.create_pipe("hf_token_classifier", config={"model": str(tiny)})
        doc = nlp.make_doc("York " * 40)
        said = Unlabelled(pipe.encode([doc]), np.eye(len(pipe.tags), dtype=np.float32)[[place] * len(doc)])
        told: list[float] = []
        course = replace(course_of(pipe, golds(nlp, 20), config), unlabelled=said)
        fit_course(pipe, course, config, None, lambda share, _, told=told: told.append(share), tmp_path)
        first.append(told[0] if told else 1.0)
    assert first[0] == first[2] < 0.5 < first[1]


def test_everything_is_counted_and_the_second_training_is_judged(tiny: Path, tmp_path: Path) -> None:
    plain, before, docs = trained(tiny, tmp_path / "plain", TEXTS, n=240)
    second, report, _ = trained(tiny, tmp_path / "second", TEXTS, n=240, unlabelled=len(TEXTS))
    assert report.documents_unlabelled == len(TEXTS)
    assert report.tokens_unlabelled == sum(len(scores.starts) for scores in plain.predict(docs))
    same = ("documents", "documents_held_out", "tokens_trained", "tokens_masked", "tokens_held_out",
            "tokens_added", "gold_spans", "class_weights")  # fmt: skip
    assert [getattr(report, name) for name in same] == [getattr(before, name) for name in same]
    assert len(report.held_out_f1) == report.epochs
    assert report.calibration.error_after is not None
    assert second.temperature == report.calibration.temperature


def test_only_as_many_as_asked_for_are_looked_at(tiny: Path, tmp_path: Path) -> None:
    plain, _, _ = trained(tiny, tmp_path / "plain", [], epochs=1)
    with pytest.raises(ValueError, match="says how many of the texts are learned from: give it"):
        run(tiny, tmp_path / "none", unlabelled=TEXTS)
    missing, report, _ = trained(tiny, tmp_path / "missing", [], epochs=1, unlabelled=5)
    assert torch.equal(weights(plain), weights(missing))
    one, report, _ = trained(tiny, tmp_path / "one", TEXTS, epochs=1, unlabelled=1)
    other, _, _ = trained(tiny, tmp_path / "other", TEXTS[:1], epochs=1, unlabelled=9)
    assert torch.equal(weights(one), weights(other))
    assert report.documents_unlabelled == 1
    assert not torch.equal(weights(plain), weights(one))


def test_with_refit_the_first_training_judges_and_looks_and_the_second_learns_from_all(
    tiny: Path, tmp_path: Path
) -> None:
    judged, plain, docs = trained(tiny, tmp_path / "plain", TEXTS)
    _, refit, _ = trained(tiny, tmp_path / "refit", TEXTS, refit=True)
    pipe, report, _ = trained(tiny, tmp_path / "both", TEXTS, refit=True, unlabelled=len(TEXTS))
    assert (report.refit, report.documents_held_out, report.tokens_held_out) == (True, 6, 0)
    assert report.tokens_trained == refit.tokens_trained == plain.tokens_trained + plain.tokens_held_out
    assert report.tokens_unlabelled == sum(len(scores.starts) for scores in judged.predict(docs))
    assert (report.calibration, report.held_out_f1) == (plain.calibration, plain.held_out_f1)
    assert pipe.temperature == judged.temperature


@pytest.mark.parametrize(
    "given",
    [
        {"patience": 1, "epochs": 4},
        {"freeze": "half", "label_strategy": "all"},
        {"augment": 0.5, "undersample": 0.5, "oversample": 0.1},
        {"class_weights": "focal", "n": 20},
        {"gradient_checkpointing": True, "accumulate": 2},
    ],
    ids=str,
)
def test_it_goes_together_with_every_other_setting(tiny: Path, tmp_path: Path, given: dict[str, Any]) -> None:
    """And the same seed gives the same weights."""
    found = [
        trained(tiny, tmp_path / name, TEXTS, unlabelled=5, **{"epochs": 2, **given}) for name in ("a", "b")
    ]
    assert torch.equal(weights(found[0][0]), weights(found[1][0]))
    assert found[0][1].documents_unlabelled == 5
    assert all(np.isfinite(found[0][1].losses))


@pytest.mark.parametrize("refit", [False, True])
def test_a_killed_one_goes_on_in_the_training_that_it_was_in(tiny: Path, tmp_path: Path, refit: bool) -> None:
    config = TrainConfig(
        **{**SETTINGS, "epochs": 2, "checkpoint_seconds": 0, "refit": refit, "unlabelled": 3}
    )
    whole, expected, told = run(tiny, tmp_path / "whole", config, unlabelled=TEXTS)
    assert whole.documents_unlabelled == 3
    assert told == sorted(told)
    with pytest.raises(Killed):
        run(tiny, tmp_path / "killed", config, kill_at=0.85, unlabelled=TEXTS)
    report, resumed, told = run(tiny, tmp_path / "killed", config, unlabelled=TEXTS)
    look = 60 / 123  # of all the work, as it reads the text between two trainings of 60 and 63 documents
    assert (told[0], told[1] > 0.7) == (pytest.approx(look), True)
    assert torch.equal(expected, resumed)
    assert (report.losses, report.held_out_f1) == (whole.losses, whole.held_out_f1)
    other, _, told = run(tiny, tmp_path / "killed", config, unlabelled=TEXTS[2:])
    assert (told[0], told[1] < 0.6) == (
        pytest.approx(look),
        True,
    )  # with other text the second is another training
    assert CONFIG.unlabelled == 0 != other.documents_unlabelled
