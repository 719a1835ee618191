"""Labelling configurations, read and written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.labelstudio_making import (
    CONFIG,
)

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.labelstudio.layout import read_layout, write_layout
from spanloop.store.records import Label


@pytest.mark.parametrize(
    "evil",
    [
        '<!DOCTYPE v [<!ENTITY a "b">]><View>&a;</View>',
        '<!DOCTYPE v SYSTEM "http://127.0.0.1/x.dtd"><View/>',
        '<!DOCTYPE v [<!ENTITY x SYSTEM "file:///etc/passwd">]><View>&x;</View>',
    ],
)
def test_a_configuration_with_a_doctype_is_refused(evil: str) -> None:
    with pytest.raises(RecipeError, match="DOCTYPE or entities"):
        read_layout(evil)


@pytest.mark.parametrize(
    "poor",
    [
        "<View>",
        "<View/>",
        None,
        "x" * 2_000_000,
        CONFIG.replace("$text", "http://x"),
        CONFIG.replace("<Text", "<HyperText"),
        CONFIG.replace('value="$text"', 'value="$url" valueType="url"'),
    ],
)
def test_a_configuration_without_labels_over_text_is_refused(poor: Any) -> None:
    with pytest.raises(RecipeError, match="labelling configuration"):
        read_layout(poor)


def test_labels_and_text_are_found_by_name() -> None:
    several = (
        '<View><Labels name="mood" toName="a"><Label value="good"/></Labels>'
        '<Labels name="ner" toName="b"><Label value="Person" alias="PER"/><Label value="LOC"/></Labels>'
        '<Text name="a" value="$title"/><Text name="b" value="$body"/></View>'
    )
    found = read_layout(several, ["PER", "LOC"])
    assert (found.from_name, found.to_name, found.field, found.labels) == ("ner", "b", "body", ("PER", "LOC"))
    asked_for = read_layout(CONFIG.replace("<Labels", '<Labels value="$labels"'), ["PER"])
    assert (asked_for.labels, asked_for.offered(["PER"])) == (None, ("PER",))


@given(
    st.lists(
        st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=8),
        min_size=1,
        unique=True,
    )
)
def test_a_configuration_that_we_wrote_has_our_labels(names: list[str]) -> None:
    found = read_layout(write_layout([Label(name, 1, 0, None, "#ff0000", "", False) for name in names]))
    assert (found.labels, found.field) == (tuple(names), "text")
