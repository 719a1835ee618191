"""What the server answers to, as OpenAPI 3.1: published at /api/openapi.json and used to fuzz the server."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from spanloop.recipes.web.operations import OPERATIONS, Operation
from spanloop.recipes.web.replies import Refused

Schema = dict[str, Any]
PLACE = "#/components/schemas/{model}"
DESCRIPTION = (
    "Offsets are half-open Unicode code points. Errors are {'error': text}, with a 'reason' where a page can"
    " act upon it. 'project', 'annotator' and 'mode' are the session that /api/project names: what was"
    " done in another one is refused."
)


class _Untitled(GenerateJsonSchema):
    """A title would only say the name of its field once more."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False


@cache
def openapi() -> Schema:
    """The description as a JSON-ready value; the same one each time, so nobody may change it."""
    asked = dict.fromkeys(operation.asked for operation in OPERATIONS)
    replies = dict.fromkeys([*(operation.reply for operation in OPERATIONS), Refused])
    wanted: Any = [
        *((kind, "validation", TypeAdapter(kind)) for kind in asked),
        *((kind, "serialization", TypeAdapter(kind)) for kind in replies),
    ]
    places, rest = TypeAdapter.json_schemas(wanted, schema_generator=_Untitled, ref_template=PLACE)
    shapes: dict[object, Schema] = {kind: place for (kind, _), place in places.items()}
    components: Schema = rest["$defs"]
    for kind in {operation.asked for operation in OPERATIONS if operation.method == "GET"}:
        # the parameters of a path and a query are described one by one
        shapes[kind] = components.pop(shapes[kind]["$ref"].rpartition("/")[2])
    paths: Schema = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation, shapes)
    return {
        "openapi": "3.1.0",
        "info": {"title": "spanloop correction page", "version": "1", "description": DESCRIPTION},
        "paths": paths,
        "components": {"schemas": components},
    }


def _described(operation: Operation[Any, Any], shapes: dict[object, Schema]) -> Schema:
    asked = shapes[operation.asked]
    return {
        "summary": operation.summary,
        **({"parameters": _parameters(operation.path, asked)} if operation.method == "GET" else {}),
        **({"requestBody": {"required": True, **_json(asked)}} if operation.method == "POST" else {}),
        "responses": {
            "200": {"description": "done", **_json(shapes[operation.reply])},
            "4XX": {"description": "refused", **_json(shapes[Refused])},
            "503": {"description": "the store cannot be written now", **_json(shapes[Refused])},
        },
    }


def _parameters(path: str, asked: Schema) -> list[Schema]:
    required = asked.get("required", [])
    return [
        {
            "name": name,
            "in": "path" if f"{{{name}}}" in path else "query",
            "required": name in required,
            "schema": schema,
        }
        for name, schema in asked.get("properties", {}).items()
    ]


def _json(schema: Schema) -> Schema:
    return {"content": {"application/json": {"schema": schema}}}
