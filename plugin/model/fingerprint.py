"""What tells two models apart: a hash of all that changes what they say."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from spanloop.plugin.model.pretrained import Pretrained


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
