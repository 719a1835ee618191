"""What the server answers to, as OpenAPI 3.1: published at /api/openapi.json and used to fuzz the server."""

from __future__ import annotations

from typing import Any, get_args

from spanloop.recipes.web.filters import MAX_COUNTED, MAX_HITS, MAX_TEXT, STATES
from spanloop.recipes.web.session import OPTIONS
from spanloop.store.records import Origin

Schema = dict[str, Any]

_ID: Schema = {"type": "integer", "minimum": 0, "maximum": 2**53 - 1}
_NULL_ID: Schema = {"anyOf": [_ID, {"type": "null"}]}
_TEXT: Schema = {"type": "string"}
_SPAN: Schema = {
    "type": "object",
    "required": ["start", "end", "label_id"],
    "properties": {"start": _ID, "end": _ID, "label_id": _ID, "label": _TEXT},
}
_SESSION: Schema = {"project": _TEXT, "annotator": _TEXT, "mode": {"enum": list(OPTIONS)}}
_RANGES: Schema = {
    "anyOf": [
        {"type": "null"},
        {
            "type": "array",
            "items": {"type": "array", "prefixItems": [_ID, _ID], "minItems": 2, "maxItems": 2},
        },
    ]
}
ANSWER: Schema = {
    "type": "object",
    "required": [*_SESSION, "uuid", "document_id", "document_key", "answer", "spans"],
    "properties": {
        **_SESSION,
        "uuid": {"type": "string", "format": "uuid"},
        "document_id": _ID,
        "document_key": _TEXT,
        "answer": {"enum": ["accept", "reject", "ignore"]},
        "spans": {"type": "array", "items": _SPAN},
        "prediction_id": _NULL_ID,
        "seconds": {"anyOf": [{"type": "number", "minimum": 0}, {"type": "null"}]},
        "comment": {"type": "string", "maxLength": 10_000},
        "flagged": {"type": "boolean"},
        "ranges": _RANGES,
    },
}
DRAFT: Schema = {
    "type": "object",
    "required": [*_SESSION, "document_id", "document_key", "draft"],
    "properties": {
        **_SESSION,
        "document_id": _ID,
        "document_key": _TEXT,
        "draft": {"anyOf": [{"type": "object"}, {"type": "null"}]},
        "resent": {"type": "boolean"},
    },
}
_NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 64}
PROPOSALS: Schema = {
    "type": "object",
    "required": [*_SESSION, "text", "label_id", "places"],
    "properties": {
        **_SESSION,
        "text": _TEXT,
        "label_id": _ID,
        "places": {
            "type": "array",
            "maxItems": 1000,
            "items": {
                "type": "object",
                "required": ["document_id", "document_key", "start", "end"],
                "properties": {"document_id": _ID, "document_key": _TEXT, "start": _ID, "end": _ID},
            },
        },
    },
}
ENTERING: Schema = {
    "type": "object",
    "required": ["token"],
    "properties": {
        "token": _TEXT,
        "annotator": _TEXT,
        "now": {"anyOf": [_TEXT, {"type": "null"}]},
    },
}
OPENING: Schema = {
    "type": "object",
    "required": ["client", "document_id"],
    "properties": {"client": _NAME, "document_id": _ID},
}
SITTING: Schema = {
    "type": "object",
    "required": ["client", "held"],
    "properties": {
        "client": _NAME,
        "held": {"anyOf": [{"type": "array", "items": _ID, "maxItems": 1000}, {"type": "null"}]},
    },
}
_SHARE: Schema = {"type": "number", "minimum": 0, "maximum": 1}


def openapi() -> Schema:
    """The description as a JSON-ready value."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "spanloop correction page",
            "version": "1",
            "description": "Offsets are half-open Unicode code points. Errors are {'error': text}, with a"
            " 'reason' where a page can act upon it. 'project', 'annotator' and 'mode' are the session that"
            " /api/project names: what was done in another one is refused.",
        },
        "paths": {
            "/api/enter": {"post": _write("Whose link it is; with both names, sign in", ENTERING)},
            "/api/project": {"get": _read("Task, labels, instructions, progress")},
            "/api/next": {
                "get": _read(
                    "The next documents to correct",
                    _query("client", _TEXT, required=True),
                    _query(
                        "held", {"type": "string", "description": "ids this page already holds, with commas"}
                    ),
                    _query("n", {"type": "integer", "minimum": 1, "maximum": 20}),
                )
            },
            "/api/documents/{id}": {"get": _read("One document, to open it again", _path("id"))},
            "/api/documents/{id}/tokens": {
                "get": _read("Its token boundaries, null until known", _path("id"))
            },
            "/api/answers": {
                "get": _read("Your answers, newest first", _query("n", {"type": "integer", "minimum": 1})),
                "post": _write("Store an answer: 200 once it is committed", ANSWER),
            },
            "/api/search": {"get": _read("The list of documents, by filters", *_FILTERS)},
            "/api/choices": {"get": _read("What the filters of the list can be set to")},
            "/api/same": {
                "get": _read(
                    "Where the same characters stand in other open documents",
                    _query("text", _TEXT, required=True),
                    _query("label_id", _ID, required=True),
                    _query("client", _TEXT, required=True),
                )
            },
            "/api/proposals": {"post": _write("Keep places as proposals in your drafts", PROPOSALS)},
            "/api/open": {"post": _write("Take a document out of turn, with its lease", OPENING)},
            "/api/drafts": {"post": _write("Keep or drop the unfinished edits of a document", DRAFT)},
            "/api/sittings": {"post": _write("A page lives and holds documents, or closes", SITTING)},
        },
    }


def _query(name: str, schema: Schema, *, required: bool = False) -> Schema:
    return {"name": name, "in": "query", "required": required, "schema": schema}


_FILTERS = (
    _query("text", {"type": "string", "maxLength": MAX_TEXT, "description": "what stands in it, case aside"}),
    _query("state", {"enum": list(STATES)}),
    _query("flagged", {"enum": ["true", "false"]}),
    _query("by", {"type": "string", "maxLength": MAX_TEXT, "description": "who has answered"}),
    _query("source", {"enum": list(get_args(Origin)), "description": "what such an answer is"}),
    _query("label_id", _ID),
    _query("meta", {"type": "string", "maxLength": MAX_TEXT, "description": "a key of the meta"}),
    _query("value", {"type": "string", "maxLength": MAX_TEXT, "description": "a part of its value"}),
    _query("least", {**_SHARE, "description": "confidence of the least sure suggestion, at least"}),
    _query("below", {**_SHARE, "description": "the same, less than this"}),
    _query("after", {**_ID, "description": "what `until` of the look before said"}),
    _query("n", {"type": "integer", "minimum": 0, "maximum": MAX_HITS}),
    _query("most", {"type": "integer", "minimum": 1, "maximum": MAX_COUNTED, "description": "counts to"}),
    _query("client", _TEXT),
)


def _path(name: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": _ID}


def _read(summary: str, *parameters: Schema) -> Schema:
    return {"summary": summary, "parameters": list(parameters), "responses": _responses()}


def _write(summary: str, schema: Schema) -> Schema:
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    return {"summary": summary, "requestBody": body, "responses": _responses()}


def _responses() -> Schema:
    error = {"type": "object", "required": ["error"], "properties": {"error": _TEXT, "reason": _TEXT}}
    return {
        "200": {"description": "done", "content": {"application/json": {"schema": {"type": "object"}}}},
        "4XX": {"description": "refused", "content": {"application/json": {"schema": error}}},
        "503": {
            "description": "the store cannot be written now",
            "content": {"application/json": {"schema": error}},
        },
    }
