"""The real corpora as gold documents, and a test split scored: what the benchmarks of training share."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from spanloop.plugin.gold import Gold
from spanloop.plugin.pipe import HFTokenClassifierPipe
from spanloop.plugin.score import ScoreReport, score_spans, score_tags
from spanloop.plugin.spans import CharSpan


def read(nlp: Language, path: Path, limit: int | None = None) -> list[Gold]:
    """The first ``limit`` lines of a JSONL file: spans by their characters, else one tag for each given
    token."""
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line, _ in zip(lines, _count(limit), strict=False)]
    return [_gold(nlp, row) for row in rows]


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


def evaluate(pipe: HFTokenClassifierPipe, golds: Sequence[Gold], *, tags: bool = False) -> ScoreReport:
    """The strict scores of the pipe on these documents."""
    found = [pipe.decode(scores) for scores in pipe.predict([gold.doc for gold in golds])]
    truth = [gold.spans for gold in golds]
    if tags:
        return score_tags(truth, found, pipe.labels)
    tokens = [[(token.idx, token.idx + len(token)) for token in gold.doc] for gold in golds]
    return score_spans(truth, found, tokens, pipe.labels)


def _gold(nlp: Language, row: dict[str, Any]) -> Gold:
    group = row.get("doc")
    if "spans" in row:
        spans = tuple(CharSpan(span["start"], span["end"], span["label"]) for span in row["spans"])
        return Gold(nlp.make_doc(row["text"]), spans, group=group)
    doc = _of_tokens(nlp, row["text"], row["tokens"])
    tagged = zip((token for token in doc if not token.is_space), row["tags"], strict=True)
    spans = tuple(CharSpan(token.idx, token.idx + len(token), tag) for token, tag in tagged)
    return Gold(doc, spans, group=group)


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
