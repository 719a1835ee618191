"""What many tests of the recipes begin with."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.projects import build


@pytest.fixture
def db(tmp_path: Path, encoder: Path) -> Path:
    """A small project of its own for each test, ready to be trained with the tiny encoder."""
    return build(tmp_path, encoder)
