"""Which classes of transformers a model may name: its token classifiers and its tokenizers, none of its
others. Imports transformers.
"""

from __future__ import annotations

import inspect
from importlib.util import find_spec
from typing import Any

from spanloop.plugin.model.errors import ModelError, reading
from spanloop.plugin.model.fields import Fields

FETCHES_KERNELS = ("mra", "yoso")
"""On a GPU they fetch kernels from a hub as soon as the package that does so is installed, unasked."""
_KERNELS = "kernels"
# Architectures that transformers counts among its token classifiers and that cannot serve as one here.
_UNFIT = {
    "bros": "it reads pages, with the place of each word on them, and a text has none",
    "fnet": "it mixes every position of a batch with every other, padding too, so what it says of a text "
    "depends on the texts beside it",
    "layoutlmv2": "it reads pictures of pages, and a text has none",
    "nystromformer": "it stands positions together by the length of the whole batch, padding too, so what it "
    "says of a text depends on the texts beside it",
}


def config_of(fields: Fields, whose: str) -> Any:
    """The configuration that these checked fields describe.

    Raises:
        ModelError: where transformers has no such token classifier, or cannot make sense of a field.
    """
    from transformers import CONFIG_MAPPING, MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING

    kind = fields.get("model_type")
    if not isinstance(kind, str) or not kind:
        raise ModelError(
            f"{whose}: its config.json does not say of which architecture it is; write it there, for a BERT "
            'as "model_type": "bert"'
        )
    if kind in _UNFIT:
        raise ModelError(f"{whose}: its architecture, {kind!r}, is not supported: {_UNFIT[kind]}")
    known = kind in CONFIG_MAPPING  # its `get` knows nothing
    config_class = CONFIG_MAPPING[kind] if known else None
    if config_class is None or config_class not in MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING:
        raise ModelError(
            f"{whose}: its architecture is {kind!r}, and transformers has no token classifier of that one"
        )
    if kind in FETCHES_KERNELS and find_spec(_KERNELS) is not None:
        raise ModelError(
            f"{whose}: its architecture, {kind!r}, fetches program code from a hub where the package "
            f"{_KERNELS!r} is installed: choose another model, or pip uninstall {_KERNELS}"
        )
    for name in fields:
        if inspect.isroutine(getattr(config_class, name, None)):
            raise ModelError(f"{whose}: its config.json has {name!r}, which is no setting of a model")
    with reading(f"{whose}: its config.json makes no {kind!r}"):
        return config_class.from_dict(dict(fields))


def check_tokenizer_class(name: Any, whose: str) -> None:
    """ModelError for the name of a class of transformers that is no tokenizer: each of them can load
    something. Of a name that it does not have it makes an ordinary tokenizer, or says so itself."""
    import transformers

    if not isinstance(name, str):
        return
    with reading(f"{whose}: its tokenizer {name!r} cannot be used"):
        found = getattr(transformers, name, None)
    named = inspect.isclass(found) and issubclass(found, transformers.PreTrainedTokenizerBase)
    if found is not None and not named and not _is_stand_in(found):
        raise ModelError(f"{whose}: its tokenizer_class, {name!r}, is no tokenizer of transformers")


def _is_stand_in(found: Any) -> bool:
    """What transformers has for a class whose library is not installed: it can say so, and no more."""
    return type(found).__name__ == "DummyObject"
