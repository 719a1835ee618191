"""Folders of public habits: read right where they can be, and told in a true line where not."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.hostile_models import change
from support.tiny_models import SAMPLE, TAGS

from spanloop.plugin.model import pretrained
from spanloop.plugin.model.errors import ModelError
from spanloop.plugin.model.files import look_at
from spanloop.plugin.model.places import place_of


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Path:
    """A tiny model to spoil."""
    return Path(shutil.copytree(folder, tmp_path / "model"))


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


@pytest.mark.parametrize("architectures", [None, ["BertCrfForNer"], []])
def test_a_head_is_known_by_its_labels_where_no_class_of_transformers_is_named(
    copied: Path, architectures: list[str] | None
) -> None:
    change(copied, architectures=architectures)
    assert pretrained.stated_tags(str(copied)) == TAGS
    loaded = pretrained.load(str(copied))
    assert loaded.tags == TAGS
    assert not loaded.fresh_head


def test_labels_that_nobody_named_are_not_stated(copied: Path) -> None:
    change(copied, architectures=None, id2label={str(row): f"LABEL_{row}" for row in range(len(TAGS))})
    assert pretrained.stated_tags(str(copied)) == ()


def test_the_head_of_another_task_is_no_head_for_tags(copied: Path) -> None:
    change(copied, architectures=["BertForSequenceClassification"])
    assert pretrained.stated_tags(str(copied)) == ()
    assert pretrained.load(str(copied)).fresh_head


@pytest.mark.parametrize("architectures", [None, ["BertForTokenClassification"]])
@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ({"0": "O", "1": "B-PER", "2": "I-PER", "3": "B-LOC", "5": "I-LOC"}, "they name 5 and not 4"),
        ({"1": "O", "2": "B-PER", "3": "I-PER"}, "they name 3 and not 0"),
        ({"O": "O", "1": "B-PER"}, "they name O and not 0"),
    ],
)
def test_labels_with_a_gap_are_refused(
    copied: Path, labels: dict[str, str], why: str, architectures: list[str] | None
) -> None:
    change(copied, id2label=labels, architectures=architectures)
    assert pretrained.stated_tags(str(copied)) == ()
    with pytest.raises(ModelError, match=rf"'id2label'\) are not numbered 0, 1, 2 and so on: {why}"):
        pretrained.load(str(copied))


@pytest.mark.parametrize("names", [3, 7])
def test_a_head_and_labels_of_different_size_are_refused(copied: Path, names: int) -> None:
    change(copied, id2label={str(row): f"B-{row}" for row in range(names)})
    with pytest.raises(ModelError, match=f"its head has 5 rows .* names {names} labels"):
        pretrained.load(str(copied))


def test_weights_of_another_size_are_refused_by_name(copied: Path) -> None:
    change(copied, intermediate_size=64)
    with pytest.raises(ModelError, match=r"its weights are not those of its config.json: .*\(48,.*\(64,"):
        pretrained.load(str(copied))


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("tf_model.h5", r"weights of TensorFlow alone \(tf_model.h5\).*from_tf=True"),
        ("flax_model.msgpack", r"weights of Flax alone \(flax_model.msgpack\).*from_flax=True"),
        ("onnx/model.onnx", r"a model for ONNX alone \(onnx/model.onnx\).*exported from"),
        ("model-q4.gguf", r"a model in GGUF alone \(model-q4.gguf\).*exported from"),
        ("openvino_model.xml", r"a model for OpenVINO alone \(openvino_model.xml\).*exported from"),
        ("adapter_model.safetensors", r"an adapter alone \(adapter_model.safetensors\).*merge"),
        ("pytorch_model.bin", "holds no model.safetensors: pickled weights.*allow_pickle = true"),
        ("training_args.bin", "holds no model.safetensors, nor weights in another form"),
    ],
)
def test_weights_of_another_kind_are_told_by_their_kind(copied: Path, file: str, why: str) -> None:
    (copied / "model.safetensors").unlink()
    (copied / file).parent.mkdir(exist_ok=True)
    (copied / file).touch()
    for ask in (lambda: pretrained.load(str(copied)), lambda: look_at(place_of(str(copied)))):
        with pytest.raises(ModelError, match=why) as caught:
            ask()
        assert "\n" not in str(caught.value)


def test_other_kinds_beside_safetensors_disturb_nobody(copied: Path) -> None:
    for file in ("tf_model.h5", "model.onnx", "adapter_model.safetensors"):
        (copied / file).touch()
    assert pretrained.load(str(copied)).tags == TAGS


def test_a_folder_of_checkpoints_offers_the_last_one(folder: Path, tmp_path: Path) -> None:
    for step in (500, 1000, 90):
        shutil.copytree(folder, tmp_path / f"checkpoint-{step}")
    (tmp_path / "runs").mkdir()
    with pytest.raises(ModelError, match=r"only checkpoints of a training") as caught:
        pretrained.load(str(tmp_path))
    offered = str(caught.value).rsplit(" ", 1)[-1]
    assert offered == f"{tmp_path.as_posix()}/checkpoint-1000"
    assert pretrained.load(offered).tags == TAGS


def _adapter(folder: Path) -> None:
    _empty(folder)
    (folder / "adapter_model.safetensors").touch()


def _pipeline(folder: Path) -> None:
    _empty(folder)
    (folder / "config.cfg").touch()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_adapter, "holds an adapter alone"),
        (_pipeline, r"is a spaCy pipeline \(it has a config.cfg\)"),
        (_empty, "has no config.json, which every model of Hugging Face has"),
    ],
)
def test_a_folder_without_a_configuration_is_told_by_what_is_in_it(
    copied: Path, spoil: Callable[[Path], None], why: str
) -> None:
    spoil(copied)
    with pytest.raises(ModelError, match=why):
        pretrained.load(str(copied))


def test_a_model_without_a_tokenizer_says_how_it_gets_one(copied: Path) -> None:
    (copied / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"has no tokenizer .*\(save_pretrained\)"):
        pretrained.load(str(copied))


def test_merges_without_their_vocabulary_are_told(copied: Path) -> None:
    (copied / "tokenizer.json").unlink()
    (copied / "merges.txt").touch()
    with pytest.raises(ModelError, match=r"merges\.txt, and the vocab\.json to it is missing"):
        pretrained.load(str(copied))


def test_sentencepiece_alone_names_the_extra(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (copied / "tokenizer.json").unlink()
    (copied / "spiece.model").touch()
    monkeypatch.setitem(sys.modules, "sentencepiece", None)  # as where it is not installed
    with pytest.raises(ModelError, match=r"spiece\.model.*sentencepiece.*'spanloop\[sentencepiece\]'"):
        pretrained.load(str(copied))


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("fnet", "'fnet', is not supported: it mixes every position"),
        ("nystromformer", "'nystromformer', is not supported: .* the texts beside it"),
        ("bros", "'bros', is not supported: it reads pages"),
        ("layoutlmv2", "'layoutlmv2', is not supported: it reads pictures"),
    ],
)
def test_architectures_that_cannot_serve_are_refused_by_name(copied: Path, kind: str, why: str) -> None:
    (copied / "config.json").write_text(json.dumps({"model_type": kind}), "utf-8")
    with pytest.raises(ModelError, match=why):
        pretrained.load(str(copied))


def test_a_sentencepiece_model_is_read_with_the_extra(tmp_path: Path) -> None:
    trainer = pytest.importorskip("sentencepiece", reason="the extra [sentencepiece] is not installed")
    pytest.importorskip("google.protobuf", reason="the extra [sentencepiece] is not installed")
    from transformers import T5Config, T5ForTokenClassification

    (tmp_path / "text.txt").write_text("\n".join(SAMPLE), "utf-8")
    trainer.SentencePieceTrainer.train(
        input=str(tmp_path / "text.txt"),
        model_prefix=str(tmp_path / "spiece"),
        vocab_size=200,
        hard_vocab_limit=False,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        minloglevel=2,
    )
    sizes = {"vocab_size": 384, "d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2}
    labels = {"id2label": dict(enumerate(TAGS)), "label2id": {tag: row for row, tag in enumerate(TAGS)}}
    model = T5ForTokenClassification(T5Config(**sizes, **labels))
    model.save_pretrained(tmp_path / "model")
    shutil.copy(tmp_path / "spiece.model", tmp_path / "model")
    loaded = pretrained.load(str(tmp_path / "model"))
    text = "Angela Merkel met Barack Obama."
    encoded = loaded.tokenizer.backend_tokenizer.encode(text)
    assert loaded.tokenizer.decode(encoded.ids, skip_special_tokens=True) == text
    assert len(encoded) > 5, "it knows words, and not only what is unknown"


@pytest.mark.parametrize("lower", [None, False])
def test_an_albert_with_a_sentencepiece_model_alone_reads_as_it_was_taught(
    tmp_path: Path, lower: bool | None
) -> None:
    """ALBERT reads small letters without accents, unless its settings say otherwise."""
    pieces = pytest.importorskip("sentencepiece", reason="the extra [sentencepiece] is not installed")
    pytest.importorskip("google.protobuf", reason="the extra [sentencepiece] is not installed")
    from transformers import AlbertConfig, AlbertForTokenClassification

    (tmp_path / "text.txt").write_text("\n".join([*SAMPLE, *map(str.lower, SAMPLE)]), "utf-8")
    pieces.SentencePieceTrainer.train(
        input=str(tmp_path / "text.txt"),
        model_prefix=str(tmp_path / "spiece"),
        vocab_size=200,
        hard_vocab_limit=False,
        pad_id=0,
        unk_id=1,
        bos_id=-1,
        eos_id=-1,
        control_symbols=["[CLS]", "[SEP]", "[MASK]"],
        minloglevel=2,
    )
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 48}
    labels = {"id2label": dict(enumerate(TAGS)), "label2id": {tag: row for row, tag in enumerate(TAGS)}}
    config = AlbertConfig(vocab_size=384, embedding_size=16, **sizes, **labels)
    AlbertForTokenClassification(config).save_pretrained(tmp_path / "model")
    shutil.copy(tmp_path / "spiece.model", tmp_path / "model")
    if lower is not None:
        settings = json.dumps({"tokenizer_class": "AlbertTokenizer", "do_lower_case": lower})
        (tmp_path / "model" / "tokenizer_config.json").write_text(settings, "utf-8")
    text = "Angela Merkel met Barack Obama in New York City."
    read = pieces.SentencePieceProcessor(model_file=str(tmp_path / "spiece.model"))
    expected = read.encode(text if lower is False else text.lower(), out_type=str)
    tokenizer = pretrained.load(str(tmp_path / "model")).tokenizer
    assert tokenizer.backend_tokenizer.encode(text).tokens == ["[CLS]", *expected, "[SEP]"]
