"""What a pipe makes of its model's scores: labels under other names, spans that are sure enough, and on
request every span that may be there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spacy.tokens import Doc

from spanloop.plugin.alignment.values import CharSpan, TokenScores
from spanloop.plugin.pipe import extensions, on_doc, reading, writing
from spanloop.plugin.tagging.candidates import candidates
from spanloop.plugin.tagging.decode import decode_all
from spanloop.plugin.tagging.thresholds import Given, check_labels, checked, in_force, part

if TYPE_CHECKING:
    from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe

SETTINGS = ("label_map", "threshold")
"""What is saved with a pipe and gives way to what its configuration says."""


def settings(
    label_map: Mapping[str, str] | None, threshold: Given | None, least: float | None
) -> dict[str, Any]:
    """The settings of a pipe as its ``cfg`` keeps them. ValueError for a number out of its range."""
    if least is not None and not 0 < least <= 1:
        raise ValueError(f"candidates = {least} must be above 0 and at most 1: the least probability to show")
    return {
        "label_map": None if label_map is None else dict(label_map),
        "threshold": None if threshold is None else checked(threshold),
        "candidates": least,
        "folded_map": None,
    }


def check(pipe: HFTokenClassifierPipe) -> None:
    """LabelMapError or ThresholdError where the map or a threshold names a label that is not there. Loads
    the model."""
    reading.tag_map_of(pipe, pipe.tags)
    check_labels(pipe.threshold, pipe.labels)


def spans_of(
    pipe: HFTokenClassifierPipe, scores: Sequence[TokenScores]
) -> list[tuple[list[CharSpan], list[CharSpan]]]:
    """The spans of each document that are sure enough, and those that are not."""
    found = decode_all(scores, scheme=pipe.scheme, viterbi=pipe.cfg["viterbi"], temperature=pipe.temperature)
    thresholds = in_force(pipe.cfg["threshold"])
    return [part(spans, thresholds) for spans in found]


def write(
    pipe: HFTokenClassifierPipe,
    docs: Iterable[Doc],
    scores: Sequence[TokenScores],
    telling: reading.Telling,
) -> None:
    """Write what the scores mean to the documents, as `HFTokenClassifierPipe.set_annotations` says."""
    least = pipe.cfg["candidates"]
    found = spans_of(pipe, scores)
    telling.look(pipe, scores, [[*spans, *left_out] for spans, left_out in found])
    for doc, doc_scores, (spans, left_out) in zip(docs, scores, found, strict=True):
        writing.write(doc, spans, pipe.name, pipe.cfg)
        extensions.store_below_threshold(doc, pipe.name, left_out)
        if pipe.cfg["keep_scores"]:
            on_doc.put_scores(doc, pipe.name, doc_scores)
        if least is not None:
            shown = candidates(
                doc_scores,
                [*spans, *left_out],
                scheme=pipe.scheme,
                least=least,
                temperature=pipe.temperature,
            )
            extensions.store_candidates(doc, pipe.name, shown)
