"""The command line: the only file that prints and sets exit codes. The commands stand in ``*_commands.py``;
each gives back a report, which is printed here.

Exit code 0: done. 1: the user's error, one line on stderr. 2: wrong usage. 3: nothing was done
(``--if-new``, ``init --from``). 130: Ctrl-C, or cancelled from elsewhere. 143: SIGTERM.
Recipes are imported when their command runs: ``--help`` and the light commands load no spaCy.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click

from spanloop.recipes.calls.lines import TELLABLE, line_to_tell, spelled
from spanloop.recipes.cli import (
    file_commands,
    handing_commands,
    import_command,
    init_command,
    labelstudio_commands,
    loop_commands,
    round_commands,
    simulate_command,
)
from spanloop.recipes.cli.options import JSON
from spanloop.recipes.report import Report
from spanloop.recipes.training.process_control import Cancelled


class CancelledError(click.ClickException):
    """As Ctrl-C, only from elsewhere."""

    exit_code = 130


class Loop(click.Group):
    """The commands in the order they were added, and the one place where errors become exit code 1."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            say(str(error) or "stopped", aside=True)
            ctx.exit(getattr(error, "exit_code", 130))
        except TELLABLE as error:
            if (line := line_to_tell(error)) is None:
                raise
            refusal = CancelledError if isinstance(error, Cancelled) else click.ClickException
            raise refusal(line) from error


@click.group(cls=Loop, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="spanloop")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Pre-annotate, correct, retrain, measure: DB is one SQLite file, the project."""
    ctx.obj = say


@main.result_callback()
@click.pass_context
def show(ctx: click.Context, result: Report | Iterator[Report] | None) -> None:
    """Print what the command gave back: one report, or several as they come."""
    if result is None:
        return
    for report in result if isinstance(result, Iterator) else [result]:
        aside = getattr(report, "aside", False)
        if ctx.meta.get(JSON):
            say(json.dumps(report.json(), ensure_ascii=False, allow_nan=False), aside=aside)
        else:
            say(report.text(), aside=aside)
        if code := getattr(report, "exit_code", 0):
            ctx.exit(code)


def say(line: str, *, aside: bool = False) -> None:
    """Print a line while a command runs; ``aside``: to stderr, beside what the command gives back."""
    click.echo(spelled(line), err=aside)


for command in [
    init_command.init,
    *import_command.COMMANDS,
    *loop_commands.COMMANDS,
    *round_commands.COMMANDS,
    *handing_commands.COMMANDS,
    *simulate_command.COMMANDS,
    *file_commands.COMMANDS,
    *labelstudio_commands.COMMANDS,
]:
    main.add_command(command)
