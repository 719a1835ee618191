"""The real corpora as gold documents, and a test split scored: what the benchmarks of training share."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from spanloop.plugin.alignment.tokens import token_ranges
from spanloop.plugin.alignment.values import CharSpan, TokenScores
from spanloop.plugin.metrics.score import ScoreReport, score_spans, score_tags
from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe
from spanloop.plugin.tagging.calibrate import calibration_error, judge
from spanloop.plugin.tagging.decode import decode
from spanloop.plugin.tagging.gold import Gold


def read(nlp: Language, path: Path, limit: int | None = None, *, own_tokens: bool = False) -> list[Gold]:
    """The first ``limit`` lines of a JSONL file: spans by their characters, else one tag for each given
    token. ``own_tokens``: cut as the corpus cuts it, not as spaCy does."""
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line, _ in zip(lines, _count(limit), strict=False)]
    return [_gold(nlp, row, own_tokens) for row in rows]


def read_chapters(nlp: Language, folder: Path, names: Iterable[str]) -> list[Gold]:
    """Whole chapters in brat standoff, ``NAME_brat.txt`` and ``.ann``: the outermost of nested spans."""
    return [_chapter(nlp, folder / f"{name}_brat.txt", name) for name in names]


def documents_of(path: Path) -> list[str]:
    """The names of the documents that the sentences of a JSONL file come from, in the order of the file."""
    with path.open(encoding="utf-8") as lines:
        return list(dict.fromkeys(json.loads(line)["doc"] for line in lines))


def labels_of(golds: Sequence[Gold]) -> list[str]:
    """Every label that occurs, sorted."""
    return sorted({span.label for gold in golds for span in gold.spans})


def pipeline(lang: str, model: str, labels: Sequence[str], *, tags: bool = False, seed: int = 0) -> Language:
    """A blank pipeline with a fresh head for these labels."""
    nlp = spacy.blank(lang)
    settings = {"model": model, "annotate": "tag" if tags else "ents"}
    pipe = nlp.add_pipe("hf_token_classifier", config=settings)
    pipe.set_labels(list(labels), seed=seed)  # type: ignore[attr-defined]
    return nlp


def evaluate(
    pipe: HFTokenClassifierPipe,
    golds: Sequence[Gold],
    *,
    tags: bool = False,
    scores: Sequence[TokenScores] | None = None,
) -> ScoreReport:
    """The strict scores of the pipe on these documents; ``scores``: what it predicted, if at hand."""
    scores = pipe.predict([gold.doc for gold in golds]) if scores is None else scores
    found = [pipe.decode(one) for one in scores]
    truth = [gold.spans for gold in golds]
    if tags:
        return score_tags(truth, found, pipe.labels)
    tokens = [token_ranges(gold.doc) for gold in golds]
    return score_spans(truth, found, tokens, pipe.labels)


def calibration(
    pipe: HFTokenClassifierPipe, golds: Sequence[Gold], scores: Sequence[TokenScores]
) -> tuple[float, float]:
    """The expected calibration error on documents that neither weights nor temperature were fitted on: at
    temperature 1, and at the pipe's."""
    errors = []
    for temperature in (1.0, pipe.temperature):
        found = [decode(one, scheme=pipe.scheme, temperature=temperature) for one in scores]
        errors.append(calibration_error(*judge(found, [gold.spans for gold in golds])))
    return errors[0], errors[1]


def _gold(nlp: Language, row: dict[str, Any], own_tokens: bool) -> Gold:
    group = row.get("doc")
    if "spans" in row:
        spans = tuple(CharSpan(span["start"], span["end"], span["label"]) for span in row["spans"])
        doc = _of_tokens(nlp, row["text"], row["tokens"]) if own_tokens else nlp.make_doc(row["text"])
        return Gold(doc, spans, group=group)
    doc = _of_tokens(nlp, row["text"], row["tokens"])
    tagged = zip(token_ranges(doc), row["tags"], strict=True)
    spans = tuple(CharSpan(*place, tag) for place, tag in tagged)
    return Gold(doc, spans, group=group)


def _chapter(nlp: Language, path: Path, name: str) -> Gold:
    lines = path.with_suffix(".ann").read_text("utf-8").splitlines()
    marks = [line.split("\t")[1].split(" ") for line in lines if line.startswith("T")]
    spans = [CharSpan(int(start), int(end), label) for label, start, end in marks]
    return Gold(nlp.make_doc(path.read_text("utf-8")), tuple(_outermost(spans)), group=name)


def _outermost(spans: Iterable[CharSpan]) -> Iterator[CharSpan]:
    end = 0
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if span.start >= end:
            end = span.end
            yield span


def _of_tokens(nlp: Language, text: str, tokens: Sequence[str]) -> Doc:
    """The text cut as the corpus cuts it; white space beyond one space becomes tokens of its own."""
    words: list[str] = []
    spaces: list[bool] = []
    at = 0
    for token in tokens:
        start = text.index(token, at)
        if start > at:
            words.append(text[at:start])
            spaces.append(False)
        at = start + len(token)
        words.append(token)
        spaces.append(at < len(text) and text[at] == " ")
        at += spaces[-1]
    return Doc(nlp.vocab, words=words, spaces=spaces)


def _count(limit: int | None) -> Iterator[int]:
    number = 0
    while limit is None or number < limit:
        yield number
        number += 1
