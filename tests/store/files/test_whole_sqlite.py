"""A disk that is full at any page: a new project file is whole, or it is not there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.small_disk import small_disk
from support.store_making import make_store

from spanloop.store import Store, StoreError
from spanloop.store.moving.dump import dump
from spanloop.store.moving.load import load

STEP = 45_056
"""Eleven pages of SQLite: so much more is free each time."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with make_store(tmp_path_factory.mktemp("project"), documents=40) as store:
        dump(store, store.path.with_suffix(".jsonl"))
        return store.path


def made(target: Path) -> None:
    Store.create(target, labels=["PER", "LOC"], base_model="offline").close()


def copied(source: Path) -> Callable[[Path], None]:
    def copy(target: Path) -> None:
        with Store.open(source) as store:
            store.backup(target)

    return copy


def loaded(source: Path) -> Callable[[Path], None]:
    def make(target: Path) -> None:
        load(source.with_suffix(".jsonl"), target)

    return make


def refusal(write: Callable[[Path], None], target: Path) -> str:
    """What the writer said that refused; empty where it did not."""
    try:
        write(target)
    except StoreError as error:
        return str(error)
    return ""


@pytest.mark.slow
@pytest.mark.parametrize("writer", ["create", "backup", "load"])
def test_a_new_project_file_is_whole_or_not_there(tmp_path: Path, project: Path, writer: str) -> None:
    write = {"create": made, "backup": copied(project), "load": loaded(project)}[writer]
    refused, room = 0, 0
    with small_disk(tmp_path / "small", "4m"):
        folder = tmp_path / "small"
        while True:
            for file in folder.iterdir():
                file.unlink()
            with (folder / "ballast").open("wb") as ballast:
                at = os.statvfs(folder)
                os.posix_fallocate(ballast.fileno(), 0, at.f_bavail * at.f_frsize - room)
            said = refusal(write, folder / "new.db")
            if not said:
                break
            assert "full" in said or "make room" in said, f"{room:,} bytes free: {said}"
            assert [file.name for file in folder.iterdir()] == ["ballast"], room
            refused, room = refused + 1, room + STEP
        with Store.open(folder / "new.db") as store:
            assert store.check() == []
    assert refused > 4, "the disk was never too full"
