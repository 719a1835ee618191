"""Which language's tokenizer fits a text, as far as its script tells. Imports no spaCy.

A script is not a language: of texts in Latin letters this says no more than that blanks part their words.
What matters is the rest, where no blank does, and where a tokenizer that waits for one makes a whole line one
token.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice, pairwise
from typing import Literal

from spanloop.recipes.errors import RecipeError

Unit = Literal["token", "wordpiece"]

MANY_LANGUAGES = "xx"
_USUAL = "en"
_SAMPLE_TEXTS, _SAMPLE_CHARACTERS = 200, 1_000
# The beginning of what Unicode calls the letters of a script whose words no blank parts.
_WITHOUT_BLANKS = {
    "CJK": "Chinese",
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "KATAKANA-HIRAGANA": "Japanese",
    "THAI": "Thai",
    "LAO": "Lao",
    "KHMER": "Khmer",
    "MYANMAR": "Burmese",
    "TIBETAN": "Tibetan",
}
# The languages of spaCy whose tokenizers cut such texts, and which of these. That of zh takes character for
# character as it is set up, whatever the script.
CUT_WITHOUT_BLANKS = {
    "zh": frozenset(_WITHOUT_BLANKS.values()),
    "ja": frozenset({"Japanese", "Chinese"}),
    "th": frozenset({"Thai"}),
}
# What their tokenizers need beside spaCy.
_PACKAGES = {"ja": "sudachipy", "th": "pythainlp"}
_CODES = {"Chinese": "zh", "Japanese": "ja", "Thai": "th"}
_KANA_IN_JAPANESE = 0.05
# What stands between a place and the blanks before and behind it, as far as it matters.
_NEAR = 40
_BEFORE, _BEHIND = re.compile(r"\S+\Z"), re.compile(rf"\S{{1,{_NEAR}}}")


@dataclass(frozen=True, slots=True)
class Guess:
    """How texts are best cut.

    Attributes:
        lang: the code of spaCy's language.
        unit: what gets one tag.
        written: what they are written in, such as ``Chinese``; None where blanks part the words.
    """

    lang: str
    unit: Unit
    written: str | None

    def text(self) -> str:
        """For a report."""
        if self.written is None:
            return f"language: {self.lang}, for blanks part the words of these texts"
        how = "" if self.unit == "token" else ", and the model labels wordpieces (unit wordpiece)"
        return f"language: {self.lang}{how}, for these texts are written without blanks ({self.written})"


def guess(texts: Iterable[str]) -> Guess:
    """The language and unit for texts of which nobody said anything, by the first few hundred of them."""
    scripts = _scripts(islice(texts, _SAMPLE_TEXTS))
    written = _written_in(scripts)
    if written is None:
        latin = scripts.get("LATIN", 0)
        return Guess(_USUAL if 2 * latin >= scripts.total() else MANY_LANGUAGES, "token", None)
    return fitting(written)


def fitting(written: str) -> Guess:
    """The language and unit for texts without blanks: a language whose tokenizer cuts them and is installed,
    else the wordpieces of the model."""
    lang = _CODES.get(written)
    if lang is None or not _installed(lang):
        return Guess(MANY_LANGUAGES, "wordpiece", written)
    return Guess(lang, "token", written)


def written_without_blanks(text: str) -> str | None:
    """What a text is written in, where no blank parts the words of most of it, such as ``Chinese``."""
    return None if text.isascii() else _written_in(_scripts([text]))


def keeps_whole(lang: str, written: str) -> bool:
    """Whether the tokenizer of this language of spaCy takes a line of such texts for one token."""
    return written not in CUT_WITHOUT_BLANKS.get(lang, frozenset())


def language_of(lang: str | None, nlp: str | None) -> str | None:
    """The language of a project: its own, or that which the name of its pipeline begins with (``de_core``);
    None where nothing says it."""
    if nlp is None:
        return lang or MANY_LANGUAGES
    named = re.match(r"([a-z]{2,3})_", re.split(r"[/\\]", nlp.rstrip("/\\"))[-1])
    return named.group(1) if named else None


def inside_a_word(text: str, place: int) -> bool:
    """Whether a tokenizer that waits for blanks would neither begin nor end a token here, in a text written
    without them: there is more than punctuation on both sides up to the next blank."""
    before, behind = _BEFORE.search(text[max(0, place - _NEAR) : place]), _BEHIND.match(text, place)
    around = (before.group() if before else "", behind.group() if behind else "")
    near = around[0][-1:] + around[1][:1]
    return all(map(_has_letters, around)) and any(_script(one) in _WITHOUT_BLANKS for one in near)


def letters_apart(text: str, tokens: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The tokens, cut between the letters of scripts without blanks; an accent stays with its letter."""
    found: list[tuple[int, int]] = []
    for start, end in tokens:
        cuts = [
            place
            for place in range(start + 1, end)
            if not unicodedata.category(text[place]).startswith("M")
            and any(_script(one) in _WITHOUT_BLANKS for one in text[place - 1 : place + 1])
        ]
        found += pairwise([start, *cuts, end])
    return found


def check_unit(unit: Unit, task: str) -> None:
    """RecipeError for a unit that a project of this task cannot have."""
    if unit != "token" and task == "tags":
        raise RecipeError(
            f"a tags project gives each token one tag, so --unit {unit} has no meaning there: leave it out"
        )


def _has_letters(text: str) -> bool:
    return any(character.isalnum() for character in text)


def _written_in(scripts: Counter[str]) -> str | None:
    without = Counter({name: number for name, number in scripts.items() if name in _WITHOUT_BLANKS})
    if not without or 2 * without.total() < scripts.total():
        return None
    by_writing: Counter[str] = Counter()
    for name, number in without.items():
        by_writing[_WITHOUT_BLANKS[name]] += number
    han_and_kana = by_writing["Chinese"] + by_writing["Japanese"]
    if han_and_kana and by_writing["Japanese"] >= _KANA_IN_JAPANESE * han_and_kana:
        by_writing["Japanese"] = han_and_kana  # Japanese is written in both, Chinese in one
        by_writing["Chinese"] = 0
    return by_writing.most_common(1)[0][0]


def _scripts(texts: Iterable[str]) -> Counter[str]:
    """How many letters there are of each script, in the beginnings of these texts."""
    return Counter(
        _script(character) for text in texts for character in text[:_SAMPLE_CHARACTERS] if character.isalpha()
    )


@functools.lru_cache(maxsize=20_000)
def _script(character: str) -> str:
    """The word that the name of a letter begins with in Unicode; ``HALFWIDTH KATAKANA`` is KATAKANA."""
    words = unicodedata.name(character, "").split(" ")
    return words[1] if words[0] in ("HALFWIDTH", "FULLWIDTH") and len(words) > 1 else words[0]


def _installed(lang: str) -> bool:
    return lang not in _PACKAGES or find_spec(_PACKAGES[lang]) is not None
