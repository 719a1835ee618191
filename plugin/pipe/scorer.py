"""The figures that `spacy evaluate` and `spacy train` read: spaCy's own, and strict seqeval beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from spacy.scorer import Scorer
from spacy.tokens import Doc
from spacy.training import Example

from spanloop.plugin.alignment.tokens import token_ranges
from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.metrics.score import ScoreReport, score_spans

Score = Callable[..., dict[str, Any]]


def make_token_classifier_scorer() -> Score:
    """The registered scorer ``spanloop.token_classifier_scorer.v1``."""
    return score_token_classifier


def score_token_classifier(
    examples: Iterable[Example],
    *,
    annotate: str = "ents",
    spans_key: str = "sc",
    labels: Sequence[str] = (),
    **_settings: Any,
) -> dict[str, Any]:
    """The scores of what the pipe annotates, by spaCy's names.

    ents: ``ents_p/r/f/per_type``; spans and chunks: ``spans_KEY_p/r/f/per_type``; tag and pos: ``tag_acc`` or
    ``pos_acc``. Spans get ``strict_p/r/f``, ``strict_macro_f`` and ``strict_per_type`` beside them (seqeval).
    """
    examples = list(examples)
    if annotate in ("tag", "pos"):
        return dict(Scorer.score_token_attr(examples, annotate))
    if annotate == "ents":
        scores = dict(Scorer.score_spans(examples, "ents", has_annotation=_has_ents))
        return {**scores, **_strict(_report(examples, _ents, labels))}

    def spans_of(doc: Doc, _attr: str = "") -> Sequence[Any]:
        return list(doc.spans[spans_key]) if spans_key in doc.spans else []

    def has_spans(doc: Doc) -> bool:
        return spans_key in doc.spans

    name = f"spans_{spans_key}"
    scores = dict(
        Scorer.score_spans(examples, name, getter=spans_of, has_annotation=has_spans, allow_overlap=True)
    )
    return {**scores, **_strict(_report(examples, spans_of, labels))}


def _report(
    examples: Sequence[Example], spans_of: Callable[[Doc], Sequence[Any]], labels: Sequence[str]
) -> ScoreReport:
    def chars(doc: Doc) -> list[CharSpan]:
        return [CharSpan(span.start_char, span.end_char, span.label_) for span in spans_of(doc)]

    return score_spans(
        [chars(example.reference) for example in examples],
        [chars(example.predicted) for example in examples],
        [token_ranges(example.reference) for example in examples],
        labels,
        bootstrap=0,
    )


def _strict(report: ScoreReport) -> dict[str, Any]:
    return {
        "strict_p": report.micro.precision,
        "strict_r": report.micro.recall,
        "strict_f": report.micro.f1,
        "strict_macro_f": report.macro.f1,
        "strict_per_type": {
            label: {"p": figure.precision, "r": figure.recall, "f": figure.f1}
            for label, figure in report.labels.items()
        },
    }


def _has_ents(doc: Doc) -> bool:
    return bool(doc.has_annotation("ENT_IOB"))


def _ents(doc: Doc) -> Sequence[Any]:
    return list(doc.ents)
