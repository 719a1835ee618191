"""What a label may be called: two names that look the same are the same, and every name can be typed."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from spanloop.store.errors import StoreError


def unfit_as_name(name: str) -> str | None:
    """What is wrong with a label's name, and what to type instead; None where nothing is.

    Letters of any script and inner spaces are fine. Names are composed (NFC): the same letters written in
    another way would be another label that looks the same.
    """
    if not name.strip():
        return f"the label {name!r} is empty: type a name such as PER"
    if name != name.strip():
        return f"label {name!r} has spaces at its edges: type {name.strip()!r}"
    for letter in name:
        if not letter.isprintable():  # NUL, line breaks, lone surrogates
            what = f"a character that cannot be shown (U+{ord(letter):04X})"
            return f"label {name!a} contains {what}: leave it out"
    composed = unicodedata.normalize("NFC", name)
    if composed != name:
        return f"label {name!a} is spelled with combining characters: type {composed!r}, the same in NFC"
    return None


def check_new_name(name: str, known: Iterable[str]) -> None:
    """Raise StoreError, with what to type, for a name that cannot be one, or looks like one of ``known``."""
    wrong = unfit_as_name(name)
    if wrong is not None:
        raise StoreError(wrong)
    for other in known:
        if other != name and unicodedata.normalize("NFC", other) == name:
            raise StoreError(
                f"there is a label {other!a} that looks the same as {name!r}: give it this spelling with"
                f" `spanloop labels DB rename {name} {name}`"
            )


def find(name: str, known: Iterable[str]) -> str | None:
    """The label that is meant by a name, however its letters are composed; None where there is none."""
    names = list(known)
    if name in names:
        return name
    composed = unicodedata.normalize("NFC", name)
    alike = [other for other in names if unicodedata.normalize("NFC", other) == composed]
    return alike[0] if len(alike) == 1 else None
