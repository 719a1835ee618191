"""Tiny models, made once. Tests only read them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.tiny_models import FAMILIES, build_tiny


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A token classifier with a tokenizer of each family."""
    return {family: build_tiny(tmp_path_factory.mktemp(family), family=family) for family in FAMILIES}


@pytest.fixture(scope="session")
def folder(folders: dict[str, Path]) -> Path:
    """The one with wordpieces."""
    return folders["wordpiece"]
