"""The commands that bring documents in and take them back: options and one call each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from spanloop.recipes.cli.bar import Bar
from spanloop.recipes.cli.options import (
    Listed,
    OfProject,
    Whole,
    db_argument,
    json_option,
    offsets_option,
    option,
    path_type,
    project_of,
    reading_options,
)


@click.command("import")
@db_argument
@click.argument("files", nargs=-1, required=True, type=path_type)
@click.option("--format", help="jsonl, text, conll, spacy, spanloop ...  [default: as the file looks]")
@option(
    "--split",
    type=click.Choice(["auto", "pool", "eval"]),
    default="auto",
    help="Auto: as the file says (train, test), else drawn by group.",
)
@option(
    "--dev",
    type=click.Choice(["pool", "eval"]),
    default="pool",
    help="Where documents go that the file calls dev or validation.",
)
@option(
    "--as",
    "as_",
    type=click.Choice(["auto", "documents", "predictions", "annotations", "review"]),
    default="auto",
    help="Auto: spans are answers, or what the file says; review: answers with the last word.",
)
@click.option(
    "--annotator",
    metavar="NAME",
    help="Whose answers they are where the file does not say; they count as this person's at the page do.  "
    "[default: nobody's, below those of people]",
)
@click.option(
    "--only-labels",
    type=Listed(),
    help="Read only the spans of these labels, parted by commas; what a document has of others stays.",
)
@click.option("--add-labels", is_flag=True, help="Add the labels that are new.")
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
@click.option(
    "--accept-empty",
    is_flag=True,
    help="Documents without any span are gold too, where the file may have such that nobody opened.",
)
@click.option("--dry-run", is_flag=True, help="Tell everything and store nothing.")
@offsets_option
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
        if (options["split"], options["as_"], options["annotator"]) != ("auto", "auto", None):
            raise click.UsageError("a whole project comes in as it is, without --split, --as and --annotator")
        return import_project(options["db"], files[0])
    with Bar() as bar:
        return import_files(progress=bar, **options)


@click.group(cls=OfProject, invoke_without_command=True)
@db_argument
@json_option
@click.pass_context
def imports(ctx: click.Context, db: Path) -> object:
    """List the imports, or take one back."""
    from spanloop.recipes.files.imports import list_imports

    return list_imports(db) if ctx.invoked_subcommand is None else None


@imports.command("undo")
@click.argument("number", type=Whole(1))
@click.pass_context
def imports_undo(ctx: click.Context, number: int) -> object:
    """Take import NUMBER back: its answers, and its documents where nobody has answered them."""
    from spanloop.recipes.files.imports import undo_import

    with Bar() as bar:
        return undo_import(project_of(ctx), number, progress=bar)


COMMANDS = (import_command, imports)
