"""A backend over a store of two labels, in this process; what a test confirms stays in the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.labelstudio_making import Bench, bench


@pytest.fixture(autouse=True)
def configuration(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a test confirms stays in the test."""
    folder = tmp_path_factory.mktemp("configuration")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    return folder


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made
