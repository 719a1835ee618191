"""Windows: everything is read once, from where it has most context."""

from __future__ import annotations

import numpy as np
import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from support.tiny_models import FAMILIES, SAMPLE, fast_tokenizer

from spanloop.plugin.alignment.subwords import NO_UNIT
from spanloop.plugin.alignment.windows import EncodedDoc, encode_docs, owners, window_bounds

NLP = spacy.blank("en")
TOKENIZERS = {family: fast_tokenizer(family) for family in FAMILIES}


@given(n=st.integers(1, 400), capacity=st.integers(2, 60), data=st.data())
def test_bounds_cover_everything_overlap_enough_and_fit(n: int, capacity: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, capacity - 1))
    bounds = window_bounds(n, capacity, overlap)
    lengths = bounds[:, 1] - bounds[:, 0]
    assert bounds[0, 0] == 0
    assert bounds[-1, 1] == n
    assert (lengths <= capacity).all()
    assert lengths.max() - lengths.min() <= 1
    assert (bounds[:-1, 1] - bounds[1:, 0] >= overlap).all()
    assert (np.diff(bounds[:, 0]) > 0).all()


@given(n=st.integers(1, 300), capacity=st.integers(4, 60), data=st.data())
def test_every_wordpiece_is_owned_where_it_has_most_context(
    n: int, capacity: int, data: st.DataObject
) -> None:
    bounds = window_bounds(n, capacity, data.draw(st.integers(0, capacity - 1)))
    owner = owners(np.arange(n), bounds)  # every wordpiece its own unit: no cut moves
    for wp in range(n):
        context = [
            min(wp - start if start else n, end - 1 - wp if end < n else n) if start <= wp < end else -1
            for start, end in bounds.tolist()
        ]
        assert context[owner[wp]] >= max(context) - 1, "an even overlap may fall one off its middle"


def test_a_unit_is_not_parted_between_windows_where_one_holds_it() -> None:
    bounds = window_bounds(20, 12, 4)
    assert bounds.tolist() == [[0, 12], [8, 20]]
    units = np.array([0] * 9 + [1, 1] + [2] * 9)
    assert owners(units, bounds).tolist() == [0] * 11 + [1] * 9


def test_an_overlap_that_leaves_no_room_is_refused() -> None:
    with pytest.raises(ValueError, match="make it smaller"):
        window_bounds(100, 10, 10)


def encoded(
    text: str, family: str = "wordpiece", size: int = 24, overlap: int = 6, **settings: str
) -> EncodedDoc:
    tokenizer = TOKENIZERS[family]
    docs = [NLP.make_doc(text)]
    return encode_docs(docs, tokenizer, max_wordpieces=size, overlap=overlap, **settings)[0]  # type: ignore[arg-type]


@settings(deadline=None, max_examples=60)
@given(
    words=st.lists(st.sampled_from(" ".join(SAMPLE).split()), min_size=1, max_size=80),
    family=st.sampled_from(FAMILIES),
    unit=st.sampled_from(["token", "wordpiece"]),
)
def test_each_wordpiece_of_the_document_is_owned_once(words: list[str], family: str, unit: str) -> None:
    text = " ".join(words)
    doc = encoded(text, family, unit=unit)
    # whatever the length of its windows
    [whole] = encoded(text, family, size=4096, unit=unit).windows
    owned = [int(wp) for w in doc.windows for wp in w.input_ids[w.owned]]
    assert owned == whole.input_ids[whole.owned].tolist()
    if unit == "wordpiece":
        assert owned == TOKENIZERS[family](text, add_special_tokens=False)["input_ids"]
    firsts = [int(u) for w in doc.windows for u in w.units[w.owned & w.first]]
    assert firsts == list(range(len(doc.starts)))
    assert all(len(window) <= 24 for window in doc.windows)


@pytest.mark.parametrize("family", FAMILIES)
def test_special_tokens_stand_around_every_window(family: str) -> None:
    doc = encoded(" ".join(SAMPLE), family)
    alone = TOKENIZERS[family]("a")["input_ids"]
    content = TOKENIZERS[family]("a", add_special_tokens=False)["input_ids"]
    before = alone.index(content[0])
    after = len(alone) - before - len(content)
    assert len(doc.windows) > 2
    for window in doc.windows:
        ids = window.input_ids.tolist()
        assert ids[:before] == alone[:before]
        assert ids[len(ids) - after :] == alone[len(alone) - after :]
        assert (window.units[:before] == NO_UNIT).all()


@pytest.mark.parametrize("text", ["", " ", "\u00a0\r\n\t"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_document_of_nothing_has_no_unit(text: str, family: str) -> None:
    doc = encoded(text, family)
    assert len(doc.starts) == len(doc.ends) == 0
    assert not any((window.units != NO_UNIT).any() for window in doc.windows)


def test_a_token_of_600_wordpieces_keeps_the_entity_behind_it() -> None:
    url = "https://example.org/" + "q7" * 600
    doc = encoded(f"see {url} by Angela Merkel", "character", size=64, overlap=16)
    tail = [len(f"see {url} by "), len(f"see {url} by Angela ")]
    assert doc.starts.tolist()[-2:] == tail
    assert len(doc.windows) > 20


def test_what_looks_like_a_special_token_in_the_text_is_text() -> None:
    text = "[CLS] Angela [SEP] Merkel"
    doc = encoded(text)
    covered = {char for s, e in zip(doc.starts, doc.ends, strict=True) for char in range(s, e)}
    assert covered == {place for place, char in enumerate(text) if char != " "}
