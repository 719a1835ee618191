"""The one metric: strict seqeval for spans, accuracy and per-tag figures for tags, with intervals.

Strict means exact characters: the text is cut at every token, gold and predicted boundary, and seqeval
compares the pieces (``mode="strict"``, ``scheme=IOB2``). A span that was snapped to a token, or could not be
placed at all, is thereby a miss and never a hit. Labels reach seqeval as L0, L1, ...: it strips "-" and "_"
from names, and a label called "micro avg" would collide with its averages.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.metrics.intervals import Counts, Figure, figures
from spanloop.plugin.metrics.judged import (
    Range,
    Ranges,
    Spans,
    Unknown,
    documents_that_know,
    looked_at,
    of_known_labels,
    without_open_tags,
)
from spanloop.plugin.tagging.schemes import OUTSIDE, encode

AVERAGES = ("micro", "macro", "weighted")


@dataclass(frozen=True)
class ScoreReport:
    """The figures of one evaluation. ``micro`` and its like are strict; the lenient ones are named so.

    Lenient: a predicted span is right if it shares a character with a gold span of its label, one to one.
    ``counts`` are the strict hits and misses ``[document, label, 3]``, labels in the order of ``labels``.
    ``confusion`` counts tokens by (gold label, predicted label), "O" where there is none. ``known``: of how
    many documents the figures of each label speak, since not all of them know it.
    Tags have an ``accuracy`` and no lenient figures; spans have no accuracy.
    """

    documents: int
    micro: Figure
    macro: Figure
    weighted: Figure
    labels: Mapping[str, Figure]
    counts: Counts = field(repr=False, compare=False)
    lenient_micro: Figure | None = None
    lenient_macro: Figure | None = None
    lenient_weighted: Figure | None = None
    lenient_labels: Mapping[str, Figure] = field(default_factory=dict)
    accuracy: Figure | None = None
    confusion: Mapping[tuple[str, str], int] = field(default_factory=dict, repr=False)
    known: Mapping[str, int] = field(default_factory=dict)

    @property
    def without_gold(self) -> tuple[str, ...]:
        """The labels without support, which the macro average leaves out."""
        return tuple(label for label, figure in self.labels.items() if not figure.support)

    def rows(self, split: str) -> list[dict[str, Any]]:
        """One flat row a figure: split, metric, average, label and the fields of `Figure`."""
        total = self.documents
        rows = [_row(split, "accuracy", None, None, self.accuracy, total)] if self.accuracy else []
        for metric, prefix in (("strict", ""), ("lenient", "lenient_")):
            by_average = {average: getattr(self, prefix + average) for average in AVERAGES}
            rows += [
                _row(split, metric, name, None, figure, total)
                for name, figure in by_average.items()
                if figure
            ]
            by_label: Mapping[str, Figure] = getattr(self, prefix + "labels")
            rows += [
                _row(split, metric, None, label, figure, self.known.get(label, total))
                for label, figure in by_label.items()
            ]
        return rows


def score_spans(
    gold: Sequence[Spans],
    predicted: Sequence[Spans],
    tokens: Sequence[Sequence[Range]],
    labels: Sequence[str],
    *,
    ranges: Sequence[Ranges] | None = None,
    unknown: Unknown = None,
    bootstrap: int = 1000,
    seed: int = 0,
) -> ScoreReport:
    """Score predicted spans against gold, one entry of each sequence a document.

    ``tokens`` are the characters of each token; ``labels`` those to report even where none occurs, others are
    added. ``ranges``: the characters that were looked at (None: all); a prediction elsewhere is neither right
    nor wrong and is left out. ``unknown``: the labels that each document says nothing of, None for none;
    spans of these are left out on both sides. ``bootstrap`` replicates give the intervals, 0 leaves them out.
    ValueError where the sequences differ in length or spans of one document overlap.
    """
    gold = of_known_labels(gold, unknown)
    predicted = of_known_labels(looked_at(predicted, ranges), unknown)
    names = _all_labels(labels, gold, predicted)
    counts = _count(gold, predicted, names, _exact_hits)
    strict, by_label = figures(counts, names, replicates=bootstrap, seed=seed)
    reference = _seqeval(gold, predicted, tokens, names)
    loose, loose_by_label = figures(
        _count(gold, predicted, names, _overlap_hits), names, replicates=bootstrap, seed=seed
    )
    return ScoreReport(
        documents=len(gold),
        micro=replace(strict["micro"], **reference["micro avg"]),
        macro=strict["macro"],
        weighted=replace(strict["weighted"], **reference["weighted avg"]),
        labels={name: replace(by_label[name], **reference.get(f"L{k}", {})) for k, name in enumerate(names)},
        counts=counts,
        lenient_micro=loose["micro"],
        lenient_macro=loose["macro"],
        lenient_weighted=loose["weighted"],
        lenient_labels=loose_by_label,
        confusion=_confusion(gold, predicted, tokens),
        known=documents_that_know(names, len(gold), unknown),
    )


def score_tags(
    gold: Sequence[Spans],
    predicted: Sequence[Spans],
    labels: Sequence[str],
    *,
    unknown: Unknown = None,
    bootstrap: int = 1000,
    seed: int = 0,
) -> ScoreReport:
    """Score one tag a token: spans of one token each, the label is the tag. Accuracy is over the gold tokens.

    Predictions where gold says nothing are left out: nobody has judged them. ``unknown``: the tags that each
    document says nothing of, None for none. A token that is said to have such a tag is left out altogether:
    the tag was added later, so it was taken from what the gold has there.
    """
    gold = without_open_tags(gold, predicted, unknown)
    places = [{(span.start, span.end) for span in spans} for spans in gold]
    predicted = [
        [span for span in spans if (span.start, span.end) in known]
        for spans, known in zip(predicted, places, strict=True)
    ]
    names = _all_labels(labels, gold, predicted)
    counts = _count(gold, predicted, names, _exact_hits)
    average, by_label = figures(counts, names, replicates=bootstrap, seed=seed)
    # A missing prediction is an error too: accuracy is recall, whatever was predicted.
    missed = counts[:, :, [0, 2, 2]].sum(axis=1, keepdims=True)
    accuracy, _ = figures(missed, ("",), replicates=bootstrap, seed=seed)
    return ScoreReport(
        documents=len(gold),
        micro=average["micro"],
        macro=average["macro"],
        weighted=average["weighted"],
        labels=by_label,
        counts=counts,
        accuracy=accuracy["micro"],
        confusion=_confusion(gold, predicted, [sorted(known) for known in places]),
        known=documents_that_know(names, len(gold), unknown),
    )


def _seqeval(
    gold: Sequence[Spans], predicted: Sequence[Spans], tokens: Sequence[Sequence[Range]], names: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """seqeval's strict report: "L0", "micro avg" ... to the fields of `Figure`."""
    from seqeval.metrics import classification_report
    from seqeval.scheme import IOB2

    codes = {name: f"L{k}" for k, name in enumerate(names)}
    pairs = [
        _pieces(gold_spans, predicted_spans, doc_tokens, codes)
        for gold_spans, predicted_spans, doc_tokens in zip(gold, predicted, tokens, strict=True)
        if gold_spans or predicted_spans  # elsewhere all is O, which counts for nothing
    ]
    if not pairs:
        return {"micro avg": {}, "weighted avg": {}}
    report = classification_report(
        [pair[0] for pair in pairs],
        [pair[1] for pair in pairs],
        output_dict=True,
        mode="strict",
        scheme=IOB2,
        zero_division=0,
    )
    return {
        name: {
            "precision": float(row["precision"]),
            "recall": float(row["recall"]),
            "f1": float(row["f1-score"]),
            "support": int(row["support"]),
        }
        for name, row in report.items()
    }


