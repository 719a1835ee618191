"""Low-rank adaptation (Hu et al. 2021): a training learns small matrices beside frozen ones, and the head.

peft does the work; it is an extra (``pip install peft``), imported only where it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


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
