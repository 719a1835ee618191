"""A Hugging Face model inside a thinc one: loaded at first use, stepped by thinc's optimizer, saved as a
folder."""

from __future__ import annotations

import contextlib
import copy
import functools
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import srsly
from thinc.shims import Shim

from spanloop.plugin.model import int8
from spanloop.plugin.model.stacks import alone

if TYPE_CHECKING:
    import torch

    from spanloop.plugin.model.backends import BackendName, BackendSetting
    from spanloop.plugin.model.converted import ConvertedBackend
    from spanloop.plugin.model.device import Precision
    from spanloop.plugin.model.pretrained import Pretrained
    from spanloop.plugin.model.runtime import Backend
    from spanloop.plugin.model.torch_backend import TorchBackend

Weights = tuple[tuple[int, int], ...]


class HFShim(Shim):
    """Holds the model for thinc.

    ``source`` says where the model comes from and how text is cut into windows. After loading from disk or
    bytes the weights are in memory and the place named there is never looked at again. ``device``,
    ``precision`` and ``backend_name`` are settings of the pipe: they are saved with its config, not here.

    Several threads may predict at once: whoever comes first loads the model, the others wait for it.
    """

    def __init__(self, source: dict[str, Any]) -> None:
        super().__init__(None, config=source)
        self.device = "auto"
        self.precision: Precision = "fp32"
        self.backend_name: BackendSetting = "torch"
        self.may_choose = True  # of auto: a round is trained and scored by torch
        self._taken: tuple[BackendName, Weights] | None = None  # of auto, and the weights it is known for
        self._pretrained: Pretrained | None = None
        self._backend: TorchBackend | ConvertedBackend | None = None
        self._made_as: tuple[str, str] = ("", "")

    @property
    def pretrained(self) -> Pretrained:
        """The model with its tokenizer, loaded now if it was not."""
        if self._pretrained is not None:
            return self._pretrained
        with alone():
            if self._pretrained is None:
                from spanloop.plugin.model.pretrained import load

                source = self.cfg
                self.pretrained = load(
                    source["name"], revision=source["revision"], allow_pickle=source["allow_pickle"]
                )
            return self.pretrained

    @pretrained.setter
    def pretrained(self, loaded: Pretrained) -> None:
        from spanloop.plugin.model.device import device_of

        _move(loaded.model, device_of(self.device))
        self._backend = self._taken = None
        self.__dict__.pop("max_wordpieces", None)
        self.__dict__.pop("even_windows", None)
        self._pretrained = loaded  # last: from here on other threads use it

    @property
    def is_loaded(self) -> bool:
        return self._pretrained is not None

    @property
    def backend(self) -> Backend:
        from spanloop.plugin.model.backends import make_backend

        pretrained, backend = self.pretrained, self._backend
        asked = self.computes_with, self.precision
        if backend is not None and self._made_as == asked:
            return backend
        with alone():
            if self._backend is None or self._made_as != asked:
                self._backend = make_backend(asked[0], pretrained, self.precision)
                self._made_as = asked
            return self._backend

    @property
    def computes_with(self) -> BackendName:
        """The backend that computes now: of ``auto`` the one that was taken, torch until then.

        Raises:
            ModelError: where that is none, or not installed.
        """
        from spanloop.plugin.model.backends import backend_of, candidates

        asked = backend_of(self.backend_name)
        return asked if asked != "auto" else self.taken or candidates(self.precision)[0]

    @property
    def taken(self) -> BackendName | None:
        """What ``auto`` took for the weights as they are now; None where that is not known."""
        known = self._taken
        return known[0] if known is not None and known[1] == self.weights() else None

    def weights(self) -> Weights:
        """What changes when the weights do."""
        from spanloop.plugin.model.torch_backend import state_of

        return tuple(state_of(weight) for weight in self.pretrained.model.parameters())

    def take(self, name: BackendName, backend: TorchBackend | ConvertedBackend | None = None) -> None:
        """Compute with this one from now on, which may be made already, until the weights change."""
        with alone():
            self._taken = name, self.weights()
            if backend is not None:
                self._backend, self._made_as = backend, (name, self.precision)

    @property
    def overlap(self) -> int:
        """Wordpieces that neighbouring windows share: as set, but never more than a quarter of the window."""
        return min(int(self.cfg["overlap"]), self.max_wordpieces // 4)

    @functools.cached_property
    def max_wordpieces(self) -> int:
        """The longest window, special tokens included. ModelError where the settings ask for what does not
        fit."""
        from spanloop.plugin.model.errors import ModelError
        from spanloop.plugin.model.pretrained import usual_window, window_limit

        asked = self.cfg["max_wordpieces"]
        if asked is None:
            return usual_window(self.pretrained)
        limit = window_limit(self.pretrained)
        if not 8 <= asked <= limit:
            raise ModelError(f"max_wordpieces = {asked} does not fit this model: choose 8 to {limit}")
        return int(asked)

    @functools.cached_property
    def even_windows(self) -> bool:
        """Whether windows of different lengths may not share a batch, since padding changes what the model
        says."""
        from spanloop.plugin.model.neighbours import depends_on_padding

        loaded = self.pretrained
        return depends_on_padding(loaded.model, pad_id=loaded.pad_id, max_wordpieces=self.max_wordpieces)

    def finish_update(self, optimizer: Any) -> None:
        from thinc.api import xp2torch

        for name, parameter in self._named_parameters():
            if parameter.grad is None:
                continue
            value, _ = optimizer((self.id, name), _for_thinc(parameter.data), _for_thinc(parameter.grad))
            parameter.data = xp2torch(value, device=parameter.device).to(parameter.dtype)
            parameter.grad = None
        self._weights_changed()

    @contextlib.contextmanager
    def use_params(self, params: dict[Any, Any]) -> Iterator[None]:
        """Run with other weights, those that the optimizer averaged, and put the real ones back."""
        from thinc.api import xp2torch

        kept = {}
        for name, parameter in self._named_parameters():
            if (self.id, name) in params:
                kept[name] = parameter.data
                value = xp2torch(params[self.id, name], device=parameter.device)
                parameter.data = value.to(parameter.dtype)
        self._weights_changed()
        try:
            yield
        finally:
            for name, parameter in self._named_parameters():
                if name in kept:
                    parameter.data = kept[name]
            self._weights_changed()

    def _weights_changed(self) -> None:
        if self._backend is not None:
            self._backend.forget()

    def _named_parameters(self) -> list[tuple[str, Any]]:
        return list(self._pretrained.model.named_parameters()) if self._pretrained else []

    def to_device(self, device_type: str, device_id: int) -> None:
        if self._pretrained is not None:
            self._pretrained.model.to("cpu" if device_type == "cpu" else f"cuda:{device_id}")

    def copy(self) -> HFShim:
        copied = HFShim(copy.deepcopy(self.cfg))
        copied.device, copied.precision, copied.backend_name = self.device, self.precision, self.backend_name
        if self._pretrained is not None:
            copied.pretrained = copy.deepcopy(self._pretrained)
        return copied

    def __deepcopy__(self, memo: dict[int, Any]) -> HFShim:
        return self.copy()

    def to_folder(self, folder: Path) -> None:
        """Save as a Hugging Face folder."""
        from spanloop.plugin.model.pretrained import save

        save(self.pretrained, folder)
        if self.pretrained.quantised is not None:
            int8.write(self.pretrained.quantised, folder)

    def from_folder(self, folder: Path) -> None:
        """Read what `to_folder` saved."""
        from spanloop.plugin.model.pretrained import load

        loaded = load(str(folder), saved=True)
        loaded.quantised = int8.read(folder)
        self.pretrained = loaded

    def to_bytes(self) -> bytes:
        data: bytes = srsly.msgpack_dumps({"cfg": self.cfg, "files": pack(self.to_folder)})
        return data

    def from_bytes(self, data: bytes) -> HFShim:
        message = srsly.msgpack_loads(data)
        self.cfg = message["cfg"]
        unpack(message["files"], self.from_folder)
        return self

    def __getstate__(self) -> dict[str, Any]:
        """For pickle: a model in memory goes along as safetensors, one not yet loaded stays unloaded."""
        files = pack(self.to_folder) if self.is_loaded else None
        placed = {"device": self.device, "precision": self.precision, "backend_name": self.backend_name}
        return {"cfg": self.cfg, "files": files, **placed}

    def __setstate__(self, state: dict[str, Any]) -> None:
        HFShim.__init__(self, state["cfg"])
        for setting in ("device", "precision", "backend_name"):
            setattr(self, setting, state[setting])
        if state["files"] is not None:
            unpack(state["files"], self.from_folder)


def _for_thinc(tensor: torch.Tensor) -> Any:
    """The numbers of a tensor where thinc's optimizer computes: a model can be on a GPU that spaCy was not
    told to use, and then thinc has no arrays there."""
    from thinc.api import CupyOps, NumpyOps, get_current_ops, torch2xp

    return torch2xp(tensor, ops=None if isinstance(get_current_ops(), CupyOps) else NumpyOps())


def _move(model: Any, device: torch.device) -> None:
    """ModelError where the memory of the GPU does not hold the model."""
    from spanloop.plugin.model.device import no_room
    from spanloop.plugin.model.errors import ModelError

    try:
        model.to(device)
    except RuntimeError as error:
        if not no_room(error):
            raise
        raise ModelError(
            f"the memory of the GPU {device} does not hold the model: end what else uses it, or choose the "
            "device cpu"
        ) from error


Result = TypeVar("Result")


def pack(write: Callable[[Path], object]) -> dict[str, bytes]:
    """What ``write`` puts into a folder, by path relative to it."""
    with tempfile.TemporaryDirectory(prefix="spanloop-") as name:
        folder = Path(name)
        write(folder)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def unpack(files: Mapping[str, bytes], read: Callable[[Path], Result]) -> Result:
    """What ``read`` makes of the folder that was packed. ValueError for a path that leaves it."""
    with tempfile.TemporaryDirectory(prefix="spanloop-") as name:
        folder = Path(name).resolve()
        for relative, content in files.items():
            path = (folder / relative).resolve()
            if not path.is_relative_to(folder):
                raise ValueError(f"the saved file name {relative!r} points outside of its folder")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return read(folder)
