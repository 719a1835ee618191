"""What the component asks of its network, whichever it is: tags, units, scores, and how it is saved."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc
from thinc.api import Model
from thinc.util import to_numpy

from spanloop.plugin.alignment.tokens import token_ranges
from spanloop.plugin.alignment.windows import EncodedDoc, encode_docs
from spanloop.plugin.model.backends import backend_of, candidates
from spanloop.plugin.model.shim import HFShim

if TYPE_CHECKING:
    import torch

    from spanloop.plugin.model import runtime
    from spanloop.plugin.model.pretrained import Pretrained

ThincModel = Model[list[Doc], Any]
Rows = NDArray[np.float32]
Scoring = Callable[[], list[tuple[EncodedDoc, Rows]]]
"""Gives the units of each document with one row of tag scores each, as soon as they are there."""
_HEAD_FILE = "head"


class Network(Protocol):
    """The two architectures behind one face."""

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of the head in the order of its rows, empty while it has none."""

    def stated_tags(self) -> tuple[str, ...]:
        """The same as far as it can be told without loading weights."""

    def set_tags(self, tags: Sequence[str], *, seed: int, known_as: Sequence[str] | None = None) -> None:
        """Make the head's rows these tags; rows that it had stay, found by name. ``known_as``: what the tags
        that it has are called now, in the order of its rows; of two with one name the first row stays."""

    def encode(self, docs: Sequence[Doc]) -> list[EncodedDoc]:
        """The units of each document (and its windows, where there are any)."""

    def begin(self, docs: Sequence[Doc]) -> Scoring:
        """Begin to score the documents, without gradients: what it gives waits for the scores, while a GPU
        works on them beside whatever is done in between."""

    def initialize(self, docs: Sequence[Doc]) -> None:
        """Infer what sizes are still open from sample documents."""

    @property
    def beside(self) -> bool:
        """Whether the scores are computed beside this process, on a GPU."""

    @property
    def even_windows(self) -> bool:
        """Whether windows of different lengths may not share a batch, since padding changes the scores."""

    def settings(self) -> dict[str, Any]:
        """What changes the scores beside the weights."""

    def fingerprint(self) -> str:
        """A hash of the weights, the tags and the tokenizer."""

    def to_folder(self, folder: Path) -> None: ...

    def from_folder(self, folder: Path) -> None: ...


def network_of(model: ThincModel) -> Network:
    """The face of a thinc model made by one of the two architectures."""
    if model.name == "hf_token_classifier":
        return HFNetwork(model)
    if model.name == "token_head":
        return HeadNetwork(model)
    raise ValueError(
        f"the model {model.name!r} is none of ours: use @architectures = spanloop.HFTokenClassifier.v1 or "
        "spanloop.TokenHead.v1"
    )


def computes_with(network: Network) -> str:
    """Which library computes its predictions now."""
    return network.shim.computes_with if isinstance(network, HFNetwork) else "torch"


class HFNetwork:
    """A Hugging Face model of the pipe's own."""

    def __init__(self, model: ThincModel) -> None:
        self.model = model
        self.shim = next(shim for shim in model.shims if isinstance(shim, HFShim))

    @property
    def pretrained(self) -> Pretrained:
        return self.shim.pretrained

    @property
    def tags(self) -> tuple[str, ...]:
        return () if self.pretrained.fresh_head else self.pretrained.tags

    def stated_tags(self) -> tuple[str, ...]:
        if self.shim.is_loaded:
            return self.tags
        from spanloop.plugin.model.pretrained import stated_tags

        return stated_tags(self.shim.cfg["name"], revision=self.shim.cfg["revision"])

    def set_tags(self, tags: Sequence[str], *, seed: int, known_as: Sequence[str] | None = None) -> None:
        from spanloop.plugin.model.pretrained import set_tags

        set_tags(self.pretrained, tags, seed=seed, known_as=known_as)

    def encode(self, docs: Sequence[Doc]) -> list[EncodedDoc]:
        return encode_docs(
            docs,
            self.pretrained.tokenizer,
            max_wordpieces=self.shim.max_wordpieces,
            overlap=self.shim.overlap,
            unit=self.model.attrs["unit"],
            threads=self.beside,  # a process that uses a GPU cannot be forked anyway
        )

    def tensors(self, encoded: Sequence[EncodedDoc], *, by_wordpiece: bool = False) -> list[torch.Tensor]:
        """The scores as torch tensors, with gradients where torch keeps them: a row a unit, or a
        wordpiece."""
        return self.run(encoded, rows="none" if by_wordpiece else None)()

    def run(
        self,
        encoded: Sequence[EncodedDoc],
        backend: runtime.Backend | None = None,
        rows: runtime.Rows | None = None,
        columns: int | None = None,
    ) -> Callable[[], list[torch.Tensor]]:
        """Begin to run the windows of these documents; see `runtime.begin`. ``backend`` None: by the one that
        is set; ``rows`` None: as the pipe aggregates; ``columns`` None: one a tag."""
        from spanloop.plugin.model import runtime

        pretrained, on_cpu = self.pretrained, not self.beside
        budget = self.model.attrs["batch_wordpieces"]
        return runtime.begin(
            backend or self.shim.backend,
            encoded,
            aggregation=rows or self.model.attrs["aggregation"],
            budget=runtime.usual_budget(pretrained.model.device.type) if budget is None else budget,
            enough=None if on_cpu else runtime.GPU_ENOUGH,
            pad_id=pretrained.pad_id,
            n_tags=len(pretrained.tags) if columns is None else columns,
            even=self.even_windows,
        )

    @property
    def beside(self) -> bool:
        return bool(self.pretrained.model.device.type == "cuda")

    @property
    def even_windows(self) -> bool:
        return self.shim.even_windows

    @property
    def undecided(self) -> bool:
        """Whether the backend is to be chosen and is not yet: there are several, and the model is on the CPU
        and not just being trained."""
        shim = self.shim
        if (
            not shim.may_choose
            or backend_of(shim.backend_name) != "auto"
            or len(candidates(shim.precision)) < 2
        ):
            return False
        model = self.pretrained.model
        return not model.training and model.device.type == "cpu" and shim.taken is None

    def begin(self, docs: Sequence[Doc], backend: runtime.Backend | None = None) -> Scoring:
        """As of every network; ``backend`` None: by the one that is set."""
        import torch

        encoded = self.encode(docs)
        self.pretrained.model.eval()  # whoever trained it may have left it in training
        with torch.inference_mode():
            tensors = self.run(encoded, backend)

        def scores() -> list[tuple[EncodedDoc, Rows]]:
            with torch.inference_mode():
                return [(one, rows.numpy()) for one, rows in zip(encoded, tensors(), strict=True)]

        return scores

    def initialize(self, docs: Sequence[Doc]) -> None:
        """Nothing is open: loading the model settles every size."""

    def settings(self) -> dict[str, Any]:
        windows = {"max_wordpieces": self.shim.max_wordpieces, "overlap": self.shim.overlap}
        how: dict[str, Any] = {} if self.shim.precision == "fp32" else {"precision": self.shim.precision}
        backend = self.shim.computes_with
        how |= {} if backend == "torch" else {"backend": backend}
        if self.shim.precision == "int8" and self.pretrained.quantised is not None:
            how["quantised"] = self.pretrained.quantised.fingerprint()
        return windows | how | {key: self.model.attrs[key] for key in ("unit", "aggregation")}

    def fingerprint(self) -> str:
        from spanloop.plugin.model.fingerprint import fingerprint

        return fingerprint(self.pretrained)

    def to_folder(self, folder: Path) -> None:
        self.shim.to_folder(folder)

    def from_folder(self, folder: Path) -> None:
        self.shim.from_folder(folder)


