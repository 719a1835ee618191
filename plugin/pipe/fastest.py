"""What ``backend = "auto"`` takes: the fastest library here whose entities are those of torch.

It is found out on the first documents that pass, or on those that `choose` is given, once for a model on a
machine: the answer is kept in a file of the user's cache. Until it is known torch computes.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import os
import platform
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from platformdirs import user_cache_path
from spacy.tokens import Doc

from spanloop.plugin.model.backends import BackendName, candidates, make_backend
from spanloop.plugin.model.errors import ModelError
from spanloop.plugin.model.network import HFNetwork, Scoring
from spanloop.plugin.model.runtime import look_ahead
from spanloop.plugin.pipe import reading, results

if TYPE_CHECKING:
    from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe

ENOUGH = 2000
"""How many documents are compared at most."""
# What comparing may cost at once, and which share of the time that passes from then on.
_PATIENCE_SECONDS = 10.0
_SHARE = 0.2
# What another library must save of torch's time to be taken: less is within what times vary by.
_WORTH = 0.95
_GROUP = 64
_LIBRARIES = ("torch", "transformers", "openvino", "onnxruntime")
_log = logging.getLogger(__name__)
_one_at_a_time = threading.Lock()
_trials: WeakKeyDictionary[HFTokenClassifierPipe, Trial] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Choice:
    """What computes, and why.

    Attributes:
        backend: the one that was taken.
        documents: how many documents it was compared on.
        why: what was found of each, as a text.
    """

    backend: BackendName
    documents: int
    why: str


def choose(pipe: HFTokenClassifierPipe, docs: Iterable[Doc]) -> Choice | None:
    """Find out what computes fastest with the entities of torch, unless that is known already.

    Args:
        pipe: a pipe with ``backend = "auto"``.
        docs: like those that it will read; `ENOUGH` of them are looked at. They are not changed.

    Returns:
        What it takes from now on; None where there is nothing to choose: another backend is set, nothing but
        torch is installed, or the model is on a GPU.
    """
    network = pipe.network
    if not isinstance(network, HFNetwork) or not network.undecided:
        return None
    with _one_at_a_time:
        if (known := _known(pipe, network)) is not None:
            return known
        trial = Trial(pipe, network)
        for group in look_ahead(docs, max_docs=_GROUP):
            trial.compare(pipe, group[: ENOUGH - trial.documents])
            if trial.documents >= ENOUGH:
                break
        return _take(network, trial) if trial.documents else None


def begin(pipe: HFTokenClassifierPipe, docs: Sequence[Doc]) -> Scoring:
    """As of the network; while it is not known what is fastest these documents are used to find out, until
    `ENOUGH` were. Once ten seconds have gone into it, only some are: so many that it costs a fifth of the
    time."""
    network = pipe.network
    if not (isinstance(network, HFNetwork) and network.undecided and docs):
        return network.begin(docs)
    if not _one_at_a_time.acquire(blocking=False):  # another thread is at it
        return network.begin(docs)
    try:
        if _known(pipe, network) is not None:
            return network.begin(docs)
        trial = _trials.get(pipe)
        if trial is None or trial.weights != network.shim.weights():
            trial = _trials[pipe] = Trial(pipe, network)
        if trial.seconds > _PATIENCE_SECONDS + _SHARE * (time.monotonic() - trial.begun):
            return network.begin(docs)
        scored = trial.compare(pipe, docs)
        if trial.documents >= ENOUGH:
            _take(network, _trials.pop(pipe))
        return lambda: scored
    finally:
        _one_at_a_time.release()


class Trial:
    """The libraries beside each other on the same documents, in turn."""

    def __init__(self, pipe: HFTokenClassifierPipe, network: HFNetwork) -> None:
        self.network = network
        self.documents = 0
        self.begun = time.monotonic()
        self.weights = network.shim.weights()
        self.key = _key(pipe, network)
        self.spent: dict[BackendName, float] = {}
        self.out: dict[BackendName, str] = {}
        self.backends: dict[BackendName, Any] = {}
        for name in candidates(network.shim.precision):
            try:
                self.backends[name] = make_backend(name, network.pretrained, network.shim.precision)
            except ModelError as error:
                self.out[name] = str(error)

    @property
    def seconds(self) -> float:
        """What the comparison has cost beside torch's own time."""
        return sum(spent for name, spent in self.spent.items() if name != "torch")

    def compare(self, pipe: HFTokenClassifierPipe, docs: Sequence[Doc]) -> list[Any]:
        """Score these documents with each library that still agrees; gives what torch says."""
        expected, found_by_torch = None, []
        for name in tuple(self.backends):  # torch is the first of them
            try:
                if name not in self.spent:
                    self._scored(name, docs[:1])  # it is converted now, which is no part of its time
                begun = time.perf_counter()
                found = self._scored(name, docs)
                took = time.perf_counter() - begun
            except ModelError as error:
                if name == "torch":
                    raise
                self._leave_out(name, str(error))
                continue
            entities = _entities(pipe, found)
            if expected is None:
                expected, found_by_torch = entities, found
            elif entities != expected:
                self._leave_out(
                    name, f"other entities within the first {self.documents + len(docs)} documents"
                )
                continue
            self.spent[name] = self.spent.get(name, 0.0) + took
        self.documents += len(docs)
        return found_by_torch

    def choice(self) -> Choice:
        """The fastest that agreed."""
        by_torch = self.spent["torch"]
        fastest = min(self.spent, key=self.spent.__getitem__)
        if self.spent[fastest] > _WORTH * by_torch:
            fastest = "torch"
        said = [
            f"{name} {by_torch / max(spent, 1e-9):.1f} times as fast as torch with the same entities"
            for name, spent in sorted(self.spent.items(), key=lambda pair: pair[1])
            if name != "torch"
        ]
        said += [f"{name} left out ({why})" for name, why in self.out.items()]
        return Choice(fastest, self.documents, "; ".join(said))

    def _leave_out(self, name: BackendName, why: str) -> None:
        self.out[name] = why
        self.spent.pop(name, None)
        del self.backends[name]

    def _scored(self, name: BackendName, docs: Sequence[Doc]) -> list[Any]:
        return self.network.begin(docs, self.backends[name])()


