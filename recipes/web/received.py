"""JSON as it comes from outside: only what every reader of it, and of what we make of it, can take."""

from __future__ import annotations

import json
import math
from typing import Any

from starlette.requests import ClientDisconnect, Request

from spanloop.recipes.web.wire import WireError

LARGEST = 16 * 2**20  # a 20,000-word document with every word a span is about 4 MiB
DEEPEST = 64  # objects and arrays inside one another; the page's own go six deep


async def json_body(request: Request) -> Any:
    """The value that was posted. WireError for a body that is too large, broken off or no JSON."""
    received = bytearray()
    try:
        async for chunk in request.stream():
            received += chunk
            if len(received) > LARGEST:
                raise WireError(f"the request is larger than {LARGEST // 2**20} MiB", 413)
    except ClientDisconnect:
        raise WireError("the request broke off") from None
    try:
        return read_json(bytes(received))
    except ValueError as error:
        raise WireError(f"the request is no JSON: {error}") from None


def read_json(received: bytes) -> Any:
    """The value that the bytes say. ValueError, in words for a person, for what is no JSON in UTF-8.

    Python's own reader takes more: NaN, numbers too large for a float, which it makes infinite, and nesting
    that it can read but not write again.
    """
    try:
        value = json.loads(received.decode("utf-8"), parse_constant=_no_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError(f"the JSON is nested more than {DEEPEST} deep") from None
    if received.count(b"[") + received.count(b"{") > DEEPEST:
        _check_depth(value)
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"the number {digits[:30]} is too large")
    return number


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return
    raise ValueError(f"the JSON is nested more than {DEEPEST} deep")
