"""What a list shows of a document: the characters around the first hit, hits marked."""

from __future__ import annotations

BEFORE = 24
LENGTH = 180

Pieces = list[tuple[str, bool]]


def excerpt(text: str, wanted: str) -> Pieces:
    """Some characters of ``text`` in pieces, each with whether it is ``wanted``, case aside.

    Where case folding makes characters longer (ß), the pieces are still whole characters of the text.
    """
    places = _places(text, wanted)
    first = places[0][0] if places else 0
    begin = max(0, first - BEFORE)
    if begin:  # rather at the beginning of a word
        begin = max(begin, text.find(" ", begin, first) + 1)
    end = min(len(text), max(begin + LENGTH, places[0][1] if places else 0))
    pieces: Pieces = [("… ", False)] if begin else []
    at = begin
    for start, stop in places:
        if start >= end:
            break
        pieces += [(text[at:start], False), (text[start : min(stop, end)], True)]
        at = min(stop, end)
    pieces += [(text[at:end], False)]
    if end < len(text):
        pieces.append((" …", False))
    return [piece for piece in pieces if piece[0]]


def _places(text: str, wanted: str) -> list[tuple[int, int]]:
    """Where it stands in the text, as far as an excerpt can show it."""
    if not wanted:
        return []
    folded, part = str.casefold(text), str.casefold(wanted)
    first = folded.find(part)
    if first < 0:
        return []
    window = folded[: first + LENGTH + len(part)]
    origin = range(len(window)) if len(folded) == len(text) else _origins(text, len(window))
    places = []
    at = first
    while at >= 0 and part:
        places.append((origin[at], origin[at + len(part) - 1] + 1))
        at = window.find(part, at + len(part))
    return places


def _origins(text: str, folded: int) -> list[int]:
    """For so many folded characters, which character of the text each came from."""
    origins: list[int] = []
    for place, character in enumerate(text):
        origins += [place] * len(str.casefold(character))
        if len(origins) >= folded:
            break
    return origins
