"""A Hugging Face token classifier and its tokenizer: loaded, resized, saved. Imports transformers when used.

The one way from a model's files into transformers: only what was checked to be data gets there (`files`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.version import Version
from safetensors import SafetensorError

from spanloop.plugin.model import fields, segments, stacks
from spanloop.plugin.model.disk import writing
from spanloop.plugin.model.errors import ModelError, reading
from spanloop.plugin.model.files import CONFIG, Checked, Origin, checked
from spanloop.plugin.model.places import Place, at_hand, place_of
from spanloop.plugin.model.tokenizer import load_tokenizer

if TYPE_CHECKING:
    from spanloop.plugin.model.int8 import Quantised

# Longer windows cost more a wordpiece and buy a tagger nothing; what a model without a limit of its own gets.
_USUAL_WINDOW = 512
# Before it, weights could make torch run code even where it was told to read data alone (CVE-2025-32434).
_READS_PICKLES_AS_DATA = Version("2.6")
# In the model's config.json, so that it goes wherever the model goes.
_FRESH = "spanloop_fresh_head"


@dataclass(slots=True)
class Pretrained:
    """A model in memory with its tokenizer, where both come from, and what it was quantised to, if it was."""

    model: Any
    tokenizer: Any
    origin: Origin
    quantised: Quantised | None = None

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


def stated_tags(name: str, *, revision: str | None = None) -> tuple[str, ...]:
    """The tags that a model's configuration states. Reads no weights and asks no network: none where the
    model is not on this machine, cannot be used, or is an encoder without labels."""
    try:
        place = place_of(name, revision)
        file = at_hand(place, CONFIG)
        if file is None:
            return ()
        whose = _whose(place)
        config = fields.of_config(fields.read(file, whose), whose)
        return fields.tags_of(config, whose) if fields.has_head(config) and not config.get(_FRESH) else ()
    except (ModelError, OSError, RecursionError):  # told by whoever loads it
        return ()


def load(
    name: str, *, revision: str | None = None, allow_pickle: bool = False, saved: bool = False
) -> Pretrained:
    """The token classifier of a folder or hub id, in evaluation mode. An encoder without a head gets one
    of no meaning yet (`fresh_head`): see `set_tags`.

    Args:
        name: a folder, a hub id, ``org/name@revision``, or ``offline``.
        revision: a branch, tag or commit of the hub, where the name has none.
        allow_pickle: read pickled weights where there are no others.
        saved: the folder is one that `save` wrote, under whichever release of transformers.

    Returns:
        The model with its tokenizer.

    Raises:
        ModelError: where there is none, or where it wants to run code, or is no token classifier.
    """
    place = place_of(name, revision)
    with stacks.alone(), checked(place, allow_pickle=allow_pickle) as files:
        config = _config(files, place)
        tokenizer = load_tokenizer(files, place, config)
        if saved:
            stacks.as_saved(tokenizer, files.folder)
        model, missing = _load_model(files, place, config)
    # What was read lies in a folder that is gone by now.
    model.config.name_or_path = model.name_or_path = tokenizer.name_or_path = place.name
    head = {f"{head_name(model)}.{part}" for part in ("weight", "bias")}
    unread = missing - head
    if unread:
        raise ModelError(
            f"the model {name!r} lacks weights that its architecture needs ({_few(unread)}): "
            "choose a token classifier or an encoder that Hugging Face can build one on"
        )
    if _vocabulary_of(model) < len(tokenizer):
        raise ModelError(
            f"the tokenizer of {name!r} has more wordpieces than its model: they do not belong together"
        )
    if missing or fields.other_task(files.config):
        setattr(model.config, _FRESH, True)
    segments.supply(model, tokenizer)
    return Pretrained(model.eval(), tokenizer, files.origin)


def _whose(place: Place) -> str:
    return f"the model {place.spelled!r} is not loaded"


def _vocabulary_of(model: Any) -> float:
    """How many wordpieces a model knows; one that hashes characters (CANINE) knows them all."""
    try:
        return len(model.get_input_embeddings().weight)
    except (AttributeError, NotImplementedError):
        return float("inf")


def _config(files: Checked, place: Place) -> Any:
    from spanloop.plugin.model.known_classes import check_tokenizer_class, config_of

    fields.tags_of(files.config, _whose(place))
    config = config_of(files.config, _whose(place))
    for settings in (files.config, files.tokenizer):
        check_tokenizer_class(settings.get("tokenizer_class"), _whose(place))
    config.name_or_path = place.name  # transformers knows some models of the hub by it
    return config


def _load_model(files: Checked, place: Place, config: Any) -> tuple[Any, set[str]]:
    """The model and the names of the weights that the source does not hold."""
    import torch
    from transformers import AutoModelForTokenClassification

    if not files.safe and Version(torch.__version__) < _READS_PICKLES_AS_DATA:
        raise ModelError(
            f"the pickled weights of {place.spelled!r} can run code under torch {torch.__version__}: "
            f"pip install 'torch>={_READS_PICKLES_AS_DATA}', or choose a model with model.safetensors"
        )
    # A new head must not move the user's random numbers, nor warn: `fresh_head` says that it is there.
    with torch.random.fork_rng(devices=[]), stacks.quiet():
        torch.manual_seed(0)
        with reading(
            f"no token classifier can be read from {place.spelled!r}", {str(files.folder): place.name}
        ):
            model, info = AutoModelForTokenClassification.from_pretrained(
                files.folder,
                config=config,
                trust_remote_code=False,
                local_files_only=True,
                use_safetensors=files.safe,
                weights_only=True,
                ignore_mismatched_sizes=True,  # told below, by name and size
                output_loading_info=True,
                **stacks.in_full(),
            )
    _refuse_other_sizes(stacks.other_sizes(info["mismatched_keys"], model, files.folder), model, place)
    if reason := stacks.unreadable_here(files.config):
        raise ModelError(f"the model {place.spelled!r} cannot be read here: {reason}")
    return model.float(), set(info["missing_keys"])


def _refuse_other_sizes(
    sizes: list[tuple[str, stacks.Size | None, stacks.Size]], model: Any, place: Place
) -> None:
    """ModelError where weights have other sizes than the configuration says."""
    for name, theirs, ours in sizes[:1]:
        why = f"its weights are not those of its config.json: {name} has the size {theirs} "
        why += f"and should have {ours}"
        if theirs is not None and name.startswith(head_name(model)):
            why = f"its head has {theirs[0]} rows ({name}), and its config.json names {ours[0]} labels "
            why += "('id2label'): write one label there for each row, in their order"
        raise ModelError(f"{_whose(place)}: {why}")


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


def set_tags(
    pretrained: Pretrained, tags: Sequence[str], *, seed: int = 0, known_as: Sequence[str] | None = None
) -> None:
    """Give the model's head exactly these tags, in this order. Rows of tags that it had are kept by name, new
    ones are drawn from ``seed``. ``known_as``: the names of its present rows where they are not its own; of
    two rows with one name the first is kept. ModelError where the head is no linear layer."""
    import torch

    model = pretrained.model
    before = pretrained.tags if known_as is None else tuple(known_as)
    if not pretrained.fresh_head and tuple(tags) == pretrained.tags == before:
        return
    name = head_name(model)
    old = model.get_submodule(name)
    kept: dict[str, int] = {}
    for row, tag in enumerate(() if pretrained.fresh_head else before):
        kept.setdefault(tag, row)
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
    linear = ((name, module) for name, module in model.named_modules() if isinstance(module, torch.nn.Linear))
    names = [name for name, module in linear if module.out_features == rows]
    if not names:
        raise ModelError(f"{type(model).__name__} has no linear layer on top: its labels cannot be changed")
    return str(names[-1])


def save(pretrained: Pretrained, folder: Path) -> None:
    """Write what `load` and ``AutoModelForTokenClassification.from_pretrained`` read: safetensors, never
    pickle. OSError where the disk refuses."""
    folder.mkdir(parents=True, exist_ok=True)
    with stacks.alone(), writing(folder), stacks.no_bars():
        try:
            pretrained.model.save_pretrained(folder)
        except SafetensorError as error:  # so safetensors below 0.8 says that the disk is full
            raise OSError(f"{folder}: {error}") from error
        pretrained.tokenizer.save_pretrained(folder)
        if pretrained.tokenizer.is_fast:
            stacks.make_portable(folder, pretrained.tokenizer)


def _few(names: set[str]) -> str:
    some = sorted(names)
    return ", ".join(some[:3]) + (f" and {len(some) - 3} more" if len(some) > 3 else "")
