"""Commands run as a user runs them, and the JSON that they print."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from spanloop.recipes.cli.main import main

FIGURE = {
    "type": "object",
    "required": ["precision", "recall", "f1", "support", "f1_low", "f1_high"],
    "additionalProperties": False,
    "properties": {
        **{name: {"type": "number", "minimum": 0, "maximum": 1} for name in ("precision", "recall", "f1")},
        **{name: {"type": ["number", "null"], "minimum": 0, "maximum": 1} for name in ("f1_low", "f1_high")},
        "support": {"type": "integer", "minimum": 0},
    },
}


EVALUATION = {
    "type": "object",
    "required": [
        "schema",
        "round",
        "split",
        "documents",
        "mode",
        "scheme",
        "micro",
        "macro",
        "weighted",
        "labels",
        "accuracy",
        "alignment_events",
        "confusion",
    ],
    "properties": {
        "schema": {"const": 1},
        "round": {"type": "integer"},
        "split": {"const": "eval"},
        "documents": {"type": "integer", "minimum": 1},
        "mode": {"const": "strict"},
        "scheme": {"const": "IOB2"},
        "micro": FIGURE,
        "macro": FIGURE,
        "weighted": FIGURE,
        "labels": {"type": "object", "additionalProperties": FIGURE},
        "accuracy": {"type": ["number", "null"]},
        "alignment_events": {"type": "integer", "minimum": 0},
        "confusion": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["gold", "predicted", "tokens"],
                "properties": {"tokens": {"type": "integer", "minimum": 1}},
            },
        },
    },
}


COUNTS = {
    "type": "object",
    "required": ["total", "gold", "open", "skipped", "conflict"],
    "additionalProperties": {"type": "integer", "minimum": 0},
}


TRAINER = {
    "type": "object",
    "required": ["process", "user", "host", "since", "round"],
    "additionalProperties": False,
    "properties": {
        "process": {"type": "integer"},
        "user": {"type": "string"},
        "host": {"type": "string"},
        "since": {"type": "string"},
        "round": {"type": ["integer", "null"]},
    },
}


STATUS = {
    "type": "object",
    "required": [
        "schema",
        "task",
        "labels",
        "documents",
        "promoted",
        "rounds",
        "trained_on",
        "new_annotations",
        "suggested",
        "without_suggestions",
        "to_review",
        "refused",
        "alignment_events",
        "inbox",
        "next_step",
    ],
    "additionalProperties": False,
    "properties": {
        "schema": {"const": 1},
        "task": {"enum": ["spans", "tags"]},
        "labels": {"type": "array", "items": {"type": "string"}},
        "documents": {
            "type": "object",
            "required": ["pool", "eval"],
            "properties": {"pool": COUNTS, "eval": COUNTS},
        },
        "promoted": {"type": ["integer", "null"]},
        "rounds": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["round", "state", "promoted", "error", "trainer", "micro", "macro", "accuracy"],
                "additionalProperties": False,
                "properties": {
                    "round": {"type": "integer", "minimum": 1},
                    "state": {"enum": ["running", "done", "failed", "cancelled", "interrupted"]},
                    "promoted": {"type": "boolean"},
                    "error": {"type": ["string", "null"]},
                    "trainer": {"anyOf": [TRAINER, {"type": "null"}]},
                    "micro": {"anyOf": [FIGURE, {"type": "null"}]},
                    "macro": {"anyOf": [FIGURE, {"type": "null"}]},
                    "accuracy": {"anyOf": [FIGURE, {"type": "null"}]},
                },
            },
        },
        **{
            name: {"type": "integer", "minimum": 0}
            for name in ("trained_on", "new_annotations", "suggested", "without_suggestions", "to_review")
        },
        "refused": {
            "type": "object",
            "required": ["total", "documents"],
            "additionalProperties": False,
            "properties": {
                "total": {"type": "integer", "minimum": 0},
                "documents": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        },
        "next_step": {"type": "string", "pattern": "^spanloop "},
        "alignment_events": {
            "type": "object",
            "required": ["total", "by_reason"],
            "additionalProperties": False,
            "properties": {"total": {"type": "integer"}, "by_reason": {"type": "object"}},
        },
        "inbox": {
            "type": "object",
            "required": ["waiting", "failed"],
            "additionalProperties": False,
            "properties": {"waiting": {"type": "integer", "minimum": 0}, "failed": {"type": "array"}},
        },
    },
}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="spanloop")


def done(*arguments: object) -> Any:
    """Run a command that must succeed; what it printed, as JSON where it was asked for."""
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout) if "--json" in arguments else result.stdout


def refused(*arguments: object) -> str:
    """Run a command that must exit 1 with one line on stderr and nothing on stdout; gives that line."""
    result = run(*arguments)
    assert result.exit_code == 1, (result.exit_code, result.output, result.exception)
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("Error: ")
    return result.stderr.removeprefix("Error: ").strip()


def jsonl_file(path: Path, *records: object) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path
