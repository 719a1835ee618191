"""The list of documents: whatever the filters, and wherever a look ends, it holds what fits and no more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.store_making import add_model, make_store, say

from spanloop.store import Store
from spanloop.store.records import NewDocument, QueueState, Span
from spanloop.store.tables.listing import STATES, Wanted

TEXTS = ("Ann met Bob", "ann ran", "Bob slept", "in Straße 7")
COUNT = 60


def made(folder: Path, *, indexed: int | None) -> Store:
    """Documents of every kind: texts, splits, meta, suggestions, answers, flags and reviews go round at
    different speeds."""
    store = make_store(folder)
    store.set_project(overlap=2)
    metas: list[dict[str, Any]] = [{}, {"source": "News"}, {"source": None}, {"year": 1999, "source": "blog"}]
    store.documents.add(
        NewDocument(
            f"{TEXTS[n % 4]} {n}",
            key=f"d{n}",
            meta=metas[n % 3 + n % 2],
            split="eval" if n % 7 == 0 else "pool",
        )
        for n in range(COUNT)
    )
    model = add_model(store)
    store.predictions.add(
        model,
        [
            (i, [Span(0, 3, "PER" if i % 2 else "LOC", (i % 10) / 10), Span(4, 6, "PER", 0.95)], {})
            for i in store.documents.ids()
            if i % 5
        ],
    )
    for i in store.documents.ids():
        if i % 3 == 0:
            label = "LOC" if i % 4 == 0 else "PER"
            answer = "reject" if i % 11 == 0 else "ignore" if i % 13 == 0 else "accept"
            store.annotations.add(say(i, "anna", f"0-3:{label}", flagged=i % 6 == 0, answer=answer))
        if i % 6 == 0:
            store.annotations.add(say(i, "ben", "0-3:LOC" if i % 12 == 0 else "0-3:PER"))
        if i % 39 == 0:
            store.annotations.add(say(i, "ben", "", answer="ignore"))
        if i % 12 == 0:
            store.annotations.add(say(i, "anna", "0-3:PER"))  # anna's flag is taken back
        if i % 8 == 0:
            store.annotations.add(say(i, "file", "4-6:LOC", origin="import"))
        if i % 9 == 0:
            store.reviews.send([(i, "look", 0.5)])
        if i % 18 == 0:
            store.annotations.add(say(i, "lea", "0-3:LOC", origin="review", flagged=i % 4 == 0))
    store.labels.add("PERSON")
    store.labels.merge("PER", "PERSON")
    if indexed:
        store.search.index(indexed)
    return store


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Store]]:
    """The same documents without an index, half indexed and indexed."""
    stores = [made(tmp_path_factory.mktemp("listing"), indexed=share) for share in (0, COUNT // 2, COUNT)]
    yield stores
    for store in stores:
        store.close()


def fits(store: Store, number: int, wanted: Wanted) -> bool:
    """The filters as they are meant, one document at a time."""
    document = store.documents.get(number)
    assert document is not None
    history = store.annotations.history(number)
    (state,) = store.row("SELECT state FROM queue WHERE document_id = ?", (number,)) or ("",)
    prediction = store.predictions.get(number)
    suggested = () if prediction is None else prediction.spans
    newest = {(a.annotator, a.origin == "human", a.origin == "review"): a for a in history}
    flags = [
        a
        for n, a in enumerate(history)
        if a.flagged and not any(b.annotator == a.annotator or b.origin == "review" for b in history[n + 1 :])
    ]
    label = {1: "PERSON", 2: "LOC", 3: "PERSON"}.get(wanted.label_id or 0)
    carries = [
        a
        for a in newest.values()
        if a.answer == "accept"
        and any(s.label == label and s.action != "rejected" for s in a.spans)
        and wanted.labels_by in (None, a.annotator)
        and (wanted.suggestions or a.origin in ("human", "review"))
    ]
    offered = wanted.suggestions and state == "open" and any(s.label == label for s in suggested)
    surest = min((s.score or 0 for s in suggested), default=None)
    key, value = wanted.meta or ("", "")
    return all(
        [
            wanted.text.casefold() in document.text.casefold(),
            wanted.state in (None, state)
            or (wanted.state == "review" and bool(store.reviews.reason(number))),
            not wanted.flagged or bool(flags),
            (wanted.annotator, wanted.origin) == (None, None)
            or any(
                wanted.annotator in (None, a.annotator) and wanted.origin in (None, a.origin) for a in history
            ),
            wanted.label_id is None or bool(carries) or offered,
            wanted.meta is None
            or (key in document.meta and value.casefold() in str(document.meta[key] or "").casefold()),
            wanted.least is None or (surest is not None and surest >= wanted.least),
            wanted.below is None or (surest is not None and surest < wanted.below),
            wanted.split in (None, document.split),
            wanted.among is None or number in wanted.among,
        ]
    )


def maybe(values: Any) -> Any:
    """Most often no filter: all of them together let nothing through."""
    return st.one_of(st.none(), st.none(), st.sampled_from(values))


WANTED = st.builds(
    Wanted,
    text=st.sampled_from(["", "", "a", "nn", "ann", "BOB", "stra", "zz", "1"]),
    state=maybe(["open", "answered", "conflict", "rejected", "ignored", "review"]),
    flagged=st.sampled_from([False, False, True]),
    annotator=maybe(["anna", "ben", "lea", "nobody"]),
    origin=maybe(["human", "import", "review", "machine"]),
    label_id=maybe([2, 3]),
    labels_by=maybe(["anna", "ben"]),
    suggestions=st.booleans(),
    meta=maybe([("source", "news"), ("source", ""), ("year", "99"), ("none", "")]),
    least=maybe([0.2, 0.7]),
    below=maybe([0.3, 0.9]),
    split=maybe(["pool", "eval"]),
    among=maybe([(1, 5, 6, 12, 18, 36, 54), (), (6,)]),
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(wanted=WANTED, block=st.integers(1, 80), most=st.integers(1, 9))
def test_looks_one_after_the_other_find_what_fits_and_nothing_twice(
    stores: list[Store], wanted: Wanted, block: int, most: int
) -> None:
    expected = [number for number in stores[0].documents.ids() if fits(stores[0], number, wanted)]
    for store in stores:
        found: list[int] = []
        after, whole = 0, False
        while not whole:
            look = store.listing.look(wanted, after=after, most=most, seconds=0, block=block)
            assert len(look.ids) <= most
            assert look.whole or look.until > after, "a look must come forward"
            found += look.ids
            after, whole = look.until, look.whole
        assert found == expected
        assert list(store.listing.look(wanted, most=10_000).ids) == expected


def test_every_state_of_the_queue_is_a_filter() -> None:
    assert set(STATES) == {*get_args(QueueState), "review"}


def test_the_filters_of_this_test_let_something_through(stores: list[Store]) -> None:
    """Else the test above would compare nothing with nothing."""
    store = stores[0]
    for wanted in [
        *(Wanted(state=state) for state in ("open", "answered", "conflict", "rejected", "ignored", "review")),  # type: ignore[arg-type]
        Wanted(flagged=True),
        Wanted(annotator="ben", origin="human"),
        Wanted(label_id=2, suggestions=False),
        Wanted(label_id=3, labels_by="anna"),
        Wanted(meta=("source", "news")),
        Wanted(least=0.2, below=0.9),
    ]:
        assert 0 < len(store.listing.look(wanted).ids) < COUNT, wanted


def test_a_flag_stands_until_it_is_taken_back_or_reviewed(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=3) as store:
        store.set_project(overlap=2)
        for number in (1, 2, 3):
            store.annotations.add(say(number, "anna", flagged=True, comment="why?"))
        store.annotations.add(say(1, "ben"))  # what somebody else says does not take it back
        store.annotations.add(say(2, "anna"))
        store.annotations.add(say(3, "lea", origin="review"))
        assert [(f.document_id, f.annotator, f.comment) for f in store.listing.flags()] == [
            (1, "anna", "why?")
        ]
        assert store.listing.look(Wanted(flagged=True)).ids == (1,)
        standing = store.listing.standing([1, 2, 3])
        assert {n: s.flagged_by for n, s in standing.items()} == {1: ("anna",), 2: (), 3: ()}
        assert (standing[1].answered_by, standing[3].source) == (("anna", "ben"), "review")


@pytest.mark.parametrize("text", ["\x00", "\ud800", "a\x00b"])
def test_what_no_document_can_hold_is_not_found(tmp_path: Path, text: str) -> None:
    with make_store(tmp_path, documents=1) as store:
        assert store.listing.look(Wanted(text=text)).ids == ()
