"""Going on with a training that was killed: the newest whole checkpoint, if it belongs to the same training.

HF Trainer writes a checkpoint's ``trainer_state.json`` last: a folder without it was cut short and is not
used.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

_IDENTITY = "training.sha256"


def identity(settings: str, arrays: Iterable[NDArray[Any]]) -> str:
    """What makes two trainings the same one: their settings, their text and gold, the weights they start
    from."""
    digest = hashlib.sha256(settings.encode())
    for array in arrays:
        digest.update(str((array.dtype, array.shape)).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def claim(folder: Path, name: str) -> Path | None:
    """The checkpoint in ``folder`` from which the training of this identity goes on, None to begin.

    The checkpoints that another training left there are removed, and nothing else.
    """
    marker = folder / _IDENTITY
    if marker.is_file() and marker.read_text(encoding="utf-8") == name:
        return newest(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for checkpoint in folder.glob("checkpoint-*"):
        shutil.rmtree(checkpoint)
    marker.write_text(name, encoding="utf-8")  # cut short it is nobody's name: then nothing goes on from here
    return None


def forget(folder: Path) -> None:
    """Remove what the training there left to go on from, and nothing else."""
    for checkpoint in folder.glob("checkpoint-*"):
        shutil.rmtree(checkpoint)
    (folder / _IDENTITY).unlink(missing_ok=True)


def newest(folder: Path) -> Path | None:
    """The newest whole checkpoint."""
    whole = [path for path in folder.glob("checkpoint-*") if _step(path) is not None]
    return max(whole, key=lambda path: _step(path) or 0, default=None)


def keep_newest(folder: Path) -> None:
    """Remove every checkpoint but the newest whole one."""
    kept = newest(folder)
    for path in folder.glob("checkpoint-*"):
        if path != kept:
            shutil.rmtree(path)


def _step(checkpoint: Path) -> int | None:
    state = checkpoint / "trainer_state.json"
    if not state.is_file():
        return None
    try:
        return int(json.loads(state.read_text(encoding="utf-8"))["global_step"])
    except (ValueError, KeyError):  # killed while writing this very file
        return None
