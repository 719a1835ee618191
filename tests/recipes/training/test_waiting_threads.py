"""How torch's threads wait for one another is decided by what else runs, before torch is imported."""

from __future__ import annotations

import os
from pathlib import Path

import psutil
import pytest
from support.store_making import make_store

from spanloop.recipes.training.process_control import choose_waiting
from spanloop.store import Store


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with make_store(tmp_path, documents=2) as store:
        return store.path


def chosen(project: Path, monkeypatch: pytest.MonkeyPatch, *, busy: float) -> tuple[str, str | None]:
    """``busy``: processors that others keep at work."""
    percent = 100 * busy / psutil.cpu_count()
    monkeypatch.setattr(psutil, "cpu_percent", lambda interval: percent if interval else 0.0)
    told = choose_waiting(project)
    policy = os.environ.get("OMP_WAIT_POLICY")
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    return told, policy


def test_threads_sleep_beside_somebody_at_the_page_or_other_work(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, policy = chosen(project, monkeypatch, busy=0.2)
    assert (told.split(" while")[0], policy) == ("threads spin", None)
    told, policy = chosen(project, monkeypatch, busy=1.26)
    assert (told.endswith("others keep 1.3 processors at work"), policy) == (True, "PASSIVE")
    with Store.open(project) as store:
        store.queue.next("anna")
    told, policy = chosen(project, monkeypatch, busy=0.2)
    assert (told.endswith("somebody is at the page"), policy) == (True, "PASSIVE")
    with Store.open(project) as store:
        store.queue.release("anna")
    assert chosen(project, monkeypatch, busy=0.2)[1] is None


def test_what_the_environment_says_stands_and_one_thread_waits_for_none(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert chosen(project, monkeypatch, busy=8.0) == ("", "ACTIVE")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert chosen(project, monkeypatch, busy=8.0) == ("", None)
