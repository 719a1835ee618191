"""The command line: options, one call and one print a command. The only file that prints and sets exit codes.

Exit code 0: done. 1: the user's error, one line on stderr. 2: wrong usage. Recipes are imported when their
command runs: ``--help`` and the light commands load no spaCy.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import click

from spanloop.plugin.pretrained import ModelError
from spanloop.recipes.acquire import NAMES as STRATEGIES
from spanloop.recipes.bar import Bar
from spanloop.recipes.errors import RecipeError
from spanloop.store import StoreError


class Report(Protocol):
    """What every recipe gives back: an object for programs, a text for people."""

    def json(self) -> dict[str, object]: ...

    def text(self) -> str: ...


class Loop(click.Group):
    """The commands in the order of the loop, and the one place where errors become exit code 1."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (RecipeError, StoreError, ModelError) as error:
            raise click.ClickException(str(error)) from error
        except BrokenPipeError:
            raise
        except OSError as error:
            if error.filename is None:
                raise
            raise click.ClickException(f"{error.filename}: {error.strerror}") from error


class OfProject(click.Group):
    """Commands that follow the project they are about; ``--json`` may stand anywhere, as with all others."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        flags = [argument for argument in args if argument == "--json"]
        return super().parse_args(ctx, flags[:1] + [argument for argument in args if argument != "--json"])


option = partial(click.option, show_default=True)
db_argument = click.argument("db", type=click.Path(path_type=Path))
json_option = click.option(
    "--json", "as_json", is_flag=True, help="One JSON object on stdout and nothing else."
)
split_option = click.option("--split", type=click.Choice(["pool", "eval"]), help="Only this split.")
by_option = click.option(
    "--by",
    type=click.Choice(["line", "paragraph", "file", "sentence", "document"]),
    help="What one document is: a line, paragraph or file of plain text; a sentence or document of CoNLL.",
)


def show(report: Report, *, as_json: bool) -> None:
    click.echo(json.dumps(report.json(), ensure_ascii=False, allow_nan=False) if as_json else report.text())


@click.group(cls=Loop, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="spanloop")
def main() -> None:
    """Pre-annotate, correct, retrain, measure: DB is one SQLite file, the project."""


@main.command()
@db_argument
@option("--labels", required=True, help="The labels, parted by commas: PER,ORG,LOC.")
@option(
    "--task",
    type=click.Choice(["spans", "tags"]),
    default="spans",
    help="Labelled spans, or one tag a token.",
)
@click.option("--lang", help="Language of the texts, for the tokenizer.  [default: en]")
@click.option(
    "--nlp", help="A spaCy pipeline, by name or folder, that comes along into every round, instead of --lang."
)
@option("--model", default="offline", help="Base model: hub id, folder, or the packaged encoder.")
@option("--eval-fraction", default=0.2, help="Share of the documents that is held out for scores.")
@click.option(
    "--instructions", type=click.Path(path_type=Path), help="A Markdown file that the correction page shows."
)
@option("--seed", default=0, help="Of everything that is drawn.")
@json_option
def init(labels: str, as_json: bool, **options: Any) -> None:
    """Make a project."""
    from spanloop.recipes.init import init as recipe

    show(recipe(labels=labels.split(","), **options), as_json=as_json)


@main.group(cls=OfProject, invoke_without_command=True)
@db_argument
@json_option
@click.pass_context
def labels(ctx: click.Context, db: Path, as_json: bool) -> None:
    """List, add, rename, retire or merge labels."""
    from spanloop.recipes import labels as recipes

    ctx.obj = (recipes, db, as_json)
    if ctx.invoked_subcommand is None:
        show(recipes.labels(db), as_json=as_json)


@labels.command("add")
@click.argument("name")
@click.option("--key", help="The key that gives it on the page.")
@click.option("--colour", help="Its colour on the page, as #rrggbb.")
@click.option("--description", default="", help="What the page shows about it.")
@click.pass_obj
def labels_add(context: Any, /, name: str, **options: Any) -> None:
    """A new label."""
    recipes, db, as_json = context
    show(recipes.add_label(db, name, **options), as_json=as_json)


@labels.command("rename")
@click.argument("old")
@click.argument("new")
@click.pass_obj
def labels_rename(context: Any, old: str, new: str) -> None:
    """Another name for a label, everywhere at once."""
    recipes, db, as_json = context
    show(recipes.rename_label(db, old, new), as_json=as_json)


@labels.command("retire")
@click.argument("name")
@click.pass_obj
def labels_retire(context: Any, name: str) -> None:
    """Take a label out of use; old annotations stay readable."""
    recipes, db, as_json = context
    show(recipes.retire_label(db, name), as_json=as_json)


@labels.command("merge")
@click.argument("source")
@click.argument("target")
@click.pass_obj
def labels_merge(context: Any, source: str, target: str) -> None:
    """Count the spans of SOURCE as TARGET from now on."""
    recipes, db, as_json = context
    show(recipes.merge_labels(db, source, target), as_json=as_json)


@main.command("import")
@db_argument
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", help="jsonl, text, conll, spacy ...  [default: as the file looks]")
@option("--split", type=click.Choice(["auto", "pool", "eval"]), default="auto", help="Auto: drawn by group.")
@option(
    "--as",
    "as_",
    type=click.Choice(["auto", "documents", "predictions", "annotations"]),
    default="auto",
    help="Auto: spans are annotations.",
)
@option("--annotator", default="import", help="Whose spans they are.")
@option(
    "--on-conflict",
    type=click.Choice(["error", "skip"]),
    default="error",
    help="A known key with another text.",
)
@by_option
@json_option
def import_command(as_json: bool, **options: Any) -> None:
    """Bring in documents, with the spans that the files know."""
    from spanloop.recipes.importing import import_files

    with Bar() as bar:
        report = import_files(progress=bar, **options)
    show(report, as_json=as_json)


@main.command()
@db_argument
@click.option("--model", help="A Hugging Face token classifier instead of the promoted round.")
@click.option("--pipeline", help="A spaCy pipeline, by name or folder.")
@click.option(
    "--patterns", type=click.Path(path_type=Path), help="A JSONL file of spaCy or Prodigy patterns."
)
@click.option("--strategy", type=click.Choice(STRATEGIES), help="What the queue asks first.  [default: mnlp]")
@click.option("--limit", type=click.IntRange(1), help="At most so many documents.")
@json_option
def prelabel(as_json: bool, **options: Any) -> None:
    """Let a model suggest, for every document it has not seen."""
    from spanloop.recipes.prelabel import prelabel as recipe

    with Bar() as bar:
        report = recipe(progress=bar, **options)
    show(report, as_json=as_json)


@main.command()
@click.argument("path", metavar="DB", type=click.Path(path_type=Path))
@click.option("--annotator", help="Your name.")
@option("--host", default="127.0.0.1", help="Where to serve; beyond this machine a token is needed.")
@option("--port", default=8765, help="0: any free one.")
@click.option("--token", help="What others must know to come in, 16 letters or more.")
@click.option(
    "--strategy", type=click.Choice(STRATEGIES), help="What to ask first.  [default: as prelabel left it]"
)
@option("--split", type=click.Choice(["pool", "eval"]), default="pool", help="Which documents.")
@click.option("--blind", is_flag=True, help="Show no suggestions.")
@option("--browser/--no-browser", default=True, help="Open the page.")
def correct(**options: Any) -> None:
    """Serve the correction page until Ctrl-C."""
    from spanloop.recipes.correct import correct as recipe

    recipe(on_ready=_announce, **options)


def _announce(link: str) -> None:
    click.echo(f"The page is at {link} (Ctrl-C ends it)", err=True)


@main.command()
@db_argument
@option("--class-weights", default="effective", help="none, sqrt, inverse, effective or focal.")
@option(
    "--base", type=click.Choice(["model", "round"]), default="model", help="Train anew, or on from the round."
)
@click.option("--epochs", type=int, help="Passes over the gold.")
@click.option("--lr", "learning_rate", type=float, help="Highest learning rate.")
@click.option("--batch-size", type=int, help="Wordpieces a batch.")
@click.option("--weight-decay", type=float, help="Pull of the weights towards 0.")
@click.option("--seed", type=int, help="Of this round.  [default: the project's]")
@click.option("--if-new", type=click.IntRange(1), help="Only if so many annotations are new.")
@option(
    "--promote", type=click.Choice(["auto", "yes", "no"]), default="auto", help="Auto: if it is no worse."
)
@json_option
def retrain(as_json: bool, **options: Any) -> None:
    """Train a round on the gold, score it, promote it if it is no worse."""
    from spanloop.recipes.retrain import retrain as recipe

    with Bar() as bar:
        report = recipe(progress=bar, **options)
    show(report, as_json=as_json)


@main.command()
@db_argument
@json_option
def status(db: Path, as_json: bool) -> None:
    """Where the project stands, and what to do next."""
    from spanloop.recipes.status import status as recipe

    show(recipe(db), as_json=as_json)


@main.command()
@db_argument
@click.option("--round", type=int, help="Another round than the promoted one.")
@json_option
def evaluate(as_json: bool, **options: Any) -> None:
    """Score a round on today's gold of the eval split."""
    from spanloop.recipes.evaluate import evaluate as recipe

    with Bar() as bar:
        report = recipe(progress=bar, **options)
    show(report, as_json=as_json)


