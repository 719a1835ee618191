"""The unit files in ``examples/systemd``: systemd takes them, and what they say of our exit codes is true."""

from __future__ import annotations

import configparser
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from support.commands import done, jsonl_file
from support.places import EXAMPLES
from support.projects import sentences

from spanloop.recipes.cli.main import main

UNITS = sorted((EXAMPLES / "systemd").iterdir())


def name_of(unit: Path) -> str:
    return unit.name


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
@pytest.mark.parametrize("unit", UNITS, ids=name_of)
def test_systemd_finds_nothing_wrong(unit: Path, tmp_path: Path) -> None:
    program = tmp_path / "spanloop"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    for other in UNITS:  # a timer is checked with its service
        text = other.read_text(encoding="utf-8").replace("/srv/garden/venv/bin/spanloop", str(program))
        (tmp_path / other.name).write_text(text, encoding="utf-8")
    environment = {**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:", "XDG_RUNTIME_DIR": str(tmp_path)}
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit.name)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    complaints = [line for line in checked.stderr.splitlines() if unit.stem in line]
    assert (checked.returncode, complaints) == (0, []), checked.stderr


def section(unit: str, name: str) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(next(path for path in UNITS if path.name == unit), encoding="utf-8")
    return parser[name]


@pytest.mark.parametrize("unit", [unit.name for unit in UNITS if unit.suffix == ".service"])
def test_the_commands_of_a_unit_exist_with_these_options(unit: str) -> None:
    service = section(unit, "Service")
    assert service["Nice"] == "10"
    for line in (service[name] for name in ("ExecStart", "ExecStartPost") if name in service):
        _, command, *arguments = shlex.split(line)
        assert isinstance(main, click.Group)
        main.commands[command].make_context(command, arguments)  # refuses what it does not know


@pytest.mark.slow
def test_the_exit_codes_of_retrain_are_those_the_unit_calls_success(db: Path, tmp_path: Path) -> None:
    service = section("spanloop-retrain.service", "Service")
    _, *arguments = shlex.split(service["ExecStart"].replace("garden.db", str(db)))
    command = [sys.executable, "-m", "spanloop.recipes", *arguments, "--epochs", "1"]

    def code() -> int:
        return subprocess.run(command, capture_output=True, check=False).returncode

    assert code() == 0  # the first round is due whatever is new
    stopped = ["130", "143"]  # tests/recipes/training/test_cancel.py
    assert service["SuccessExitStatus"].split() == [str(code()), *stopped]
    done("import", db, more(tmp_path))
    assert code() == 0
    shutil.rmtree(db.with_suffix(".rounds") / "0002")
    db.unlink()
    assert code() == 1


def more(folder: Path) -> Path:
    return jsonl_file(folder / "more.jsonl", *sentences(100, "m"))
