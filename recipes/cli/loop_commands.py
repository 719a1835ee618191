"""The commands of the loop: options and one call each."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from spanloop.recipes.active_learning.parts import ASKS
from spanloop.recipes.cli.bar import Bar
from spanloop.recipes.cli.options import (
    PORT,
    OfProject,
    Real,
    StrategyName,
    Whole,
    aggregation_option,
    backend_option,
    choice_options,
    db_argument,
    device_option,
    json_option,
    nice_option,
    option,
    path_type,
    precision_option,
    project_of,
    scheme_option,
)
from spanloop.recipes.cli.settled import Settled, config_option, settings_said
from spanloop.recipes.cli.training_options import config_of, round_options
from spanloop.recipes.training.process_control import choose_waiting, stoppable, yield_to_others


@click.group(cls=OfProject, invoke_without_command=True)
@db_argument
@json_option
@click.pass_context
def labels(ctx: click.Context, db: Path) -> object:
    """List, add, change, rename, retire or merge labels."""
    from spanloop.recipes.project.labels import labels as recipe

    return recipe(db) if ctx.invoked_subcommand is None else None


@labels.command("add")
@click.argument("name")
@click.option("--key", help="The key that gives it on the page.")
@click.option("--colour", help="Its colour on the page, as #rrggbb.")
@click.option("--description", default="", help="What the page shows about it.")
@click.pass_context
def labels_add(ctx: click.Context, /, **options: Any) -> object:
    """A new label."""
    from spanloop.recipes.project.labels import add_label

    return add_label(project_of(ctx), **options)


@labels.command("set")
@click.argument("name")
@click.option("--key", help="The key that gives it on the page; '': none.")
@click.option("--colour", help="Its colour on the page, as #rrggbb.")
@click.option("--description", help="What the page shows about it.")
@click.option("--position", type=Whole(1), help="Its place; the first ten have the keys 1 to 9 and 0.")
@click.pass_context
def labels_set(ctx: click.Context, /, **options: Any) -> object:
    """Key, colour, description or place of a label."""
    from spanloop.recipes.project.labels import set_label

    return set_label(project_of(ctx), **options)


@labels.command("rename")
@click.argument("old")
@click.argument("new")
@click.pass_context
def labels_rename(ctx: click.Context, old: str, new: str) -> object:
    """Another name for a label, everywhere at once."""
    from spanloop.recipes.project.labels import rename_label

    return rename_label(project_of(ctx), old, new)


@labels.command("retire")
@click.argument("name")
@click.pass_context
def labels_retire(ctx: click.Context, name: str) -> object:
    """Take a label out of use; old annotations stay readable."""
    from spanloop.recipes.project.labels import retire_label

    return retire_label(project_of(ctx), name)


@labels.command("merge")
@click.argument("source")
@click.argument("target")
@click.pass_context
def labels_merge(ctx: click.Context, source: str, target: str) -> object:
    """Count the spans of SOURCE as TARGET from now on."""
    from spanloop.recipes.project.labels import merge_labels

    return merge_labels(project_of(ctx), source, target)


@click.command(cls=Settled)
@db_argument
@click.option(
    "--model", help="A Hugging Face token classifier, ID@REVISION to pin it, instead of the promoted round."
)
@click.option("--pipeline", help="A spaCy pipeline, by name or folder. It can run code.")
@click.option("--patterns", type=path_type, help="A JSONL file of spaCy or Prodigy patterns.")
@click.option(
    "--strategy",
    type=StrategyName(),
    help="What the queue asks first.  [default: as before, else bald_spans, of tags random]",
)
@click.option(
    "--ask",
    type=click.Choice(ASKS),
    help="Ask about whole documents, or the doubtful sentences or tags of each.  [default: as before]",
)
@click.option("--limit", type=Whole(1), help="At most so many documents.")
@click.option(
    "--lang", help="With --model: cut the texts as this language of spaCy.  [default: the project's]"
)
@click.option("--open-only", is_flag=True, help="Only documents that are still open.")
@device_option
@precision_option
@backend_option
@scheme_option
@aggregation_option
@config_option
@json_option
@choice_options
def prelabel(**options: Any) -> object:
    """Let a model suggest, for every document it has not seen."""
    from spanloop.recipes.suggest.prelabel import prelabel as recipe

    with Bar() as bar:
        return recipe(progress=bar, **options)


@click.command(cls=Settled)
@click.argument("path", metavar="DB", type=path_type)
@click.option("--annotator", help="Your name.")
@option("--host", default="127.0.0.1", help="Where to serve; beyond this machine a token is needed.")
@option("--port", type=PORT, default=8765, help="0: any free one.")
@click.option("--token", help="What others must know to come in, 16 letters or more.")
@click.option("--strategy", type=StrategyName(), help="What to ask first.  [default: as prelabel left it]")
@option("--split", type=click.Choice(["pool", "eval"]), default="pool", help="Which documents.")
@click.option("--blind", is_flag=True, help="Show no suggestions.")
@option(
    "--view",
    type=click.Choice(["document", "binary"]),
    default="document",
    help="Binary: one span, yes or no.",
)
@click.option("--only", metavar="LABEL", help="Ask about this label alone.")
@option(
    "--ignored",
    type=click.Choice(["never", "last"]),
    default="never",
    help="Whether what was skipped returns.",
)
@click.option("--review", is_flag=True, help="What waits for review; these answers have the last word.")
@click.option("--overlap", type=Whole(1), help="So many people get the same document, from now on.")
@click.option(
    "--unaided",
    type=Real(0, 0.5),
    help="This share of the documents comes without suggestions, from now on; the report compares.",
)
@option("--browser/--no-browser", default=True, help="Open the page.")
@click.option("--access-log", type=path_type, help="A file for a line on every request, without texts.")
@config_option
@click.pass_obj
def correct(say: Any, /, path: Path, overlap: int | None, unaided: float | None, **options: Any) -> None:
    """Serve the correction page until Ctrl-C."""
    from spanloop.recipes.active_learning.bias import set_unaided_share
    from spanloop.recipes.project.annotators import set_overlap
    from spanloop.recipes.web.correct import correct as recipe

    if overlap is not None:
        set_overlap(path, overlap)
    if unaided is not None:
        set_unaided_share(path, unaided)
    recipe(path, on_ready=partial(announce, say), **options)


def announce(say: Any, link: str) -> None:
    """Tell where the page is."""
    say(f"The page is at {link} (Ctrl-C ends it)", aside=True)


@click.command(cls=Settled)
@db_argument
@round_options
@click.option("--if-new", type=Whole(1), help="Only if so many annotations are new; exit code 3 if not.")
@option(
    "--promote", type=click.Choice(["auto", "yes", "no"]), default="auto", help="Auto: if it is no worse."
)
@click.option("--allow-leaks", is_flag=True, help="Even where over 5 % of eval nearly stands in training.")
@device_option
@nice_option
@config_option
@json_option
@click.pass_context
def retrain(ctx: click.Context, /, nice: int, **options: Any) -> object:
    """Train a round on the gold, score it, promote it if it is no worse."""
    yield_to_others(nice)
    from spanloop.recipes.training.distributed import hush, rank

    if (waiting := choose_waiting(options["db"])) and not rank():
        ctx.obj(waiting, aside=True)
    hush()
    from spanloop.recipes.training.retrain import retrain as recipe

    with stoppable(), Bar() as bar:
        settings = settings_said(ctx)
        report = recipe(config=config_of(options), settings=settings, progress=bar, **options)
    return None if rank() else report  # of several processes the first one speaks


@click.command()
@db_argument
@click.option("--config", type=path_type, help="Another settings file than spanloop.toml beside the project.")
@json_option
def status(**options: Any) -> object:
    """Where the project stands, and what to do next."""
    from spanloop.recipes.rounds.status import status as recipe

    return recipe(**options)


COMMANDS = (labels, prelabel, correct, retrain, status)
