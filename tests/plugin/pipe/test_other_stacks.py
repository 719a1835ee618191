"""Rounds that other versions of transformers made say here what they said there, and go on saying it once
this one has saved them again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import spacy
import transformers
from spacy.language import Language
from support.stack_round import ROUNDS, TEXTS, said
from support.tiny_models import build_tiny
from transformers import AutoModelForTokenClassification, AutoTokenizer

from spanloop.plugin.model import pretrained
from spanloop.plugin.model.errors import ModelError

MAJOR = int(transformers.__version__.split(".")[0])
MODEL = Path("hf_token_classifier") / "model"


@pytest.fixture(params=sorted(path.name for path in ROUNDS.iterdir()))
def made(request: pytest.FixtureRequest) -> Path:
    return ROUNDS / str(request.param)


def same(nlp: Language, made: Path) -> bool:
    kept: dict[str, list[list[Any]]] = json.loads((made / "said.json").read_text("utf-8"))
    spans = said(nlp)
    assert {text: [span[:3] for span in row] for text, row in spans.items()} == {
        text: [span[:3] for span in row] for text, row in kept.items()
    }
    for text, row in spans.items():
        assert [span[3] for span in row] == pytest.approx([span[3] for span in kept[text]], abs=2e-3)
    return any(kept.values())


def test_a_round_says_what_it_said_where_it_was_made(made: Path) -> None:
    assert same(spacy.load(made), made)


def test_saved_again_it_still_does_and_transformers_reads_it_by_itself(made: Path, tmp_path: Path) -> None:
    spacy.load(made).to_disk(tmp_path)
    assert same(spacy.load(tmp_path), made)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / MODEL)
    model = AutoModelForTokenClassification.from_pretrained(tmp_path / MODEL)
    loaded = pretrained.load(str(made / MODEL), saved=True)
    for text, _ in TEXTS:
        encoded = tokenizer(text, return_tensors="pt")
        assert encoded["input_ids"][0].tolist() == loaded.tokenizer.backend_tokenizer.encode(text).ids
        assert model(**encoded).logits.shape[1] == encoded["input_ids"].shape[1]


def test_a_tokenizer_saved_under_the_class_of_transformers_5_is_read(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / MODEL, tmp_path / "model")
    path = tmp_path / "model" / "tokenizer_config.json"
    config = json.loads(path.read_text("utf-8")) | {"tokenizer_class": "TokenizersBackend"}
    path.write_text(json.dumps(config), "utf-8")
    tokenizers = [pretrained.load(str(folder)).tokenizer for folder in (tmp_path / "model", made / MODEL)]
    texts = [text for text, _ in TEXTS]
    ids = [[tokenizer.backend_tokenizer.encode(text).ids for text in texts] for tokenizer in tokenizers]
    assert ids[0] == ids[1]


@pytest.mark.skipif(MAJOR >= 5, reason="transformers 5 reads what it writes")
def test_positions_that_only_transformers_5_reads_are_refused_in_a_line(tmp_path: Path) -> None:
    folder = build_tiny(tmp_path)
    path = folder / "config.json"
    config = json.loads(path.read_text("utf-8"))
    config |= {"rope_parameters": {"rope_theta": 5.0}, "transformers_version": "5.16.1"}
    path.write_text(json.dumps(config), "utf-8")
    with pytest.raises(
        ModelError, match=r"saved by transformers 5\.16\.1.*pip install 'transformers>=5'"
    ) as told:
        pretrained.load(str(folder))
    assert "\n" not in str(told.value)
