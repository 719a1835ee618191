"""The commands that make a round, or a saved pipeline, ready for others: options and one call each."""

from __future__ import annotations

from typing import Any

import click

from spanloop.plugin.model.backends import BACKENDS
from spanloop.plugin.model.device import PRECISIONS
from spanloop.recipes.cli.bar import Bar
from spanloop.recipes.cli.options import (
    Real,
    Whole,
    format_option,
    how_read,
    json_option,
    offsets_option,
    option,
    path_type,
    reading_options,
)

# auto is another one on each machine
_FIXED = click.Choice([name for name in BACKENDS if name != "auto"])


@click.command()
@click.argument("db", metavar="PROJECT.db|PIPELINE", type=path_type)
@click.argument("folder", type=path_type)
@click.option("--name", help="Of the package, without the language.  [default: the project's or folder's]")
@click.option("--version", help="Of the package.  [default: 0.0.ROUND, or the pipeline's own]")
@click.option("--licence", default="", help="For the model card, e.g. CC-BY-4.0.")
@click.option("--round", type=Whole(1), help="Another round than the promoted one.")
@click.option("--wheel", is_flag=True, help="Build a wheel too.")
@json_option
def package(**options: Any) -> object:
    """Write the promoted round, or a saved pipeline, as an installable package with a model card."""
    from spanloop.recipes.rounds.package import package as recipe

    return recipe(**options)


@click.command()
@click.argument("db", metavar="PROJECT.db|PIPELINE", type=path_type)
@click.argument("folder", type=path_type)
@click.option("--round", type=Whole(1), help="Another round than the promoted one.")
@click.option(
    "--texts",
    multiple=True,
    metavar="FILE",
    help="With the folder of a saved pipeline: documents like those that it will read, ten or more.",
)
@format_option
@offsets_option
@reading_options
@option(
    "--backend",
    type=_FIXED,
    default="openvino",
    help="What shall compute in it.",
)
@option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default="int8",
    help="How exactly: int8 by openvino alone, bf16 by openvino and torch.",
)
@option(
    "--max-loss",
    type=Real(0, 100),
    default=0.5,
    help="Points of micro F1 that it may lose, else nothing is written.",
)
@json_option
def optimise(**options: Any) -> object:
    """Write the promoted round, or a saved pipeline, faster on a CPU: in integers of eight bits."""
    from spanloop.recipes.rounds.optimise import optimise as recipe

    reading = how_read(options)
    with Bar() as bar:
        return recipe(progress=bar, reading=reading, **options)


COMMANDS = (package, optimise)
