"""A cache of the hub, as its library lays it out, filled by hand: real loading code reads it offline."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import pytest

REPOSITORY = "stranger/tagger"


def commit_of(number: int) -> str:
    return f"{number:040x}"


def fill(cache: Path, commits: Mapping[int, Path], branches: Mapping[str, int]) -> None:
    """Put each folder into the cache as a commit of `REPOSITORY`; ``branches`` and tags name some of them."""
    repository = cache / f"models--{REPOSITORY.replace('/', '--')}"
    for number, folder in commits.items():
        snapshot = repository / "snapshots" / commit_of(number)
        for file in (path for path in folder.rglob("*") if path.is_file()):
            content = file.read_bytes()
            blob = repository / "blobs" / hashlib.sha256(content).hexdigest()
            blob.parent.mkdir(parents=True, exist_ok=True)
            blob.write_bytes(content)
            link = snapshot / file.relative_to(folder)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(blob)
    point(cache, branches)


def point(cache: Path, branches: Mapping[str, int]) -> None:
    """Have branches and tags name these commits from now on."""
    for branch, number in branches.items():
        reference = cache / f"models--{REPOSITORY.replace('/', '--')}" / "refs" / branch
        reference.parent.mkdir(parents=True, exist_ok=True)
        reference.write_text(commit_of(number), "utf-8")


def use(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the hub's library take this folder for its cache, and ask no network."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
