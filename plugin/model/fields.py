"""What of a model's JSON files transformers gets to see: data, nothing that leads to code or to another
place.

Many fields do lead there, others will come, and some are spelled in several ways. So the fields known to
name code are refused, for such a model is not what it was made to be without it, and of the rest only what
cannot name anything goes on: numbers, and texts that are no path and no ``org/name``. Imports no
transformers: a file is looked at before that library is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spanloop.plugin.model.errors import ModelError

Fields = dict[str, Any]

# What each names, for the line that refuses it.
_CODE = {
    "auto_map": "program code that comes with the model",
    "quantization_config": "a quantization, which runs kernels that are fetched from elsewhere",
    "compression_config": "a quantization, which runs kernels that are fetched from elsewhere",
    "use_kernels": "kernels, which are program code from a hub",
    "kernel_config": "kernels, which are program code from a hub",
    "configuration_files": "further configuration files",
    "fast_tokenizer_files": "further tokenizer files",
    "base_model_name_or_path": "another model",
}
_IMPLEMENTATION = re.compile(r"_?\w+_implementation(_internal)?")
_OWN_IMPLEMENTATIONS = ("eager", "sdpa")
# A path, the id of a repository, a URL, or code of one as transformers writes it (``org/name--file.Class``).
_NAMES_A_PLACE = re.compile(r"[/\\]|--")
# A model is built layer by layer before anything else is looked at.
_DEPTH = re.compile(r"\w*layers?")
_MOST_LAYERS = 1000
_LABELS = ("id2label", "label2id")
# Fields that begin with _ are transformers' own notes, and some of them name code; this one is a number.
_PRIVATE = ("_num_labels",)
# Models are loaded in one precision, whatever they were saved in.
_NOT_ASKED = ("dtype", "torch_dtype")
# Of tokenizer_config.json: texts that are characters of a text or one word of a short list.
_TOKENIZER_WORDS = {"tokenizer_class", "padding_side", "truncation_side", "errors", "src_lang", "tgt_lang"}
_SPECIAL_TOKENS = {
    "added_tokens_decoder",
    "additional_special_tokens",
    "extra_special_tokens",
    "model_specific_special_tokens",
    "never_split",
}
_BACKENDS = ("tokenizers",)
_INPUTS = ("input_ids", "token_type_ids", "attention_mask")
_NUMBERS = (bool, int, float, type(None))
_TAGGER = "ForTokenClassification"
# How transformers names its classes: an encoder alone, or with a head for one of its tasks.
_OTHER_HEAD = re.compile(r"For(SequenceClassification|MultipleChoice|QuestionAnswering)$")
_OF_TRANSFORMERS = re.compile(
    rf"(Model|MaskedLM|CausalLM|ForPreTraining|NextSentencePrediction|Generation|{_OTHER_HEAD.pattern})$"
)
# What transformers calls labels that nobody named.
_GENERIC = re.compile(r"LABEL_\d+")


def read(file: Path, whose: str) -> Fields:
    """The fields of a JSON file.

    Raises:
        ModelError: where it is no file of that kind. ``whose`` names the model.
    """
    try:
        fields = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{whose}: its {file.name} is no JSON that can be read: {error}") from error
    if not isinstance(fields, dict):
        raise ModelError(f"{whose}: its {file.name} holds no fields, only a {type(fields).__name__}")
    return fields


def of_config(fields: Fields, file: str) -> Fields:
    """What is handed on of ``config.json``. ``file`` names it in messages.

    Raises:
        ModelError: where a field, however deep, names code or another model.
    """
    kept: Fields = {}
    for name, value in fields.items():
        _refuse(name, value, file)
        if name in _CODE or name in _NOT_ASKED or (name.startswith("_") and name not in _PRIVATE):
            continue
        if name in _LABELS:
            kept[name] = _labels(name, value, file)
        elif isinstance(value, dict):
            kept[name] = of_config(value, file)
        elif _names_no_place(value, file):
            kept[name] = value
    return kept


def _refuse(name: str, value: Any, file: str) -> None:
    if name in _CODE and value:
        raise ModelError(f"{file} has {name!r}, which names {_CODE[name]}: {_ADVICE}")
    if _DEPTH.fullmatch(name) and isinstance(value, (int, float)) and value > _MOST_LAYERS:
        raise ModelError(f"{file} has {name!r} = {_short(value)}: no model of text has so many layers")
    if _IMPLEMENTATION.fullmatch(name) and not _own_implementation(value):
        raise ModelError(
            f"{file} has {name!r} = {_short(value)}, which can be program code of a hub: {_ADVICE}"
        )


_ADVICE = "a model is read as data alone; choose another model, or one saved without this"


def _own_implementation(value: Any) -> bool:
    """Whether transformers itself has what computes attention, or experts, in this way."""
    if isinstance(value, dict):
        return all(_own_implementation(inner) for inner in value.values())
    return value is None or value in _OWN_IMPLEMENTATIONS


def _names_no_place(value: Any, file: str) -> bool:
    if isinstance(value, str):
        return _NAMES_A_PLACE.search(value) is None
    if isinstance(value, dict):
        return len(of_config(value, file)) == len(value)
    if isinstance(value, list):
        found = [_names_no_place(inner, file) for inner in value]  # of each: it may be refused
        return all(found)
    return True


def _labels(name: str, value: Any, file: str) -> Any:
    """Labels may be any text, so they may be nothing else."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ModelError(f"{file} has {name!r} = {_short(value)}, which is no table of labels")
    for label in value.values():
        if not isinstance(label, (str, int)):
            raise ModelError(f"{file} has {_short(label)} among its {name!r}, which is no label")
    return value


