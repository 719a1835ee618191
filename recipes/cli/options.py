"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import fields
from functools import partial, wraps
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click

from spanloop.plugin.model.backends import BACKENDS
from spanloop.plugin.model.device import DEVICE_VARIABLE, PRECISIONS, check_device
from spanloop.plugin.model.errors import ModelError
from spanloop.plugin.tagging.schemes import NAMED
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.formats.counting import KINDS
from spanloop.recipes.suggest.manner import AGGREGATION_STRATEGIES
from spanloop.recipes.training.process_control import NICE

JSON = "spanloop.json"
"""Where a command leaves that it was asked for JSON: ``ctx.meta[JSON]``."""

option = partial(click.option, show_default=True)
path_type = click.Path(path_type=Path)
db_argument = click.argument("db", type=path_type)
split_option = click.option("--split", type=click.Choice(["pool", "eval"]), help="Only this split.")
by_option = click.option(
    "--by",
    type=click.Choice(["line", "paragraph", "file", "sentence", "document"]),
    help="What one document is: a line, paragraph or file of plain text; a sentence or document of CoNLL.",
)

nice_option = option(
    "--nice",
    type=click.IntRange(0, 19),
    default=NICE,
    envvar="SPANLOOP_NICE",
    show_envvar=True,
    help="How far it steps back for other processes, such as the page; 0: not at all.",
)


def _note_json(ctx: click.Context, _parameter: click.Parameter, asked: bool) -> None:
    ctx.meta[JSON] = ctx.meta.get(JSON, False) or asked


def _place(ctx: click.Context, _parameter: click.Parameter, device: str | None) -> None:
    """Say where models compute, to this command and to the processes that it starts."""
    if device is None:
        return
    try:
        check_device(device, "--device")
    except ModelError as error:
        raise RecipeError(str(error)) from error
    before = os.environ.get(DEVICE_VARIABLE)
    os.environ[DEVICE_VARIABLE] = device

    def restore() -> None:
        os.environ.pop(DEVICE_VARIABLE, None)
        if before is not None:
            os.environ[DEVICE_VARIABLE] = before

    ctx.call_on_close(restore)


device_option = click.option(
    "--device",
    metavar="auto|cpu|cuda|cuda:N",
    expose_value=False,
    callback=_place,
    help="Where models compute; auto: on a GPU if there is one. The same as SPANLOOP_DEVICE.  "
    "[default: as the pipeline was saved, else auto]",
)
precision_option = click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    help="How exactly they compute; bf16 is faster and may differ in a few spans; int8: of optimise alone.  "
    "[default: as the pipeline was saved, else fp32]",
)
backend_option = click.option(
    "--backend",
    type=click.Choice(BACKENDS),
    help="What computes: openvino and onnx (extras) are faster on a CPU; auto: the fastest one here whose "
    "entities are those of torch.  "
    "[default: as the pipeline was saved, else torch]",
)

map_option = click.option(
    "--map",
    "label_map",
    metavar="LABEL=NAME,...",
    help="Other names for the model's labels, e.g. PER=PERSON,MISC= (nothing behind the = drops a label).",
)
threshold_option = click.option(
    "--threshold",
    metavar="NUMBER|LABEL=NUMBER,...",
    help="How sure it must be of a span, 0 to 1, e.g. 0.5,PER=0.7.  [default: as it was saved]",
)


component_option = click.option(
    "--component",
    metavar="NAME",
    help="Which of our components, where a pipeline has several.  [default: by its kind and labels]",
)


def choice_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say what of a model's answer is taken, as one ``choice``."""

    @wraps(command)
    def chosen(
        *args: Any, label_map: str | None, threshold: str | None, component: str | None, **options: Any
    ) -> Any:
        from spanloop.recipes.suggest.choice import Choice

        return command(*args, choice=Choice.typed(label_map, threshold, component), **options)

    return map_option(threshold_option(component_option(chosen)))


scheme_option = click.option(
    "--scheme",
    type=click.Choice(NAMED),
    help="The tagging scheme of the model's tags.  [default: as its list of tags and its scores say]",
)
aggregation_option = click.option(
    "--aggregation-strategy",
    type=click.Choice(AGGREGATION_STRATEGIES),
    help="A word's scores: of its first wordpiece, or over all of them.  [default: as saved, else first]",
)

json_option = click.option(
    "--json",
    is_flag=True,
    expose_value=False,
    callback=_note_json,
    help="One JSON object on stdout and nothing else.",
)


