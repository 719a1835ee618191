"""A disk that refuses, as the OSError that it is: safetensors, tokenizers and torch say it as errors of their
own, tokenizers even as a bare Exception."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from types import TracebackType

_OF_RUST = re.compile(r"\(os error (\d+)\)")
_OF_TORCH = ("PytorchStreamWriter", "inline_container")


class writing:
    """Within it, a file under ``folder`` that could not be written is an OSError that names the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if error is None or isinstance(error, OSError):
            return
        told = str(error)
        if found := _OF_RUST.search(told):
            number = int(found[1])
            raise OSError(number, os.strerror(number), str(self.folder)) from error
        if isinstance(error, RuntimeError) and any(sign in told for sign in _OF_TORCH):
            raise OSError(
                errno.EIO, "it could not be written: is the disk full?", str(self.folder)
            ) from error
