"""What a document can have beside its text and spans, and which of it a format can hold.

A format names what it holds (`Format.carries`); everything else is counted here while a file is written, and
told by name. That each format keeps what it says it holds, and only that, is a law of the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import get_args

from spanloop.recipes.formats.entry import Entry, Feature

FEATURES: tuple[Feature, ...] = get_args(Feature)
EVERYTHING: frozenset[Feature] = frozenset(FEATURES)

WORDS: Mapping[str, str] = {
    "spans": "spans",
    "empty_documents": "that there are no spans (they read as not answered)",
    "ids": "ids",
    "groups": "groups",
    "splits": "splits",
    "metadata": "metadata",
    "blanks": "the blanks of the text, which are one space between tokens",
    "scores": "scores of spans",
    "models": "names of models",
    "open_documents": "that nobody has answered (they read as without spans)",
    "rejected_and_ignored": "that a document was rejected or ignored (it reads as accepted)",
    "annotators": "who answered",
    "reviews": "which answers are reviews",
    "times": "when it was answered",
    "flags": "flags",
    "comments": "comments",
    "parts_looked_at": "that only parts were looked at (the rest reads as empty)",
    "refused_suggestions": "refused suggestions",
    "known_labels": "which labels were there to be given",
}
"""What a file lacks, as a report says it."""


def _has_blanks(entry: Entry) -> bool:
    """Whether the text is anything but its tokens joined by single spaces."""
    if entry.tokens is None:
        return False
    return entry.text != " ".join(entry.text[start:end] for start, end in entry.tokens)


HAS: Mapping[Feature, Callable[[Entry], bool]] = {
    "spans": lambda entry: bool(entry.spans),
    "empty_documents": lambda entry: entry.spans == () and entry.answer == "accept",
    "ids": lambda entry: entry.key is not None,
    "groups": lambda entry: entry.group not in (None, entry.key),
    "splits": lambda entry: entry.split is not None,
    "metadata": lambda entry: bool(entry.meta),
    "blanks": _has_blanks,
    "scores": lambda entry: any(span.score is not None for span in entry.spans or ()),
    "models": lambda entry: entry.predicted_by is not None,
    "open_documents": lambda entry: entry.spans is None and entry.answer == "accept",
    "rejected_and_ignored": lambda entry: entry.answer != "accept",
    "annotators": lambda entry: entry.annotator is not None,
    "reviews": lambda entry: entry.origin not in (None, "human", "import"),
    "times": lambda entry: entry.created_at is not None,
    "flags": lambda entry: entry.flagged,
    "comments": lambda entry: bool(entry.comment),
    "parts_looked_at": lambda entry: entry.ranges is not None,
    "refused_suggestions": lambda entry: bool(entry.negatives) and entry.ranges is None,
    "known_labels": lambda entry: entry.labels is not None,
}
"""Whether a document has something of the kind."""


@dataclass(slots=True)
class Uncarried:
    """Counts, as entries pass, of how many a format that holds ``carries`` cannot say something."""

    carries: frozenset[Feature]
    documents: dict[Feature, int] = field(default_factory=dict)

    def passing(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """The same entries, counted."""
        missing = [(feature, HAS[feature]) for feature in FEATURES if feature not in self.carries]
        for entry in entries:
            for feature, has in missing:
                if has(entry):
                    self.documents[feature] = self.documents.get(feature, 0) + 1
            yield entry
