"""The commands about rounds: options and one call each."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from spanloop.recipes.cli.bar import Bar
from spanloop.recipes.cli.options import (
    Duration,
    Listed,
    OfProject,
    Real,
    Whole,
    db_argument,
    device_option,
    json_option,
    nice_option,
    option,
    path_type,
    project_of,
)
from spanloop.recipes.cli.settled import Settled, config_option, settings_said
from spanloop.recipes.cli.training_options import config_of, round_options, training_options
from spanloop.recipes.errors import RecipeError


@click.command()
@db_argument
@click.option("--round", type=Whole(1), help="Another round than the promoted one.")
@click.option("--all", "every", is_flag=True, help="Every round: figures of the same gold compare.")
@device_option
@json_option
def evaluate(db: Path, round: int | None, every: bool) -> object:
    """Score a round on today's gold of the eval split."""
    if every and round is not None:
        raise RecipeError("--all scores every round: leave --round out")
    from spanloop.recipes.scoring.evaluate import evaluate as recipe
    from spanloop.recipes.scoring.evaluate_all import evaluate_all

    with Bar() as bar:
        return evaluate_all(db, progress=bar) if every else recipe(db, round=round, progress=bar)


@click.group(cls=OfProject, invoke_without_command=True)
@db_argument
@json_option
@click.pass_context
def rounds(ctx: click.Context, db: Path) -> object:
    """List the rounds, promote one, go back, train one again, prune, cancel the training under way."""
    from spanloop.recipes.rounds.rounds import list_rounds as recipe

    return recipe(db) if ctx.invoked_subcommand is None else None


@rounds.command("cancel")
@click.pass_context
def rounds_cancel(ctx: click.Context) -> object:
    """Stop the training that is under way; the same retrain goes on later from its last checkpoint."""
    from spanloop.recipes.rounds.cancel import cancel

    return cancel(project_of(ctx))


@rounds.command("promote")
@click.argument("number", type=Whole(1))
@click.pass_context
def rounds_promote(ctx: click.Context, number: int) -> object:
    """Put round NUMBER to use."""
    from spanloop.recipes.rounds.rounds import promote

    return promote(project_of(ctx), number)


@rounds.command("prune")
@option(
    "--keep",
    type=Listed(),
    default="promoted,best,last=3",
    help="What stays: promoted, previous, best, last=N, numbers of rounds.",
)
@option("--keep-scores/--drop-scores", default=True, help="Whether the figures of the removed rounds stay.")
@click.option("--dry-run", is_flag=True, help="Only tell what would go.")
@click.pass_context
def rounds_prune(ctx: click.Context, /, **options: Any) -> object:
    """Remove the pipelines of old rounds; what is known of them stays."""
    from spanloop.recipes.rounds.prune import prune

    return prune(project_of(ctx), **options)


@rounds.command("reproduce")
@click.argument("number", type=Whole(1))
@click.pass_context
def rounds_reproduce(ctx: click.Context, number: int) -> object:
    """Train round NUMBER again and compare the weights; exit code 1 if they differ."""
    from spanloop.recipes.rounds.reproduce import reproduce

    with Bar() as bar:
        return reproduce(project_of(ctx), number, progress=bar)


@rounds.command("rollback")
@click.pass_context
def rounds_rollback(ctx: click.Context) -> object:
    """Put the round that was promoted before to use again; each further one goes back further."""
    from spanloop.recipes.rounds.rounds import rollback

    return rollback(project_of(ctx))


@click.command(cls=Settled)
@db_argument
@option("--every", type=Whole(1), default=100, help="A round whenever so many new annotations have come,")
@click.option("--interval", type=Duration(), help="or so long after the last round if any have: 30m, 6h, 2d.")
@option("--pause", type=Real(0.1, 86400), default=5.0, help="Seconds between two looks at the store.")
@click.option(
    "--keep-rounds",
    type=Listed(),
    help="Prune after each round but these: promoted,best,last=3.  [default: all stay]",
)
@round_options
@nice_option
@device_option
@config_option
@json_option
@click.pass_context
def watch(ctx: click.Context, /, **options: Any) -> object:
    """Retrain, promote and suggest again by itself, until Ctrl-C or SIGTERM."""
    from spanloop.recipes.rounds.watch import watch as recipe

    say, settings = partial(ctx.obj, aside=True), settings_said(ctx)
    return recipe(config=config_of(options), settings=settings, say=say, **options)