def tags_of(config: Mapping[str, Any], whose: str) -> tuple[str, ...]:
    """The tags that a configuration states, in the order of the rows of the head; empty where it states none.

    Raises:
        ModelError: where their numbers are not 0, 1, 2 and so on.
    """
    names = config.get("id2label") or {}
    by_row = {str(row): str(name) for row, name in names.items()}
    missing = [str(row) for row in range(len(by_row)) if str(row) not in by_row]
    if missing:
        others = sorted(set(by_row) - {str(row) for row in range(len(by_row))})
        raise ModelError(
            f"{whose}: its labels ('id2label') are not numbered 0, 1, 2 and so on: they name {_few(others)} "
            f"and not {_few(missing)}; write one label into its config.json for each row of its head"
        )
    return tuple(by_row[str(row)] for row in range(len(by_row)))


def has_head(config: Mapping[str, Any]) -> bool:
    """Whether the model was saved with a head whose tags mean something, as far as its configuration tells:
    one that does not name its class, or a class that transformers has not, has a head where it has labels of
    its own."""
    classes = _classes_of(config)
    if any(name.endswith(_TAGGER) for name in classes):
        return True
    known = any(_OF_TRANSFORMERS.search(name) for name in classes)
    names = (config.get("id2label") or {}).values()
    return not known and any(not _GENERIC.fullmatch(str(name)) for name in names)


def other_task(config: Mapping[str, Any]) -> str | None:
    """The class that the model was saved from, where it has a head for another task: its rows are no tags."""
    classes = _classes_of(config)
    if any(name.endswith(_TAGGER) for name in classes):
        return None
    return next((name for name in classes if _OTHER_HEAD.search(name)), None)


def _classes_of(config: Mapping[str, Any]) -> list[str]:
    classes = config.get("architectures")
    return [str(name) for name in classes] if isinstance(classes, list) else []


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def of_tokenizer(fields: Fields, file: str) -> Fields:
    """What is handed on of ``tokenizer_config.json`` and ``special_tokens_map.json``: numbers, special tokens
    and a few words. Files named there, and templates, are not.

    Raises:
        ModelError: where a field names code or further files. ``file`` names this one.
    """
    kept: Fields = {}
    for name, value in fields.items():
        _refuse(name, value, file)
        if name in _CODE or name.startswith("_"):
            continue
        if isinstance(value, _NUMBERS) or _is_special_token(name, value) or _is_word(name, value):
            kept[name] = value
        elif name == "model_input_names" and isinstance(value, list):
            kept[name] = [word for word in value if word in _INPUTS]
        elif name == "sp_model_kwargs" and isinstance(value, dict):
            kept[name] = {key: inner for key, inner in value.items() if isinstance(inner, _NUMBERS)}
    return kept


def _is_special_token(name: str, value: Any) -> bool:
    if name.endswith("_token"):
        return isinstance(value, (str, dict)) and _are_tokens(value)
    return name in _SPECIAL_TOKENS and _are_tokens(value)


def _is_word(name: str, value: Any) -> bool:
    return isinstance(value, str) and (name in _TOKENIZER_WORDS or (name == "backend" and value in _BACKENDS))


def _are_tokens(value: Any) -> bool:
    """A text, or tables and lists of texts: special tokens with what is said of each."""
    if isinstance(value, dict):
        return all(_are_tokens(inner) for inner in value.values())
    if isinstance(value, list):
        return all(_are_tokens(inner) for inner in value)
    return isinstance(value, (str, *_NUMBERS))


def of_added_tokens(fields: Fields, _file: str) -> Fields:
    """What is handed on of ``added_tokens.json``: tokens with their numbers."""
    return {token: number for token, number in fields.items() if isinstance(number, int)}


def of_index(fields: Fields, suffix: str, whose: str) -> Fields:
    """What is handed on of the index of weights that lie in several files: which weight lies in which.

    Raises:
        ModelError: where one lies elsewhere, or in a file of another kind.
    """
    table, about = fields.get("weight_map"), fields.get("metadata")
    if not isinstance(table, dict) or not table:
        raise ModelError(f"{whose}: its index of weights has no table ('weight_map')")
    for name in table.values():
        if not isinstance(name, str) or not re.fullmatch(rf"[\w-][\w.-]*\.{suffix}", name):
            raise ModelError(
                f"{whose}: its index of weights names {_short(name)}, which is no .{suffix} file beside it"
            )
    numbers = about.items() if isinstance(about, dict) else ()
    return {
        "metadata": {name: value for name, value in numbers if isinstance(value, _NUMBERS)},
        "weight_map": table,
    }


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
