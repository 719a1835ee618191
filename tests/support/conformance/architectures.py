"""The token classifiers of transformers as tiny configurations, by their ``model_type``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from transformers import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES

POSITIONS = 160
WINDOW = 128
"""The longest text a tokenizer lets through, in wordpieces, so that every model has windows of one length."""

KNOWN_HERE = tuple(MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES)
"""The token classifiers of the transformers that is installed."""

_USUAL = {
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": POSITIONS,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_FEW_KEYS = {"num_key_value_heads": 1, "head_dim": 16}
_NAMED_LIKE_XLM = {"emb_dim": 32, "n_layers": 1, "n_heads": 2}
_T5 = {"d_kv": 16, "d_ff": 48}
_MOBILE = {
    "embedding_size": 32,
    "intra_bottleneck_size": 32,
    "true_hidden_size": 32,
    "num_feedforward_networks": 1,
}
_ONE_GROUP = {
    f"{part}_groups": 1 for part in ("q", "k", "v", "post_attention", "intermediate", "output")
}  # groups of SqueezeBERT's convolutions

# What each needs beside the usual; None takes one of the usual away.
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "albert": {"embedding_size": 16},
    "bert": {},
    "big_bird": {"block_size": 4, "num_random_blocks": 1},
    "biogpt": {},
    "bloom": {},
    "camembert": {},
    "convbert": {"embedding_size": 16},
    "data2vec-text": {},
    "deberta": {},
    "deberta-v2": {},
    "distilbert": {"hidden_dim": 48},
    "electra": {"embedding_size": 16},
    "ernie": {},
    "esm": {},
    "eurobert": {},
    "falcon": {},
    "flaubert": _NAMED_LIKE_XLM,
    "funnel": {"num_hidden_layers": None, "block_sizes": [1, 1], "d_model": 32, "n_head": 2, "d_inner": 48},
    "gemma": _FEW_KEYS,
    "gpt2": {},
    "gpt_neox": {},
    "ibert": {},
    "layoutlm": {"max_2d_position_embeddings": 64},
    "llama": _FEW_KEYS,
    "longformer": {"attention_window": 16},
    "luke": {"entity_vocab_size": 10, "entity_emb_size": 16},
    "megatron-bert": {},
    "mistral": _FEW_KEYS,
    "mobilebert": _MOBILE,
    "modernbert": {"num_hidden_layers": 2},
    "mpnet": {},
    "mt5": _T5,
    "nomic_bert": {},
    "phi": {},
    "qwen3": _FEW_KEYS,
    "rembert": {"input_embedding_size": 16, "output_embedding_size": 16},
    "roberta": {},
    "roformer": {},
    "squeezebert": {"embedding_size": 32, **_ONE_GROUP},
    "t5": _T5,
    "xlm": _NAMED_LIKE_XLM,
    "xlm-roberta": {},
    "xlnet": {"max_position_embeddings": None, "d_model": 32, "n_layer": 1, "n_head": 2, "d_inner": 48},
}  # fmt: skip
# Its tokenizers give CLS, which stands behind the text, a segment of its own.
SEGMENT_OF_CLS = {"xlnet": 2}


def config_of(architecture: str, *, vocabulary: int, tags: Sequence[str]) -> Any:
    """A configuration of few weights.

    Args:
        architecture: one of `ARCHITECTURES`.
        vocabulary: how many wordpieces the tokenizer has.
        tags: the names of the head's rows, in their order.
    """
    settings = {**_USUAL, **ARCHITECTURES[architecture], "vocab_size": vocabulary}
    return CONFIG_MAPPING[architecture](
        **{name: value for name, value in settings.items() if value is not None},
        id2label=dict(enumerate(tags)),
        label2id={tag: row for row, tag in enumerate(tags)},
    )
