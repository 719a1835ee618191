"""The two networks the component can hold, as thinc models: Doc lists in, one array of tag scores a document
out.

``spanloop.HFTokenClassifier.v1`` owns a whole Hugging Face model. Importing this module imports no
transformers.
"""

from __future__ import annotations

import contextlib
import copy
import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import srsly
from spacy.tokens import Doc
from thinc.api import Model
from thinc.shims import Shim
from thinc.types import Floats2d

from spanloop.plugin import runtime
from spanloop.plugin.windows import EncodedDoc, encode_docs

if TYPE_CHECKING:
    import torch

    from spanloop.plugin.pretrained import Pretrained


def hf_token_classifier(
    name: str,
    revision: str | None = None,
    allow_pickle: bool = False,
    max_wordpieces: int | None = None,
    overlap: int = 128,
) -> Model[list[Doc], list[Floats2d]]:
    """Any Hugging Face token classifier, or an encoder that gets a head. Nothing is read until first use.

    ``name``: a folder, a hub id or ``offline``; ``revision``: of the hub's repository; ``allow_pickle``: also
    read pytorch_model.bin, which can run code; ``max_wordpieces``: the longest window with its special tokens
    (None: what the model can read, 512 at most); ``overlap``: wordpieces that neighbouring windows share.
    """
    source = {
        "name": name,
        "revision": revision,
        "allow_pickle": allow_pickle,
        "max_wordpieces": max_wordpieces,
        "overlap": overlap,
    }
    attrs = {"unit": "token", "aggregation": "first", "batch_wordpieces": 1024}
    return Model("hf_token_classifier", _forward, attrs=attrs, shims=[HFShim(source)])


def hf_shim(model: Model[Any, Any]) -> HFShim | None:
    """What holds the Hugging Face model, None for another architecture."""
    return next((shim for shim in model.shims if isinstance(shim, HFShim)), None)


def encode(model: Model[Any, Any], docs: Sequence[Doc]) -> list[EncodedDoc]:
    """The documents' units and windows under this network's settings."""
    shim = _shim(model)
    return encode_docs(
        docs,
        shim.pretrained.tokenizer,
        max_wordpieces=shim.max_wordpieces,
        overlap=shim.overlap,
        unit=model.attrs["unit"],
    )


def unit_scores(model: Model[Any, Any], encoded: Sequence[EncodedDoc]) -> list[torch.Tensor]:
    """One row of scores a unit, for documents that are already encoded. Keeps gradients where torch does."""
    shim = _shim(model)
    return runtime.unit_logits(
        shim.backend,
        encoded,
        aggregation=model.attrs["aggregation"],
        budget=model.attrs["batch_wordpieces"],
        pad_id=shim.pretrained.pad_id,
        n_tags=len(shim.pretrained.tags),
    )


def _shim(model: Model[Any, Any]) -> HFShim:
    shim = hf_shim(model)
    if shim is None:
        raise TypeError(f"the model {model.name!r} holds no Hugging Face token classifier")
    return shim


Backprop = Callable[[list[Floats2d]], list[Doc]]


def _forward(model: Model[Any, Any], docs: list[Doc], is_train: bool) -> tuple[list[Floats2d], Backprop]:
    import torch

    module = _shim(model).pretrained.model
    module.train(is_train)
    with torch.set_grad_enabled(is_train):
        scores = unit_scores(model, encode(model, docs))
    module.eval()

    def backprop(d_scores: list[Floats2d]) -> list[Doc]:
        pairs = [
            (y, torch.as_tensor(np.asarray(d)))
            for y, d in zip(scores, d_scores, strict=True)
            if y.requires_grad
        ]
        torch.autograd.backward([y for y, _ in pairs], [d for _, d in pairs])
        return docs

    return [y.detach().numpy() for y in scores], backprop


