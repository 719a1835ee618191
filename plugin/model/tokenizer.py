"""A model's tokenizer: what must lie beside the model for one, and how it is read. Imports transformers when
used."""

from __future__ import annotations

from collections.abc import Collection
from importlib.util import find_spec
from typing import Any

from spanloop.plugin.model import stacks
from spanloop.plugin.model.errors import ModelError, reading
from spanloop.plugin.model.files import VOCABULARY, Checked
from spanloop.plugin.model.places import Place
from spanloop.plugin.model.slow_tokenizer import SlowTokenizer

_WHOLE = "tokenizer.json"
# Which of the vocabularies sentencepiece wrote, and what is needed to read one.
_SENTENCEPIECE = tuple(
    name for name in VOCABULARY if name.endswith(".model") and not name.startswith("tiktoken")
)
_NEEDED = {"sentencepiece": "sentencepiece", "protobuf": "google.protobuf"}
# Tokenizers of characters and bytes: their numbers are those of Unicode.
_WITHOUT_VOCABULARY = ("Canine", "ByT5", "Perceiver")
_KINDS_WITHOUT_VOCABULARY = ("canine", "perceiver")


def load_tokenizer(files: Checked, place: Place, config: Any) -> Any:
    """The tokenizer that lies beside the model: a fast one, or a slow one behind the same face.

    Args:
        files: the model's files.
        place: where they come from, for messages.
        config: the model's configuration, which says what kind of tokenizer it has.

    Raises:
        ModelError: where there is none, it cannot be read, or it does not say which characters a wordpiece
            stands for.
    """
    _refuse_missing(files, place)
    with reading(f"no tokenizer can be read from {place.spelled!r}", {str(files.folder): place.name}):
        tokenizer = stacks.read_tokenizer(files.folder, config)
    if not tokenizer.is_fast:
        return SlowTokenizer(tokenizer, place.spelled)
    # Windows do both; here so that a saved tokenizer is the same before and after its first use.
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    return tokenizer


def _refuse_missing(files: Checked, place: Place) -> None:
    """ModelError for a model without the files of a tokenizer (transformers 5 makes one of no words of it, in
    silence), and for one that a package is missing for."""
    there = {name for name in VOCABULARY if (files.folder / name).is_file()}
    where = f"the model {place.spelled!r} is not loaded"
    if _WHOLE in there:
        return
    if "merges.txt" in there and "vocab.json" not in there:
        raise ModelError(f"{where}: its tokenizer has a merges.txt, and the vocab.json to it is missing")
    if there:
        _refuse_without_packages(there, where)
        return
    named = str(files.tokenizer.get("tokenizer_class") or files.config.get("tokenizer_class") or "")
    by_characters = named.startswith(_WITHOUT_VOCABULARY)
    if not by_characters and files.config.get("model_type") not in _KINDS_WITHOUT_VOCABULARY:
        raise ModelError(
            f"{where}: it has no tokenizer ({_WHOLE}, vocab.txt and the like), which must lie beside the "
            "model. Save there the tokenizer of the model that it was trained from (save_pretrained)"
        )


def _refuse_without_packages(there: Collection[str], where: str) -> None:
    by_sentencepiece = [name for name in _SENTENCEPIECE if name in there]
    others = [name for name in there if name not in _SENTENCEPIECE]
    missing = [package for package, module in _NEEDED.items() if not _installed(module)]
    if by_sentencepiece and not others and missing:
        raise ModelError(
            f"{where}: its tokenizer is a file of sentencepiece alone ({by_sentencepiece[0]}), which the "
            f"packages that are missing here read ({' and '.join(missing)}): "
            "pip install 'spanloop[sentencepiece]'"
        )


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of a package in a package, where the outer one is missing
        return False