def _pieces(
    gold: Spans, predicted: Spans, tokens: Sequence[Range], codes: Mapping[str, str]
) -> tuple[list[str], list[str]]:
    """The tags of gold and prediction over the text cut at every boundary of tokens and spans."""
    spans = [(span.start, span.end) for span in (*gold, *predicted)]
    cuts = sorted({offset for pair in (*tokens, *spans) for offset in pair})

    def tags(spans: Spans) -> list[str]:
        runs = [(bisect_left(cuts, s.start), bisect_left(cuts, s.end), codes[s.label]) for s in spans]
        return encode(runs, len(cuts) - 1, "IOB2")

    return tags(gold), tags(predicted)


def _count(
    gold: Sequence[Spans],
    predicted: Sequence[Spans],
    names: Sequence[str],
    hits_of: Callable[[Spans, Spans], Iterable[str]],
) -> Counts:
    """Hits, false alarms and misses of each document and label; ``hits_of`` yields the label of each hit."""
    place = {name: k for k, name in enumerate(names)}
    counts = np.zeros((len(gold), len(names), 3), dtype=np.int64)
    for document, (gold_spans, predicted_spans) in enumerate(zip(gold, predicted, strict=True)):
        for label in hits_of(gold_spans, predicted_spans):
            counts[document, place[label]] += (1, -1, -1)
        for span in predicted_spans:
            counts[document, place[span.label], 1] += 1
        for span in gold_spans:
            counts[document, place[span.label], 2] += 1
    return counts


