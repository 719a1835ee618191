"""What every ``--json`` prints: the report of each command, and its JSON schema.

The schemas are made when they are asked for, of the reports alone: docs/json.md and the tests have them from
here.
"""

from __future__ import annotations

from inspect import getdoc
from pkgutil import resolve_name
from typing import Any, get_type_hints

from spanloop.recipes.report import SCHEMA, Report, Shape

REPORTS = {
    "init": ("project.init:Created", "files.looking:Guessed", "files.starting:Started"),
    "labels": ("project.labels:Labels",),
    "import": ("files.import_report:ImportReport", "files.project_file:ProjectFile"),
    "imports": ("files.imports:Imports",),
    "imports undo": ("files.imports:Undone",),
    "prelabel": ("suggest.prelabel:PrelabelReport",),
    "retrain": ("training.report:RoundReport", "training.report:NoRound"),
    "status": ("rounds.status:Status",),
    "evaluate": ("scoring.evaluate:Evaluation",),
    "evaluate --all": ("scoring.evaluate_all:EvaluationOfAll",),
    "rounds": ("rounds.rounds:Rounds",),
    "rounds reproduce": ("rounds.reproduce:Reproduced",),
    "rounds prune": ("rounds.prune:Pruned",),
    "watch": ("rounds.watch:Watched",),
    "report": ("rounds.report:Written",),
    "report -o FILE.json": ("rounds.report_shape:ReportFile",),
    "train-curve": ("rounds.learning_curve:TrainCurve",),
    "simulate": ("simulation.simulate:Simulated",),
    "optimise": ("rounds.optimised:Optimised",),
    "package": ("rounds.package:Packaged",),
    "audit": ("quality.audit:Audit",),
    "audit --duplicates": ("near_duplicates.audit:DuplicateReport",),
    "review": ("quality.review:Sent",),
    "triage": ("quality.triage:Triaged", "quality.triage:TriageUndone"),
    "export": ("files.export:Exported", "files.project_file:ProjectFile"),
    "merge": ("files.merging:MergeReport",),
    "data": ("files.data_versions:Versions",),
    "data diff": ("files.data_versions:DataDiff",),
    "predict": ("suggest.predicted:Predictions",),
    "predict --out": ("suggest.predicted:Saved",),
    "project": ("suggest.settings:Settings",),
    "check": ("project.check:Checked",),
    "backup": ("project.backup:BackedUp",),
    "annotators": ("project.annotators:Annotators",),
    "doctor": ("project.doctor:Diagnosis",),
    "labelstudio pull": ("labelstudio.pull:Pulled",),
    "labelstudio push": ("labelstudio.push:Pushed",),
    "labelstudio connect": ("labelstudio.connect:Connected",),
    "labelstudio retry": ("labelstudio.retry:Retried",),
}
"""By command: its reports, as places in the recipes. A command under one of them prints the same."""


def shapes_of(command: str) -> list[type[Shape]]:
    """What the command prints, one shape or another."""
    reports = [resolve_name(f"spanloop.recipes.{place}") for place in REPORTS[command]]
    return [_shape(report) for report in reports]


def _shape(report: type[Shape]) -> type[Shape]:
    if not issubclass(report, Report) or report.shape is Report.shape:
        return report
    shape: type[Shape] = get_type_hints(report.shape)["return"]
    return shape


def schema_of(command: str) -> dict[str, Any]:
    """The JSON schema (2020-12) of what a command prints with ``--json``.

    Args:
        command: A key of REPORTS.

    Returns:
        The schema as a JSON-ready value.
    """
    shapes = [schema_of_shape(shape) for shape in shapes_of(command)]
    if len(shapes) == 1:
        return shapes[0]
    parts: dict[str, Any] = {}
    for shape in shapes:
        parts |= shape.pop("$defs", {})  # a $ref begins at the root of the whole
    return {"anyOf": shapes, "$defs": parts}


def schema_of_shape(shape: type[Shape], *, versioned: bool = True) -> dict[str, Any]:
    """The JSON schema of one shape; ``versioned``: as a command prints it."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(shape).json_schema(mode="serialization")
    schema.setdefault("description", getdoc(shape) or "")  # an older pydantic leaves it out
    properties = schema["properties"]
    for parent in shape.__mro__[1:]:  # pydantic reads the docstrings of the class itself alone
        if issubclass(parent, Shape) and hasattr(parent, "__dataclass_fields__"):
            for name, field in TypeAdapter(parent).json_schema(mode="serialization")["properties"].items():
                properties[name] |= {"description": field["description"]} if "description" in field else {}
    if not versioned:
        return schema
    schema["properties"] = {"schema": {"const": SCHEMA, "description": "The version of this."}, **properties}
    schema["required"] = ["schema", *schema["required"]]
    return schema
