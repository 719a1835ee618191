"""Moments: written in one way, read whoever wrote them, on every Python that is promised."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.clock import Clock

from spanloop.store.clock import moment, now, seconds_since, written

ZONES = st.timezones() | st.just(timezone.utc)
YEARS = {"min_value": datetime(2, 1, 1), "max_value": datetime(9998, 1, 1)}


@given(st.datetimes(timezones=ZONES, **YEARS))
def test_what_is_written_is_read_as_the_same_millisecond(at: datetime) -> None:
    utc = at.astimezone(timezone.utc)
    assert moment(written(at)) == utc.replace(microsecond=utc.microsecond // 1000 * 1000)


@given(st.lists(st.datetimes(timezones=ZONES, **YEARS), min_size=2, max_size=2))
def test_moments_compare_as_text(pair: list[datetime]) -> None:
    one, other = (at.astimezone(timezone.utc).replace(microsecond=0) for at in pair)
    assert (written(one) < written(other)) == (one < other)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-01-31T08:05:09.120Z", "2026-01-31T08:05:09.120Z"),
        ("2026-01-31T08:05:09.123456Z", "2026-01-31T08:05:09.123Z"),  # Label Studio
        ("2026-01-31T08:05:09.1Z", "2026-01-31T08:05:09.100Z"),
        ("2026-01-31T08:05:09.1234567+02:00", "2026-01-31T06:05:09.123Z"),
        ("2026-01-31 08:05:09-0730", "2026-01-31T15:35:09.000Z"),
        ("2026-01-31T08:05", "2026-01-31T08:05:00.000Z"),
        ("2026-01-31", "2026-01-31T00:00:00.000Z"),
    ],
)
def test_other_tools_moments_are_read(text: str, read: str) -> None:
    assert written(moment(text)) == read


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-02-30", "2026-01-31T25:00", "0001-01-01T00:00+10:00", "1790000000"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        moment(text)


def test_the_time_since_a_moment_is_counted_by_the_same_clock(clock: Clock) -> None:
    begun = now()
    assert now(60) == written(clock.moment + timedelta(seconds=60))
    clock.forward(12.5)
    assert seconds_since(begun) == 12.5
