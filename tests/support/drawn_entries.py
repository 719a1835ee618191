"""Entries of every kind, with the texts that formats trip over, and what of an entry each feature is."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

from hypothesis import strategies as st

from spanloop.recipes.formats.entry import Entry, Feature
from spanloop.store.records import Answer, Range, Span, Task

LABELS = ("PER", "名前", "x_y|z[1]", "PER-2", "a b")
PIECES = (
    *(
        "Ann",
        "Lee's",
        "10.5%",
        "#",
        "-DOCSTART-",
        "B-PER",
        "O",
        '"quoted,"',
        "a;b",
        "back\\slash",
        "_",
        "*[1]",
    ),
    *(
        "😀",
        "👨\u200d👩\u200d👧",
        "e\u0301",
        "\u0301",
        "\u200b",
        "שלום",
        "مرحبا",
        "北京",
        "ﬁ",
        "\u2028",
        "\x0b",
    ),
)
BLANKS = (" ", " ", " ", "  ", "\n", "\r\n", "\t", "\u00a0", "\n\n", "")
WORDS = st.sampled_from(PIECES) | st.text(
    st.characters(exclude_categories=("Cs", "Zs", "Zl", "Zp", "Cc")), min_size=1, max_size=5
)
KEYS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=8).filter(
    lambda key: key == key.strip()
)
MOMENT = "2026-01-31T08:05:09.120Z"


@st.composite
def entries(draw: st.DrawFn, task: Task, labels: tuple[str, ...] = LABELS) -> list[Entry]:
    """Some entries, each with a key of its own."""
    keys = draw(st.lists(KEYS, min_size=1, max_size=4, unique_by=str.lower))
    return [draw(_entry(key, task, labels)) for key in keys]


@st.composite
def _entry(draw: st.DrawFn, key: str, task: Task, labels: tuple[str, ...]) -> Entry:
    text = draw(st.sampled_from(BLANKS))
    for word in draw(st.lists(WORDS, min_size=1, max_size=7)):
        text += word + draw(st.sampled_from(BLANKS))
    tokens = tuple(found.span() for found in re.finditer(r"\S+", text))
    if not tokens:
        text, tokens = "Ann", ((0, 3),)
    places = tokens if task == "tags" else _chosen(draw, text, tokens)
    spans = tuple(Span(start, end, draw(st.sampled_from(labels))) for start, end in places)
    entry = Entry(text=text, key=key, tokens=tokens, spans=spans, group=draw(st.none() | KEYS))
    fields: dict[str, Any] = {
        "split": draw(st.sampled_from([None, "pool", "eval"])),
        "meta": draw(st.dictionaries(st.sampled_from(["source", "text", "n"]), st.integers() | WORDS)),
    }
    kind = draw(st.sampled_from(["gold", "gold", "open", "empty", "answer", "prediction", "asked"]))
    fields |= _KINDS[kind](draw, spans)
    return Entry(**{**{name: getattr(entry, name) for name in entry.__slots__}, **fields})


def _chosen(draw: st.DrawFn, text: str, tokens: tuple[Range, ...]) -> list[Range]:
    """Some places of spans, apart, without blanks at their edges; most of them begin and end at tokens."""
    found: list[Range] = []
    at = 0
    while at < len(tokens):
        first = draw(st.integers(at, len(tokens) - 1))
        last = draw(st.integers(first, min(first + 2, len(tokens) - 1)))
        start, end = tokens[first][0], tokens[last][1]
        if draw(st.integers(0, 4)) == 0 and end - start > 2 and text[start + 1].strip():
            start += 1  # inside a token
        found.append((start, end))
        at = last + 1 + draw(st.integers(0, 2))
    return found[: draw(st.integers(0, 3))]


def _answer(draw: st.DrawFn, spans: tuple[Span, ...]) -> dict[str, Any]:
    return {
        "annotator": draw(st.sampled_from(["anna", "Bé n"])),
        "origin": draw(st.sampled_from(["human", "review"])),
        "answer": cast(Answer, draw(st.sampled_from(["accept", "accept", "reject", "ignore"]))),
        "created_at": MOMENT,
        "flagged": draw(st.booleans()),
        "comment": draw(st.sampled_from(["", "two people?"])),
    }


def _asked(draw: st.DrawFn, spans: tuple[Span, ...]) -> dict[str, Any]:
    """What yes and no to single spans leave: their characters are all that was looked at."""
    if not spans:
        return {"ranges": ((0, 1),)}
    exact = tuple((span.start, span.end) for span in spans)
    ranges = draw(st.sampled_from([exact, ((0, spans[-1].end),)]))
    return {"spans": spans[:1], "negatives": spans[1:], "ranges": ranges}


_KINDS: dict[str, Callable[[st.DrawFn, tuple[Span, ...]], dict[str, Any]]] = {
    "gold": lambda draw, spans: {"labels": draw(st.sampled_from([None, None, ("PER", "名前")]))},
    "open": lambda draw, spans: {"spans": None},
    "empty": lambda draw, spans: {"spans": ()},
    "answer": _answer,
    "prediction": lambda draw, spans: {
        "predicted_by": "m",
        "spans": tuple(Span(s.start, s.end, s.label, draw(st.sampled_from([0.25, 1.0]))) for s in spans),
    },
    "asked": _asked,
}

_WITH: dict[Feature, dict[str, Any]] = {
    "spans": {},
    "empty_documents": {"spans": ()},
    "ids": {},
    "groups": {"group": "of many"},
    "splits": {"split": "eval"},
    "metadata": {"meta": {"n": 1}},
    "blanks": {},
    "scores": {"predicted_by": "m", "spans": (Span(0, 3, "PER", 0.25),)},
    "models": {"predicted_by": "m"},
    "open_documents": {"spans": None},
    "rejected_and_ignored": {"annotator": "anna", "answer": "reject"},
    "annotators": {"annotator": "anna"},
    "reviews": {"annotator": "anna", "origin": "review"},
    "times": {"annotator": "anna", "created_at": MOMENT},
    "flags": {"annotator": "anna", "flagged": True},
    "comments": {"annotator": "anna", "comment": "two people?"},
    "parts_looked_at": {"ranges": ((0, 3),)},
    "refused_suggestions": {"negatives": (Span(5, 8, "LOC"),)},
    "known_labels": {"labels": ("PER",)},
}


def one_with(feature: Feature, task: Task) -> Entry:
    """A document that has something of this kind, the same every time."""
    tokens = ((0, 3), (5, 8), (9, 12))
    tagged = tuple(Span(start, end, "PER") for start, end in (tokens if task == "tags" else tokens[:1]))
    fields: dict[str, Any] = {"spans": tagged, **_WITH[feature]}
    return Entry(text="Ann  met\tBob", key="a key", tokens=tokens, **fields)


VALUE: dict[Feature, Callable[[Entry], Any]] = {
    "spans": lambda entry: [(s.start, s.end, s.label) for s in entry.spans or ()],
    "empty_documents": lambda entry: entry.spans == () and entry.answer == "accept",
    "ids": lambda entry: entry.key,
    "groups": lambda entry: None if entry.group == entry.key else entry.group,
    "splits": lambda entry: entry.split,
    "metadata": lambda entry: dict(entry.meta),
    "blanks": lambda entry: entry.text,
    "scores": lambda entry: [span.score for span in entry.spans or ()],
    "models": lambda entry: entry.predicted_by,
    "open_documents": lambda entry: entry.spans is None and entry.answer == "accept",
    "rejected_and_ignored": lambda entry: entry.answer,
    "annotators": lambda entry: entry.annotator,
    "reviews": lambda entry: entry.origin == "review",
    "times": lambda entry: entry.created_at,
    "flags": lambda entry: entry.flagged,
    "comments": lambda entry: entry.comment,
    "parts_looked_at": lambda entry: entry.ranges,
    "refused_suggestions": lambda entry: () if entry.ranges is not None else entry.negatives,
    "known_labels": lambda entry: entry.labels,
}
"""What must come back where a format says that it holds the feature."""


def without_blanks(entry: Entry) -> tuple[str, list[tuple[int, int, str]]]:
    """The text without blanks and the spans in it: what formats keep that hold tokens alone."""
    text = re.sub(r"\s", "", entry.text)
    before = [0]
    for letter in entry.text:
        before.append(before[-1] + (not letter.isspace()))
    return text, [(before[s.start], before[s.end], s.label) for s in entry.spans or ()]