@main.group(cls=OfProject, invoke_without_command=True)
@db_argument
@json_option
@click.pass_context
def rounds(ctx: click.Context, db: Path, as_json: bool) -> None:
    """List the rounds, promote one, go back."""
    from spanloop.recipes import rounds as recipes

    ctx.obj = (recipes, db, as_json)
    if ctx.invoked_subcommand is None:
        show(recipes.rounds(db), as_json=as_json)


@rounds.command("promote")
@click.argument("number", type=int)
@click.pass_obj
def rounds_promote(context: Any, number: int) -> None:
    """Put round NUMBER to use."""
    recipes, db, as_json = context
    show(recipes.promote(db, number), as_json=as_json)


@rounds.command("rollback")
@click.pass_obj
def rounds_rollback(context: Any) -> None:
    """Put the round before the promoted one to use."""
    recipes, db, as_json = context
    show(recipes.rollback(db), as_json=as_json)


@main.command()
@db_argument
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", help="jsonl, text, conll, spacy ...  [default: by the suffix]")
@option("--what", type=click.Choice(["gold", "predictions", "all"]), default="gold", help="What to write.")
@split_option
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
@json_option
def export(as_json: bool, **options: Any) -> None:
    """Write gold, predictions or all documents to FILE."""
    from spanloop.recipes.export import export as recipe

    show(recipe(**options), as_json=as_json)


