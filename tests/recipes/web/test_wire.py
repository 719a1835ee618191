"""What comes in and goes out has one definition: models, the server's description and its routes agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import TypeAdapter, ValidationError
from starlette.routing import Route
from support.from_schema import values_of
from support.page_client import client_of
from support.store_making import make_store

from spanloop.recipes.web import asked
from spanloop.recipes.web.openapi import openapi
from spanloop.recipes.web.operations import OPERATIONS
from spanloop.recipes.web.wire import MAX_INT, Asked, WireError, read

PLACES = openapi()["components"]["schemas"]
POSTED = [operation.asked for operation in OPERATIONS if operation.method == "POST"]
ASKED = [operation.asked for operation in OPERATIONS]
REPLIES = [operation.reply for operation in OPERATIONS]
SESSION = {"project": "p", "annotator": "ann", "mode": "ordinary"}
ANSWER = {
    **SESSION,
    "uuid": "0f0e0d0c-0000-4000-8000-000000000001",
    "document_id": 1,
    "document_key": "k",
    "answer": "accept",
    "spans": [{"start": 0, "end": 3, "label_id": 1}],
}
DRAFT = {**SESSION, "document_id": 1, "document_key": "k", "draft": {}}


def fits(kind: type, value: Any) -> bool:
    schema = {"$ref": f"#/components/schemas/{kind.__name__}", "components": {"schemas": PLACES}}
    return Draft202012Validator(schema).is_valid(value)


def read_or_refuse(kind: type[Asked], said: Any) -> Asked | WireError:
    try:
        return read(kind, said)
    except WireError as error:
        return error


def test_the_description_is_openapi() -> None:
    OpenAPIV31SpecValidator(json.loads(json.dumps(openapi()))).validate()


def test_every_route_is_described_and_every_description_has_a_route(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        client = client_of(store)
        served = {
            (method, route.path.replace("{id:int}", "{id}"))
            for route in client.app.routes
            if isinstance(route, Route) and route.path.startswith("/api/")
            for method in (route.methods or set()) - {"HEAD"}
        }
        assert client.get("/api/openapi.json").json() == json.loads(json.dumps(openapi()))
    described = {(m.upper(), path) for path, methods in openapi()["paths"].items() for m in methods}
    assert served - {("GET", "/api/openapi.json")} == described
    assert described == {(operation.method, operation.path) for operation in OPERATIONS}


@pytest.mark.parametrize("kind", POSTED, ids=lambda kind: kind.__name__)
@settings(deadline=None, max_examples=30)
@given(st.data())
def test_what_is_posted_comes_back_from_json_as_it_was(kind: type[Asked], data: st.DataObject) -> None:
    said = data.draw(values_of(PLACES[kind.__name__], PLACES))
    model = read_or_refuse(kind, said)
    if isinstance(model, WireError):  # what the schema does not say
        assert any(reason in str(model) for reason in ("end after it", "holds a NUL"))
        return
    there = model.model_dump_json(exclude_unset=True)
    assert read(kind, json.loads(there)) == model
    assert fits(kind, json.loads(there))


@pytest.mark.parametrize("kind", REPLIES, ids=lambda kind: kind.__name__)
@settings(deadline=None, max_examples=15)
@given(st.data())
def test_what_is_sent_comes_back_from_json_as_it_was(kind: type, data: st.DataObject) -> None:
    said = data.draw(values_of(PLACES[kind.__name__], PLACES))
    adapter = TypeAdapter(kind)
    made = adapter.validate_python(said)
    assert adapter.validate_json(adapter.dump_json(made)) == made
    assert fits(kind, json.loads(json.dumps(made)))


ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(1, 500).map(lambda digits: 10**digits)
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=()), max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.mark.parametrize("kind", ASKED, ids=lambda kind: kind.__name__)
@settings(deadline=None, max_examples=40)
@given(st.data())
def test_what_does_not_fit_is_refused_in_one_line(kind: type[Asked], data: st.DataObject) -> None:
    names = sorted(kind.model_fields)
    whole = {**ANSWER, **DRAFT, "client": "tab", "held": [1], "token": "t", "text": "Ann", "label_id": 1}
    damage = st.fixed_dictionaries({}, optional=dict.fromkeys(names, ODD)) if names else st.just({})
    said = data.draw(st.one_of(ODD, damage.map(lambda changes: {**whole, **changes})))
    refused = read_or_refuse(kind, said)
    if isinstance(refused, WireError):
        assert refused.status == 400
        assert str(refused).splitlines() == [str(refused)]


@pytest.mark.parametrize(
    ("kind", "changes", "line"),
    [
        (asked.PostedAnswer, {"uuid": "X"}, "'uuid' must be a lower-case UUID made by the page"),
        (asked.PostedAnswer, {"answer": "maybe"}, "'answer' must be 'accept', 'reject' or 'ignore'"),
        (asked.PostedAnswer, {"document_id": True}, "'document_id' must be a whole number of at least 0"),
        (asked.PostedAnswer, {"document_id": 1.0}, "'document_id' must be a whole number of at least 0"),
        (asked.PostedAnswer, {"document_id": -1}, "'document_id' must be at least 0"),
        (asked.PostedAnswer, {"document_id": MAX_INT + 1}, f"'document_id' may be at most {MAX_INT:,}"),
        (asked.PostedAnswer, {"document_id": 10**400}, f"'document_id' may be at most {MAX_INT:,}"),
        (
            asked.PostedAnswer,
            {"document_key": "\ud83d"},
            "'document_key' holds a NUL or half a surrogate pair",
        ),
        (asked.PostedAnswer, {"comment": "a\0b"}, "'comment' holds a NUL or half a surrogate pair"),
        (asked.PostedAnswer, {"comment": "x" * 10_001}, "'comment' may be at most 10,000 characters long"),
        (asked.PostedAnswer, {"comment": 3}, "'comment' must be a string"),
        (asked.PostedAnswer, {"flagged": 1}, "'flagged' must be true or false"),
        (asked.PostedAnswer, {"seconds": 10**400}, "'seconds' must be a number of at least 0"),
        (asked.PostedAnswer, {"seconds": 1e9}, "'seconds' must be less than 1,000,000,000"),
        (asked.PostedAnswer, {"seconds": True}, "'seconds' must be a number of at least 0"),
        (asked.PostedAnswer, {"spans": {}}, "'spans' must be a JSON array"),
        (
            asked.PostedAnswer,
            {"spans": [ANSWER["spans"][0], {"start": 4, "end": 4, "label_id": 1}]},
            "'spans[1]' must end after it starts, not 4 to 4",
        ),
        (asked.PostedAnswer, {"spans": [{"start": 4, "end": 5}]}, "'spans[0].label_id' is missing"),
        (asked.PostedAnswer, {"ranges": [[1, 2, 3]]}, "'ranges[0]' may hold at most 2"),
        (
            asked.PostedAnswer,
            {"ranges": [[5, 9], [1, 2]]},
            "'ranges' must be in order, apart, and each end after its start",
        ),
        (asked.PostedDraft, {"draft": []}, "'draft' must be a JSON object"),
        (asked.PostedDraft, {"draft": {"\ud83d": 1}}, "'draft' holds half a surrogate pair"),
        (asked.Sitting, {"client": "", "held": None}, "'client' must be at least 1 characters long"),
        (asked.Sitting, {"client": "t", "held": [1] * 1001}, "'held' may hold at most 1,000"),
        (asked.Next, {"client": "t", "held": "1,x"}, "'held' must be whole numbers joined by commas"),
        (asked.Search, {"text": "a"}, "'text' must be at least 2 characters long"),
    ],
)
def test_the_line_says_what_was_wrong_and_where(
    kind: type[Asked], changes: dict[str, Any], line: str
) -> None:
    whole = {asked.PostedAnswer: ANSWER, asked.PostedDraft: DRAFT}.get(kind, {})
    with pytest.raises(WireError) as refused:
        read(kind, {**whole, **changes})
    assert str(refused.value) == line


def test_a_million_wrong_spans_are_one_error() -> None:
    with pytest.raises(ValidationError) as refused:
        asked.PostedAnswer.model_validate({**ANSWER, "spans": [1] * 1_000_000})
    assert refused.value.error_count() == 1


def test_what_a_request_says_besides_is_not_looked_at() -> None:
    assert read(asked.PostedAnswer, {**ANSWER, "colour": "\ud83d"}) == read(asked.PostedAnswer, ANSWER)
