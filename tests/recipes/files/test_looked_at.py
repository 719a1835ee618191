"""What the first look keeps of a file comes back as it was; the quick way to check spans is the long one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.drawn_entries import LABELS, entries

from spanloop.recipes.errors import FormatError
from spanloop.recipes.files.answers import NAMESPACE, _named
from spanloop.recipes.files.entry_checks import CheckedEntry, EntryChecks
from spanloop.recipes.files.looked_at import LookedAt
from spanloop.recipes.files.manner import Manner
from spanloop.recipes.formats.entry import Entry
from spanloop.store.records import Span

SPAN = st.builds(
    Span,
    st.integers(-1, 9),
    st.integers(-1, 9),
    st.sampled_from(["PER", "LOC", "é", "e\u0301", "XXX"]),
    st.none() | st.floats(0, 1),
)
SPANS = st.lists(SPAN, max_size=4).map(tuple)
REFUSED = st.lists(st.tuples(SPAN, st.just("why")), max_size=2).map(tuple)
MOVED = st.lists(st.tuples(SPAN, SPAN, st.just("how")), max_size=2).map(tuple)


@given(entries("spans", LABELS), st.none() | SPANS, SPANS, REFUSED, MOVED, st.booleans())
def test_what_is_kept_comes_back(
    drawn: list[Entry],
    spans: tuple[Span, ...] | None,
    negatives: tuple[Span, ...],
    refused: tuple[tuple[Span, str], ...],
    moved: tuple[tuple[Span, Span, str], ...],
    flag: bool,
) -> None:
    items = [CheckedEntry(entry, entry.spans, accepted=flag) for entry in drawn]
    simple = Entry("Ann", 3, "k", "g", "eval", {"a": [1]}, part="dev")
    items += [CheckedEntry(simple, None), CheckedEntry(simple, None, unopened=flag)]
    items += [CheckedEntry(replace(simple, comment="c"), None), CheckedEntry(simple, spans)]
    entry = Entry("Ann", 7, refused=refused, moved=moved, meta={"a": [1, {"b": None}], "c": 0.5}, spans=spans)
    other = CheckedEntry(
        entry, negatives, negatives, refused, moved, accepted=not flag, unopened=flag, others=3
    )
    with LookedAt() as kept:
        places = [kept.keep(items), kept.keep([other]), kept.keep([])]
        assert [kept.piece(place) for place in places if place is not None] == [items, [other], []]
        assert kept.piece(places[0] or 0) == items
        own = replace(entry, meta={"a": Path("of a class that nobody knows")})
        assert kept.keep([CheckedEntry(own, None)]) is None


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_an_answer_has_the_name_that_uuid_gives_it(what: str) -> None:
    """Projects that have imported a file before know its answers by it."""
    assert _named(what) == str(uuid5(NAMESPACE, what))


@pytest.mark.parametrize("rule", ["longest", "none", "error"])
@given(spans=SPANS, text=st.text("ab \u00a0\u2003é", min_size=9, max_size=9))
def test_spans_that_lie_well_are_what_the_long_way_makes_of_them(
    rule: str, spans: tuple[Span, ...], text: str
) -> None:
    """A negative more sends an entry the long way, and changes nothing about its spans."""
    checks = EntryChecks(Path("f"), ["PER", "LOC", "é"], {}, Manner(), rule, lenient=True)  # type: ignore[arg-type]
    entry = Entry(text, 1, spans=spans)
    for form in (entry, replace(entry, spans=tuple(sorted(spans, key=lambda s: (s.start, s.end, s.label))))):
        told = []
        for one in (form, replace(form, negatives=(Span(0, 1, "PER"),))):
            try:
                told.append(replace(checks.check(one), entry=form, negatives=()))
            except FormatError as error:
                told.append(CheckedEntry(Entry(str(error)), None))
        assert told[0] == told[1]
