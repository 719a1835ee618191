"""OpenVINO and ONNX Runtime say what torch says: over tokenizers and awkward texts, after training, in
threads and processes."""

from __future__ import annotations

import importlib.util
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from click.testing import CliRunner
from spacy.language import Language
from spacy.training import Example
from support.tiny_models import FAMILIES, SAMPLE, TAGS
from transformers import BigBirdConfig, BigBirdForTokenClassification

from spanloop.plugin.model.backends import BACKEND_VARIABLE, BackendName, is_here, make_backend
from spanloop.plugin.model.converted import ConvertedBackend
from spanloop.plugin.model.errors import ModelError
from spanloop.plugin.model.pretrained import Pretrained
from spanloop.recipes.cli.main import main

CONVERTING: tuple[BackendName, ...] = ("openvino", "onnx")
LABELS = {"id2label": dict(enumerate(TAGS)), "label2id": {tag: row for row, tag in enumerate(TAGS)}}
TEXTS = [*SAMPLE, "", " ", "a", "👍🏽", "It is so.\r\n\tNew York", " ".join(SAMPLE * 4)]


@pytest.fixture(params=CONVERTING)
def backend(request: pytest.FixtureRequest) -> str:
    if not is_here(request.param):  # not importorskip: imported as it is, OpenVINO reports that to its makers
        pytest.skip(f"the extra [{request.param}] is not installed")
    return str(request.param)


def made(folder: Path, **settings: Any) -> Language:
    nlp = spacy.blank("en")
    nlp.add_pipe("hf_token_classifier", config={"model": str(folder), **settings})
    return nlp


def pipe_of(nlp: Language) -> Any:
    return nlp.get_pipe("hf_token_classifier")


def entities(nlp: Language, **settings: Any) -> list[list[tuple[int, int, str]]]:
    docs = nlp.pipe(TEXTS, **settings)
    return [[(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents] for doc in docs]


def scores(nlp: Language) -> list[Any]:
    return [one.logprobs for one in pipe_of(nlp).predict([nlp.make_doc(text) for text in TEXTS])]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_entities_are_those_of_torch_and_the_scores_too(
    family: str, folders: dict[str, Path], backend: str
) -> None:
    folder = folders[family]
    by_torch, by_other = made(folder), made(folder, backend=backend)
    expected = entities(by_torch)
    assert any(expected)
    assert entities(by_other) == expected
    for found, wanted in zip(scores(by_other), scores(by_torch), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4)
    computing = pipe_of(by_other).network.shim.backend
    assert isinstance(computing, ConvertedBackend)
    assert computing.name == backend


def test_it_follows_what_is_trained_and_training_is_that_of_torch(folder: Path, backend: str) -> None:
    by_torch, by_other = made(folder), made(folder, backend=backend)
    before = scores(by_other)
    losses = []
    for nlp in (by_torch, by_other):
        torch.manual_seed(0)  # of dropout
        spans = {"entities": [(0, 13, "PER"), (18, 30, "PER")]}
        example = Example.from_dict(nlp.make_doc(SAMPLE[0]), spans)
        optimizer = nlp.resume_training()
        losses.append([nlp.update([example], sgd=optimizer, drop=0.0) for _ in range(3)])
    assert losses[0] == losses[1]
    after = scores(by_other)
    assert not np.allclose(after[0], before[0], atol=1e-3)
    for found, wanted in zip(after, scores(by_torch), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4)


def test_threads_and_forked_processes_get_the_same(folder: Path, backend: str) -> None:
    expected = entities(made(folder))
    nlp = made(folder, backend=backend)
    with ThreadPoolExecutor(8) as threads:  # the first ones meet a model that is not loaded
        assert all(found == expected for found in threads.map(lambda _: entities(nlp), range(16)))
    assert entities(nlp, n_process=2, batch_size=3) == expected


@pytest.mark.parametrize("backend", ["openvino"], indirect=True)
def test_bfloat16_is_near(folder: Path, backend: str) -> None:
    exact, low = scores(made(folder)), scores(made(folder, backend=backend, precision="bf16"))
    for found, wanted in zip(low, exact, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0.05, atol=0.1)


def test_a_saved_pipeline_is_given_another_backend_where_it_is_loaded(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    nlp = made(folder)
    expected = entities(nlp)
    nlp.to_disk(tmp_path / "saved")
    loaded = spacy.load(
        tmp_path / "saved", config={"components": {"hf_token_classifier": {"backend": backend}}}
    )
    assert entities(loaded) == expected
    assert pipe_of(loaded).network.settings()["backend"] == backend
    again = spacy.load(tmp_path / "saved")
    assert "backend" not in pipe_of(again).network.settings()
    monkeypatch.setenv(BACKEND_VARIABLE, backend)
    assert entities(again) == expected
    assert isinstance(pipe_of(again).network.shim.backend, ConvertedBackend)
    copied = spacy.blank("en")
    copied.add_pipe("hf_token_classifier", config={"model": str(folder), "backend": backend})
    assert pipe_of(copied.from_bytes(copied.to_bytes())).network.shim.backend_name == backend


def test_what_is_no_backend_or_not_here_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nlp = made(folder)
    monkeypatch.setenv(BACKEND_VARIABLE, "tensorrt")
    with pytest.raises(ModelError, match="'tensorrt' is no backend: choose torch, openvino, onnx or auto"):
        nlp("a")
    find = importlib.util.find_spec
    for backend, package in (("openvino", "openvino"), ("onnx", "onnxruntime"), ("onnx", "onnx")):
        monkeypatch.setenv(BACKEND_VARIABLE, backend)
        monkeypatch.setattr(
            "spanloop.plugin.model.backends.find_spec",
            lambda name, gone=package: None if name == gone else find(name),
        )
        with pytest.raises(ModelError, match=rf"needs the extra: pip install 'spanloop\[{backend}\]'"):
            nlp("a")


@pytest.mark.parametrize("precision", ["bf16", "int8"])
def test_onnx_computes_in_float32_alone(folder: Path, precision: str) -> None:
    with pytest.raises(ModelError, match=f'precision = "{precision}" computes with .*OpenVINO'):
        made(folder, backend="onnx", precision=precision)("a")


def test_a_model_that_attends_in_another_way_from_some_length_on_is_refused(backend: BackendName) -> None:
    config = BigBirdConfig(
        vocab_size=90,
        block_size=4,
        num_random_blocks=1,
        max_position_embeddings=256,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=48,
        **LABELS,
    )
    nowhere: Any = None
    model = BigBirdForTokenClassification(config).eval()
    other = make_backend(backend, Pretrained(model, nowhere, nowhere), "fp32")
    ids = np.arange(1, 9).reshape(1, 8)
    level = logging.getLogger().level
    with pytest.raises(ModelError, match='big_bird needs backend = "torch"'), torch.inference_mode():
        other.logits(ids, np.ones_like(ids))
    assert logging.getLogger().level == level <= logging.WARNING, "others still hear of their warnings"


def test_the_command_takes_it(folder: Path, tmp_path: Path, backend: str) -> None:
    file = tmp_path / "texts.txt"
    file.write_text("\n".join(text for text in TEXTS[:4] if text.strip()), encoding="utf-8")
    said = {}
    for name in ("torch", backend):
        run = CliRunner().invoke(main, ["predict", str(file), "--model", str(folder), "--backend", name])
        assert run.exit_code == 0, run.output
        said[name] = run.output
    assert said["torch"] == said[backend]
