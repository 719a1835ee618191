"""The figures that `spacy evaluate` and `spacy train` read: spaCy's own, and strict seqeval beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from spacy.scorer import Scorer, get_ner_prf
from spacy.tokens import Doc
from spacy.training import Example

from spanloop.plugin.alignment.tokens import token_ranges
from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.metrics.score import ScoreReport, score_spans
from spanloop.plugin.pipe.examples import Annotate, GoldOverlaps, gold_of
from spanloop.plugin.pipe.meta import figure_names
from spanloop.plugin.tagging.gold import longest_first

Score = Callable[..., dict[str, Any]]


def make_token_classifier_scorer() -> Score:
    """The registered scorer ``spanloop.token_classifier_scorer.v1``."""
    return score_token_classifier


def score_token_classifier(
    examples: Iterable[Example],
    *,
    annotate: Annotate = "ents",
    spans_key: str = "sc",
    labels: Sequence[str] = (),
    gold_overlaps: GoldOverlaps = "longest",
    **_settings: Any,
) -> dict[str, Any]:
    """The scores of what the pipe annotates, by spaCy's names, and strict ones (seqeval) beside them.

    What nobody annotated takes no part: a document without entities being set (or without the span group), a
    prediction that touches a token whose entity is missing.

    Args:
        examples: Predicted documents and their references.
        annotate: What the pipe writes.
        spans_key: The span group, where it writes one.
        labels: Those to report even where none occurs.
        gold_overlaps: Which of spans that overlap are learned; with ``error`` the longest are scored.

    Returns:
        For tag and pos: ``tag_acc`` or ``pos_acc``. For ents: ``ents_p/r/f/per_type``, ``strict_p/r/f``,
        ``strict_macro_f`` and ``strict_per_type``. For spans and chunks the same as ``spans_KEY_...`` and
        ``strict_spans_KEY_...``. None where nothing was annotated. Of spans that overlap the strict figures
        know those that training learns; ``spans_KEY_...`` count all.
    """
    examples = list(examples)
    if annotate in ("tag", "pos"):
        return dict(Scorer.score_token_attr(examples, annotate))

    def spans_of(doc: Doc, _attr: str = "") -> Sequence[Any]:
        if annotate == "ents":
            return list(doc.ents)
        return list(doc.spans[spans_key]) if spans_key in doc.spans else []

    def has_spans(doc: Doc) -> bool:
        return spans_key in doc.spans

    usual, strict = figure_names(annotate, spans_key)
    if annotate == "ents":
        scores = get_ner_prf(examples)
    else:
        scores = Scorer.score_spans(
            examples, usual, getter=spans_of, has_annotation=has_spans, allow_overlap=True
        )
    learned: GoldOverlaps = "longest" if gold_overlaps == "error" else gold_overlaps
    golds = [gold_of(example, annotate, spans_key, learned) for example in examples]
    annotated = [gold for gold in golds if gold.ranges != ()]
    report = score_spans(
        [gold.spans for gold in annotated],
        [_characters(spans_of(gold.doc), learned) for gold in annotated],
        [token_ranges(gold.doc) for gold in annotated],
        labels,
        ranges=[gold.ranges for gold in annotated],
        bootstrap=0,
    )
    figures = _figures(report) if annotated else dict.fromkeys(_figures(report))
    return {**scores, **{f"{strict}_{name}": value for name, value in figures.items()}}


def _characters(spans: Sequence[Any], learned: GoldOverlaps) -> list[CharSpan]:
    """Without those that overlap: another component may have written them into the group."""
    found = [CharSpan(span.start_char, span.end_char, span.label_) for span in spans]
    return longest_first(found, shortest=learned == "shortest")[0]


def _figures(report: ScoreReport) -> dict[str, Any]:
    return {
        "p": report.micro.precision,
        "r": report.micro.recall,
        "f": report.micro.f1,
        "macro_f": report.macro.f1,
        "per_type": {
            label: {"p": figure.precision, "r": figure.recall, "f": figure.f1}
            for label, figure in report.labels.items()
        },
    }