def _exact_hits(gold: Spans, predicted: Spans) -> list[str]:
    both = {span.key for span in gold} & {span.key for span in predicted}
    return [label for _, _, label in both]


def _overlap_hits(gold: Spans, predicted: Spans) -> list[str]:
    """The labels of the largest one-to-one matching of spans that overlap and share their label.

    Spans of one side never overlap each other, so taking the earliest ends first is optimal.
    """
    hits: list[str] = []
    for label in {span.label for span in gold} & {span.label for span in predicted}:
        waiting = sorted((span.start, span.end) for span in predicted if span.label == label)
        for start, end in sorted((span.start, span.end) for span in gold if span.label == label):
            waiting = [pair for pair in waiting if pair[1] > start]
            if waiting and waiting[0][0] < end:
                waiting.pop(0)
                hits.append(label)
    return hits


def _all_labels(labels: Sequence[str], *spans: Sequence[Spans]) -> tuple[str, ...]:
    """The labels asked for, then those that occur beside them, sorted."""
    found = {span.label for side in spans for document in side for span in document}
    return (*dict.fromkeys(labels), *sorted(found - set(labels)))


def _confusion(
    gold: Sequence[Spans], predicted: Sequence[Spans], tokens: Sequence[Sequence[Range]]
) -> dict[tuple[str, str], int]:
    """How many tokens have which gold and which predicted label; the first span that touches a token
    counts."""
    counts: Counter[tuple[str, str]] = Counter()
    for gold_spans, predicted_spans, doc_tokens in zip(gold, predicted, tokens, strict=True):
        pairs = zip(
            _token_labels(gold_spans, doc_tokens), _token_labels(predicted_spans, doc_tokens), strict=True
        )
        counts.update(pairs)
    return dict(counts)


def _token_labels(spans: Spans, tokens: Sequence[Range]) -> list[str]:
    ordered = sorted(spans, key=_start)
    ends = [span.end for span in ordered]
    labels: list[str] = []
    for start, end in tokens:
        k = bisect_left(ends, start + 1)  # the first span that ends after the token starts
        labels.append(ordered[k].label if k < len(ordered) and ordered[k].start < end else OUTSIDE)
    return labels


def _start(span: CharSpan) -> int:
    return span.start


def _row(
    split: str, metric: str, average: str | None, label: str | None, figure: Figure, documents: int
) -> dict[str, Any]:
    place = {"split": split, "metric": metric, "average": average, "label": label}
    return {**place, **asdict(figure), "documents": documents}
