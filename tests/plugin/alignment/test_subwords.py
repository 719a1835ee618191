"""Tokens and wordpieces by character offsets: laws over arbitrary text and every tokenizer family."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc
from support.awkward_texts import NLP, TOKENIZERS, families, texts

from spanloop.plugin.alignment.subwords import NO_UNIT, align_tokens, align_wordpieces, first_of_units, trim


def ints(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def offsets_of(family: str, text: str) -> np.ndarray:
    encoding = TOKENIZERS[family](text, add_special_tokens=False, return_offsets_mapping=True)
    return np.array(encoding["offset_mapping"], dtype=np.int64).reshape(-1, 2)


def token_bounds(doc: Doc) -> np.ndarray:
    tokens = [(token.idx, token.idx + len(token)) for token in doc if not token.is_space]
    return np.array(tokens, dtype=np.int64).reshape(-1, 2)


@settings(deadline=None, max_examples=150)
@given(text=texts, family=families)
def test_units_are_whole_tokens_in_order_and_each_has_a_wordpiece_that_touches_it(
    text: str, family: str
) -> None:
    offsets, tokens = offsets_of(family, text), token_bounds(NLP.make_doc(text))
    found = align_tokens(text, tokens[:, 0], tokens[:, 1], offsets[:, 0], offsets[:, 1])
    assert len(found.units) == len(offsets)
    assert (found.starts < found.ends).all()
    assert (found.ends[:-1] <= found.starts[1:]).all()
    assert set(found.starts.tolist()) <= set(tokens[:, 0].tolist())
    assert set(found.ends.tolist()) <= set(tokens[:, 1].tolist())
    present = found.units[found.units != NO_UNIT]
    assert sorted(set(present.tolist())) == list(range(len(found.starts)))
    for unit, (start, end) in zip(found.units, offsets, strict=True):
        if unit != NO_UNIT:
            assert start < found.ends[unit]
            assert found.starts[unit] < end


@settings(deadline=None, max_examples=150)
@given(text=texts, family=families)
def test_no_character_that_the_tokenizer_sees_is_outside_the_units(text: str, family: str) -> None:
    offsets, tokens = offsets_of(family, text), token_bounds(NLP.make_doc(text))
    for found in (
        align_tokens(text, tokens[:, 0], tokens[:, 1], offsets[:, 0], offsets[:, 1]),
        align_wordpieces(text, offsets[:, 0], offsets[:, 1]),
    ):
        covered = {char for s, e in zip(found.starts, found.ends, strict=True) for char in range(s, e)}
        seen = {char for s, e in offsets for char in range(s, e) if not text[char].isspace()}
        assert seen <= covered


@settings(deadline=None, max_examples=100)
@given(text=texts, family=families)
def test_wordpiece_units_are_their_own_visible_characters(text: str, family: str) -> None:
    offsets = offsets_of(family, text)
    found = align_wordpieces(text, offsets[:, 0], offsets[:, 1])
    assert (found.starts < found.ends).all()
    assert (found.ends[:-1] <= found.starts[1:]).all()
    for start, end in zip(found.starts, found.ends, strict=True):
        assert text[start:end] == text[start:end].strip()


@given(text=st.text(st.characters(exclude_categories=("Cs",)), max_size=30), data=st.data())
def test_trim_agrees_with_str_strip(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    new_start, new_end = (int(places[0]) for places in trim(text, ints(start), ints(end)))
    assert text[new_start:new_end] == text[start:end].strip()


def test_a_wordpiece_over_two_tokens_goes_to_the_first_and_the_rest_stays() -> None:
    # spaCy: ca|n't, BERT: can|'|t
    found = align_tokens("can't", ints(0, 2), ints(2, 5), ints(0, 3, 4), ints(3, 4, 5))
    assert found.units.tolist() == [0, 1, 1]
    assert found.starts.tolist() == [0, 2]


def test_tokens_inside_one_wordpiece_are_one_unit() -> None:
    found = align_tokens("10km up", ints(0, 2, 5), ints(2, 4, 7), ints(0, 5), ints(4, 7))
    assert found.units.tolist() == [0, 1]
    assert found.starts.tolist() == [0, 5]
    assert found.ends.tolist() == [4, 7]


def test_a_token_takes_over_a_wordpiece_that_its_neighbour_can_spare() -> None:
    # tokens AB|C; wordpieces A|BC: C would have none
    found = align_tokens("ABC", ints(0, 2), ints(2, 3), ints(0, 1), ints(1, 3))
    assert found.units.tolist() == [0, 1]


def test_a_token_without_any_wordpiece_is_no_unit() -> None:
    found = align_tokens("a \u200b b", ints(0, 2, 4), ints(1, 3, 5), ints(0, 4), ints(1, 5))
    assert found.starts.tolist() == [0, 4]


def test_a_lone_word_marker_is_not_the_first_wordpiece() -> None:
    # SentencePiece: the marker has the offsets of the character that it stands before
    found = align_tokens(
        "北京", ints(0), ints(2), ints(0, 0, 1), ints(1, 1, 2), np.array([True, False, False])
    )
    assert found.units.tolist() == [NO_UNIT, 0, 0]
    assert first_of_units(found.units).tolist() == [False, True, False]


def test_a_lone_word_marker_does_not_speak_for_the_wordpiece_behind_it() -> None:
    # As SentencePiece cuts a text that begins without a space: the marker has the first character too.
    aligned = align_wordpieces("ab", ints(0, 0, 1), ints(1, 1, 2), np.array([True, False, False]))
    assert aligned.units.tolist() == [NO_UNIT, 0, 1]
    alone = align_wordpieces("\u2581", ints(0), ints(1), np.array([True]))
    assert alone.units.tolist() == [0]


@pytest.mark.parametrize("text", ["", " ", "\n\n \t"])
def test_nothing_to_see_gives_no_units(text: str) -> None:
    nothing = np.zeros(0, dtype=np.int64)
    spaces = ints(*range(len(text)))
    found = align_tokens(text, nothing, nothing, spaces, spaces + 1)
    assert len(found.starts) == 0
    assert set(found.units.tolist()) <= {NO_UNIT}
    assert len(align_wordpieces(text, spaces, spaces + 1).starts) == 0
