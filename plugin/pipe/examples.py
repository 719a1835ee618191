"""spaCy's training examples as gold: what the reference says, on the characters of the predicted document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc
from spacy.training import Example

from spanloop.plugin.alignment.tokens import tagged_ranges
from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.tagging.gold import Gold, longest_first

Annotate = Literal["ents", "spans", "chunks", "tag", "pos"]
GoldOverlaps = Literal["longest", "shortest", "error"]
"""What becomes of gold spans of a group that overlap: which of them is learned, or that none is."""
Range = tuple[int, int]


def gold_of(example: Example, annotate: Annotate, spans_key: str, overlaps: GoldOverlaps = "longest") -> Gold:
    """The reference's annotation of the kind that the pipe writes. What is not annotated there (a token
    without a tag or with a missing entity, a span group that is not there) is outside of ``ranges``. Of spans
    of a group that overlap those stay that ``overlaps`` says (`overlapping` gives the others).

    ValueError where the two documents differ in more than whitespace, and with ``error`` where spans overlap.
    """
    reference, predicted = example.reference, example.predicted
    spans, known = _annotation(reference, annotate, spans_key)
    if annotate in ("spans", "chunks"):
        spans, others = longest_first(spans, shortest=overlaps == "shortest")
        if others and overlaps == "error":
            raise ValueError(_told(reference, spans_key, others))
    if reference.text != predicted.text:
        places = _same_characters(reference.text, predicted.text)
        spans = [CharSpan(*_moved(places, span.start, span.end), span.label) for span in spans]
        known = None if known is None else [_moved(places, start, end) for start, end in known]
    return Gold(predicted, tuple(spans), None if known is None else tuple(known))


def overlapping(
    examples: Iterable[Example], annotate: Annotate, spans_key: str, overlaps: GoldOverlaps = "longest"
) -> int:
    """How many spans of the references lie over one that is learned, and so cannot be: a unit has one tag."""
    found = (_annotation(example.reference, annotate, spans_key)[0] for example in examples)
    return sum(len(longest_first(spans, shortest=overlaps == "shortest")[1]) for spans in found)


def _told(doc: Doc, spans_key: str, others: Sequence[CharSpan]) -> str:
    first = others[0]
    return (
        f"{len(others)} gold spans in doc.spans[{spans_key!r}] of the document that begins with "
        f"{doc.text[:40]!r} overlap a longer one, the first {doc.text[first.start : first.end]!r} "
        f"({first.label}, characters {first.start} to {first.end}): a token has one tag. Take them out, or "
        'set gold_overlaps = "longest" or "shortest", which learns one of two and counts the others'
    )


def labels_of(examples: Iterable[Example], annotate: Annotate, spans_key: str) -> list[str]:
    """Every label of the examples' references, sorted."""
    found = (_annotation(example.reference, annotate, spans_key)[0] for example in examples)
    return sorted({span.label for spans in found for span in spans})


def _annotation(doc: Doc, annotate: Annotate, spans_key: str) -> tuple[list[CharSpan], list[Range] | None]:
    """The spans, and the characters that are annotated (None: all of them)."""
    if annotate in ("tag", "pos"):
        tag_of = attrgetter(f"{annotate}_")
        spans = [CharSpan(*found) for found in tagged_ranges(doc, tag_of)]
        return spans, _stretches(doc, [bool(tag_of(token)) or token.is_space for token in doc])
    if annotate == "ents":
        spans = [CharSpan(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]
        return spans, _stretches(doc, [token.ent_iob != 0 for token in doc])
    if spans_key not in doc.spans:
        return [], []
    return [CharSpan(span.start_char, span.end_char, span.label_) for span in doc.spans[spans_key]], None


def _stretches(doc: Doc, known: list[bool]) -> list[Range] | None:
    """The characters of each run of known tokens; None where all are."""
    if all(known):
        return None
    edges = np.flatnonzero(np.diff([False, *known, False]))
    return [
        (doc[start].idx, doc[end - 1].idx + len(doc[end - 1])) for start, end in edges.reshape(-1, 2).tolist()
    ]


def _same_characters(before: str, after: str) -> NDArray[np.int64]:
    """The place in ``after`` of each character of ``before``, -1 for whitespace."""
    visible_before = [place for place, char in enumerate(before) if not char.isspace()]
    visible_after = [place for place, char in enumerate(after) if not char.isspace()]
    if [before[place] for place in visible_before] != [after[place] for place in visible_after]:
        raise ValueError(f"the reference and the predicted document are not the same text: {before[:60]!r}")
    places = np.full(len(before), -1, dtype=np.int64)
    places[visible_before] = visible_after
    return places


def _moved(places: NDArray[np.int64], start: int, end: int) -> Range:
    """A range moved along, whitespace at its edges left off."""
    kept = places[start:end]
    kept = kept[kept != -1]
    return (int(kept[0]), int(kept[-1]) + 1) if len(kept) else (0, 0)
