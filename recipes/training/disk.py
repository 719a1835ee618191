"""What the writers of weights say of a full disk, said as the operating system says it."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NUMBER = re.compile(r"os error (\d+)")
_TORCH_WRITER = ("PytorchStreamWriter", "inline_container")


@contextmanager
def refusals_named(folder: Path) -> Iterator[None]:
    """In the block safetensors and torch write below ``folder``; OSError where the disk refuses. They raise
    errors of their own, with the system's number in the text or with none."""
    from safetensors import SafetensorError

    try:
        yield
    except SafetensorError as error:
        found = _NUMBER.search(str(error))
        if found is None:
            raise
        number = int(found[1])
        raise OSError(number, os.strerror(number), str(folder)) from error
    except RuntimeError as error:
        if not any(name in str(error) for name in _TORCH_WRITER):
            raise
        raise OSError(errno.EIO, "the weights cannot be written: is the disk full?", str(folder)) from error
