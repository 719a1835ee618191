from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import spacy
import torch
from spacy.language import Language
from support.tiny_models import build_tiny

from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.metrics.score import score_spans
from spanloop.plugin.pipe.component import HFTokenClassifierPipe
from spanloop.plugin.tagging.gold import Gold
from spanloop.plugin.training.checkpoint import newest
from spanloop.plugin.training.config import TrainConfig
from spanloop.plugin.training.train import TrainReport, train

TEXTS = [
    ("Angela Merkel met Barack Obama in New York City.", [(0, 13, "PER"), (18, 30, "PER"), (34, 47, "LOC")]),
    ("The Zürich office sold 10km of cable.", [(4, 10, "LOC")]),
    ("O'Neil said not bad!", [(0, 6, "PER")]),
    ("Nothing to see here, on the 10th of May.", []),
]
FAST = TrainConfig(epochs=40, learning_rate=5e-3, class_weights="none", bf16=False, batch_wordpieces=64)


def spans(*bounds: tuple[int, int, str]) -> tuple[CharSpan, ...]:
    return tuple(CharSpan(*span) for span in bounds)


@pytest.fixture
def nlp(tiny: Path) -> Language:
    nlp = spacy.blank("en")
    nlp.add_pipe("hf_token_classifier", config={"model": str(tiny)})
    return nlp


Trained = tuple[HFTokenClassifierPipe, TrainReport]


@pytest.fixture
def trained(nlp: Language, tmp_path: Path) -> Callable[..., Trained]:
    """Train the tiny model on documents: (text, spans) or (text, spans, ranges)."""

    def run(documents: list[tuple], config: TrainConfig = FAST, **settings: object) -> Trained:  # type: ignore[type-arg]
        pipe = nlp.get_pipe("hf_token_classifier")
        golds = [Gold(nlp.make_doc(text), spans(*bounds), *rest) for text, bounds, *rest in documents]
        return pipe, train(pipe, golds, config, folder=tmp_path / "loop", **settings)

    return run


def weights_hash(pipe: HFTokenClassifierPipe) -> str:
    state = pipe.hf_model().state_dict()
    return hashlib.sha256(b"".join(state[name].numpy().tobytes() for name in sorted(state))).hexdigest()


def test_four_sentences_are_learned_by_heart_and_survive_disk(
    nlp: Language, trained: Callable[..., Trained], tmp_path: Path
) -> None:
    pipe, report = trained(TEXTS)
    docs = [nlp.make_doc(text) for text, _ in TEXTS]
    found = [pipe.decode(scores) for scores in pipe.predict(docs)]
    gold = [spans(*bounds) for _, bounds in TEXTS]
    tokens = [[(token.idx, token.idx + len(token)) for token in doc] for doc in docs]
    assert score_spans(gold, found, tokens, ["PER", "LOC"]).micro.f1 == 1.0
    assert report.losses[-1] < 0.1 < report.losses[0]
    nlp.to_disk(tmp_path / "pipeline")
    again = spacy.load(tmp_path / "pipeline")
    for (text, _), expected in zip(TEXTS, gold, strict=True):
        ents = [(ent.start_char, ent.end_char, ent.label_) for ent in again(text).ents]
        assert ents == [span.key for span in expected]


def test_every_token_is_trained_once_or_masked_and_counted(
    nlp: Language, trained: Callable[..., Trained]
) -> None:
    long = " ".join(text for text, _ in TEXTS * 10)
    config = TrainConfig(epochs=1, bf16=False)
    pipe, report = trained([(long, []), (TEXTS[0][0], [], ((0, 13),))], config)
    seen = [len(doc.starts) for doc in pipe.encode([nlp.make_doc(text) for text in (long, TEXTS[0][0])])]
    assert report.tokens_trained == seen[0] + 2
    assert report.tokens_masked == seen[1] - 2
    assert report.documents == 2


def test_what_is_left_out_is_counted(trained: Callable[..., Trained]) -> None:
    bare = [("Nobody met anybody there.", []) for _ in range(4)]
    _, whole = trained([*TEXTS, *bare], TrainConfig(epochs=1, bf16=False))
    _, fewer = trained([*TEXTS, *bare], TrainConfig(epochs=1, bf16=False, undersample=0.5))
    assert (whole.documents_left_out, whole.tokens_left_out) == (0, 0)
    assert fewer.documents_left_out == round(0.5 * sum(not row[1] for row in [*TEXTS, *bare])) > 0
    assert fewer.tokens_left_out >= 5 * fewer.documents_left_out
    assert fewer.documents == whole.documents
    assert fewer.tokens_trained + fewer.tokens_left_out == whole.tokens_trained


