"""The commands that write files, need no project or look after one: options and one call each."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from spanloop.recipes.cli.bar import Bar
from spanloop.recipes.cli.loop_commands import announce
from spanloop.recipes.cli.options import (
    JSON,
    PORT,
    Listed,
    OfProject,
    Real,
    aggregation_option,
    backend_option,
    choice_options,
    db_argument,
    device_option,
    format_option,
    how_read,
    json_option,
    option,
    path_type,
    precision_option,
    project_of,
    reading_options,
    scheme_option,
    split_option,
)


@click.command()
@db_argument
@click.argument("file", type=path_type)
@click.option("--format", help="jsonl, conll, spacy ...; spanloop: all of it.  [default: by the suffix]")
@option(
    "--what",
    type=click.Choice(["gold", "answers", "predictions", "all"]),
    default="gold",
    help="What to write; answers: everybody's newest, one after the other.",
)
@split_option
@click.option(
    "--label", "labels", type=Listed(), help="Only documents with a span of one of these, parted by commas."
)
@click.option("--flagged", is_flag=True, help="Only documents that somebody flagged.")
@click.option("--annotator", metavar="NAME", help="Only documents that this person has answered.")
@click.option(
    "--since", metavar="DAY", help="Only what was answered since: 2026-01-31 or 2026-01-31T08:00 (UTC)."
)
@click.option("--tagged", metavar="NAME", help="The gold of a version that `data DB tag` named.")
@option(
    "--tokens",
    type=click.Choice(["project", "file"]),
    default="project",
    help="In formats of tokens: of the project's tokenizer, or the words that CoNLL-U came in with.",
)
@click.option("--with-rounds", is_flag=True, help="With --format spanloop: the pipelines in FILE.rounds.")
@click.option("--overwrite", is_flag=True, help="Replace the file, or the folder of an earlier export.")
@json_option
def export(with_rounds: bool, **options: Any) -> object:
    """Write gold, answers, predictions or all documents to FILE; - is standard output."""
    from spanloop.recipes.files.export import export as recipe
    from spanloop.recipes.files.project_file import FORMAT, export_project

    if options["format"] != FORMAT:
        if with_rounds:
            raise click.UsageError(f"--with-rounds goes with --format {FORMAT}")
        return recipe(**options)
    filters = ("split", "labels", "flagged", "annotator", "since", "tagged")
    if options["what"] != "gold" or any(options[name] for name in filters):
        raise click.UsageError(
            f"--format {FORMAT} writes everything: only --with-rounds and --overwrite go with it"
        )
    return export_project(
        options["db"], options["file"], with_rounds=with_rounds, overwrite=options["overwrite"]
    )


@click.command()
@click.argument("inputs", nargs=-1, metavar="TEXT|FILE...", required=True)
@click.option(
    "--model",
    help="A project, a Hugging Face token classifier, or a spaCy pipeline's folder, which can run code.",
)
@click.option("--tags", is_flag=True, help="One line a labelled token: Word: New, Label: B-LOC.")
@click.option("--out", type=path_type, help="Write one JSONL file an input into this folder.")
@format_option
@reading_options
@click.option("--lang", help="Cut the texts as this language of spaCy.  [default: by blanks, or wordpieces]")
@device_option
@precision_option
@backend_option
@scheme_option
@aggregation_option
@click.option(
    "--candidates",
    type=Real(0, 1, min_open=True),
    metavar="PROBABILITY",
    help="Tell every span that may be there and is so probable, e.g. 0.1; not with --out.",
)
@json_option
@click.pass_context
@choice_options
def predict(ctx: click.Context, /, tags: bool, out: Path | None, **options: Any) -> object:
    """Suggest spans for texts and files, without a project."""
    from spanloop.recipes.suggest import predict as recipes
    from spanloop.recipes.suggest.predicted import Predictions

    options["reading"] = how_read(options)
    if out is not None:
        if options.pop("candidates") is not None:
            raise click.UsageError("--candidates are shown, not written: leave --out out, or take --json")
        return recipes.predict_to_folder(out=out, **options)
    found = recipes.predict(tags=tags, **options)
    return Predictions(tuple(found)) if ctx.meta[JSON] else found


@click.command()
@click.argument("folder", required=False, default=Path("demo"), type=path_type)
@option("--serve/--no-serve", default=True, help="Serve the page on what is still open afterwards.")
@option("--port", type=PORT, default=8765, help="Of the page.")
@option("--browser/--no-browser", default=True, help="Open the page.")
@click.pass_obj
def demo(say: Any, /, **options: Any) -> None:
    """Three rounds on a corpus that ships with spanloop, its gold answers standing in for the person."""
    from spanloop.recipes.demo.demo import demo as recipe

    with Bar() as bar:
        recipe(progress=bar, say=say, on_ready=partial(announce, say), **options)


@click.command()
@click.argument("db", required=False, type=path_type)
@json_option
def doctor(db: Path | None) -> object:
    """Look whether everything that is needed is there; exit code 1 if not."""
    from spanloop.recipes.project.doctor import doctor as recipe

    return recipe(db)


@click.command()
@db_argument
@click.option(
    "--repair", is_flag=True, help="Derive anew what can be derived; annotations are never touched."
)
@json_option
def check(db: Path, repair: bool) -> object:
    """Look whether the project file is sound; exit code 1 if not."""
    from spanloop.recipes.project.check import check as recipe

    return recipe(db, repair=repair)


@click.command()
@db_argument
@click.argument("file", type=path_type)
@json_option
def backup(db: Path, file: Path) -> object:
    """Copy the project to FILE, at any time, with its promoted round."""
    from spanloop.recipes.project.backup import backup as recipe

    return recipe(db, file)


@click.command()
@db_argument
@click.argument("other", type=path_type)
@json_option
def merge(db: Path, other: Path) -> object:
    """Bring the documents, answers and labels of the project OTHER into DB."""
    from spanloop.recipes.files.merging import merge_projects

    return merge_projects(db, other)


@click.group(cls=OfProject, invoke_without_command=True)
@db_argument
@json_option
@click.pass_context
def data(ctx: click.Context, db: Path) -> object:
    """List, name and compare versions of the gold."""
    from spanloop.recipes.files.data_versions import list_versions

    return list_versions(db) if ctx.invoked_subcommand is None else None


@data.command("tag")
@click.argument("name")
@click.pass_context
def data_tag(ctx: click.Context, name: str) -> object:
    """Call the gold of this moment NAME."""
    from spanloop.recipes.files.data_versions import tag_version

    return tag_version(project_of(ctx), name)


@data.command("diff")
@click.argument("first")
@click.argument("second", default="now")
@click.pass_context
def data_diff(ctx: click.Context, first: str, second: str) -> object:
    """What differs between two versions; SECOND is the gold of now where it is left out."""
    from spanloop.recipes.files.data_versions import diff_versions

    return diff_versions(project_of(ctx), first, second)


@click.group(cls=OfProject, invoke_without_command=True)
@db_argument
@json_option
@click.pass_context
def project(ctx: click.Context, db: Path) -> object:
    """Show what the next round is made of, or change it: base model, language, pipeline."""
    from spanloop.recipes.suggest.settings import project_settings

    return project_settings(db) if ctx.invoked_subcommand is None else None


@project.command("set")
@click.option("--model", help="Base model: hub id (or ID@REVISION), folder, or offline.")
@click.option("--lang", help="Language of the texts, for the tokenizer.")
@click.option("--nlp", help="Instead: a spaCy pipeline, by name or folder. It can run code.")
@click.option("--unit", type=click.Choice(["token", "wordpiece"]), help="What the model gives one tag.")
@click.pass_context
def project_set(ctx: click.Context, /, **options: Any) -> object:
    """Have the next round made of something else; rounds of before stay as they are."""
    from spanloop.recipes.suggest.settings import set_project

    with Bar() as bar:
        return set_project(project_of(ctx), progress=bar, **options)


@click.group(cls=OfProject, invoke_without_command=True)
@db_argument
@json_option
@click.pass_context
def annotators(ctx: click.Context, db: Path) -> object:
    """List, add or remove the people who may correct over a network, give them new links."""
    from spanloop.recipes.project.annotators import annotators as recipe

    return recipe(db) if ctx.invoked_subcommand is None else None


def _link_options(command: Any) -> Any:
    """Where a link leads, and whether it is shown as a QR code."""
    for decorate in (
        click.option("--qr", is_flag=True, help="Show the link as a QR code too, for tablets."),
        click.option("--port", type=PORT, help="Its port.  [default: of the page that was served last]"),
        click.option("--host", help="Where the page is.  [default: where it was served last]"),
    ):
        command = decorate(command)
    return command


@annotators.command("add")
@click.argument("name")
@_link_options
@click.pass_context
def annotators_add(ctx: click.Context, /, **options: Any) -> object:
    """Let NAME in: prints a link with a secret, once."""
    from spanloop.recipes.project.annotators import add_annotator

    return add_annotator(project_of(ctx), **options)


@annotators.command("reissue")
@click.argument("name")
@_link_options
@click.pass_context
def annotators_reissue(ctx: click.Context, /, **options: Any) -> object:
    """A new link for NAME; the old one lets nobody in any more."""
    from spanloop.recipes.project.annotators import reissue_annotator

    return reissue_annotator(project_of(ctx), **options)


@annotators.command("remove")
@click.argument("name")
@click.pass_context
def annotators_remove(ctx: click.Context, name: str) -> object:
    """Let NAME in no more; the annotations stay."""
    from spanloop.recipes.project.annotators import remove_annotator

    return remove_annotator(project_of(ctx), name)


COMMANDS = (export, merge, data, predict, project, check, backup, annotators, demo, doctor)
