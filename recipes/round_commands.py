"""The commands about rounds: options and one call each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from spanloop.recipes.bar import Bar
from spanloop.recipes.options import OfProject, db_argument, json_option, project_of


@click.command()
@db_argument
@click.option("--round", type=int, help="Another round than the promoted one.")
@json_option
def evaluate(**options: Any) -> object:
    """Score a round on today's gold of the eval split."""
    from spanloop.recipes.evaluate import evaluate as recipe

    with Bar() as bar:
        return recipe(progress=bar, **options)


@click.group(cls=OfProject, invoke_without_command=True)
@db_argument
@json_option
@click.pass_context
def rounds(ctx: click.Context, db: Path) -> object:
    """List the rounds, promote one, go back."""
    from spanloop.recipes.rounds import rounds as recipe

    return recipe(db) if ctx.invoked_subcommand is None else None


@rounds.command("promote")
@click.argument("number", type=int)
@click.pass_context
def rounds_promote(ctx: click.Context, number: int) -> object:
    """Put round NUMBER to use."""
    from spanloop.recipes.rounds import promote

    return promote(project_of(ctx), number)


@rounds.command("rollback")
@click.pass_context
def rounds_rollback(ctx: click.Context) -> object:
    """Put the round that was promoted before to use again."""
    from spanloop.recipes.rounds import rollback

    return rollback(project_of(ctx))


COMMANDS = (evaluate, rounds)
