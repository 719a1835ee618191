"""Base chunks (NP, VP, PP) of a sentence from its dependency tree: how the corpus ud_en_chunks was made.

A noun, proper noun or pronoun is the head of an NP, which begins at the leftmost word that stands before it
without a gap and hangs on it through determiners, adjectives, numbers, compounds, possessives and adverbs;
the rest of a flat name follows its head. A verb, or an auxiliary that stands for one, is the head of a VP
with the auxiliaries, *to* and *not* directly before it. A preposition is a PP of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Word = Mapping[str, Any]  # id, head, upos, deprel, as the package conllu reads them
NOMINAL = {"NOUN", "PROPN", "PRON"}
PART_OF_A_NOMINAL = {"compound", "nmod:poss", "flat", "goeswith"}
BEFORE_A_NOMINAL = {"det", "det:predet", "amod", "nummod", "compound", "nmod:poss", "advmod", "flat"}
AFTER_A_NOMINAL = {"flat", "goeswith"}
AUXILIARY = {"aux", "aux:pass"}


def chunk_tags(words: Sequence[Word]) -> list[str]:
    """The IOB2 tag of each word of one sentence (syntactic words, without multiword and empty tokens)."""
    place = {word["id"]: at for at, word in enumerate(words)}
    heads = [place.get(word["head"], -1) for word in words]
    tags = ["O"] * len(words)
    for at, word in enumerate(words):
        if word["upos"] in NOMINAL and word["deprel"] not in PART_OF_A_NOMINAL:
            _write(tags, *_noun_phrase(words, heads, at), "NP")
    for at, word in enumerate(words):
        if tags[at] == "O" and _is_verb(word):
            first = at
            while first and tags[first - 1] == "O" and heads[first - 1] == at and _helps(words[first - 1]):
                first -= 1
            _write(tags, first, at, "VP")
    for at, word in enumerate(words):
        if tags[at] == "O" and word["upos"] == "ADP" and word["deprel"] == "case":
            tags[at] = "B-PP"
    return tags


def _noun_phrase(words: Sequence[Word], heads: Sequence[int], at: int) -> tuple[int, int]:
    """The first and the last word of the NP whose head stands at ``at``."""
    first, last = at, at
    while first and _hangs_on(words, heads, first - 1, at):
        first -= 1
    while last + 1 < len(words) and _goes_on(words, heads, first, last + 1):
        last += 1
    return first, last


def _goes_on(words: Sequence[Word], heads: Sequence[int], first: int, after: int) -> bool:
    return words[after]["deprel"] in AFTER_A_NOMINAL and first <= heads[after] < after


def _hangs_on(words: Sequence[Word], heads: Sequence[int], word: int, head: int) -> bool:
    while word != head:
        if word < 0 or words[word]["deprel"] not in BEFORE_A_NOMINAL:
            return False
        word = heads[word]
    return True


def _is_verb(word: Word) -> bool:
    return word["upos"] == "VERB" or (word["upos"] == "AUX" and word["deprel"] not in {*AUXILIARY, "cop"})


def _helps(word: Word) -> bool:
    return word["deprel"] in AUXILIARY or (word["upos"] == "PART" and word["deprel"] in {"mark", "advmod"})


def _write(tags: list[str], first: int, last: int, label: str) -> None:
    tags[first : last + 1] = [f"B-{label}", *[f"I-{label}"] * (last - first)]
