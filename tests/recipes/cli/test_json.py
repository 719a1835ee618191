"""What ``--json`` prints: each command has a shape, schemas say what is printed, and so does docs/json.md."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import click
import pydantic
import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator
from packaging.version import Version
from pydantic import TypeAdapter
from support.commands import done, run
from support.from_schema import values_of
from support.json_shapes import check_shape, command_of
from support.places import ROOT

from spanloop.recipes.cli.main import main
from spanloop.recipes.cli.schemas import REPORTS, schema_of, schema_of_shape, shapes_of
from spanloop.recipes.report import SCHEMA, Shape, versioned
from spanloop.recipes.training.report import NoRound

PAGE = ROOT / "docs" / "json.md"
BEGIN = "<!-- shapes: generated from the reports by tests/recipes/cli/test_json.py -->\n"
SHAPES = {shape.__name__: shape for command in REPORTS for shape in shapes_of(command)}


def commands_with_json(group: click.Group, before: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if any("--json" in option.opts for option in command.params):
            yield f"{before}{name}"
        elif isinstance(command, click.Group):
            yield from commands_with_json(command, f"{before}{name} ")


def test_every_command_that_prints_json_has_a_shape() -> None:
    assert isinstance(main, click.Group)
    assert {command_of([*command.split(), "--json"]) for command in commands_with_json(main)} == set(
        commands_with_json(main)
    )


@pytest.mark.parametrize("command", REPORTS)
def test_schemas_are_schemas_and_say_what_each_key_is(command: str) -> None:
    schema = schema_of(command)
    Draft202012Validator.check_schema(schema)
    parts = schema.get("$defs", {})
    assert set(named_in(schema)) == set(parts)
    for one in schema.get("anyOf", [schema]):
        assert one["properties"]["schema"]["const"] == SCHEMA
        assert one["additionalProperties"] is False
        assert set(one["required"]) == set(one["properties"])
        undescribed = [n for n, key in one["properties"].items() if not described(key, parts)]
        assert not undescribed


def merged(whole: Any, told: Any) -> Any:
    """What was told, with what only the text needs put back."""
    if isinstance(whole, dict) and isinstance(told, dict):
        return {**whole, **{name: merged(whole.get(name), value) for name, value in told.items()}}
    if isinstance(whole, list) and isinstance(told, list):
        return [merged(*pair) for pair in zip(whole, told, strict=True)]
    return told


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_fits_its_schema_and_comes_back_from_json(name: str) -> None:
    adapter: TypeAdapter[Shape] = TypeAdapter(SHAPES[name])
    inner = adapter.json_schema(mode="validation")
    fitting = Draft202012Validator(schema_of_shape(SHAPES[name]))

    @settings(deadline=None, max_examples=10)
    @given(values_of(inner, inner.get("$defs", {})))
    def law(drawn: Any) -> None:
        made = adapter.validate_python(drawn)
        told = json.loads(json.dumps(versioned(made), allow_nan=False))
        fitting.validate(told)
        assert told.pop("schema") == SCHEMA
        assert adapter.validate_python(merged(drawn, told)) == made

    law()


def test_what_did_not_train_is_told_in_the_same_way() -> None:
    check_shape("retrain", NoRound("nothing is new").json())
    assert NoRound("nothing is new").json() == {"schema": SCHEMA, "round": None, "reason": "nothing is new"}


def test_commands_that_need_no_model_print_their_shapes(tmp_path: Any) -> None:
    db = tmp_path / "p.db"
    assert done("init", db, "--labels", "PER", "--json")["labels"] == ["PER"]
    assert done("rounds", db, "--json")["rounds"] == []
    assert run("doctor", db, "--json").exit_code in (0, 1)  # as this machine is


# docs/json.md


def described(key: dict[str, Any], places: dict[str, Any]) -> str:
    """What is said of a key; of one that is a shape of its own, what is said of that shape."""
    found = [key, *(places[name] for name in named_in(key) if name in places)]
    return next((one["description"] for one in found if "description" in one), "")


def named_in(schema: Any) -> list[str]:
    """The shapes that a schema refers to."""
    if isinstance(schema, list):
        return [name for part in schema for name in named_in(part)]
    if not isinstance(schema, dict):
        return []
    here = [schema["$ref"].rpartition("/")[2]] if "$ref" in schema else []
    return here + [name for part in schema.values() for name in named_in(part)]


def kind_of(schema: dict[str, Any]) -> str:
    """The type of a key in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in schema or "enum" in schema:
        return ", ".join(f"`{json.dumps(value)}`" for value in schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema:
        return " or ".join(kind_of(part) for part in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list: {kind_of(schema.get('items', {}))}"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"by name: {kind_of(schema['additionalProperties'])}"
    words = {"string": "text", "integer": "whole number", "boolean": "true or false"}
    return words.get(schema.get("type", "anything"), schema.get("type", "anything"))


def rows(properties: dict[str, Any], parts: dict[str, Any]) -> list[str]:
    lines = ["| key | value | |", "|---|---|---|"]
    for name, key in properties.items():
        what = described(key, parts).replace("\n", " ")
        lines.append(f"| `{name}` | {kind_of(key)} | {what} |")
    return lines


def page() -> str:
    lines: list[str] = []
    parts: dict[str, Any] = {}
    for command in REPORTS:
        schema = schema_of(command)
        parts |= schema.get("$defs", {})
        for number, one in enumerate(schema.get("anyOf", [schema])):
            lines += [
                f"## `spanloop {command}`" if not number else "or, instead:",
                "",
                one["description"],
                "",
            ]
            own = {name: key for name, key in one["properties"].items() if name != "schema"}
            lines += [*rows(own, parts), ""]
    lines += ["# The parts", ""]
    for name, part in sorted(parts.items()):
        lines += [f"## {name}", "", *([part["description"], ""] if "description" in part else [])]
        lines += [*rows(part["properties"], parts), ""]
    return "\n".join(lines)


@pytest.mark.skipif(
    Version(pydantic.VERSION) < Version("2.13"),
    reason="older releases of pydantic leave out the docstrings of the parts",
)
def test_the_page_says_what_the_reports_are() -> None:
    text = PAGE.read_text(encoding="utf-8")
    head, begin, found = text.partition(BEGIN)
    assert begin
    wanted = "\n" + page()
    if os.environ.get("SPANLOOP_WRITE_DOCS"):
        PAGE.write_text(head + begin + wanted, encoding="utf-8")
        found = wanted
    assert found == wanted, "write it anew: SPANLOOP_WRITE_DOCS=1 pytest tests/recipes/cli/test_json.py"
