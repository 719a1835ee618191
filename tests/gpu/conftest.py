"""What needs a GPU is skipped where torch finds none."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.tiny_models import build_tiny


@pytest.fixture(autouse=True, scope="session")
def _gpu() -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip(f"torch {torch.__version__} finds no GPU here")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A token classifier of two layers. Tests only read it."""
    return build_tiny(tmp_path_factory.mktemp("classifier"), layers=2, sharpness=40.0)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, sure of nothing yet."""
    return build_tiny(tmp_path_factory.mktemp("tiny"), layers=2, sharpness=1.0)