def test_spans_past_the_first_window_are_learned(nlp: Language, trained: Callable[..., Trained]) -> None:
    """D8: truncation made gold past 510 wordpieces vanish."""
    filler = "Nothing to see here, on the 10th of May. " * 8
    text = filler + "Angela Merkel met Barack Obama."
    start = len(filler)
    gold = [(start, start + 13, "PER"), (start + 18, start + 30, "PER")]
    pipe, report = trained([(text, gold)], replace(FAST, class_weights="inverse"))
    assert len(pipe.encode([nlp.make_doc(text)])[0].windows) > 1
    assert [span.key for span in nlp(text)._.spanloop_char_spans] == gold
    assert (report.gold_spans, report.gold_spans_lost) == (2, 0)


def test_gold_that_moved_or_found_no_place_is_reported(trained: Callable[..., Trained]) -> None:
    config = TrainConfig(epochs=1, bf16=False)
    _, report = trained([("sold cablecars", [(5, 10, "LOC")]), ("a  b", [(1, 2, "LOC")])], config)
    assert (report.gold_spans, report.gold_spans_lost) == (2, 1)
    assert [[event.action for event in events] for events in report.events] == [["snapped"], ["dropped"]]


def test_documents_without_entities_are_learned_from(trained: Callable[..., Trained]) -> None:
    """D5: documents with nothing in them were skipped, so nothing taught the model to keep quiet."""
    _, report = trained([("Nothing to see here.", [])], TrainConfig(epochs=1, bf16=False))
    assert report.tokens_trained == 5
    assert report.class_weights["O"] == pytest.approx(1.0)


@pytest.mark.parametrize(("given", "used"), [(None, 3e-4), (0.02, 0.02)])
def test_the_report_says_at_what_rate_was_learned(
    trained: Callable[..., Trained], given: float | None, used: float
) -> None:
    config = TrainConfig(epochs=1, bf16=False, learning_rate=given)
    _, report = trained([("Ann ran.", [(0, 3, "PER")])], config)
    assert report.learning_rate == used


@pytest.mark.parametrize(
    ("warmup", "shares"),
    [(0.0, [0.75, 0.5, 0.25]), (0.5, [0.5, 1.0, 0.5]), (1.0, [0.25, 0.5, 0.75])],
)
def test_the_rate_rises_for_the_share_that_was_asked_for(
    trained: Callable[..., Trained], tmp_path: Path, warmup: float, shares: list[float]
) -> None:
    """After the first three of four epochs, as shares of the highest: what transformers itself wrote down,
    some versions before a step and some after it."""
    config = replace(FAST, epochs=4, learning_rate=0.01, warmup=warmup, checkpoint_seconds=0.0)
    trained(TEXTS, replace(config, batch_wordpieces=1, held_out=0.0))
    checkpoint = newest(tmp_path / "loop")
    assert checkpoint is not None
    history = json.loads((checkpoint / "trainer_state.json").read_text())["log_history"]
    rates = [entry["learning_rate"] / 0.01 for entry in history if "learning_rate" in entry]
    assert rates[:3] == pytest.approx(shares, abs=0.13)  # a step is 1/16 of all, 1/8 of those that rise


def test_the_same_seed_gives_the_same_weights(tiny: Path, tmp_path: Path) -> None:
    def run(seed: int) -> str:
        nlp = spacy.blank("en")
        pipe = nlp.add_pipe("hf_token_classifier", config={"model": str(tiny)})
        golds = [Gold(nlp.make_doc(text), spans(*bounds)) for text, bounds in TEXTS]
        train(pipe, golds, TrainConfig(epochs=2, bf16=False, seed=seed), folder=tmp_path)
        return weights_hash(pipe)

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_bf16_and_fp32_can_follow_each_other(trained: Callable[..., Trained]) -> None:
    _, low = trained(TEXTS, TrainConfig(epochs=1, bf16=True))
    pipe, full = trained(TEXTS, TrainConfig(epochs=1, bf16=False))
    assert (low.bf16, full.bf16) == (True, False)
    assert all(parameter.dtype == torch.float32 for parameter in pipe.hf_model().parameters())
    assert not pipe.hf_model().training


