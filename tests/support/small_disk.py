"""A file system that is nearly full, for writers that must say so and leave nothing behind."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of that size, such as ``1m``, mounted at ``folder``; skips the test without rights."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs the rights of root, which are not given here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
