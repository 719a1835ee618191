"""What everything on the wire is made of: types with their limits, and one line for what does not fit them.

Offsets on the wire are half-open Unicode code points, as everywhere outside the page's own JavaScript. What
comes in is a pydantic model (`asked`), what goes out a TypedDict (`sent`); `openapi` describes both.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

MAX_INT = 2**53 - 1  # what JavaScript can count to
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
_HALF_PAIR = re.compile("[\ud800-\udfff]")
_UNSTORABLE = "holds a NUL or half a surrogate pair"


class WireError(ValueError):
    """A request that cannot be served: the text says what was wrong to people, ``reason`` to the page.

    ``status`` is the HTTP code.
    """

    def __init__(self, message: str, status: int = 400, *, reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


def has_half_pair(text: str) -> bool:
    """Whether the text holds half a surrogate pair, which JSON can say and UTF-8 cannot."""
    return _HALF_PAIR.search(text) is not None


def _storable(text: str) -> str:
    if "\0" in text or has_half_pair(text):
        raise ValueError(_UNSTORABLE)
    return text


def _uuid(text: str) -> str:
    if not _UUID.match(text):
        raise ValueError("must be a lower-case UUID made by the page")
    return text


# Strict, because JSON says itself what is a number: "1", 1.0 and true are none here.
Whole = Annotated[int, Field(strict=True, ge=0, le=MAX_INT)]
Flag = Annotated[bool, Field(strict=True)]
Seconds = Annotated[float, Field(strict=True, ge=0, lt=1e9)]
_STORABLE = AfterValidator(_storable)
Key = Annotated[str, Field(strict=True, max_length=1_000_000), _STORABLE]
Name = Annotated[str, Field(strict=True, max_length=1000), _STORABLE]
Token = Annotated[str, Field(strict=True, max_length=200), _STORABLE]
Comment = Annotated[str, Field(strict=True, max_length=10_000), _STORABLE]
Uuid = Annotated[str, Field(strict=True, json_schema_extra={"format": "uuid"}), AfterValidator(_uuid)]
Client = Annotated[str, Field(strict=True, min_length=1, max_length=64)]

_MUST = {
    "missing": "is missing",
    "int_type": "must be a whole number of at least 0",
    "float_type": "must be a number of at least 0",
    "finite_number": "must be a number of at least 0",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "may be at most {le:,}",
    "less_than": "must be less than {lt:,.0f}",
    "bool_type": "must be true or false",
    "string_type": "must be a string",
    "string_unicode": _UNSTORABLE,
    "string_too_short": "must be at least {min_length:,} characters long",
    "string_too_long": "may be at most {max_length:,} characters long",
    "literal_error": "must be {expected}",
    "list_type": "must be a JSON array",
    "tuple_type": "must be a JSON array",
    "too_short": "must hold at least {min_length:,}",
    "too_long": "may hold at most {max_length:,}",
    "model_type": "must be a JSON object",
    "dict_type": "must be a JSON object",
    "value_error": "{error}",
}
"""What must stand in a place, by the kind of pydantic's error."""


class Asked(BaseModel):
    """What a request says; what it says besides is not looked at."""

    model_config = ConfigDict(frozen=True, extra="ignore")


A = TypeVar("A", bound=Asked)


def read(kind: type[A], said: Any) -> A:
    """What a request says, checked for its shape but not yet against the store.

    Args:
        kind: The model that it must fit.
        said: A JSON value, or the parameters of a path and a query.

    Returns:
        The model.

    Raises:
        WireError: It does not fit: the line names the first place and says what must stand there.
    """
    try:
        return kind.model_validate(said)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        must = _MUST.get(first["type"], first["msg"].replace("{", "{{").replace("}", "}}"))
        raise WireError(f"{_place(first['loc'])} {must.format(**first.get('ctx', {}))}") from None


def _place(loc: tuple[int | str, ...]) -> str:
    """``'spans[3].start'``; a request as a whole has no name."""
    name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return f"'{name.removeprefix('.')}'" if name else "the request"