class HeadNetwork:
    """A linear layer on token vectors that come from elsewhere."""

    def __init__(self, model: ThincModel) -> None:
        self.model = model
        self.output: Model[Any, Any] = model.get_ref("output_layer")

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(self.model.attrs["tags"])

    def stated_tags(self) -> tuple[str, ...]:
        return self.tags

    def set_tags(self, tags: Sequence[str], *, seed: int, known_as: Sequence[str] | None = None) -> None:
        old: dict[str, int] = {}
        for row, tag in enumerate(self.tags if known_as is None else known_as):
            old.setdefault(tag, row)
        kept = [(row, old[tag]) for row, tag in enumerate(tags) if tag in old]
        output: Any = self.output
        before: list[Any] = [
            output.get_param(name) if output.has_param(name) else None for name in ("W", "b")
        ]
        self.model.attrs["tags"] = list(tags)
        for name in output.param_names:
            output.set_param(name, None)  # thinc lets no dimension change while there are weights
        output.set_dim("nO", len(tags), force=True)
        if before[0] is None:
            return  # not initialized yet
        width = before[0].shape[1]
        weight = np.random.default_rng(seed).normal(scale=0.02, size=(len(tags), width)).astype("float32")
        after = [output.ops.asarray(weight), output.ops.alloc1f(len(tags))]
        for name, new, known in zip(("W", "b"), after, before, strict=True):
            for row, old_row in kept:
                new[row] = known[old_row]
            output.set_param(name, new)

    def encode(self, docs: Sequence[Doc]) -> list[EncodedDoc]:
        return [_tokens(doc) for doc in docs]

    def begin(self, docs: Sequence[Doc]) -> Scoring:
        rows = [as_numpy(row) for row in self.model.predict(list(docs))]
        scores = list(zip(self.encode(docs), rows, strict=True))
        return lambda: scores

    @property
    def beside(self) -> bool:
        return False

    @property
    def even_windows(self) -> bool:
        return False

    def initialize(self, docs: Sequence[Doc]) -> None:
        if self.tags:  # else the head has no size yet
            self.model.initialize(X=list(docs) or None)

    def settings(self) -> dict[str, Any]:
        return {}

    def fingerprint(self) -> str:
        return hashlib.sha256(self.model.to_bytes()).hexdigest()

    def to_folder(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _HEAD_FILE).write_bytes(self.model.to_bytes())

    def from_folder(self, folder: Path) -> None:
        self.model.from_bytes((folder / _HEAD_FILE).read_bytes())


def _tokens(doc: Doc) -> EncodedDoc:
    edges = np.array(token_ranges(doc), dtype=np.int64).reshape(-1, 2)
    return EncodedDoc(edges[:, 0], edges[:, 1], ())


def as_numpy(array: Any) -> Rows:
    """Scores from wherever thinc keeps its arrays."""
    fetched: Any = to_numpy(array)  # type: ignore[no-untyped-call]
    return np.asarray(fetched, dtype=np.float32)
