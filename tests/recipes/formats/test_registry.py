"""The one list of formats says of each what the page of formats tells."""

from __future__ import annotations

import pytest

from spanloop.recipes.formats.registry import formats


@pytest.mark.parametrize("name", sorted(formats()))
def test_every_format_says_what_it_is_and_on_what_it_was_tried(name: str) -> None:
    fmt = formats()[name]
    for said in (fmt.title, fmt.detected, fmt.tried):
        assert said, f"{name} has nothing to say"
        assert said == said.strip(), said
        assert not said.endswith("."), said


def test_no_two_formats_have_one_title() -> None:
    titles = [fmt.title for fmt in formats().values()]
    assert len(titles) == len(set(titles))
