"""Everything offline and small: no hub, no telemetry, few threads, so that parallel tests stay fast."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # two test processes run side by side
os.environ.setdefault("SPANLOOP_NICE", "0")  # a command run in the test's own process must not slow it down

import pytest
from support.places import data_folder


@pytest.fixture(scope="session")
def data() -> Path:
    folder = data_folder()
    if not folder.is_dir():
        pytest.skip(f"the real corpora are not at {folder} (set SPANLOOP_DATA)")
    return folder
