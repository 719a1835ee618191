"""What lies in a folder, or repository, in which no model can be read: each kind has its own true line.

Reads names alone, no file, and imports no transformers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

_CHECKPOINT = re.compile(r"checkpoint-(\d+)")
_CONFIG = "config.json"
_PICKLED = re.compile(r"pytorch_model(-\d+-of-\d+)?\.bin(\.index\.json)?")
_ADAPTER = re.compile(r"adapter_(config\.json|model\.\w+)")
_FROM_ELSEWHERE = "transformers 4 reads it (from_{0}=True) and saves it as we read it (save_pretrained)"
_EXPORTED = (
    "that is an export for another program, which cannot be trained: name the model that it was exported from"
)
# Each kind by the names of its files, what it is, and what to do.
_OTHER_KINDS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r"tf_model.*\.h5(\.index\.json)?"), "weights of TensorFlow", _FROM_ELSEWHERE.format("tf")),
    (re.compile(r"flax_model.*\.msgpack(\.index\.json)?"), "weights of Flax", _FROM_ELSEWHERE.format("flax")),
    (re.compile(r".*\.onnx"), "a model for ONNX", _EXPORTED),
    (re.compile(r"openvino_model.*\.(xml|bin)"), "a model for OpenVINO", _EXPORTED),
    (re.compile(r".*\.gguf"), "a model in GGUF", _EXPORTED),
)


def names_in(folder: Path) -> list[str]:
    """The files of a folder and of the folders in it, relative to it, as ``a/b``."""
    found = [path for level in ("*", "*/*") for path in folder.glob(level) if path.is_file()]
    return sorted(path.relative_to(folder).as_posix() for path in found)


def without_config(names: Sequence[str], where: str, what: str) -> str | None:
    """Why a folder or repository without a configuration holds no model; None where nothing in it says why.

    Args:
        names: its files.
        where: what the user typed for it.
        what: ``folder`` or ``repository``.
    """
    for look in (_checkpoints, _adapter, _pipeline, _other_kind):
        if line := look(names, where, what):
            return line
    return None


def without_weights(names: Sequence[str], where: str, what: str, *, allow_pickle: bool) -> str:
    """Why a folder or repository has no weights that can be read. Arguments as above.

    Args:
        allow_pickle: pickled weights would be read, so there are none.
    """
    pickled = any(_PICKLED.fullmatch(name) for name in names)
    looks: tuple[Callable[[Sequence[str], str, str], str | None], ...] = (_other_kind, _adapter, _checkpoints)
    for look in () if pickled else looks:
        if line := look(names, where, what):
            return line
    none = f"the model {what} {where!r} holds no model.safetensors"
    if names and not pickled:
        return f"{none}, nor weights in another form: a model without weights predicts nothing"
    if allow_pickle:
        return f"{none} and no pytorch_model.bin"
    return (
        f"{none}: pickled weights can run code, so they are read only where the model's settings say "
        "allow_pickle = true"
    )


def _checkpoints(names: Sequence[str], where: str, what: str) -> str | None:
    """A folder in which a Trainer left its checkpoints, and no model of its own."""
    steps = {}
    for name in names:
        folder = PurePosixPath(name).parent.name
        if (found := _CHECKPOINT.fullmatch(folder)) and name == f"{folder}/{_CONFIG}":
            steps[int(found.group(1))] = folder
    if not steps:
        return None
    last = steps[max(steps)]
    several = f"the last of its {len(steps)} checkpoints" if len(steps) > 1 else "its checkpoint"
    offer = f"name {several}, {(Path(where) / last).as_posix()}"
    if what == "repository":
        offer = f"download {several}, {last}, and name its folder"
    return f"the {what} {where!r} holds no model of its own, only checkpoints of a training: {offer}"


def _adapter(names: Sequence[str], where: str, what: str) -> str | None:
    found = next((name for name in names if _ADAPTER.fullmatch(name)), None)
    if found is None:
        return None
    return (
        f"the {what} {where!r} holds an adapter alone ({found}), whose model lies elsewhere; merge it into "
        "that model (merge_and_unload of peft) and name the folder where the result is saved"
    )


def _pipeline(names: Sequence[str], where: str, what: str) -> str | None:
    if "config.cfg" not in names:
        return None
    return (
        f"the {what} {where!r} is a spaCy pipeline (it has a config.cfg), no model of Hugging Face: "
        "spacy.load reads it, and so do predict --model and prelabel --pipeline"
    )


def _other_kind(names: Sequence[str], where: str, what: str) -> str | None:
    for pattern, kind, advice in _OTHER_KINDS:
        found = next((name for name in names if pattern.fullmatch(PurePosixPath(name).name)), None)
        if found is not None:
            return f"the {what} {where!r} holds {kind} alone ({found}), which is not read here: {advice}"
    return None