def _entities(pipe: HFTokenClassifierPipe, found: Sequence[Any]) -> list[list[tuple[int, int, str]]]:
    spans = results.spans_of(pipe, reading.scores_of(pipe, found))
    return [[span.key for span in sure] for sure, _ in spans]


def _take(network: HFNetwork, trial: Trial) -> Choice:
    choice = trial.choice()
    network.shim.take(choice.backend, trial.backends[choice.backend])
    how = f'backend = "auto" takes {choice.backend}, by {choice.documents:,} documents: {choice.why}'
    try:
        _keep(trial.key, choice)
    except OSError as error:
        how += f"; it cannot be kept for the next time ({error})"
    _log.warning("%s", how)  # nothing less is shown where nobody has set up logging
    return choice


def _known(pipe: HFTokenClassifierPipe, network: HFNetwork) -> Choice | None:
    """What was found out before, taken now."""
    if pipe in _trials:
        return None
    try:
        told = json.loads(_file(_key(pipe, network)).read_text(encoding="utf-8"))
        choice = Choice(told["backend"], told["documents"], told["why"])
        if choice.backend not in candidates(network.shim.precision):
            return None
        network.shim.take(choice.backend)
    except (OSError, ValueError, KeyError, TypeError):  # none is there, or none that can be read: found anew
        return None
    return choice


def _keep(key: str, choice: Choice) -> None:
    file = _file(key)
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}")
    part.write_text(json.dumps(asdict(choice)), encoding="utf-8")
    part.replace(file)


def _file(key: str) -> Path:
    return user_cache_path("spanloop", appauthor=False) / "backends" / f"{key}.json"


def _key(pipe: HFTokenClassifierPipe, network: HFNetwork) -> str:
    """A hash of what decides it: the model and how it is read, the libraries, the machine and its threads."""
    import torch

    cfg = {name: pipe.cfg[name] for name in ("viterbi", "scheme", "temperature", "label_map", "threshold")}
    here = [_version(name) for name in _LIBRARIES]
    told = [network.fingerprint(), network.settings(), cfg, here, _processor(), torch.get_num_threads()]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


@functools.cache
def _processor() -> str:
    """Its name, as far as the system says it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"{platform.machine()} {name or platform.processor()}"
