from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.scheme import IOB2, IOBES, Entities

from spanloop.plugin.tagging.schemes import (
    SCHEMES,
    Run,
    Scheme,
    decode_tags,
    detect,
    encode,
    labels_of,
    split_tag,
    tag_ids,
    tags_for,
    transitions,
)

LABELS = ["PER", "L", "B-side", "组织", "two words"]
PREFIXED: list[Scheme] = [scheme for scheme in SCHEMES if scheme != "plain"]


@st.composite
def runs_and_length(draw: st.DrawFn) -> tuple[list[Run], int]:
    """Labelled runs in order, some touching, and a document they fit in."""
    runs: list[Run] = []
    unit = 0
    for gap, length, label in draw(
        st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4), st.sampled_from(LABELS)), max_size=8)
    ):
        runs.append((unit + gap, unit + gap + length, label))
        unit += gap + length
    return runs, unit + draw(st.integers(0, 2))


def legal_path(scheme: Scheme, choices: list[int]) -> list[str]:
    """A legal tag sequence: each choice picks among what may follow; cut where it may end."""
    tags = tags_for(LABELS[:3], scheme)
    start_ok, step_ok, end_ok = transitions(tags, scheme)
    path: list[int] = []
    for choice in choices:
        allowed = (step_ok[path[-1]] if path else start_ok).nonzero()[0]
        path.append(int(allowed[choice % len(allowed)]))
    while path and not end_ok[path[-1]]:
        path.pop()
    return [tags[tag] for tag in path]


@pytest.mark.parametrize("scheme", PREFIXED)
@given(case=runs_and_length())
def test_decoding_what_was_encoded_gives_the_runs_back(scheme: Scheme, case: tuple[list[Run], int]) -> None:
    runs, n_units = case
    assert decode_tags(encode(runs, n_units, scheme), scheme) == runs


@pytest.mark.parametrize("scheme", PREFIXED)
@given(case=runs_and_length())
def test_what_is_encoded_is_legal(scheme: Scheme, case: tuple[list[Run], int]) -> None:
    runs, n_units = case
    tags = tags_for(LABELS, scheme)
    path = [tags.index(tag) for tag in encode(runs, n_units, scheme)]
    start_ok, step_ok, end_ok = transitions(tags, scheme)
    assert not path or (start_ok[path[0]] and end_ok[path[-1]])
    assert all(step_ok[a, b] for a, b in itertools.pairwise(path))


@pytest.mark.parametrize("scheme", PREFIXED)
@given(choices=st.lists(st.integers(0, 100), max_size=30))
def test_encoding_what_was_decoded_gives_legal_tags_back(scheme: Scheme, choices: list[int]) -> None:
    path = legal_path(scheme, choices)
    assert encode(decode_tags(path, scheme), len(path), scheme) == path


@pytest.mark.parametrize(("scheme", "reference"), [("IOB2", IOB2), ("BIOES", IOBES)])
@given(choices=st.lists(st.integers(0, 100), min_size=1, max_size=30))
def test_legal_tags_hold_the_entities_that_seqeval_finds(
    scheme: Scheme, reference: type, choices: list[int]
) -> None:
    path = legal_path(scheme, choices)
    found = Entities([path], reference).entities[0]
    assert decode_tags(path, scheme) == sorted((e.start, e.end, e.tag) for e in found)


@given(st.lists(st.sampled_from([*tags_for(LABELS, "BIOES"), *tags_for(LABELS, "BILOU")]), max_size=20))
def test_an_illegal_sequence_loses_no_labelled_unit(tags: list[str]) -> None:
    covered = {unit: label for start, end, label in decode_tags(tags, "BIOES") for unit in range(start, end)}
    assert covered == {unit: label for unit, tag in enumerate(tags) if (label := split_tag(tag, "BIOES")[1])}


def test_a_label_change_or_a_gap_ends_a_span() -> None:
    assert decode_tags(["B-PER", "I-LOC", "O", "I-PER"]) == [(0, 1, "PER"), (1, 2, "LOC"), (3, 4, "PER")]


def test_plain_tags_are_one_run_or_one_run_a_unit() -> None:
    tags = ["NOUN", "NOUN", "VERB"]
    assert decode_tags(tags, "plain") == [(0, 2, "NOUN"), (2, 3, "VERB")]
    assert decode_tags(tags, "plain", merge=False) == [(0, 1, "NOUN"), (1, 2, "NOUN"), (2, 3, "VERB")]
    assert encode([(0, 1, "NOUN"), (1, 2, "NOUN"), (2, 3, "VERB")], 3, "plain") == tags


def test_iob1_says_b_only_between_touching_spans_of_one_label() -> None:
    assert encode([(0, 1, "A"), (1, 2, "A"), (2, 3, "B")], 4, "IOB1") == ["I-A", "B-A", "I-B", "O"]


@pytest.mark.parametrize("runs", [[(0, 2, "A"), (1, 3, "B")], [(1, 1, "A")], [(2, 5, "A")], [(-1, 1, "A")]])
def test_runs_that_overlap_or_leave_the_document_are_refused(runs: list[Run]) -> None:
    with pytest.raises(ValueError, match="overlaps another, is empty or leaves"):
        encode(runs, 4)


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        (["O", "B-PER", "I-PER"], "IOB2"),
        (["O", "I-LOC", "I-PER"], "IOB1"),
        (["O", "B-PER", "I-PER", "E-PER", "S-PER"], "BIOES"),
        (["O", "B-PER", "I-PER", "L-PER", "U-PER"], "BILOU"),
        (["O", "B_PER", "M_PER", "E_PER", "S_PER", "[CLS]", "[PAD]"], "BIOES"),
        (["NOUN", "VERB", "X"], "plain"),
        (["LABEL_0", "LABEL_1"], "plain"),
        (["O", "PER", "LOC"], "plain"),
        (["O"], "plain"),
    ],
)
def test_a_scheme_is_read_from_the_tags(tags: list[str], scheme: Scheme) -> None:
    assert detect(tags) == scheme


def test_tags_spelt_otherwise_are_found() -> None:
    tags = ["[PAD]", "O", "B_PER", "M_PER", "E_PER", "S_PER"]
    assert tag_ids(tags, "BIOES") == {"O": 0, "B-PER": 2, "I-PER": 3, "E-PER": 4, "S-PER": 5}
    assert labels_of(tags, "BIOES") == ["PER"]
