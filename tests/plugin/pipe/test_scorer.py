from __future__ import annotations

import pytest
import spacy
from spacy import registry
from spacy.tokens import Doc, Span
from spacy.training import Example

from spanloop.plugin.pipe.scorer import score_token_classifier

NLP = spacy.blank("en")


def example(
    gold: list[tuple[int, int, str]], predicted: list[tuple[int, int, str]], *, key: str = ""
) -> Example:
    def doc(spans: list[tuple[int, int, str]]) -> Doc:
        made = NLP.make_doc("Ann met Bob in Rome")
        found = [Span(made, start, end, label) for start, end, label in spans]
        if key:
            made.spans[key] = found
        else:
            made.ents = found  # type: ignore[assignment]
        return made

    return Example(doc(predicted), doc(gold))


def test_entities_get_spacys_figures_and_strict_ones() -> None:
    gold = [(0, 1, "PER"), (2, 3, "PER"), (4, 5, "LOC")]
    scores = score_token_classifier([example(gold, [(0, 1, "PER"), (4, 5, "PER")])], labels=["PER", "LOC"])
    assert scores["ents_f"] == pytest.approx(scores["strict_f"])
    assert (scores["strict_p"], scores["strict_r"]) == pytest.approx((1 / 2, 1 / 3))
    assert scores["strict_per_type"]["LOC"]["f"] == 0.0


def test_spans_are_scored_under_their_key() -> None:
    scores = score_token_classifier(
        [example([(0, 1, "PER")], [(0, 1, "PER")], key="chunks")], annotate="chunks", spans_key="chunks"
    )
    assert scores["spans_chunks_f"] == 1.0
    assert scores["strict_f"] == 1.0


def test_tags_get_accuracy() -> None:
    gold, predicted = NLP.make_doc("a b"), NLP.make_doc("a b")
    for token, tag in zip(gold, "XY", strict=True):
        token.tag_ = tag
    for token in predicted:
        token.tag_ = "X"
    assert score_token_classifier([Example(predicted, gold)], annotate="tag")["tag_acc"] == 0.5


def test_the_scorer_is_registered() -> None:
    assert registry.scorers.get("spanloop.token_classifier_scorer.v1")() is score_token_classifier
