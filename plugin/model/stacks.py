"""What transformers 4 and 5 read and write differently, so that a model saved under one gives the same under
the other. Imports transformers when used."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

# Both know the class by this name, and take what tokenizer.json says as it is.
_TOKENIZER_OF_BOTH = "PreTrainedTokenizerFast"
_TOKENIZER_OF_5 = "TokenizersBackend"
_TOKENIZER_FILE = "tokenizer.json"
_CONFIG_FILE = "tokenizer_config.json"
# How positions turn in attention: 5 writes this one field, 4 reads others and takes defaults in silence.
_POSITIONS_OF_5 = "rope_parameters"
_ALONE = threading.RLock()
Size = tuple[int, ...]


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Within it, no other thread makes, reads or writes a model through us: while it does, transformers
    changes what holds for the whole process (functions of torch, its own classes, the bars that it
    shows)."""
    with _ALONE:
        yield


def _after_fork() -> None:
    """A child has none of the threads of its parent, and one of them may have been at it."""
    global _ALONE
    _ALONE = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def read_tokenizer(folder: Path, config: Any) -> Any:
    """The tokenizer of a folder, as transformers reads it; under 4 also one that 5 saved under the name of
    its own class."""
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    settings: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
    try:
        return AutoTokenizer.from_pretrained(folder, config=config, **settings)
    except ValueError as error:
        if _TOKENIZER_OF_5 not in str(error):
            raise
        return PreTrainedTokenizerFast.from_pretrained(folder, **settings)


def as_saved(tokenizer: Any, folder: Path) -> None:
    """Have the tokenizer cut text exactly as the file says that was written with it.

    transformers 5 builds those of many families anew from their vocabulary, by rules of its own.
    """
    from tokenizers import Tokenizer

    if (folder / _TOKENIZER_FILE).is_file():
        tokenizer._tokenizer = Tokenizer.from_file(str(folder / _TOKENIZER_FILE))


def make_portable(folder: Path, tokenizer: Any) -> None:
    """Have both read back the tokenizer that was saved in ``folder``, and neither build it anew."""
    path = folder / _CONFIG_FILE
    config = json.loads(path.read_text(encoding="utf-8"))
    config["tokenizer_class"] = _TOKENIZER_OF_BOTH
    config["model_input_names"] = list(tokenizer.model_input_names)  # else those of the class named above
    path.write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def in_full() -> dict[str, Any]:
    """What has transformers read every weight with 32 bits. Otherwise 5 takes the number type of the file,
    which is then that of every new tensor of the process until the model is read."""
    import torch
    import transformers

    is_4 = int(transformers.__version__.split(".")[0]) < 5
    return {"torch_dtype" if is_4 else "dtype": torch.float32}


def other_sizes(mismatched: Any, model: Any, folder: Path) -> list[tuple[str, Size | None, Size]]:
    """Name, size in the file and size in the model of each weight whose sizes differ. 4 tells the names
    alone: their sizes are read from the safetensors, and are None where there are none."""
    ours = {name: tuple(weight.shape) for name, weight in model.state_dict().items()}
    found: list[tuple[str, Size | None, Size]] = []
    for row in mismatched:
        name, theirs = (row, _size_in(folder, row)) if isinstance(row, str) else (row[0], tuple(row[1]))
        found.append((name, theirs, ours[name]))
    return sorted(found, key=lambda row: row[0])


def _size_in(folder: Path, name: str) -> Size | None:
    from safetensors import safe_open

    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, "pt") as weights:
            if name in weights.keys():  # noqa: SIM118 - it is no mapping
                return tuple(weights.get_slice(name).get_shape())
    return None


@contextlib.contextmanager
def no_bars() -> Iterator[None]:
    """Within it, reading and writing weights shows no bar, as 5 does even where it takes a moment; a download
    still shows its own."""
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )
    from transformers.utils import logging

    if not logging.is_progress_bar_enabled():
        yield
        return
    downloads = not are_progress_bars_disabled()
    logging.disable_progress_bar()  # takes the bars of downloads along
    if downloads:
        enable_progress_bars()
    try:
        yield
    finally:
        logging.enable_progress_bar()
        if not downloads:
            disable_progress_bars()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """transformers' own log without its warnings, and no bar of its own."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        with no_bars():
            yield
    finally:
        logging.set_verbosity(level)


def unreadable_here(config: Mapping[str, Any]) -> str | None:
    """Why this transformers would read a model of the other wrongly, in a line; None where it would not.

    Args:
        config: What the model's configuration says.
    """
    import transformers

    if int(transformers.__version__.split(".")[0]) >= 5 or not config.get(_POSITIONS_OF_5):
        return None
    writer = config.get("transformers_version") or "5"
    return (
        f"it was saved by transformers {writer}, which states positions ({_POSITIONS_OF_5}) in a way that "
        f"transformers {transformers.__version__} does not read: pip install 'transformers>=5'"
    )
