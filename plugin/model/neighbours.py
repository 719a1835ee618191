"""Models whose scores depend on what else is in the batch: found out by asking them, and kept right by
batches without padding.

Most architectures mask padding. Some let it through (convolutions over the text in ConvBERT, pooling in
Funnel and CANINE), and BigBird attends in another way where the longest window of the batch is long.
"""

from __future__ import annotations

from typing import Any

# Rounding changes probabilities by less, padding that gets through by more.
_ROUNDING = 1e-4
_SHORT, _LONG = 6, 17
_SPARSE = "block_sparse"
# They do by how they are built: with weights that have learned nothing yet it may not show.
_KNOWN = ("canine", "convbert", "funnel")


def depends_on_padding(model: Any, *, pad_id: int, max_wordpieces: int) -> bool:
    """Whether padding changes what the model says: two windows are scored alone and side by side.

    Args:
        model: a token classifier.
        pad_id: what windows are padded with.
        max_wordpieces: the longest window that it will see.
    """
    import torch

    if model.config.model_type in _KNOWN or _can_be_sparse(model, max_wordpieces):
        return True
    long = min(_LONG, max_wordpieces)
    short = min(_SHORT, long - 1)
    if short < 1:
        return False
    ids = torch.arange(1, long + 1, device=model.device) * 7 % _vocabulary(model)
    windows = torch.full((2, long), pad_id, device=model.device)
    windows[0, :short], windows[1] = ids[:short], ids
    mask = torch.ones_like(windows)
    mask[0, short:] = 0
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            alone = model(input_ids=windows[:1, :short], attention_mask=mask[:1, :short]).logits
            beside = model(input_ids=windows, attention_mask=mask).logits
    finally:
        model.train(training)
    change = alone[0].float().softmax(-1) - beside[0, :short].float().softmax(-1)
    return bool(change.abs().max() > _ROUNDING)


def shortest_batch(model: Any) -> int:
    """How many wordpieces a window has at least, padding included: CANINE and Funnel lay some together, and
    read no fewer."""
    blocks = getattr(model.config, "block_sizes", None) or ()
    return max(int(getattr(model.config, "downsampling_rate", 1)), int(2 ** len(blocks)))


def _vocabulary(model: Any) -> int:
    return int(getattr(model.config, "vocab_size", None) or 256)


def _can_be_sparse(model: Any, max_wordpieces: int) -> bool:
    """Whether it attends to a part of the text alone as soon as a window of the batch is long: BigBird."""
    config = model.config
    if getattr(config, "attention_type", None) != _SPARSE:
        return False
    return max_wordpieces > (5 + 2 * int(config.num_random_blocks)) * int(config.block_size)


def changes_itself(model: Any) -> bool:
    """Whether a forward pass may change how the model attends, so that no two may run at once: BigBird."""
    return getattr(model.config, "attention_type", None) == _SPARSE


def as_configured(model: Any) -> None:
    """Have BigBird attend as its configuration says: at the first short window it goes over to full attention
    for good, and what it says of a long one would depend on what it read before."""
    change = getattr(model.base_model, "set_attention_type", None)
    if change is not None and changes_itself(model):
        change(_SPARSE)
