"""Values that a JSON schema allows, drawn by Hypothesis: of the schemas that pydantic makes of our shapes."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

MOST = 2**53 - 1
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MOST, MOST)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def values_of(schema: dict[str, Any], places: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What fits ``schema``; ``places`` are those that a ``$ref`` can mean, by the last part of its name."""
    if "$ref" in schema:
        return values_of(places[schema["$ref"].rpartition("/")[2]], places)
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of([values_of(part, places) for part in schema["anyOf"]])
    made = {
        "object": _objects,
        "array": _arrays,
        "string": _strings,
        "integer": _integers,
        "number": _numbers,
    }
    kind = schema.get("type")
    if kind in made:
        return made[kind](schema, places)
    return {"boolean": st.booleans(), "null": st.none()}.get(kind, ANYTHING)


def _objects(schema: dict[str, Any], places: dict[str, Any]) -> st.SearchStrategy[Any]:
    fields = {name: values_of(part, places) for name, part in schema.get("properties", {}).items()}
    if not fields:
        inner = schema.get("additionalProperties", {})
        keys = values_of(schema.get("propertyNames", {"type": "string"}), places)
        return st.dictionaries(keys, values_of(inner if isinstance(inner, dict) else {}, places), max_size=3)
    must = set(schema.get("required", []))
    required = {name: part for name, part in fields.items() if name in must}
    return st.fixed_dictionaries(required, optional={n: p for n, p in fields.items() if n not in must})


def _arrays(schema: dict[str, Any], places: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "prefixItems" in schema:
        return st.tuples(*[values_of(part, places) for part in schema["prefixItems"]]).map(list)
    least = schema.get("minItems", 0)
    return st.lists(values_of(schema.get("items", {}), places), min_size=least, max_size=least + 3)


def _strings(schema: dict[str, Any], _: dict[str, Any]) -> st.SearchStrategy[Any]:
    if schema.get("format") == "uuid":
        return st.uuids().map(str)
    if "pattern" in schema:
        return st.from_regex(schema["pattern"])
    least = schema.get("minLength", 0)
    return st.text(min_size=least, max_size=min(schema.get("maxLength", 20), least + 20))


def _integers(schema: dict[str, Any], _: dict[str, Any]) -> st.SearchStrategy[Any]:
    return st.integers(schema.get("minimum", -MOST), schema.get("maximum", MOST))


def _numbers(schema: dict[str, Any], _: dict[str, Any]) -> st.SearchStrategy[Any]:
    return st.floats(
        schema.get("minimum"),
        schema.get("maximum", schema.get("exclusiveMaximum")),
        exclude_max="exclusiveMaximum" in schema,
        allow_nan=False,
        allow_infinity=False,
    )
