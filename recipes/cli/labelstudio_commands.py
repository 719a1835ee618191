"""The commands for Label Studio: options and one call each."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path
from typing import Any

import click

from spanloop.recipes.cli.bar import Bar
from spanloop.recipes.cli.options import (
    PORT,
    Whole,
    aggregation_option,
    backend_option,
    component_option,
    db_argument,
    device_option,
    json_option,
    map_option,
    option,
    path_type,
    precision_option,
    scheme_option,
    threshold_option,
)


@click.command()
@click.argument("path", metavar="DB", type=path_type)
@option("--host", default="127.0.0.1", help="Where to serve; beyond this machine a password is needed.")
@option("--port", type=PORT, default=9090, help="0: any free one.")
@click.option("--basic-auth-user", "user", help="Ask for this name and $SPANLOOP_BACKEND_PASSWORD.")
@click.option("--model", help="A Hugging Face token classifier that suggests until a round is promoted.")
@click.option("--pipeline", help="A spaCy pipeline that does. It can run code.")
@click.option("--patterns", type=path_type, help="A JSONL file of spaCy or Prodigy patterns that does.")
@map_option
@threshold_option
@component_option
@scheme_option
@aggregation_option
@device_option
@precision_option
@backend_option
@click.option("--train-options", default="", help="For Start Training, e.g. '--epochs 5 --fast'.")
@click.pass_obj
def backend(say: Any, /, path: Path, train_options: str, **options: Any) -> None:
    """Serve Label Studio's machine-learning backend until Ctrl-C."""
    from spanloop.recipes.labelstudio.serve import serve
    from spanloop.recipes.suggest.choice import Choice

    named = _given(options, "model", "pipeline", "patterns")
    if len(named) > 1:
        raise click.UsageError("give one of --model, --pipeline and --patterns")
    choice = _given(options, "label_map", "threshold", "component")
    if choice and not named:
        raise click.UsageError(
            "--map, --threshold and --component are about the --model or --pipeline that suggests until a "
            "round is promoted; a round has the project's labels, and thresholds of its own (spanloop "
            "retrain --thresholds f1)"
        )
    Choice.typed(**{"label_map": None, "threshold": None, **choice})  # told here if it is none
    manner = _given(options, "scheme", "aggregation_strategy")
    if manner and "model" not in named:
        raise click.UsageError("--scheme and --aggregation-strategy go with --model")
    aside = partial(say, aside=True)
    serve(
        path,
        named=named | choice | manner,
        computing=_given(options, "backend", "precision"),
        train_options=shlex.split(train_options),
        say=aside,
        on_ready=lambda link: aside(f"Label Studio's backend is at {link} (Ctrl-C ends it)"),
        **options,
    )


def _given(options: dict[str, Any], *names: str) -> dict[str, str]:
    """Those of the options that were given, taken out of them."""
    values = {name: options.pop(name) for name in names}
    return {name: str(value) for name, value in values.items() if value is not None}


@click.group()
def labelstudio() -> None:
    """Keep a project of Label Studio and this one in step; its token stands in $LABEL_STUDIO_API_KEY."""


url_option = click.option(
    "--url", help="Where Label Studio is; naming it lets your token be sent there.  [default: as last time]"
)
project_option = click.option(
    "--project", type=Whole(1), help="Its project's number.  [default: as last time]"
)


@labelstudio.command()
@db_argument
@url_option
@project_option
@click.option("--create", is_flag=True, help="Make the project file, with the labels there.")
@click.option("--all", "everything", is_flag=True, help="Look at every task, not only at what changed.")
@json_option
def pull(**options: Any) -> object:
    """Bring tasks and annotations here."""
    from spanloop.recipes.labelstudio.pull import pull as recipe

    with Bar() as bar:
        return recipe(progress=bar, **options)


@labelstudio.command()
@db_argument
@url_option
@project_option
@click.option("--create", is_flag=True, help="Make the project there, with the labels and documents here.")
@click.option("--documents", is_flag=True, help="Make tasks of the documents that it does not have.")
@click.option("--title", help="Of the project that is made.  [default: the file's name]")
@json_option
def push(**options: Any) -> object:
    """Send predictions there."""
    from spanloop.recipes.labelstudio.push import push as recipe

    with Bar() as bar:
        return recipe(progress=bar, **options)


@labelstudio.command()
@db_argument
@url_option
@project_option
@option("--backend", default="http://localhost:9090", help="Where `spanloop backend` is, seen from there.")
@click.option("--basic-auth-user", "user", help="Its user; the password is $SPANLOOP_BACKEND_PASSWORD.")
@json_option
def connect(**options: Any) -> object:
    """Add the backend to the project there, with its webhook."""
    from spanloop.recipes.labelstudio.connect import connect as recipe

    return recipe(**options)


@labelstudio.command()
@db_argument
@click.option("--drop", is_flag=True, help="Forget those that fail again, once they are shown.")
@json_option
def retry(**options: Any) -> object:
    """Work again on what it told and failed; exit code 1 if some of it fails again."""
    from spanloop.recipes.labelstudio.retry import retry as recipe

    return recipe(**options)


COMMANDS = (backend, labelstudio)
