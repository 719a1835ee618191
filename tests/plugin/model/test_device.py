"""Where a model computes, on a machine without a GPU. What needs one is in tests/gpu."""

from __future__ import annotations

from pathlib import Path

import pytest
import spacy
import torch
from support.tiny_models import build_tiny

from spanloop.plugin.model.device import DEVICE_VARIABLE, check_device, device_of
from spanloop.plugin.model.errors import ModelError

without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="torch finds a GPU here")


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DEVICE_VARIABLE, raising=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny(tmp_path_factory.mktemp("classifier"), layers=1, sharpness=40.0)


@pytest.mark.parametrize("named", ["gpu", "cuda:", "cuda:-1", "CPU", "cpu:0", "cuda:0 ", ""])
def test_what_names_no_device_is_refused_with_the_choices(named: str) -> None:
    with pytest.raises(ModelError, match="choose auto, cpu, cuda, or cuda:N"):
        check_device(named)


@without_gpu
@pytest.mark.parametrize("named", ["cuda", "cuda:0", "cuda:7"])
def test_a_gpu_that_is_not_here_is_told(named: str) -> None:
    with pytest.raises(ModelError, match="finds no GPU here; choose auto or cpu"):
        device_of(named)


@without_gpu
def test_auto_is_the_cpu_where_there_is_no_gpu() -> None:
    assert device_of("auto") == torch.device("cpu")


def test_the_variable_goes_before_the_setting_and_is_named_where_it_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(DEVICE_VARIABLE, "cpu")
    assert device_of("cuda:3") == torch.device("cpu")
    monkeypatch.setenv(DEVICE_VARIABLE, "gpu")
    with pytest.raises(ModelError, match=f"{DEVICE_VARIABLE} = 'gpu'"):
        device_of("cpu")


def test_in_bfloat16_a_pipe_finds_entities_and_keeps_its_weights_in_float32(folder: Path) -> None:
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("hf_token_classifier", config={"model": str(folder), "precision": "bf16"})
    doc = nlp("Berlin and Paris lie far apart.")
    assert doc.ents
    assert all(0 <= ent._.spanloop_confidence <= 1 for ent in doc.ents)
    assert {weight.dtype for weight in pipe.hf_model().parameters()} == {torch.float32}  # type: ignore[attr-defined]
