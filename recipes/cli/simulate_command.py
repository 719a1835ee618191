"""The command that plays the loop with known gold."""

from __future__ import annotations

from typing import Any

import click

from spanloop.recipes.cli.bar import Bar
from spanloop.recipes.cli.options import (
    Listed,
    Seed,
    Whole,
    format_option,
    how_read,
    json_option,
    option,
    path_type,
    reading_options,
)
from spanloop.recipes.cli.training_options import config_of, training_options


@click.command()
@click.argument("files", nargs=-1, type=path_type)
@click.option("--from-db", type=path_type, metavar="DB", help="Play on the gold of a project instead.")
@click.option(
    "--eval", "eval_files", multiple=True, type=path_type, help="Files to score on.  [default: a fifth]"
)
@option("--strategies", type=Listed(), default="random,bald_spans", help="What to compare, parted by commas.")
@option(
    "--budget-tokens",
    type=Listed(float),
    default="0.02,0.05,0.1,0.2,0.4,1",
    help="Tokens read at each round: up to 1 shares of the pool's, above it numbers.",
)
@option("--seeds", type=Whole(1), default=1, help="How many times all is played.")
@option("--task", type=click.Choice(["spans", "tags"]), default="spans", help="Spans, or one tag a token.")
@option("--model", default="offline", help="Base model.")
@option("--lang", default="en", help="Language of the texts.")
@training_options(without=["seed"])
@option("--seed", type=Seed(), default=0, help="The first seed.")
@click.option("--name", help="What the results are called.  [default: as the first file]")
@click.option("--results", type=path_type, help="A folder for them, a file each; a stopped run goes on.")
@click.option("--csv", type=path_type, help="Write all figures as a table, too.")
@click.option("--picture", type=path_type, help="Draw the curves, as SVG (extra [report]).")
@format_option
@reading_options
@json_option
def simulate(seed: int, **options: Any) -> object:
    """Would active learning pay? Plays the loop, the gold of FILES answering in the person's place."""
    from spanloop.recipes.simulation.simulate import simulate as recipe

    reading = how_read(options)
    with Bar() as bar:  # the seed is that of the plays, not a setting of the training
        return recipe(seed=seed, config=config_of(options), reading=reading, progress=bar, **options)


COMMANDS = (simulate,)
