"""The segments of a model's special tokens: XLNet gives CLS one of its own, and what such a model
says of a text depends on it. Imports torch when used."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

_NAME = "token_type_ids"


def supply(model: Any, tokenizer: Any) -> None:
    """Have the model's encoder told the segments of special tokens, whoever calls it, where they are not 0
    as those of all other wordpieces are.

    Args:
        model: a Hugging Face model, with a head or without.
        tokenizer: its fast tokenizer.
    """
    encoder = model.base_model
    if _NAME not in tokenizer.model_input_names or _NAME not in inspect.signature(encoder.forward).parameters:
        return
    encoded = tokenizer.backend_tokenizer.encode("a")
    marks = zip(encoded.ids, encoded.type_ids, encoded.special_tokens_mask, strict=True)
    segments = {token: segment for token, segment, special in marks if special and segment}
    if segments:
        encoder.register_forward_pre_hook(_Segments(segments), with_kwargs=True)


class _Segments:
    """Adds the segments to a call that has none. A class, so that a model with it can be copied and
    pickled."""

    def __init__(self, segments: Mapping[int, int]) -> None:
        self.segments = dict(segments)

    def __call__(
        self, _encoder: Any, given: tuple[Any, ...], named: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        import torch

        input_ids = given[0] if given else named.get("input_ids")
        if input_ids is None or named.get(_NAME) is not None:
            return None
        types = torch.zeros_like(input_ids)
        for token, segment in self.segments.items():
            types[input_ids == token] = segment
        return given, {**named, _NAME: types}
