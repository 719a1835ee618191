"""Lower parts of an encoder that a training leaves as they are: less to compute, less to forget."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from torch import nn

# What stays: nothing, the word embeddings (half of a small model), or all embeddings and the lower half of
# the layers, or so many of them.
Freeze = Literal["none", "embeddings", "half"] | int


@contextmanager
def frozen(model: Any, what: Freeze) -> Iterator[list[nn.Module]]:
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


def _parts(model: Any, what: Freeze) -> list[nn.Module]:
    if what == "none":
        return []
    if what == "embeddings":
        return [model.get_input_embeddings()]
    embeddings = getattr(model.base_model, "embeddings", None) or model.get_input_embeddings()
    return [embeddings, *_lower(model, what)]


def _lower(model: Any, what: Freeze) -> list[nn.Module]:
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
