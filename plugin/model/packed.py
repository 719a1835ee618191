"""A model on a CPU with the weights of its linear layers laid out as oneDNN multiplies them.

torch lays a float32 weight out anew at each call, or leaves it to a library that was tuned for other
processors; done once, the same multiplication takes about half the time. The two operators are what torch's
own compiler calls for frozen weights. They are no public interface: whoever uses this keeps the plain model
where `packed` gives none, or where what it gives does not agree with it.
"""

from __future__ import annotations

import copy
import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

# Rounding in another order changes a logit by a hundredth of this, in bfloat16 by a tenth; a wrong layout
# changes all of it.
_ROUNDING, _ROUNDING_LOW = 1e-4, 0.1
# For how many rows at once the layout is chosen: a batch holds about a thousand wordpieces.
_ROWS = 1024
_SHORT, _LONG = 8, 40


@functools.cache
def can_pack() -> bool:
    """Whether this torch has the operators, and oneDNN on this processor."""
    import torch

    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    operators = torch.ops.mkldnn
    return all(hasattr(operators, name) for name in ("_linear_pointwise", "_reorder_linear_weight"))


def packed(model: Any) -> Any | None:
    """The model once more, sharing its weights, with its linear layers packed.

    Beside the model it takes the memory of those layers again. It computes no gradients.

    Args:
        model: a Hugging Face model on the CPU, or a copy of one in bfloat16.

    Returns:
        The copy; None where this torch cannot, or where no layer is one that can be packed.
    """
    import torch

    if not can_pack() or model.device.type != "cpu":
        return None
    shared: dict[int, Any] = {id(one): one for one in (*model.parameters(), *model.buffers())}
    twin = copy.deepcopy(model, shared).eval()
    found = [(name, layer) for name, layer in twin.named_modules() if _fits(layer, torch)]
    for name, layer in found:
        parent, _, leaf = name.rpartition(".")
        setattr(twin.get_submodule(parent), leaf, _module()(layer))
    return twin if found else None


def agrees(twin: Any, model: Any) -> bool:
    """Whether both say the same of made-up wordpieces, but for rounding."""
    import torch

    low = any(weight.dtype == torch.bfloat16 for weight in model.parameters())
    with torch.inference_mode():
        return all(
            agreement(
                twin(input_ids=rows, attention_mask=torch.ones_like(rows)).logits,
                model(input_ids=rows, attention_mask=torch.ones_like(rows)).logits,
                low=low,
            )
            for rows in made_up(model)
        )


def agreement(found: torch.Tensor, expected: torch.Tensor, *, low: bool) -> bool:
    """Whether two ways to compute the same logits differ by no more than rounding.

    Args:
        found: of one way.
        expected: of the other, of the same shape.
        low: one of them, or both, computed in bfloat16.
    """
    expected = expected.float()
    largest = max(1.0, float(expected.abs().max()))
    apart = float((found.float() - expected).abs().max())
    return apart <= (_ROUNDING_LOW if low else _ROUNDING) * largest


def made_up(model: Any, *, shortest: int = 1, longest: int = _LONG) -> list[torch.Tensor]:
    """Wordpieces to ask a model about: two short windows, a longer one, and a very long one where that is
    asked for.

    Args:
        model: a token classifier.
        shortest: how many wordpieces a window has at least.
        longest: how many it has at most, as far as the model takes so many.

    Returns:
        Tensors of shape (windows, wordpieces).
    """
    import torch

    words = int(getattr(model.config, "vocab_size", None) or 256)
    limit = getattr(model.config, "max_position_embeddings", None)
    most = longest
    if isinstance(limit, int):
        most = min(longest, limit - 4) if limit > 2 * _SHORT else _SHORT
    long = min(most, _LONG) if isinstance(limit, int) else _SHORT
    shapes = [(2, max(_SHORT, shortest)), (1, max(long, shortest))]
    shapes += [(1, max(most, shortest))] if most > _LONG else []
    return [(torch.arange(1, rows * long + 1) * 7 % words).reshape(rows, long) for rows, long in shapes]


def _fits(layer: Any, torch: Any) -> bool:
    """Only plain layers: a derived class may do something else with its weight, and a hook goes with its
    layer."""
    if type(layer) is not torch.nn.Linear or layer._forward_hooks or layer._forward_pre_hooks:
        return False
    return layer.weight.dtype in (torch.float32, torch.bfloat16)


@functools.cache
def _module() -> Any:
    import torch

    operators = torch.ops.mkldnn

    class PackedLinear(torch.nn.Module):
        """A linear layer; ``weight`` is still there for code that looks at it."""

        def __init__(self, plain: torch.nn.Linear) -> None:
            super().__init__()
            self.weight, self.bias = plain.weight, plain.bias
            self.in_features, self.out_features = plain.in_features, plain.out_features
            self._laid_out = operators._reorder_linear_weight(plain.weight.detach(), _ROWS)

        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            if rows.dtype != self.weight.dtype:  # oneDNN multiplies numbers of one kind
                return torch.nn.functional.linear(rows, self.weight, self.bias)
            product: torch.Tensor = operators._linear_pointwise(
                rows, self._laid_out, self.bias, "none", [], ""
            )
            return product

    return PackedLinear
