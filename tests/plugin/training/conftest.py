"""The model that trainings begin from, made once. Tests only read it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.tiny_models import build_tiny


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A token classifier that is sure of nothing yet."""
    return build_tiny(tmp_path_factory.mktemp("tiny"), sharpness=1.0)
