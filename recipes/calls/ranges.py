"""Numbers that a recipe takes, with their range: a call from Python is held to it as the command line is."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge, Gt, Le

FromOne = Annotated[int, Ge(1), Le(2**31 - 1)]
FromTwo = Annotated[int, Ge(2), Le(2**31 - 1)]
Port = Annotated[int, Ge(0), Le(65535)]
SeedNumber = Annotated[int, Ge(0), Le(2**32 - 1)]
Share = Annotated[float, Ge(0), Le(1)]
Budget = Annotated[float, Gt(0), Le(1e12)]
"""Of tokens: up to 1 a share of those that there are."""
AboveZeroShare = Annotated[float, Gt(0), Le(1)]
Seconds = Annotated[float, Ge(0), Le(100 * 365 * 86400.0)]
Pause = Annotated[float, Ge(0.1), Le(86400)]
Niceness = Annotated[int, Ge(0), Le(19)]
