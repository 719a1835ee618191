"""Commands run as a user runs them, and the JSON that they print."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from spanloop.recipes.cli.main import main
from support.json_shapes import check_shape, command_of


def run(*arguments: object) -> Result:
    """Run a command; the JSON that it prints is held to its schema."""
    typed = [str(argument) for argument in arguments]
    result = CliRunner().invoke(main, typed, prog_name="spanloop")
    if "--json" in typed and result.stdout:
        check_shape(command_of(typed), json.loads(result.stdout))
    return result


def done(*arguments: object) -> Any:
    """Run a command that must succeed; what it printed, as JSON where it was asked for."""
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout) if "--json" in arguments else result.stdout


def refused(*arguments: object) -> str:
    """Run a command that must exit 1 with one line on stderr and nothing on stdout; gives that line."""
    result = run(*arguments)
    assert result.exit_code == 1, (result.exit_code, result.output, result.exception)
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("Error: ")
    return result.stderr.removeprefix("Error: ").strip()


def jsonl_file(path: Path, *records: object) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path
