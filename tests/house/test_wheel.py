"""The wheel holds every file of the packages; the editable install that tests use would not miss one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support.places import ROOT

BUILD = "import setuptools; setuptools.setup()"


def files(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }


def test_the_wheel_holds_every_file_of_the_packages(tmp_path: Path) -> None:
    commands = ["egg_info", "--egg-base", tmp_path, "build", "--build-base", tmp_path / "build"]
    built = tmp_path / "lib"
    done = subprocess.run(
        [sys.executable, "-c", BUILD, "--quiet", *commands, "--build-lib", built],
        cwd=ROOT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for layer in ("plugin", "recipes", "store"):
        assert files(built / "spanloop" / layer) == files(ROOT / layer)
