"""How records of the store become part of what the page is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from spanloop.recipes.web.replies import EarlierAnswer, LabelSent, Offsets, Suggestion
from spanloop.store.records import Annotation, Label, Prediction, Range, Span


def label_json(label: Label) -> LabelSent:
    return {
        "id": label.id,
        "name": label.name,
        "key": label.key,
        "colour": label.colour,
        "description": label.description,
    }


def flat(tokens: Sequence[Range]) -> Offsets:
    return [offset for token in tokens for offset in token]


def suggestions_json(prediction: Prediction | None, labels: Mapping[str, int]) -> list[Suggestion]:
    """The spans of a prediction; ``labels``: name to id."""
    return [] if prediction is None else [_suggestion(span, labels) for span in prediction.spans]


def _suggestion(span: Span, labels: Mapping[str, int]) -> Suggestion:
    return {
        "id": span.id,
        "start": span.start,
        "end": span.end,
        "label": span.label,
        "label_id": labels.get(span.label),
        "score": span.score,
    }


def annotation_json(annotation: Annotation, labels: Mapping[str, int]) -> EarlierAnswer:
    """An earlier answer, as the page reopens it; refused suggestions are left out."""
    return {
        "answer": annotation.answer,
        "annotator": annotation.annotator,
        "origin": annotation.origin,
        "created_at": annotation.created_at,
        "comment": annotation.comment,
        "flagged": annotation.flagged,
        "prediction_id": annotation.prediction_id,
        "ranges": None if annotation.ranges is None else [list(pair) for pair in annotation.ranges],
        "spans": [
            {"start": span.start, "end": span.end, "label": span.label, "label_id": labels.get(span.label)}
            for span in annotation.spans
            if span.action != "rejected"
        ],
    }
