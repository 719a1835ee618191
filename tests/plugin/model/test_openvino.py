"""OpenVINO says what torch says: over tokenizers and awkward texts, after training, in threads and
processes."""

from __future__ import annotations

import importlib.util
import logging
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
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

from spanloop.plugin.model.backends import BACKEND_VARIABLE
from spanloop.plugin.model.errors import ModelError
from spanloop.plugin.model.openvino_backend import OpenVINOBackend
from spanloop.plugin.model.pretrained import Pretrained
from spanloop.recipes.cli.main import main

# Not importorskip: imported as it is, it reports that to its makers.
pytestmark = pytest.mark.skipif(find_spec("openvino") is None, reason="the extra [openvino] is not installed")
LABELS = {"id2label": dict(enumerate(TAGS)), "label2id": {tag: row for row, tag in enumerate(TAGS)}}
TEXTS = [*SAMPLE, "", " ", "a", "👍🏽", "It is so.\r\n\tNew York", " ".join(SAMPLE * 4)]


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
def test_the_entities_are_those_of_torch_and_the_scores_too(family: str, folders: dict[str, Path]) -> None:
    folder = folders[family]
    by_torch, by_openvino = made(folder), made(folder, backend="openvino")
    expected = entities(by_torch)
    assert any(expected)
    assert entities(by_openvino) == expected
    for found, wanted in zip(scores(by_openvino), scores(by_torch), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4)
    assert isinstance(pipe_of(by_openvino).network.shim.backend, OpenVINOBackend)


def test_it_follows_what_is_trained_and_training_is_that_of_torch(folder: Path) -> None:
    by_torch, by_openvino = made(folder), made(folder, backend="openvino")
    before = scores(by_openvino)
    losses = []
    for nlp in (by_torch, by_openvino):
        torch.manual_seed(0)  # of dropout
        spans = {"entities": [(0, 13, "PER"), (18, 30, "PER")]}
        example = Example.from_dict(nlp.make_doc(SAMPLE[0]), spans)
        optimizer = nlp.resume_training()
        losses.append([nlp.update([example], sgd=optimizer, drop=0.0) for _ in range(3)])
    assert losses[0] == losses[1]
    after = scores(by_openvino)
    assert not np.allclose(after[0], before[0], atol=1e-3)
    for found, wanted in zip(after, scores(by_torch), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4)


def test_threads_and_forked_processes_get_the_same(folder: Path) -> None:
    nlp = made(folder, backend="openvino")
    expected = entities(nlp)
    with ThreadPoolExecutor(4) as threads:
        assert all(found == expected for found in threads.map(lambda _: entities(nlp), range(8)))
    assert entities(nlp, n_process=2, batch_size=3) == expected


def test_bfloat16_is_near(folder: Path) -> None:
    exact, low = scores(made(folder)), scores(made(folder, backend="openvino", precision="bf16"))
    for found, wanted in zip(low, exact, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0.05, atol=0.1)


def test_a_saved_pipeline_is_given_another_backend_where_it_is_loaded(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nlp = made(folder)
    expected = entities(nlp)
    nlp.to_disk(tmp_path / "saved")
    loaded = spacy.load(
        tmp_path / "saved", config={"components": {"hf_token_classifier": {"backend": "openvino"}}}
    )
    assert entities(loaded) == expected
    assert pipe_of(loaded).network.settings()["backend"] == "openvino"
    again = spacy.load(tmp_path / "saved")
    assert "backend" not in pipe_of(again).network.settings()
    monkeypatch.setenv(BACKEND_VARIABLE, "openvino")
    assert entities(again) == expected
    assert isinstance(pipe_of(again).network.shim.backend, OpenVINOBackend)
    copied = spacy.blank("en")
    copied.add_pipe("hf_token_classifier", config={"model": str(folder), "backend": "openvino"})
    assert pipe_of(copied.from_bytes(copied.to_bytes())).network.shim.backend_name == "openvino"


def test_what_is_no_backend_or_not_here_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nlp = made(folder)
    monkeypatch.setenv(BACKEND_VARIABLE, "tensorrt")
    with pytest.raises(ModelError, match="'tensorrt' is no backend: choose torch or openvino"):
        nlp("a")
    monkeypatch.setenv(BACKEND_VARIABLE, "openvino")
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "spanloop.plugin.model.backends.find_spec", lambda name: None if name == "openvino" else find(name)
    )
    with pytest.raises(ModelError, match=r"needs the extra: pip install 'spanloop\[openvino\]'"):
        nlp("a")


def test_a_model_that_openvino_would_read_wrongly_is_refused() -> None:
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
    backend = OpenVINOBackend(Pretrained(BigBirdForTokenClassification(config).eval(), nowhere, nowhere))
    ids = np.arange(1, 9).reshape(1, 8)
    level = logging.getLogger().level
    with pytest.raises(ModelError, match='big_bird needs backend = "torch"'), torch.inference_mode():
        backend.logits(ids, np.ones_like(ids))
    assert logging.getLogger().level == level <= logging.WARNING, "others still hear of their warnings"


def test_the_command_takes_it(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "texts.txt"
    file.write_text("\n".join(text for text in TEXTS[:4] if text.strip()), encoding="utf-8")
    said = {}
    for backend in ("torch", "openvino"):
        run = CliRunner().invoke(main, ["predict", str(file), "--model", str(folder), "--backend", backend])
        assert run.exit_code == 0, run.output
        said[backend] = run.output
    assert said["torch"] == said["openvino"]
