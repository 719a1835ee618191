"""Everything offline and small: no hub, no telemetry, few threads, so that parallel tests stay fast."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # two test processes run side by side
os.environ.setdefault("SPANLOOP_NICE", "0")  # a command run in the test's own process must not slow it down

import pytest
from hypothesis import HealthCheck, settings
from support.clock import Clock
from support.places import data_folder

# on a busy machine a text takes as long to make as a hundred do on a quiet one; where a run decides about
# a change (.ci/run) the drawn examples are the same each time: it fails for the change and not by chance
settings.register_profile(
    "busy",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("SPANLOOP_SAME_EXAMPLES") == "1",
)
settings.load_profile("busy")


def pytest_configure(config: pytest.Config) -> None:
    """Files go to the processes of ``-n`` in the order below, not those with the most tests first."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_make_parametrize_id(val: object) -> str | None:
    """Bytes stand in a test's name as their number: gzip writes the second of the day into its own.

    The processes of ``-n`` must find tests of the same names, and one may begin a second after another.
    """
    return f"{len(val)} bytes" if isinstance(val, bytes) else None


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("spacy_transformers") and find_spec("spacy_transformers") is None:
        pytest.skip("spacy-transformers is not installed: make test-spacy-transformers runs it")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest begin first, so that no process is left alone with one at the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session")
def data() -> Path:
    folder = data_folder()
    if not folder.is_dir():
        pytest.skip(f"the real corpora are not at {folder} (set SPANLOOP_DATA)")
    return folder


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """What the store takes for now."""
    stopped = Clock()
    monkeypatch.setattr("spanloop.store.clock.read_clock", stopped)
    return stopped


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder without a head, to train from. Tests only read it."""
    from support.tiny_models import build_tiny  # with torch: only for whom it is made

    return build_tiny(tmp_path_factory.mktemp("encoder"), head=False)
