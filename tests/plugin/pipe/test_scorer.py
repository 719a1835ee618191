from __future__ import annotations

from pathlib import Path

import pytest
import spacy
from spacy import registry
from spacy.tokens import Doc, Span
from spacy.training import Example
from support.pipe_making import make

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
    assert scores["strict_spans_chunks_f"] == 1.0
    assert not [name for name in scores if not name.startswith(("spans_chunks_", "strict_spans_chunks_"))]


def test_two_pipes_in_one_pipeline_keep_their_strict_figures(folder: Path) -> None:
    nlp, _ = make(folder)
    nlp.add_pipe("hf_token_classifier", name="two", config={"model": str(folder), "annotate": "spans"})
    [predicted] = nlp.pipe(["Angela Merkel met Barack Obama in New York City"])
    assert predicted.ents
    gold = predicted.copy()
    gold.spans["sc"] = [Span(gold, 0, 1, "NEVER")]
    scores = nlp.evaluate([Example(nlp.make_doc(gold.text), gold)])
    assert (scores["strict_f"], scores["strict_spans_sc_f"]) == (1.0, 0.0)


def test_what_nobody_annotated_is_left_out_of_both_kinds() -> None:
    seen = example([(0, 1, "PER"), (4, 5, "LOC")], [(0, 1, "PER"), (2, 3, "PER"), (4, 5, "LOC")])
    seen.reference.set_ents(
        list(seen.reference.ents), missing=[seen.reference[1:3]], default="outside"
    )  # nobody looked at "met Bob"
    silent = Example(
        example([], [(0, 1, "PER"), (2, 3, "PER")]).predicted, NLP.make_doc("Ann met Bob in Rome")
    )
    scores = score_token_classifier([seen, silent])
    assert {scores[name] for name in ("ents_p", "ents_r", "ents_f")} == {1.0}
    assert {scores[name] for name in ("strict_p", "strict_r", "strict_f", "strict_macro_f")} == {1.0}
    nothing = score_token_classifier([silent])
    assert {value for name, value in nothing.items()} == {None}
    assert set(nothing) == set(scores)


def test_a_group_that_is_not_there_is_left_out() -> None:
    there = example([(0, 1, "PER")], [(0, 1, "PER")], key="sc")
    absent = example([], [(0, 1, "PER")], key="sc")
    del absent.reference.spans["sc"]
    scores = score_token_classifier([there, absent], annotate="spans")
    assert (scores["spans_sc_p"], scores["strict_spans_sc_p"]) == (1.0, 1.0)


def test_nested_gold_is_scored_as_it_is_learned() -> None:
    nested = [(0, 5, "ORG"), (2, 3, "PER")]
    scores = score_token_classifier([example(nested, [(0, 5, "ORG")], key="sc")], annotate="spans")
    assert scores["strict_spans_sc_f"] == 1.0
    assert scores["spans_sc_r"] == 0.5
    scores = score_token_classifier([example([(0, 5, "ORG")], nested, key="sc")], annotate="spans")
    assert scores["strict_spans_sc_f"] == 1.0


def test_tags_get_accuracy() -> None:
    gold, predicted = NLP.make_doc("a b"), NLP.make_doc("a b")
    for token, tag in zip(gold, "XY", strict=True):
        token.tag_ = tag
    for token in predicted:
        token.tag_ = "X"
    assert score_token_classifier([Example(predicted, gold)], annotate="tag")["tag_acc"] == 0.5


def test_the_scorer_is_registered() -> None:
    assert registry.scorers.get("spanloop.token_classifier_scorer.v1")() is score_token_classifier
