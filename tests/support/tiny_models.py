"""Tiny random token classifiers with a real tokenizer of each family, built in a second, read from no
network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tokenizers import (
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import BertConfig, BertForTokenClassification, BertModel, PreTrainedTokenizerFast

SAMPLE = [
    "Angela Merkel met Barack Obama in New York City, NY, on the 10th of May 2016.",
    "The Zürich office of Contoso-Corp(NYC) sold 10km of cable for $3.50 — “not bad”, said O'Neil.",
    "I can't believe it's not butter! https://example.org/a/b?c=d&e=f #wow @someone 😀👍🏽",
    "北京大学在北京。上海很大，我们去东京。",
    "שלום עולם مرحبا بالعالم नमस्ते दुनिया",
    "LOUD HEADLINES, quiet e-mails; part no. 47-AX/9b, 5mg/ml, e.g. hyper-parameters.",
]
FAMILIES = ("wordpiece", "bytelevel", "gpt2", "unigram", "character")
TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
_BERT_SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_ROBERTA_SPECIALS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def tokenizer_of(family: str) -> Tokenizer:
    """A tokenizer of the family, trained on `SAMPLE`."""
    tokenizer, trainer = _BUILDERS[family]()
    tokenizer.train_from_iterator(SAMPLE * 3, trainer)
    if family == "byte_fallback":
        tokenizer = _bytes_are_plain(tokenizer)
    _post_process(tokenizer, family)
    return tokenizer


def _wordpiece() -> tuple[Tokenizer, Any]:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer, trainers.WordPieceTrainer(
        vocab_size=250, special_tokens=_BERT_SPECIALS, show_progress=False
    )


def _bytelevel(vocab_size: int = 400) -> tuple[Tokenizer, Any]:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer, trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=_ROBERTA_SPECIALS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )


def _unigram() -> tuple[Tokenizer, Any]:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer, trainers.UnigramTrainer(
        vocab_size=250, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False
    )


def _character() -> tuple[Tokenizer, Any]:
    tokenizer = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    return tokenizer, trainers.WordLevelTrainer(
        vocab_size=150, special_tokens=_BERT_SPECIALS, show_progress=False
    )


def _byte_fallback() -> tuple[Tokenizer, Any]:
    """As Llama's: a space is a letter, and a character that the vocabulary lacks is its bytes."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split("\u2581", "merged_with_next")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    bytes_of = [f"<0x{number:02X}>" for number in range(256)]
    return tokenizer, trainers.BpeTrainer(
        vocab_size=600, special_tokens=["<unk>", "<s>", "</s>", *bytes_of], show_progress=False
    )


def _bytes_are_plain(tokenizer: Tokenizer) -> Tokenizer:
    """The trainer takes names of bytes into the vocabulary only as special tokens, which they are not."""
    described = json.loads(tokenizer.to_str())
    added = described["added_tokens"]
    described["added_tokens"] = [token for token in added if not token["content"].startswith("<0x")]
    return Tokenizer.from_str(json.dumps(described))


def _word() -> tuple[Tokenizer, Any]:
    tokenizer = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer, trainers.WordLevelTrainer(
        vocab_size=200, special_tokens=_BERT_SPECIALS, show_progress=False
    )


_BUILDERS = {
    "wordpiece": _wordpiece,
    "byte_fallback": _byte_fallback,
    "word": _word,
    "bytelevel": _bytelevel,
    "gpt2": _bytelevel,
    "roberta": partial(_bytelevel, 2000),  # large enough that no space is left a wordpiece of its own
    "unigram": _unigram,
    "character": _character,
}


def _post_process(tokenizer: Tokenizer, family: str) -> None:
    """Special tokens on both sides (BERT, RoBERTa), behind (T5), or none (GPT-2, which keeps leading
    spaces)."""
    if family == "gpt2":
        tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    elif family in ("bytelevel", "roberta"):
        ends = [(name, tokenizer.token_to_id(name)) for name in ("</s>", "<s>")]
        tokenizer.post_processor = processors.RobertaProcessing(*ends, add_prefix_space=False)
    elif family == "byte_fallback":
        begin = ("<s>", tokenizer.token_to_id("<s>"))
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A", pair="<s> $A <s> $B", special_tokens=[begin]
        )
    elif family == "unigram":
        end = ("</s>", tokenizer.token_to_id("</s>"))
        tokenizer.post_processor = processors.TemplateProcessing(
            single="$A </s>", pair="$A </s> $B </s>", special_tokens=[end]
        )
    else:
        ends = [(name, tokenizer.token_to_id(name)) for name in ("[SEP]", "[CLS]")]
        tokenizer.post_processor = processors.BertProcessing(*ends)


def fast_tokenizer(family: str, **settings: Any) -> PreTrainedTokenizerFast:
    """The same as a Hugging Face fast tokenizer; GPT-2's has no padding token."""
    specials = {
        "wordpiece": {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"},
        "bytelevel": {"pad_token": "<pad>", "unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"},
        "gpt2": {"unk_token": "<unk>"},
        "unigram": {"pad_token": "<pad>", "unk_token": "<unk>", "eos_token": "</s>"},
    }
    specials["character"] = specials["word"] = specials["wordpiece"]
    specials["byte_fallback"] = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
    specials["roberta"] = specials["bytelevel"]
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer_of(family), **specials[family], **settings)


def build_tiny(
    folder: Path,
    *,
    family: str = "wordpiece",
    tags: Sequence[str] = TAGS,
    max_positions: int = 64,
    seed: int = 0,
    head: bool = True,
    safe: bool = True,
    sharpness: float = 20.0,
    layers: int = 1,
) -> Path:
    """Save a BERT of one layer, or more, with random weights and its tokenizer in ``folder``.

    ``head`` False: an encoder without a token-classification head. ``sharpness`` scales the head, so that
    predictions are varied and decided. ``safe`` False: pickled weights.
    """
    tokenizer = fast_tokenizer(family)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=48,
        max_position_embeddings=max_positions,
        num_labels=len(tags),
        id2label=dict(enumerate(tags)),
        label2id={tag: row for row, tag in enumerate(tags)},
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = BertForTokenClassification(config) if head else BertModel(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("embeddings.weight"):
                parameter.mul_(10)
            if name.startswith("classifier.weight"):
                parameter.mul_(sharpness)
    model.save_pretrained(folder)
    if not safe:
        (folder / "model.safetensors").unlink()
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
    tokenizer.save_pretrained(folder)
    return folder
