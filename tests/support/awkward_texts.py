"""Arbitrary text, with the awkward characters in it, for laws over every tokenizer family."""

from __future__ import annotations

import spacy
from hypothesis import strategies as st

from support.tiny_models import FAMILIES, SAMPLE, fast_tokenizer

NLP = spacy.blank("en")


TOKENIZERS = {family: fast_tokenizer(family) for family in FAMILIES}


ODD = [
    "😀",
    "👨\u200d👩\u200d👧",
    "e\u0301",
    "\u200b",
    "\u00a0",
    "\r\n",
    "\t",
    " ",
    "  ",
    "▁",
    "Ġ",
    "ﬁ",
    "½",
    "İ",
    "北京",
    "שלום",
]


texts = st.lists(
    st.one_of(
        st.sampled_from(ODD),
        st.sampled_from([word for line in SAMPLE for word in line.split()]),
        st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=6),
        st.just(" "),
    ),
    max_size=14,
).map("".join)


families = st.sampled_from(FAMILIES)
