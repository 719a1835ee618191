"""Folders as bytes and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from spanloop.plugin.model.shim import pack, unpack


def test_a_folder_comes_back_as_it_was() -> None:
    def write(folder: Path) -> None:
        (folder / "deep").mkdir()
        (folder / "deep" / "a.bin").write_bytes(b"\x00\xff")
        (folder / "b.json").write_text("{}", "utf-8")

    files = pack(write)
    assert files == {"b.json": b"{}", "deep/a.bin": b"\x00\xff"}
    assert unpack(files, lambda folder: (folder / "deep" / "a.bin").read_bytes()) == b"\x00\xff"
    assert unpack(files, lambda folder: pack(lambda copy: write(copy))) == files


def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="points outside"):
        unpack({"../evil": b""}, Path.exists)
