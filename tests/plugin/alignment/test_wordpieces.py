"""Wordpieces that reach over several tokens are cut: laws over arbitrary text, tokens and tokenizers."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import Doc
from support.awkward_texts import NLP, TOKENIZERS, families, texts
from support.tiny_models import FAMILIES, SAMPLE

from spanloop.plugin.alignment.subwords import align_tokens, trim
from spanloop.plugin.alignment.windows import encode_docs
from spanloop.plugin.alignment.wordpieces import Wordpieces, cut_at_tokens, from_encoding


def pieces_of(family: str, text: str) -> Wordpieces:
    return from_encoding(encode(family, text))


def encode(family: str, text: str) -> Any:
    return TOKENIZERS[family].backend_tokenizer.encode(text, add_special_tokens=False)


@st.composite
def cut_texts(draw: st.DrawFn) -> tuple[str, np.ndarray]:
    """A text and tokens that end wherever, in the middle of words too."""
    text = draw(texts)
    edges = draw(st.lists(st.integers(0, len(text)), max_size=8))
    bounds = sorted({0, len(text), *edges})
    tokens = [(a, b) for a, b in pairwise(bounds) if text[a:b].strip()]
    inner = [(a + _left(text[a:b]), b - _left(text[a:b][::-1])) for a, b in tokens]
    return text, np.array(inner, dtype=np.int64).reshape(-1, 2)


def _left(text: str) -> int:
    return len(text) - len(text.lstrip())


def reaches_over(text: str, pieces: Wordpieces, tokens: np.ndarray) -> list[int]:
    """The wordpieces that hold visible characters of several tokens."""
    starts, ends = trim(text, pieces.starts, pieces.ends)
    return [
        place
        for place, (start, end) in enumerate(zip(starts, ends, strict=True))
        if start < end and sum(a < end and start < b for a, b in tokens.tolist()) > 1
    ]


@settings(deadline=None, max_examples=150)
@given(cut=cut_texts(), family=families)
def test_tokens_share_a_wordpiece_only_where_one_of_them_alone_is_invisible(
    cut: tuple[str, np.ndarray], family: str
) -> None:
    text, tokens = cut
    before = pieces_of(family, text)
    after = cut_at_tokens(text, before, tokens[:, 0], tokens[:, 1], lambda part: encode(family, part))
    alone = [len(pieces_of(family, text[a:b])) for a, b in tokens.tolist()]
    assert all(alone) <= (not reaches_over(text, after, tokens))
    if not reaches_over(text, before, tokens):
        assert after is before


@settings(deadline=None, max_examples=150)
@given(cut=cut_texts(), family=families)
def test_nothing_that_was_seen_gets_out_of_sight(cut: tuple[str, np.ndarray], family: str) -> None:
    text, tokens = cut
    before = pieces_of(family, text)
    after = cut_at_tokens(text, before, tokens[:, 0], tokens[:, 1], lambda part: encode(family, part))
    seen = [
        {c for s, e in zip(p.starts, p.ends, strict=True) for c in range(s, e) if not text[c].isspace()}
        for p in (before, after)
    ]
    units = align_tokens(text, tokens[:, 0], tokens[:, 1], after.starts, after.ends, after.marker)
    covered = {c for s, e in zip(units.starts, units.ends, strict=True) for c in range(s, e)}
    assert seen[0] <= covered
    assert seen[1] <= covered
    assert (np.diff(after.starts) >= 0).all()


@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "character"])
def test_every_token_is_a_unit_though_the_vocabulary_has_it_whole_with_its_neighbour(family: str) -> None:
    text = SAMPLE[0]
    starts, ends = trim(text, pieces_of(family, text).starts, pieces_of(family, text).ends)
    whole = int(np.argmax(ends - starts))
    middle = int(starts[whole] + ends[whole]) // 2
    assert starts[whole] < middle < ends[whole], "a wordpiece of several characters"
    edges = sorted(
        {middle, *(i for token in NLP.make_doc(text) for i in (token.idx, token.idx + len(token)))}
    )
    tokens = [(a, b) for a, b in pairwise(edges) if text[a:b].strip()]
    words = [text[a:b] for a, b in tokens]
    doc = Doc(NLP.vocab, words=words, spaces=[text[b : b + 1] == " " for _, b in tokens])
    assert doc.text == text
    [encoded] = encode_docs([doc], TOKENIZERS[family], max_wordpieces=128, overlap=8)
    assert list(zip(encoded.starts.tolist(), encoded.ends.tolist(), strict=True)) == tokens