@click.command()
@db_argument
@click.option(
    "-o", "--out", "file", required=True, type=path_type, help="The file to write: .html, .md or .json."
)
@click.option("--format", type=click.Choice(["html", "md", "json"]), help="Other than the suffix says.")
@click.option("--round", type=Whole(1), help="Another round than the promoted one.")
@json_option
def report(**options: Any) -> object:
    """Write everything about the rounds on one page."""
    from spanloop.recipes.rounds.report import write_report as recipe

    with Bar() as bar:
        return recipe(progress=bar, **options)


@click.command("train-curve")
@db_argument
@option("--seeds", type=Whole(1), default=3, help="Runs of each part; one shows nothing of what chance does.")
@training_options(without=["unlabelled"])
@device_option
@json_option
def train_curve(**options: Any) -> object:
    """Would more annotations help? Trains on parts of the gold."""
    from spanloop.recipes.rounds.learning_curve import train_curve as recipe

    with Bar() as bar:
        return recipe(config=config_of(options), progress=bar, **options)


@click.command()
@db_argument
@option("--split", type=click.Choice(["pool", "eval"]), default="pool", help="Whose gold.")
@option("--folds", type=Whole(2), default=3, help="Trainings; each judges what it did not see.")
@training_options(without=["unlabelled"])
@click.option(
    "--duplicates", is_flag=True, help="Instead: documents that stand in the project twice, or nearly."
)
@option("--threshold", type=Real(0, 1, min_open=True), default=0.8, help="How alike duplicates are.")
@json_option
def audit(duplicates: bool, threshold: float, db: Path, **options: Any) -> object:
    """Is the gold right? What models contradict, labels with few examples, leaks."""
    from spanloop.recipes.near_duplicates.audit import audit_duplicates
    from spanloop.recipes.quality.audit import audit as recipe

    with Bar() as bar:
        if duplicates:
            return audit_duplicates(db, threshold=threshold, progress=bar)
        return recipe(db, config=config_of(options), progress=bar, **options)


@click.command()
@db_argument
@click.option("--top", type=Whole(1), help="So many documents that the last audit doubts most.")
@click.option("--conflicts", is_flag=True, help="All documents that people answered differently.")
@click.option("--flagged", is_flag=True, help="All documents that somebody flagged.")
@click.option("--unknown-label", metavar="LABEL", help="All that were annotated before this label was there.")
@json_option
def review(**options: Any) -> object:
    """Send documents to the review queue."""
    from spanloop.recipes.quality.review import review as recipe

    return recipe(**options)


@click.command()
@db_argument
@option(
    "--max-error",
    type=Real(0, 1, min_open=True, max_open=True),
    default=0.02,
    help="The share of the accepted documents that may be wrong anywhere.",
)
@option(
    "--confidence",
    type=Real(0, 1, min_open=True, max_open=True),
    default=0.95,
    help="The probability with which that bound holds.",
)
@click.option("--by-label", is_flag=True, help="Hold it among the documents of each label on its own.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be accepted.")
@click.option("--undo", is_flag=True, help="Take back what was accepted unseen.")
@json_option
@click.pass_context
def triage(ctx: click.Context, /, undo: bool, db: Path, **options: Any) -> object:
    """Accept unseen what the promoted round is sure of, under a bound on wrong documents."""
    from spanloop.recipes.quality.triage import triage as recipe
    from spanloop.recipes.quality.triage import undo_triage

    if not undo:
        return recipe(db, **options)
    typed = click.core.ParameterSource.COMMANDLINE
    if any(ctx.get_parameter_source(name) is typed for name in options):
        raise RecipeError("--undo takes back all that was accepted unseen: leave the other options out")
    return undo_triage(db)


COMMANDS = (evaluate, rounds, report, train_curve, watch, audit, review, triage)
