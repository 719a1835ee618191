"""Runs to tags and back, in every scheme; what a list of tags means is in test_reading."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.scheme import IOB2, IOBES, Entities

from spanloop.plugin.tagging.reading import read_tags, transitions
from spanloop.plugin.tagging.schemes import NAMED, Run, Scheme, encode, tags_for

LABELS = ["PER", "L", "B-side", "组织", "two words"]
PREFIXED: list[Scheme] = [scheme for scheme in NAMED if scheme != "plain"]


def decoded(tags: list[str], scheme: Scheme, labels: list[str] = LABELS) -> list[Run]:
    return read_tags(tags_for(labels, scheme), scheme).runs(tags)


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


def joined(runs: list[Run]) -> list[Run]:
    """Spans of one label that touch as one: all that IO can say."""
    found: list[Run] = []
    for start, end, label in runs:
        if found and found[-1][1:] == (start, label):
            start = found.pop()[0]
        found.append((start, end, label))
    return found


def legal_path(scheme: Scheme, choices: list[int]) -> list[str]:
    """A legal tag sequence: each choice picks among what may follow; cut where it may end."""
    tags = tags_for(LABELS[:3], scheme)
    start_ok, step_ok, end_ok = transitions(read_tags(tags, scheme), iob1=scheme == "IOB1")
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
    wanted = joined(runs) if scheme == "IO" else runs
    assert decoded(encode(runs, n_units, scheme), scheme) == wanted


@pytest.mark.parametrize("scheme", PREFIXED)
@given(case=runs_and_length())
def test_what_is_encoded_is_legal(scheme: Scheme, case: tuple[list[Run], int]) -> None:
    runs, n_units = case
    tags = tags_for(LABELS, scheme)
    path = [tags.index(tag) for tag in encode(runs, n_units, scheme)]
    start_ok, step_ok, end_ok = transitions(read_tags(tags, scheme), iob1=scheme == "IOB1")
    assert not path or (start_ok[path[0]] and end_ok[path[-1]])
    assert all(step_ok[a, b] for a, b in itertools.pairwise(path))


@pytest.mark.parametrize("scheme", PREFIXED)
@given(choices=st.lists(st.integers(0, 100), max_size=30))
def test_encoding_what_was_decoded_gives_legal_tags_back(scheme: Scheme, choices: list[int]) -> None:
    path = legal_path(scheme, choices)
    assert encode(decoded(path, scheme), len(path), scheme) == path


@pytest.mark.parametrize(("scheme", "reference"), [("IOB2", IOB2), ("BIOES", IOBES)])
@given(choices=st.lists(st.integers(0, 100), min_size=1, max_size=30))
def test_legal_tags_hold_the_entities_that_seqeval_finds(
    scheme: Scheme, reference: type, choices: list[int]
) -> None:
    path = legal_path(scheme, choices)
    found = Entities([path], reference).entities[0]
    assert decoded(path, scheme) == sorted((e.start, e.end, e.tag) for e in found)


@given(st.lists(st.sampled_from([*tags_for(LABELS, "BIOES"), *tags_for(LABELS, "BILOU")]), max_size=20))
def test_an_illegal_sequence_loses_no_labelled_unit(tags: list[str]) -> None:
    both = dict.fromkeys([*tags_for(LABELS, "BIOES"), *tags_for(LABELS, "BILOU")])
    reading = read_tags(both)
    covered = {unit: label for start, end, label in reading.runs(tags) for unit in range(start, end)}
    label_of = dict(zip(reading.tags, reading.names, strict=True))
    assert covered == {unit: label_of[tag] for unit, tag in enumerate(tags) if label_of[tag] != "O"}


def test_a_label_change_or_a_gap_ends_a_span() -> None:
    tags = ["B-PER", "I-LOC", "O", "I-PER"]
    assert decoded(tags, "IOB2", ["PER", "LOC"]) == [(0, 1, "PER"), (1, 2, "LOC"), (3, 4, "PER")]


def test_plain_tags_of_a_file_are_one_run_where_they_are_alike() -> None:
    tags = ["NOUN", "NOUN", "VERB"]
    assert read_tags(tags, "plain").runs(tags) == [(0, 2, "NOUN"), (2, 3, "VERB")]
    assert encode([(0, 1, "NOUN"), (1, 2, "NOUN"), (2, 3, "VERB")], 3, "plain") == tags


def test_plain_tags_of_a_model_are_a_run_each_where_nothing_is_outside() -> None:
    part_of_speech = read_tags(["NOUN", "VERB"])
    assert part_of_speech.runs_of_path([0, 0, 1]) == [(0, 1, "NOUN"), (1, 2, "NOUN"), (2, 3, "VERB")]
    entities = read_tags(["PER", "LOC", "O"])
    assert entities.runs_of_path([0, 0, 1, 2]) == [(0, 2, "PER"), (2, 3, "LOC")]


def test_iob1_says_b_only_between_touching_spans_of_one_label() -> None:
    assert encode([(0, 1, "A"), (1, 2, "A"), (2, 3, "B")], 4, "IOB1") == ["I-A", "B-A", "I-B", "O"]


def test_bios_says_a_single_unit_and_no_end() -> None:
    assert encode([(0, 1, "A"), (1, 3, "A")], 4, "BIOS") == ["S-A", "B-A", "I-A", "O"]


@pytest.mark.parametrize("runs", [[(0, 2, "A"), (1, 3, "B")], [(1, 1, "A")], [(2, 5, "A")], [(-1, 1, "A")]])
def test_runs_that_overlap_or_leave_the_document_are_refused(runs: list[Run]) -> None:
    with pytest.raises(ValueError, match="overlaps another, is empty or leaves"):
        encode(runs, 4)