def test_training_leaves_the_callers_randomness_alone(trained: Callable[..., Trained]) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3).tolist()
    torch.manual_seed(7)
    trained(TEXTS, TrainConfig(epochs=1, bf16=False))
    assert torch.rand(3).tolist() == expected


def test_accumulated_batches_make_the_same_steps(tiny: Path, tmp_path: Path) -> None:
    """Neither the loss nor the step depends on how many batches it is cut into (dropout off)."""

    def run(budget: int, accumulate: int) -> list[float]:
        nlp = spacy.blank("en")
        pipe = nlp.add_pipe("hf_token_classifier", config={"model": str(tiny)})
        model = pipe.hf_model()
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        model.bert.encoder.layer[0].attention.self.dropout_prob = 0.0
        golds = [Gold(nlp.make_doc(text), spans(*bounds)) for text, bounds in TEXTS]
        config = TrainConfig(
            epochs=4, bf16=False, batch_wordpieces=budget, accumulate=accumulate, class_weights="sqrt"
        )
        report = train(pipe, golds, config, folder=tmp_path)
        assert report.steps == 4
        return report.losses

    assert run(2048, 1) == pytest.approx(run(1, 4), rel=1e-4)


def test_gradient_checkpointing_learns_the_same(trained: Callable[..., Trained]) -> None:
    config = replace(FAST, epochs=2)
    pipe, plain = trained(TEXTS, config)
    state = {name: tensor.clone() for name, tensor in pipe.hf_model().state_dict().items()}
    assert plain.losses[-1] < plain.losses[0]
    pipe, again = trained(TEXTS, replace(config, gradient_checkpointing=True))
    assert again.losses[-1] < plain.losses[-1]
    assert not pipe.hf_model().is_gradient_checkpointing
    assert set(pipe.hf_model().state_dict()) == set(state)


def test_adapters_are_merged_into_an_ordinary_model(
    nlp: Language, trained: Callable[..., Trained], tmp_path: Path
) -> None:
    before = dict(nlp.get_pipe("hf_token_classifier").hf_model().state_dict())
    embeddings = before["bert.embeddings.word_embeddings.weight"].clone()
    for _ in range(2):
        pipe, report = trained(TEXTS, replace(FAST, lora=4))
        assert report.losses[-1] < report.losses[0]
        state = pipe.hf_model().state_dict()
        assert set(state) == set(before)
        assert torch.equal(state["bert.embeddings.word_embeddings.weight"], embeddings)
        assert all(parameter.requires_grad for parameter in pipe.hf_model().parameters())
    nlp.to_disk(tmp_path / "pipeline")
    again = spacy.load(tmp_path / "pipeline")
    assert [ent.text for ent in again(TEXTS[0][0]).ents] == [ent.text for ent in nlp(TEXTS[0][0]).ents]


def test_settings_that_do_not_go_together_are_refused(
    trained: Callable[..., Trained], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="lora and patience do not go together"):
        trained(TEXTS, replace(FAST, lora=4, patience=2))
    with pytest.raises(ValueError, match="adapters into every layer"):
        trained(TEXTS, replace(FAST, lora=4, freeze=1))
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match="several processes keep no checkpoints"):
        trained(TEXTS, replace(FAST, checkpoint_seconds=60))


def test_progress_ends_at_one_and_tells_the_time_left(trained: Callable[..., Trained]) -> None:
    told: list[tuple[float, str]] = []
    trained(
        TEXTS,
        TrainConfig(epochs=2, bf16=False, batch_wordpieces=32),
        progress=lambda share, text: told.append((share, text)),
    )
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert told[-1][1] == "epoch 2 of 2, 0:00 left"


