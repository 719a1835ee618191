"""What ``backend = "auto"`` takes: torch's entities always, one library for good once it is known, kept for
the next process; what differs or cannot be converted is left out and said."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import spacy
import torch
from spacy.language import Language
from support.tiny_models import SAMPLE

from spanloop.plugin.model.backends import candidates, is_here
from spanloop.plugin.model.converted import ConvertedBackend
from spanloop.plugin.pipe import fastest

pytestmark = pytest.mark.skipif(not is_here("onnx"), reason="the extra [onnx] is not installed")
PIPE = "hf_token_classifier"
TEXTS = [*SAMPLE, "", "👍🏽", "It is so.\r\n\tNew York"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where choices are kept; torch and ONNX Runtime alone are at hand, for the time that it takes."""
    monkeypatch.setattr(fastest, "user_cache_path", lambda *_, **__: tmp_path / "cache")
    monkeypatch.setattr(
        "spanloop.plugin.model.backends.is_here", lambda name: name != "openvino" and is_here(name)
    )
    return tmp_path / "cache"


def made(folder: Path) -> tuple[Language, Any]:
    nlp = spacy.blank("en")
    return nlp, nlp.add_pipe(PIPE, config={"model": str(folder), "backend": "auto"})


def entities(nlp: Language) -> list[list[tuple[int, int, str]]]:
    return [[(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents] for doc in nlp.pipe(TEXTS)]


def told(cache: Path) -> list[Any]:
    return [json.loads(file.read_text(encoding="utf-8")) for file in cache.glob("backends/*.json")]


def test_documents_that_pass_decide_once_and_the_next_pipe_knows(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    plain = spacy.blank("en")
    plain.add_pipe(PIPE, config={"model": str(folder)})
    expected = entities(plain)
    nlp, pipe = made(folder)
    before = pipe.fingerprint()
    monkeypatch.setattr(fastest, "ENOUGH", len(TEXTS) + 1)
    assert entities(nlp) == expected
    with monkeypatch.context() as context:
        context.setattr(fastest, "_PATIENCE_SECONDS", -1e9)  # it has cost too much already
        assert entities(nlp) == expected
    assert pipe.network.undecided, "so far too few documents were compared, however long that took"
    assert not told(cache)
    monkeypatch.setattr(fastest, "_WORTH", 1e9)  # whatever is fastest is taken, not torch for being as fast
    with caplog.at_level(logging.WARNING):
        assert entities(nlp) == expected
    assert not pipe.network.undecided
    (choice,) = told(cache)
    assert choice["documents"] == 2 * len(TEXTS)
    taken = choice["backend"]
    assert pipe.network.shim.computes_with == taken
    assert f'"auto" takes {taken}' in caplog.text
    assert "with the same entities" in caplog.text
    assert (pipe.fingerprint() == before) is (taken == "torch"), "stored predictions know what computed them"

    again, later = made(folder)
    monkeypatch.setattr(fastest, "Trial", None)  # nothing is compared again
    assert entities(again) == expected
    assert later.network.shim.computes_with == taken


def test_other_entities_and_a_failed_conversion_leave_a_library_out(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shifted(self: ConvertedBackend, compiled: Any, ids: Any, mask: Any) -> torch.Tensor:
        return torch.roll(run(self, compiled, ids, mask), 1, dims=2)

    run = ConvertedBackend._run
    nlp, pipe = made(folder)
    docs = [nlp.make_doc(text) for text in TEXTS]
    with monkeypatch.context() as context:
        context.setattr(ConvertedBackend, "_agrees", lambda *_: True)
        context.setattr(ConvertedBackend, "_run", shifted)
        choice = fastest.choose(pipe, docs)
    assert choice is not None
    assert choice.backend == pipe.network.shim.computes_with == "torch"
    assert "onnx left out (other entities within the first" in choice.why
    assert told(cache)[0]["why"] == choice.why

    nlp, pipe = made(folder)
    (cache / "backends").rename(cache / "elsewhere")
    with monkeypatch.context() as context:
        context.setattr(ConvertedBackend, "_run", shifted)
        choice = fastest.choose(pipe, docs)
    assert choice is not None
    assert choice.backend == "torch"
    assert "says other things than the model itself" in choice.why


def test_other_weights_are_chosen_for_anew(folder: Path, cache: Path) -> None:
    nlp, pipe = made(folder)
    docs = [nlp.make_doc(text) for text in TEXTS]
    assert fastest.choose(pipe, docs) is not None
    assert fastest.choose(pipe, docs) is None, "it is known"
    with torch.no_grad():
        pipe.hf_model().classifier.bias.add_(0.5)
    assert pipe.network.undecided
    assert pipe.network.shim.computes_with == "torch"
    assert fastest.choose(pipe, docs) is not None
    assert len(told(cache)) == 2


def test_what_cannot_be_kept_or_read_is_found_out_again(
    folder: Path, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    nlp, pipe = made(folder)
    docs = [nlp.make_doc(text) for text in TEXTS]
    cache.write_text("a file where a folder should be", encoding="utf-8")
    assert fastest.choose(pipe, docs) is not None
    assert "cannot be kept for the next time" in caplog.text
    cache.unlink()
    nlp, pipe = made(folder)
    assert fastest.choose(pipe, docs) is not None
    (file,) = cache.glob("backends/*.json")
    for damaged in ("{", '{"backend": "tensorrt", "documents": 1, "why": ""}', "[]"):
        file.write_text(damaged, encoding="utf-8")
        nlp, pipe = made(folder)
        assert fastest.choose(pipe, docs) is not None
        assert told(cache)[0]["documents"] == len(TEXTS)


def test_each_precision_has_its_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spanloop.plugin.model.backends.is_here", lambda name: True)
    assert candidates("fp32") == ("torch", "openvino", "onnx")
    assert candidates("bf16") == ("torch", "openvino")
    assert candidates("int8") == ("openvino",)
