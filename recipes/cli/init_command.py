"""The command that makes a project, from files where these are named."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from spanloop.recipes.cli.bar import Bar
from spanloop.recipes.cli.options import (
    JSON,
    Listed,
    Seed,
    db_argument,
    how_read,
    json_option,
    offsets_option,
    option,
    path_type,
    reading_options,
)


@click.command()
@db_argument
@click.argument("more", nargs=-1, type=path_type, metavar="[FILE]...")
@click.option(
    "--labels", type=Listed(), help="The labels, parted by commas: PER,ORG,LOC.  [default: those of --from]"
)
@click.option(
    "--from",
    "from_",
    type=path_type,
    multiple=True,
    metavar="FILE...",
    help="Begin with these files: labels, task and language as they look, shown and asked for.",
)
@option("--yes", is_flag=True, default=False, help="With --from: make the project without being asked.")
@click.option("--format", help="With --from: the format of the files.  [default: as they look]")
@click.option(
    "--task",
    type=click.Choice(["spans", "tags"]),
    help="Spans, or one tag a token.  [default: spans, or as the files of --from look]",
)
@click.option(
    "--lang", help="Language of the texts, for the tokenizer.  [default: as the first import looks]"
)
@click.option(
    "--nlp",
    help="Instead: a spaCy pipeline, by name or folder, that comes along into every round. It can run code.",
)
@option(
    "--model", default="offline", help="Base model: hub id (or ID@REVISION), folder, or the packaged encoder."
)
@option("--eval-fraction", default=0.2, help="Share of the documents that rounds are scored on.")
@click.option("--instructions", type=path_type, help="A Markdown file that the correction page shows.")
@option("--seed", type=Seed(), default=0, help="Of everything that is drawn.")
@click.option(
    "--unit",
    type=click.Choice(["token", "wordpiece"]),
    help="What gets one tag: a token, or a wordpiece of the model, so that spans can cut tokens.  "
    "[default: token, or as suits the files of --from]",
)
@offsets_option
@reading_options
@json_option
@click.pass_context
def init(
    ctx: click.Context, /, from_: Sequence[Path], more: Sequence[Path], yes: bool, **options: Any
) -> object:
    """Make a project, from files where --from names some: init p.db --from notes.jsonl."""
    given = {name: value for name, value in options.items() if value is not None}
    given["labels"] = [name for name in given.get("labels", ()) if name]
    if from_:
        return _init_from(ctx, [*from_, *more], yes, given)
    if more or yes or how_read(given) != how_read({}):
        raise click.UsageError("files, --yes and how they are read go with --from FILE")
    from spanloop.recipes.project.init import init as recipe

    return recipe(**given)


def _init_from(ctx: click.Context, files: Sequence[Path], yes: bool, given: dict[str, Any]) -> object:
    """Look, show and ask, and make the project where the answer is yes."""
    from spanloop.recipes.files.looking import look_at_files
    from spanloop.recipes.files.starting import init_from

    reading = how_read(given)
    with Bar() as bar:
        if not yes:
            settings = ("model", "eval_fraction", "instructions", "seed")
            looked = {name: value for name, value in given.items() if name not in settings}
            guess = look_at_files(files=files, reading=reading, progress=bar, **looked)
            if ctx.meta.get(JSON) or not (sys.stdin.isatty() and sys.stdout.isatty()):
                return guess
    if not yes:
        ctx.obj(guess.found())
        if not click.confirm(f"Make {guess.path} of this?"):
            return None
    with Bar() as bar:
        return init_from(files=files, reading=reading, progress=bar, **given)
