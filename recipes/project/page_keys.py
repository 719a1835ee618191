"""The keys of the correction page that are letters: no label can have them.

What the page does with every key is in `recipes/web/static/keys.js`; a test holds the two to each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

LETTERS = {
    "accept": "a",
    "accept_to": "p",
    "reject": "x",
    "nothing": "z",
    "flag": "f",
    "comment": "c",
    "next_unsure": "u",
    "start_left": "q",
    "start_right": "w",
    "end_left": "e",
    "end_right": "r",
    "delete": "d",
    "split": "s",
    "merge": "m",
    "same": "g",
    "find_label": "l",
    "characters": "v",
    "instructions": "h",
    "answers": "o",
    "find": "/",
    "next_document": ".",
    "previous_document": ",",
    "ignore": " ",
    "help": "?",
}


def command_of(key: str, remapped: Mapping[str, Sequence[str]]) -> str | None:
    """The command that a single character gives on the page, None where it is free; ``remapped`` are the keys
    that the project has changed. Upper and lower case are one key to the page."""
    keys = {command: [letter] for command, letter in LETTERS.items()} | dict(remapped)
    return next((command for command, own in keys.items() if key.lower() in (k.lower() for k in own)), None)
