"""The commands for Label Studio: options and one call each."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path
from typing import Any

import click

from spanloop.recipes.options import option, path_type


@click.command()
@click.argument("path", metavar="DB", type=path_type)
@option("--host", default="127.0.0.1", help="Where to serve; beyond this machine a password is needed.")
@option("--port", default=9090, help="0: any free one.")
@click.option("--basic-auth-user", "user", help="Ask for this name and $SPANLOOP_BACKEND_PASSWORD.")
@click.option("--model", help="A Hugging Face token classifier that suggests until a round is promoted.")
@click.option("--pipeline", help="A spaCy pipeline that does.")
@click.option("--patterns", type=path_type, help="A JSONL file of spaCy or Prodigy patterns that does.")
@click.option("--train-options", default="", help="For Start Training, e.g. '--epochs 5 --fast'.")
@click.pass_obj
def backend(say: Any, /, path: Path, train_options: str, **options: Any) -> None:
    """Serve Label Studio's machine-learning backend until Ctrl-C."""
    from spanloop.recipes.labelstudio.serve import serve

    sources = {name: options.pop(name) for name in ("model", "pipeline", "patterns")}
    named = {name: str(value) for name, value in sources.items() if value is not None}
    if len(named) > 1:
        raise click.UsageError("give one of --model, --pipeline and --patterns")
    aside = partial(say, aside=True)
    serve(
        path,
        named=named,
        train_options=shlex.split(train_options),
        say=aside,
        on_ready=lambda link: aside(f"Label Studio's backend is at {link} (Ctrl-C ends it)"),
        **options,
    )


COMMANDS = (backend,)
