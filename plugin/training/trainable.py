"""Which weights a training changes: lower parts of an encoder can stay as they are (less to compute, less to
forget), or all of it, with low-rank adapters (Hu et al. 2021) learned beside them.

peft makes the adapters; it is an extra (``pip install peft``), imported only where it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from spanloop.plugin.model.pretrained import head_name
from spanloop.plugin.training.config import Stays, TrainConfig

_A_SIXTH = 6


def stays(model: Any, config: TrainConfig) -> Stays:
    """What of the model is left as it is, where the settings leave that to the training: all embeddings and
    a sixth of the layers. Of a model that has fewer than six, or keeps them in no list, and beside adapters:
    nothing; in a hurry the word embeddings."""
    asked = config.freeze
    if asked != "auto" and asked != "none":
        return asked
    try:
        layers = 0 if asked == "none" or config.lora else len(_layers(model)) // _A_SIXTH
    except ValueError:
        layers = 0
    return layers or ("embeddings" if config.fast else "none")


@contextmanager
def frozen(model: Any, what: Stays) -> Iterator[list[nn.Module]]:
    """Within it, the parameters of ``what`` get no gradient; afterwards all is as it was. Gives the layers
    that stay as they are, from below.

    ValueError for a model whose layers are not one list of modules, where some of them are asked for, and
    where it has fewer.
    """
    parameters = [p for part in _parts(model, what) for p in part.parameters() if p.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield [] if what in ("none", "embeddings") else _lower(model, what)
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)


def _parts(model: Any, what: Stays) -> list[nn.Module]:
    if what == "none":
        return []
    if what == "embeddings":
        return [model.get_input_embeddings()]
    embeddings = getattr(model.base_model, "embeddings", None) or model.get_input_embeddings()
    return [embeddings, *_lower(model, what)]


def _lower(model: Any, what: Stays) -> list[nn.Module]:
    layers = _layers(model)
    wanted = what if isinstance(what, int) else len(layers) // 2
    if not 0 <= wanted <= len(layers):
        raise ValueError(f"{wanted} layers cannot be frozen: {type(model).__name__} has {len(layers)}")
    return layers[:wanted]


def _layers(model: Any) -> list[nn.Module]:
    wanted = getattr(model.config, "num_hidden_layers", None)
    for module in model.base_model.modules():
        if isinstance(module, nn.ModuleList) and len(module) == wanted:
            return list(module)
    name = type(model).__name__
    raise ValueError(f"{name} keeps its layers in no list: freeze its embeddings, or nothing")


def has_learned(model: Any) -> bool:
    """Whether the head comes from an earlier training: the biases of a new one are 0 (`set_tags`)."""
    bias = model.get_submodule(head_name(model)).bias
    return bias is not None and bool(bias.any())


def part_head(optimizer: torch.optim.Optimizer, model: Any, learner: Any, rate: float) -> None:
    """Let the head of ``model`` learn ``rate`` times as fast as the rest. ``learner``: what the optimizer
    was made for, the model or the one with adapters around it."""
    name = f".{head_name(model)}."
    of_head = {id(p) for path, p in learner.named_parameters() if name in f".{path}"}
    for group in list(optimizer.param_groups):
        head = [p for p in group["params"] if id(p) in of_head]
        if head:
            group["params"] = [p for p in group["params"] if id(p) not in of_head]
            optimizer.add_param_group({**group, "params": head, "lr": rate * group["lr"]})


@contextmanager
def adapted(model: Any, rank: int) -> Iterator[Any]:
    """Within it, the model to train: ``model`` itself for rank 0, else ``model`` with adapters of this rank.

    Afterwards the adapters are merged into the weights, so that ``model`` is an ordinary one again.
    ValueError where peft is not installed.
    """
    if not rank:
        yield model
        return
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise ValueError("lora needs the package peft: pip install peft") from error
    trained = {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    heads = [name for name, _ in model.named_children() if name != model.base_model_prefix]
    settings = LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        target_modules="all-linear",
        exclude_modules=heads,
        modules_to_save=[name for name in heads if any(True for _ in getattr(model, name).parameters())],
    )
    wrapped = get_peft_model(model, settings)
    try:
        yield wrapped
    finally:
        wrapped.merge_and_unload()
        # Some versions of peft leave this behind: the next training would believe that adapters are there.
        vars(model).pop("peft_config", None)
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(trained[name])
