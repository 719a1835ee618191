"""What is compared of a text, everywhere: three tokens in a row, each such row as a number.

The one tokeniser of near-duplicates. The sketches in the store are made of its numbers and carry `VERSION`:
whoever changes what `tokens_of` or `shingles_of` gives for any text raises it, and stores make theirs anew.
"""

from __future__ import annotations

import re
import zlib
from unicodedata import category, normalize

VERSION = 2
"""1 took Latin letters and Chinese ones that touch for one word."""
LEAST_TOKENS = 8
"""Shorter texts are alike by chance."""
SHINGLE_TOKENS = 3
LIKE = 0.8

# Scripts that write without spaces between words, and Hangul, whose words carry their grammar with them.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao; Burmese; Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"  # Japanese
    "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese
    "\uac00-\ud7af"  # Korean
)
# Vowel signs and accents stand in the middle of words, but are no letters to a regular expression.
_MARKS = "".join(chr(code) for code in range(0x300, 0xE00) if category(chr(code)) in ("Mn", "Mc"))
_TOKEN = re.compile(rf"[{_UNSPACED}]|(?:[^\W{_UNSPACED}]+[{_MARKS}]*)+")
_ASCII_TOKEN = re.compile(r"\w+", re.ASCII)


def tokens_of(text: str) -> list[str]:
    """The words of a text, and each character of the scripts that write without spaces.

    Case is put aside, and so are compatible forms (NFKC): full-width letters are the usual ones.
    """
    if text.isascii():
        return _ASCII_TOKEN.findall(text.lower())
    return _TOKEN.findall(normalize("NFKC", text).casefold())


def shingles_of(text: str) -> frozenset[int] | None:
    """32-bit hashes of every three tokens in a row; None for a text of fewer than 8 tokens."""
    tokens = tokens_of(text)
    if len(tokens) < LEAST_TOKENS:
        return None
    rows = map(" ".join, zip(*(tokens[begin:] for begin in range(SHINGLE_TOKENS)), strict=False))
    return frozenset(zlib.crc32(row.encode("utf-8", "surrogatepass")) for row in rows)