@main.command()
@click.argument("inputs", nargs=-1, metavar="TEXT|FILE...", required=True)
@click.option("--model", help="A project, a spaCy pipeline's folder, or a Hugging Face token classifier.")
@click.option("--tags", is_flag=True, help="One line a token: Word: New, Label: B-LOC.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write one JSONL file an input into this folder."
)
@by_option
@json_option
def predict(as_json: bool, tags: bool, out: Path | None, **options: Any) -> None:
    """Suggest spans for texts and files, without a project."""
    from spanloop.recipes import predict as recipes

    if out is not None:
        show(recipes.predict_to_folder(out=out, **options), as_json=as_json)
    elif as_json:
        found = [prediction.json() for prediction in recipes.predict(**options)]
        click.echo(json.dumps({"schema": 1, "documents": found}, ensure_ascii=False))
    else:
        for number, prediction in enumerate(recipes.predict(**options)):
            click.echo("\n" * (number > 0) + (prediction.tags_text() if tags else prediction.text()))


@main.command()
@click.argument("folder", required=False, default=Path("demo"), type=click.Path(path_type=Path))
@option("--serve/--no-serve", default=True, help="Serve the page on what is still open afterwards.")
@option("--port", default=8765, help="Of the page.")
@option("--browser/--no-browser", default=True, help="Open the page.")
def demo(**options: Any) -> None:
    """Three rounds on a corpus that ships with spanloop, its gold answers standing in for the person."""
    from spanloop.recipes.demo import demo as recipe

    with Bar() as bar:
        recipe(progress=bar, say=click.echo, on_ready=_announce, **options)


@main.command()
@click.argument("db", required=False, type=click.Path(path_type=Path))
@json_option
def doctor(db: Path | None, as_json: bool) -> None:
    """Look whether everything that is needed is there."""
    from spanloop.recipes.doctor import doctor as recipe

    diagnosis = recipe(db)
    show(diagnosis, as_json=as_json)
    raise SystemExit(0 if diagnosis.healthy else 1)