def test_training_prints_nothing_and_leaves_no_files(
    trained: Callable[..., Trained], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained(TEXTS, TrainConfig(epochs=1, bf16=False))
    assert not [path for path in (tmp_path / "loop").rglob("*") if path.is_file()]
    pipe, _ = trained(TEXTS, TrainConfig(epochs=1, bf16=False, checkpoint_seconds=0.0))
    pipe.to_disk(tmp_path / "pipe")
    assert capsys.readouterr() == ("", "")


def test_nothing_to_train_on_is_said(trained: Callable[..., Trained]) -> None:
    with pytest.raises(ValueError, match="no document has been accepted yet"):
        trained([])
    with pytest.raises(ValueError, match="every token is masked"):
        trained([("Ann met Bob", [], ())])
    with pytest.raises(ValueError, match="labels that the model has not: ORG"):
        trained([("Ann met Bob", [(0, 3, "ORG")])])


def test_the_label_set_may_grow_and_shrink_between_trainings(
    nlp: Language, trained: Callable[..., Trained]
) -> None:
    pipe, _ = trained(TEXTS)
    row = pipe.tags.index("B-LOC")
    before = pipe.hf_model().classifier.weight[row].clone()
    pipe.set_labels(["NEW", "LOC", "PER"])
    assert torch.equal(pipe.hf_model().classifier.weight[pipe.tags.index("B-LOC")], before)
    trained([("a cable in Rome", [(2, 7, "NEW"), (11, 15, "LOC")]), *TEXTS])
    assert {ent.label_ for ent in nlp("a cable in Rome").ents} == {"NEW", "LOC"}
    pipe.set_labels(["PER", "NEW"])
    trained([("a cable for O'Neil", [(2, 7, "NEW"), (12, 18, "PER")])])
    assert [ent.label_ for ent in nlp("a cable for O'Neil").ents] == ["NEW", "PER"]


def test_what_is_masked_teaches_nothing(tiny: Path, tmp_path: Path) -> None:
    """What gold says outside of the looked-at ranges changes no weight."""

    def run(*bounds: tuple[int, int, str]) -> str:
        nlp = spacy.blank("en")
        pipe = nlp.add_pipe("hf_token_classifier", config={"model": str(tiny)})
        gold = Gold(nlp.make_doc(TEXTS[0][0]), spans(*bounds), ranges=((0, 17),))
        train(pipe, [gold], replace(FAST, epochs=3), folder=tmp_path)
        return weights_hash(pipe)

    seen = (0, 13, "PER")
    learned = run(seen)
    assert learned == run(seen, (18, 30, "PER"), (34, 47, "LOC"))
    assert learned != run()


def test_a_part_of_speech_head_learns_one_tag_a_token(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    folder = build_tiny(tmp_path / "pos", tags=("NOUN", "VERB"), sharpness=1.0)
    pipe = nlp.add_pipe("hf_token_classifier", config={"model": str(folder), "annotate": "pos"})
    text = "cable sold Rome"
    gold = spans((0, 5, "NOUN"), (6, 10, "VERB"), (11, 15, "NOUN"))
    report = train(pipe, [Gold(nlp.make_doc(text), gold)], FAST, folder=tmp_path / "loop")
    assert [token.pos_ for token in nlp(text)] == ["NOUN", "VERB", "NOUN"]
    assert set(report.class_weights) == {"NOUN", "VERB"}


SCRIPT = """
import json, sys, hashlib
from pathlib import Path
import spacy
from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.tagging.gold import Gold
from spanloop.plugin.training.config import TrainConfig
from spanloop.plugin.training.train import train
nlp = spacy.blank("en")
pipe = nlp.add_pipe("hf_token_classifier", config={"model": sys.argv[1]})
pipe.set_labels(["PER", "LOC", "NEW"], seed=3)
golds = [Gold(nlp.make_doc(t), tuple(CharSpan(*s) for s in b)) for t, b in json.loads(sys.argv[3])]
train(pipe, golds, TrainConfig(epochs=2, seed=3, bf16=False), folder=Path(sys.argv[2]))
state = pipe.hf_model().state_dict()
print(hashlib.sha256(b"".join(state[name].numpy().tobytes() for name in sorted(state))).hexdigest())
"""


@pytest.mark.slow
def test_the_same_seed_gives_the_same_round_under_four_hash_seeds(tiny: Path, tmp_path: Path) -> None:
    hashes = set()
    for hash_seed in range(4):
        environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-c", SCRIPT, str(tiny), str(tmp_path), json.dumps(TEXTS)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        hashes.add(done.stdout)
    assert len(hashes) == 1