class Whole(click.IntRange):
    """A whole number; none of ours needs more than 32 bits, and some of those who get it take no more."""

    most = 2**31 - 1

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        number = int(super().convert(value, param, ctx))
        if number > self.most:
            self.fail(f"{number} is too large: {self.most} at most", param, ctx)
        return number


class Seed(Whole):
    """What numpy takes as the seed of its random numbers."""

    most = 2**32 - 1

    def __init__(self) -> None:
        super().__init__(0)


class Real(click.FloatRange):
    """A number that is one: neither nan, which lies in every range, nor infinite."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if not isfinite(number):
            self.fail(f"{value} is no number to reckon with", param, ctx)
        return number


PORT = click.IntRange(0, 65535)


if TYPE_CHECKING:
    _Seconds = click.ParamType[float]
    _Values = click.ParamType[list[Any]]
    _Text = click.ParamType[str]
else:  # no generic class before click 8.4
    _Seconds = _Values = _Text = click.ParamType


class StrategyName(_Text):
    """The name of a query strategy, ours or another package's; they are looked up only where one is typed."""

    name = "strategy"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:  # noqa: ARG002
        from spanloop.recipes.active_learning.registry import names

        return f"[{'|'.join(names())}]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from spanloop.recipes.active_learning.registry import by_name
        from spanloop.recipes.errors import RecipeError

        try:
            return by_name(str(value)).name
        except RecipeError as error:
            self.fail(str(error), param, ctx)


class Duration(_Seconds):
    """``90``, ``90s``, ``30m``, ``6h`` or ``2d`` as seconds."""

    name = "duration"
    most = 100 * 365 * 86400.0
    units: ClassVar[dict[str, int]] = {"s": 1, "m": 60, "h": 3600, "d": 86400}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value)
        number, unit = (text[:-1], text[-1]) if text[-1:] in self.units else (text, "s")
        try:
            seconds = float(number) * self.units[unit]
        except ValueError:
            seconds = -1.0
        if not 0 <= seconds <= self.most:
            self.fail(f"{text!r} is no duration like 30m, 6h or 2d", param, ctx)
        return seconds


class Listed(_Values):
    """Values parted by commas, each of the type given."""

    name = "list"

    def __init__(self, of: Callable[[str], Any] = str) -> None:
        self.of = of

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[Any]:
        if isinstance(value, list):
            return value
        try:
            return [self.of(part.strip()) for part in str(value).split(",")]
        except ValueError:
            self.fail(f"{value!r} must be values parted by commas", param, ctx)


def reading_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options about how files are read, where they do not say it themselves."""
    for option in (
        click.option("--encoding", help="How the files are encoded.  [default: UTF-8, or as they declare]"),
        click.option("--tag-names", type=Listed(), help="The tags that whole numbers stand for, from 0 on."),
        click.option(
            "--columns",
            type=Listed(),
            help="What each column is, parted by commas: token,-,tag for CoNLL, text=Review for CSV.  "
            "[default: as they look]",
        ),
        by_option,
    ):
        command = option(command)
    return command


format_option = click.option("--format", help="The format of the files.  [default: as they look]")

offsets_option = option(
    "--offsets",
    type=click.Choice(list(KINDS)),
    default="codepoint",
    help="How the files count them: code points, those with the end inside the span, UTF-16 units, bytes, "
    "tokens, or tokens with the last one inside.",
)


def how_read(options: dict[str, Any]) -> Any:
    """What `reading_options` and those beside it say, taken out of the options of a command."""
    from spanloop.recipes.formats.how_read import HowRead

    said = {item.name: options.pop(item.name) for item in fields(HowRead) if item.name in options}
    return HowRead(**{name: value for name, value in said.items() if value is not None})


class OfProject(click.Group):
    """Commands that follow the project they are about; ``--json`` may stand anywhere, as with all others."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] in self.commands and set(args) & set(ctx.help_option_names):
            args = ["DB", *args]  # `labels rename --help` names no project, and still asks about rename
        flags = [argument for argument in args if argument == "--json"]
        return super().parse_args(ctx, flags[:1] + [argument for argument in args if argument != "--json"])


def project_of(ctx: click.Context) -> Path:
    """The project that the group of this command was given."""
    if ctx.parent is None:
        raise click.UsageError("this command follows a project", ctx)
    return Path(ctx.parent.params["db"])