class HFShim(Shim):
    """Hands a Hugging Face model to thinc: loads it at first use, steps it with thinc's optimizer, saves it.

    ``source`` says where the model comes from and how it is cut into windows. After `from_disk` or
    `from_bytes` the weights are in memory and the place named there is never looked at again.
    """

    def __init__(self, source: dict[str, Any]) -> None:
        super().__init__(None, config=source)
        self._pretrained: Pretrained | None = None
        self._backend: runtime.Backend | None = None

    @property
    def pretrained(self) -> Pretrained:
        """The model with its tokenizer, loaded now if it was not."""
        if self._pretrained is None:
            from spanloop.plugin import pretrained

            self.pretrained = pretrained.load(
                self.cfg["name"], revision=self.cfg["revision"], allow_pickle=self.cfg["allow_pickle"]
            )
        assert self._pretrained is not None
        return self._pretrained

    @pretrained.setter
    def pretrained(self, loaded: Pretrained) -> None:
        from thinc.util import get_torch_default_device

        self._pretrained = loaded
        self._model = loaded.model.to(get_torch_default_device())
        self._backend = None
        self.__dict__.pop("max_wordpieces", None)

    @property
    def is_loaded(self) -> bool:
        return self._pretrained is not None

    @property
    def backend(self) -> runtime.Backend:
        if self._backend is None:
            self._backend = runtime.TorchBackend(self.pretrained.model)
        return self._backend

    @property
    def overlap(self) -> int:
        """Wordpieces that neighbouring windows share: as set, but never more than a quarter of a short
        window."""
        return min(int(self.cfg["overlap"]), self.max_wordpieces // 4)

    @functools.cached_property
    def max_wordpieces(self) -> int:
        """The longest window, special tokens included. ModelError where the settings ask for more than
        fits."""
        from spanloop.plugin.pretrained import ModelError, usual_window, window_limit

        asked = self.cfg["max_wordpieces"]
        if asked is None:
            return usual_window(self.pretrained)
        limit = window_limit(self.pretrained)
        if not 8 <= asked <= limit:
            raise ModelError(f"max_wordpieces = {asked} does not fit this model: choose 8 to {limit}")
        return int(asked)

    def finish_update(self, optimizer: Any) -> None:
        import torch
        from thinc.api import torch2xp, xp2torch

        for name, parameter in self.pretrained.model.named_parameters():
            if parameter.grad is None:
                continue
            with torch.no_grad():
                value, _ = optimizer((self.id, name), torch2xp(parameter.data), torch2xp(parameter.grad))
                parameter.data = xp2torch(value, device=parameter.device).to(parameter.dtype)
            parameter.grad = None

    @contextlib.contextmanager
    def use_params(self, params: dict[Any, Any]) -> Iterator[None]:
        """Run with other weights, those that the optimizer averaged, and put the real ones back."""
        import torch
        from thinc.api import xp2torch

        own = {
            name: params[self.id, name] for name, _ in self._named_parameters() if (self.id, name) in params
        }
        kept = {name: parameter.data for name, parameter in self._named_parameters() if name in own}
        with torch.no_grad():
            for name, parameter in self._named_parameters():
                if name in own:
                    parameter.data = xp2torch(own[name], device=parameter.device).to(parameter.dtype)
        try:
            yield
        finally:
            for name, parameter in self._named_parameters():
                if name in kept:
                    parameter.data = kept[name]

    def _named_parameters(self) -> list[tuple[str, Any]]:
        return list(self._pretrained.model.named_parameters()) if self._pretrained else []

    def copy(self) -> HFShim:
        copied = HFShim(copy.deepcopy(self.cfg))
        if self._pretrained is not None:
            copied.pretrained = copy.deepcopy(self._pretrained)
        return copied

    def to_device(self, device_type: str, device_id: int) -> None:
        if self._pretrained is not None:
            self._pretrained.model.to("cpu" if device_type == "cpu" else f"cuda:{device_id}")

    def to_bytes(self) -> bytes:
        from spanloop.plugin.pretrained import to_files

        message: bytes = srsly.msgpack_dumps({"cfg": self.cfg, "files": to_files(self.pretrained)})
        return message

    def from_bytes(self, data: bytes) -> HFShim:
        from spanloop.plugin.pretrained import from_files

        message = srsly.msgpack_loads(data)
        self.cfg = message["cfg"]
        self.pretrained = from_files(message["files"])
        return self

    def to_folder(self, folder: Path) -> None:
        """Save as a Hugging Face folder."""
        from spanloop.plugin.pretrained import save

        save(self.pretrained, folder)

    def from_folder(self, folder: Path) -> None:
        """Read what `to_folder` saved."""
        from spanloop.plugin.pretrained import load

        self.pretrained = load(str(folder))

    def __getstate__(self) -> dict[str, Any]:
        """For pickle: a model in memory goes along as safetensors, one not yet loaded stays unloaded."""
        state = {"cfg": self.cfg, "id": self.id, "files": None}
        if self._pretrained is not None:
            from spanloop.plugin.pretrained import to_files

            state["files"] = to_files(self._pretrained)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        HFShim.__init__(self, state["cfg"])
        if state["files"] is not None:
            from spanloop.plugin.pretrained import from_files

            self.pretrained = from_files(state["files"])
