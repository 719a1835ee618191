"""What a list of tags means, as public models and files have them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanloop.plugin.tagging.reading import detect, read_tags, transitions
from spanloop.plugin.tagging.schemes import NAMED, Scheme, spell, tags_for

XLMR = ["B-LOC", "B-MISC", "B-ORG", "I-LOC", "I-MISC", "I-ORG", "I-PER", "O"]
CLUENER = ["B-name", "I-name", "S-name", "B-book", "I-book", "S-book", "O"]
DBMDZ = ["O", "B-MISC", "I-MISC", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]


def legal(reading_of: list[str], path: list[str], scheme: Scheme | None = None) -> bool:
    reading = read_tags(reading_of, scheme)
    start, step, end = transitions(reading, iob1=reading.scheme == "IOB1")
    places = [reading_of.index(tag) for tag in path]
    steps = all(step[a, b] for a, b in itertools.pairwise(places))
    return bool(start[places[0]] and end[places[-1]] and steps)


@pytest.mark.parametrize(
    ("tags", "scheme"),
    [
        (["O", "B-PER", "I-PER"], "IOB"),
        (DBMDZ, "IOB"),
        (XLMR, "IOB1"),
        (["O", "B-PER", "I-PER", "B-DATE"], "IOB2"),
        (["O", "I-LOC", "I-PER"], "IO"),
        (["O", "B-PER"], "IOB2"),
        (["O", "B-PER", "I-PER", "E-PER", "S-PER"], "BIOES"),
        (["O", "B-PER", "I-PER", "L-PER", "U-PER"], "BILOU"),
        (["O", "B-PER", "M-PER", "E-PER", "W-PER"], "BIOES"),
        (["O", "B_PER", "M_PER", "E_PER", "S_PER", "[CLS]", "[PAD]"], "BIOES"),
        (CLUENER, "BIOS"),
        (["O", "PER-B", "PER-I", "LOC-B", "LOC-I"], "IOB"),
        (["O", "PER_B", "PER_I", "PER_E", "PER_S"], "BIOES"),
        (["o", "b-per", "i-per"], "IOB"),
        ([*DBMDZ, "X", "[CLS]", "[SEP]"], "IOB"),
        ([*DBMDZ, "<PAD>"], "IOB"),
        ([*DBMDZ, "PAD"], "IOB"),
        ([*DBMDZ, "DATE"], "IOB"),
        (["O", "B-NUM", "E-NUM", "S-NUM", "DATE"], "BIOES"),
        (["O", "I-PER", "I-LOC", "DATE", "X"], "IO"),
        (["O", "I-beam", "T-shirt"], "plain"),
        (["NOUN", "VERB", "X"], "plain"),
        (["LABEL_0", "LABEL_1"], "plain"),
        (["O", "PER", "LOC"], "plain"),
        (["O", "E-mail", "S-Bahn"], "plain"),
        (["O", "VITAMIN-B", "VITAMIN-E", "HEPATITIS-B"], "plain"),
        (["O"], "plain"),
    ],
)
def test_the_scheme_of_a_list(tags: list[str], scheme: Scheme) -> None:
    assert detect(tags) == scheme


@pytest.mark.parametrize("scheme", NAMED)
@given(labels=st.lists(st.sampled_from(["PER", "E-mail", "B", "X-ray", "地名"]), min_size=1, unique=True))
def test_a_regular_list_has_the_labels_that_it_was_made_of(scheme: Scheme, labels: list[str]) -> None:
    tags = tags_for(labels, scheme)
    reading = read_tags(tags)
    assert list(read_tags(tags, scheme).labels) == labels
    if scheme != "plain":
        assert list(reading.labels) == labels
        assert reading.scheme == {"IOB1": "IOB", "IOB2": "IOB"}.get(scheme, scheme)
        assert [spell(part, scheme) for part in reading.parts] == tags


@given(
    odd=st.sampled_from(["X", "PAD", "<PAD>", "<pad>", "[CLS]", "DATE", "E-mail", "<unk>"]),
    scheme=st.sampled_from(["IOB1", "IOB2", "BIOES", "BILOU", "BIOS", "IO"]),
    place=st.integers(0, 5),
)
def test_one_odd_tag_changes_nothing_of_the_others(odd: str, scheme: Scheme, place: int) -> None:
    tags = tags_for(["PER", "LOC"], scheme)
    place = min(place, len(tags))
    with_odd = [*tags[:place], odd, *tags[place:]]
    alone, beside = read_tags(tags), read_tags(with_odd)
    assert beside.scheme == alone.scheme
    assert dict(zip(beside.tags, beside.parts, strict=True)) | dict(
        zip(alone.tags, alone.parts, strict=True)
    ) == dict(zip(beside.tags, beside.parts, strict=True))
    kept = [n for n, tag in enumerate(with_odd) if n != place]
    for found, wanted in zip(transitions(beside), transitions(alone), strict=True):
        part = found[kept] if found.ndim == 1 else found[kept][:, kept]
        assert (part == wanted).all()
    label = beside.names[place]
    assert label == (odd if odd in ("DATE", "E-mail") else "O")


def test_a_label_without_b_begins_with_i_and_the_others_part_touching_spans_by_b() -> None:
    assert legal(XLMR, ["I-PER", "I-PER", "O"])
    assert legal(XLMR, ["I-LOC", "B-LOC"])
    assert not legal(XLMR, ["O", "B-LOC"])
    assert legal(XLMR, ["I-PER"], "IOB2"), "a scheme that was named cannot forbid what has no other tag"
    assert not legal(XLMR, ["I-LOC"], "IOB2")


def test_b_and_i_and_s_without_e() -> None:
    assert legal(CLUENER, ["B-name", "I-name", "O", "S-book", "S-book"])
    assert not legal(CLUENER, ["B-name", "O"]), "one unit is S"
    assert not legal(CLUENER, ["O", "I-name"])
    assert not legal(CLUENER, ["S-name", "I-name"])


def test_a_bare_label_is_a_label_of_its_own() -> None:
    tags = [*DBMDZ, "DATE", "X"]
    reading = read_tags(tags)
    assert reading.labels == ("MISC", "PER", "ORG", "LOC", "DATE")
    assert reading.bare == {"DATE"}
    assert reading.runs(["DATE", "DATE", "B-PER", "X", "I-PER"]) == [
        (0, 2, "DATE"),
        (2, 3, "PER"),
        (4, 5, "PER"),
    ]
    assert legal(tags, ["O", "DATE", "B-PER", "DATE", "DATE"])


def test_in_a_file_a_tag_without_a_prefix_is_never_taken_for_nothing() -> None:
    reading = read_tags(["O", "B-PER", "I-PER", "X"], of_model=False)
    assert reading.runs(["B-PER", "X", "O"]) == [(0, 1, "PER"), (1, 2, "X")]


def test_tags_spelt_otherwise_are_found() -> None:
    reading = read_tags(["[PAD]", "O", "B_PER", "M_PER", "E_PER", "S_PER"])
    assert reading.ids() == {
        ("O", ""): 1,
        ("B", "PER"): 2,
        ("I", "PER"): 3,
        ("E", "PER"): 4,
        ("S", "PER"): 5,
    }
    assert reading.labels == ("PER",)


def test_suffixes_and_small_letters_have_the_parts_of_prefixes() -> None:
    assert read_tags(["O", "PER-B", "PER-I"]).parts == read_tags(["O", "B-PER", "I-PER"]).parts
    assert read_tags(["o", "b-per", "i-per", "s-bahn"]).labels == ("per", "s-bahn")


def test_a_label_that_lacks_a_tag_is_written_as_the_next_best() -> None:
    lacking = read_tags(["O", "B-A", "I-A", "E-A", "S-A", "B-C", "I-C"])
    assert lacking.id_of(("S", "C")) == 5
    assert lacking.id_of(("E", "C")) == 6
    assert read_tags(XLMR).id_of(("B", "PER")) == XLMR.index("I-PER")
    assert read_tags(XLMR).id_of(("B", "TIME")) is None
