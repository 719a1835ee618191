"""The command that brings documents in: options and one call."""

from __future__ import annotations

from typing import Any

import click

from spanloop.recipes.cli.bar import Bar
from spanloop.recipes.cli.options import (
    Listed,
    db_argument,
    json_option,
    option,
    path_type,
    reading_options,
)
from spanloop.recipes.formats.counting import KINDS


@click.command("import")
@db_argument
@click.argument("files", nargs=-1, required=True, type=path_type)
@click.option("--format", help="jsonl, text, conll, spacy, spanloop ...  [default: as the file looks]")
@option("--split", type=click.Choice(["auto", "pool", "eval"]), default="auto", help="Auto: drawn by group.")
@option(
    "--as",
    "as_",
    type=click.Choice(["auto", "documents", "predictions", "annotations"]),
    default="auto",
    help="Auto: spans are annotations.",
)
@option("--annotator", default="import", help="Whose spans they are.")
@click.option(
    "--labels",
    type=Listed(),
    help="The labels that the files speak of, parted by commas; of others they say nothing.  "
    "[default: all of the project]",
)
@option(
    "--on-conflict",
    type=click.Choice(["error", "skip", "new-key"]),
    default="error",
    help="Known key, other text; new-key: the name of the file before the key.",
)
@click.option(
    "--overlaps",
    type=click.Choice(["longest", "none", "error"]),
    help="Which spans that share characters stay, as suggestions for whoever confirms the document.  "
    "[default: error; longest for exports of other tools]",
)
@click.option(
    "--accept-overlaps", is_flag=True, help="What is left where spans overlap is gold without confirming."
)
@option(
    "--offsets",
    type=click.Choice(list(KINDS)),
    default="codepoint",
    help="How the files count them: code points, those with the end inside the span, UTF-16 units, bytes, "
    "tokens, or tokens with the last one inside.",
)
@option(
    "--near-duplicates/--no-near-duplicates",
    default=True,
    help="What nearly repeats another document joins its split (no: a third faster).",
)
@reading_options
@json_option
def import_command(**options: Any) -> object:
    """Bring in documents, with the spans that the files know."""
    from spanloop.recipes.files.importing import import_files
    from spanloop.recipes.files.project_file import FORMAT, import_project
    from spanloop.store.moving.load import is_dump

    files = options["files"]
    if len(files) == 1 and (options["format"] == FORMAT or is_dump(files[0])):
        if (options["split"], options["as_"], options["annotator"]) != ("auto", "auto", "import"):
            raise click.UsageError("a whole project comes in as it is, without --split, --as and --annotator")
        return import_project(options["db"], files[0])
    with Bar() as bar:
        return import_files(progress=bar, **options)
