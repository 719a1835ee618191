"""On a GPU the pipe says what it says on a CPU, and where it cannot go on it says so in one line."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import torch
from spacy.tokens import Doc
from support.pipe_making import found, make
from support.tiny_models import SAMPLE

from spanloop.plugin.model.errors import ModelError
from spanloop.plugin.model.network import HFNetwork

pytestmark = pytest.mark.gpu
TEXTS = [*SAMPLE, "", " ", " ".join(SAMPLE * 6), *(f"{text} {at}" for at in range(30) for text in SAMPLE)]


def confidences(docs: list[Doc]) -> list[float]:
    return [ent._.spanloop_confidence for doc in docs for ent in doc.ents]


def test_auto_is_the_gpu_and_gives_the_entities_of_the_cpu(folder: Path) -> None:
    here, there = make(folder, device="cpu"), make(folder)
    on_cpu, on_gpu = list(here[0].pipe(TEXTS)), list(there[0].pipe(TEXTS))
    assert here[1].hf_model().device.type == "cpu"
    assert there[1].hf_model().device.type == "cuda"
    assert sum(len(doc.ents) for doc in on_cpu) > 50
    assert [found(doc) for doc in on_gpu] == [found(doc) for doc in on_cpu]
    np.testing.assert_allclose(confidences(on_gpu), confidences(on_cpu), atol=1e-3)


@pytest.mark.parametrize("aggregation", ["first", "mean", "max"])
@pytest.mark.parametrize("unit", ["token", "wordpiece"])
def test_every_way_of_scoring_is_the_same_on_both(folder: Path, aggregation: str, unit: str) -> None:
    settings: dict[str, Any] = {"aggregation": aggregation, "unit": unit}
    docs = [spacy.blank("en").make_doc(text) for text in TEXTS[:10]]
    on_cpu = make(folder, device="cpu", **settings)[1].predict(docs)
    on_gpu = make(folder, device="cuda", **settings)[1].predict(docs)
    for one, other in zip(on_cpu, on_gpu, strict=True):
        np.testing.assert_allclose(one.logprobs, other.logprobs, atol=2e-3)


@pytest.mark.parametrize("budget", [1, 64, 4096])
def test_neither_the_batches_nor_the_groups_read_ahead_change_an_entity(folder: Path, budget: int) -> None:
    whole = [found(doc) for doc in make(folder)[0].pipe(TEXTS)]
    nlp, _ = make(folder, batch_wordpieces=budget)
    for batch_size in (1, 7, 1000):
        assert [found(doc) for doc in nlp.pipe(TEXTS, batch_size=batch_size)] == whole
    assert [found(nlp(text)) for text in TEXTS[:8]] == whole[:8]


def test_bfloat16_finds_nearly_the_same_and_is_another_model(folder: Path) -> None:
    exact, low = make(folder), make(folder, precision="bf16")
    one = [set(found(doc)) for doc in exact[0].pipe(TEXTS)]
    other = [set(found(doc)) for doc in low[0].pipe(TEXTS)]
    common = sum(len(a & b) for a, b in zip(one, other, strict=True))
    assert 2 * common > 0.9 * sum(len(a) + len(b) for a, b in zip(one, other, strict=True))
    assert exact[1].fingerprint() != low[1].fingerprint()
    assert {weight.dtype for weight in low[1].hf_model().parameters()} == {torch.float32}  # what is saved


def test_what_was_saved_on_a_gpu_is_read_on_a_cpu(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nlp, pipe = make(folder)
    told = [found(nlp(text)) for text in SAMPLE]
    nlp.to_disk(tmp_path / "saved")
    monkeypatch.setenv("SPANLOOP_DEVICE", "cpu")
    for other in (spacy.load(tmp_path / "saved"), pickle.loads(pickle.dumps(nlp))):
        assert other.get_pipe("hf_token_classifier").hf_model().device.type == "cpu"
        assert [found(other(text)) for text in SAMPLE] == told
    assert copy.deepcopy(pipe).fingerprint() == pipe.fingerprint()


def test_several_components_share_a_gpu(folder: Path, tiny: Path) -> None:
    nlp, _ = make(folder)
    nlp.add_pipe("hf_token_classifier", name="second", config={"model": str(folder), "annotate": "spans"})
    docs = list(nlp.pipe(TEXTS))
    assert sum(len(doc.ents) for doc in docs) > 50
    for doc in docs:
        assert [(s.start_char, s.end_char, s.label_) for s in doc.spans["sc"]] == found(doc)


@pytest.fixture
def little_memory(folder: Path) -> Iterator[tuple[Any, Any]]:
    """A pipe whose GPU has room for the model and a few megabytes."""
    nlp, pipe = make(folder, batch_wordpieces=1_000_000)
    list(nlp.pipe(SAMPLE))
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 24 * 2**20) / total)
    yield nlp, pipe
    torch.cuda.set_per_process_memory_fraction(1.0)


def test_a_batch_that_does_not_fit_runs_in_parts(little_memory: tuple[Any, Any], folder: Path) -> None:
    nlp, _ = little_memory
    many = TEXTS * 40
    told = [found(doc) for doc in nlp.pipe(many, batch_size=20_000)]
    torch.cuda.set_per_process_memory_fraction(1.0)
    assert told[: len(TEXTS)] == [found(doc) for doc in make(folder)[0].pipe(TEXTS)]


def test_no_room_at_all_is_one_line(folder: Path) -> None:
    _, pipe = make(folder)
    network = pipe.network
    assert isinstance(network, HFNetwork)
    network.tensors(network.encode([spacy.blank("en").make_doc("once")]))
    hold = torch.zeros(0, device="cuda")
    try:
        torch.cuda.empty_cache()
        torch.cuda.set_per_process_memory_fraction(1e-6)
        with pytest.raises(ModelError, match="the memory of the GPU does not hold one window of"):
            pipe.predict([spacy.blank("en").make_doc(" ".join(SAMPLE * 2000))])
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    del hold


def test_a_forked_process_is_told_why_it_cannot(folder: Path) -> None:
    nlp, _ = make(folder)
    nlp("Ann ran.")
    assert multiprocessing.get_start_method() in ("fork", "forkserver", "spawn")
    with pytest.raises(ValueError, match="cannot use the GPU of its parent"):
        list(nlp.pipe(["Ann ran."] * 4, n_process=2))


@pytest.mark.parametrize("asked", ["cuda:63", "gpu", "cuda:-1"])
def test_a_gpu_that_is_not_here_is_one_line(folder: Path, asked: str) -> None:
    with pytest.raises(ModelError, match=r"the last one here is|there is only cuda:0|is no device") as told:
        make(folder, device=asked)[1].hf_model()
    assert "\n" not in str(told.value)
