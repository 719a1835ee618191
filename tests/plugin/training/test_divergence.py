"""A training that leaves the range of numbers: found at the first step that shows it, whatever the way of
training, and nothing is left to go on from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import spacy
import torch
from support.tiny_models import build_tiny

from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.model.finite import NotFinite, broken_weights
from spanloop.plugin.pipe.component import HFTokenClassifierPipe
from spanloop.plugin.tagging.gold import Gold
from spanloop.plugin.training.config import TrainConfig
from spanloop.plugin.training.divergence import Diverged
from spanloop.plugin.training.train import train

NLP = spacy.blank("en")
WILD = TrainConfig(epochs=50, learning_rate=1e30, batch_wordpieces=64, class_weights="none", bf16=False)


def golds(n: int) -> list[Gold]:
    return [Gold(NLP.make_doc(f"Ann met {k} in Rome"), (CharSpan(0, 3, "PER"),)) for k in range(n)]


@pytest.fixture
def pipe(tmp_path: Path) -> HFTokenClassifierPipe:
    model = build_tiny(tmp_path / "tiny", sharpness=1.0)
    found = spacy.blank("en").add_pipe("hf_token_classifier", config={"model": str(model)})
    assert isinstance(found, HFTokenClassifierPipe)
    return found


def trained(
    pipe: HFTokenClassifierPipe, config: TrainConfig, folder: Path, documents: int = 8
) -> list[float]:
    """Train until it fails; gives the shares that were told by then."""
    told: list[float] = []
    train(pipe, golds(documents), config, folder=folder, progress=lambda share, _: told.append(share))
    return told


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"bf16": True},
        {"lora": 4},
        {"freeze": "half"},
        {"accumulate": 2},
        {"gradient_checkpointing": True},
        {"class_weights": "focal"},
        {"checkpoint_seconds": 0.0},
        {"patience": 3},
        {"epochs": 2, "batch_wordpieces": 10_000},  # no loss comes after the step that breaks the weights
    ],
)
def test_a_wild_learning_rate_is_told_and_leaves_no_checkpoint(
    pipe: HFTokenClassifierPipe, tmp_path: Path, settings: dict[str, object]
) -> None:
    if "lora" in settings:
        pytest.importorskip("peft")
    from dataclasses import replace

    told: list[float] = []
    with pytest.raises(Diverged, match=r"learning rate of 1e\+30 is too high for it, try 0\.0001$"):
        train(
            pipe,
            golds(60),
            replace(WILD, **settings),  # type: ignore[arg-type]
            folder=tmp_path / "loop",
            progress=lambda share, _: told.append(share),
        )
    assert len(told) < 20  # of thousands of steps
    assert not list((tmp_path / "loop").glob("checkpoint-*"))
    assert not (tmp_path / "loop" / "training.sha256").exists()


def test_a_checkpoint_that_is_broken_is_not_gone_on_from_for_ever(
    pipe: HFTokenClassifierPipe, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    config = TrainConfig(
        epochs=6, learning_rate=1e-3, class_weights="none", bf16=False, held_out=0, checkpoint_seconds=0.0
    )
    folder = tmp_path / "loop"
    before = {name: tensor.clone() for name, tensor in pipe.hf_model().state_dict().items()}

    class Stop(Exception):
        pass

    def stop(share: float, _: str) -> None:
        if share > 0.6:
            raise Stop

    with pytest.raises(Stop):
        train(pipe, golds(8), config, folder=folder, progress=stop)
    [weights] = folder.glob("checkpoint-*/model.safetensors")
    save_file(
        {name: tensor * torch.nan for name, tensor in load_file(weights).items()}, weights, {"format": "pt"}
    )
    pipe.hf_model().load_state_dict(before)
    with pytest.raises(Diverged, match="loss is no finite number after step"):
        train(pipe, golds(8), config, folder=folder)
    pipe.hf_model().load_state_dict(before)
    train(pipe, golds(8), config, folder=folder)  # begins anew


def test_a_model_that_is_broken_from_the_start_is_not_blamed_on_the_learning_rate(
    pipe: HFTokenClassifierPipe, tmp_path: Path
) -> None:
    with torch.no_grad():
        pipe.hf_model().classifier.weight[0, 0] = torch.nan
    with pytest.raises(Diverged, match="before anything was learned: the weights of the model"):
        trained(pipe, TrainConfig(bf16=False), tmp_path)


def test_a_model_that_gives_no_numbers_predicts_nothing(pipe: HFTokenClassifierPipe) -> None:
    doc = NLP.make_doc("Ann met Bob")
    assert np.isfinite(pipe.predict([doc])[0].logprobs).all()
    with torch.no_grad():
        pipe.hf_model().classifier.bias[0] = torch.inf
    with pytest.raises(NotFinite, match="'hf_token_classifier' gives scores that are no numbers"):
        pipe.predict([doc])


def test_weights_of_any_kind_are_looked_at() -> None:
    weights = {
        "numbers": torch.arange(3),
        "large": torch.full((4,), 3e38),  # their sum is infinite, they are not
        "half": torch.tensor([1.0, torch.nan], dtype=torch.bfloat16),
        "endless": torch.tensor([-torch.inf]),
    }
    assert broken_weights(weights) == ["half", "endless"]
