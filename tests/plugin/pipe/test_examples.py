"""spaCy examples as gold: labels, missing annotation, and references that are tokenised otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc, Span
from spacy.training import Example
from support.pipe_making import make

from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.pipe import learning
from spanloop.plugin.pipe.examples import gold_of, labels_of, overlapping
from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe

NLP = spacy.blank("en")


def test_entities_keep_their_characters_whatever_the_tokens() -> None:
    reference = Doc(
        NLP.vocab, words=["New", "York", "'", "s", "10km"], spaces=[True, False, False, True, False]
    )
    reference.set_ents([Span(reference, 0, 2, "LOC")])
    gold = gold_of(Example(NLP.make_doc(reference.text), reference), "ents", "sc")
    assert gold.spans == (CharSpan(0, 8, "LOC"),)
    assert gold.ranges is None


def test_tokens_with_a_missing_entity_are_unknown() -> None:
    reference = NLP.make_doc("Angela saw New York today")
    reference.set_ents([Span(reference, 2, 4, "LOC")], default="outside", missing=[Span(reference, 0, 1)])
    gold = gold_of(Example(NLP.make_doc(reference.text), reference), "ents", "sc")
    assert gold.ranges == ((7, 25),)


def test_a_reference_without_any_entity_annotation_teaches_nothing() -> None:
    doc = NLP.make_doc("Angela saw New York")
    assert gold_of(Example(doc, NLP.make_doc(doc.text)), "ents", "sc").ranges == ()


def test_a_missing_span_group_is_unknown_and_an_empty_one_is_gold() -> None:
    doc, reference = NLP.make_doc("a b"), NLP.make_doc("a b")
    assert gold_of(Example(doc, reference), "spans", "sc").ranges == ()
    reference.spans["sc"] = []
    assert gold_of(Example(doc, reference), "spans", "sc").ranges is None
    reference.spans["chunks"] = [Span(reference, 0, 2, "NP")]
    assert gold_of(Example(doc, reference), "chunks", "chunks").spans == (CharSpan(0, 3, "NP"),)


def test_tags_of_untagged_tokens_are_unknown() -> None:
    doc = NLP.make_doc("we saw it")
    reference = Doc(NLP.vocab, words=["we", "saw", "it"], tags=["PRP", "", "PRP"])
    gold = gold_of(Example(doc, reference), "tag", "sc")
    assert gold.spans == (CharSpan(0, 2, "PRP"), CharSpan(7, 9, "PRP"))
    assert gold.ranges == ((0, 2), (7, 9))


def test_other_whitespace_moves_the_offsets_along() -> None:
    reference = Doc(NLP.vocab, words=["New", "York", "wins"])
    reference.set_ents([Span(reference, 0, 2, "LOC")])
    predicted = NLP.make_doc("  New\n York  wins")
    gold = gold_of(Example(predicted, reference), "ents", "sc")
    assert [predicted.text[s.start : s.end] for s in gold.spans] == ["New\n York"]


def test_another_text_is_refused() -> None:
    reference = Doc(NLP.vocab, words=["New", "York"])
    with pytest.raises(ValueError, match="not the same text"):
        gold_of(Example(NLP.make_doc("New Yorks"), reference), "ents", "sc")


def test_labels_are_sorted_and_of_the_right_kind() -> None:
    reference = Doc(NLP.vocab, words=["New", "York", "wins"], pos=["PROPN", "PROPN", "VERB"])
    reference.set_ents([Span(reference, 0, 2, "LOC")])
    example = Example(NLP.make_doc(reference.text), reference)
    assert labels_of([example], "ents", "sc") == ["LOC"]
    assert labels_of([example], "pos", "sc") == ["PROPN", "VERB"]
    assert labels_of([example], "spans", "sc") == []


def nested() -> Example:
    reference = NLP.make_doc("the Council of the European Union met")
    reference.spans["sc"] = [
        Span(reference, 1, 2, "ORG"),
        Span(reference, 1, 6, "ORG"),
        Span(reference, 4, 6, "LOC"),
        Span(reference, 6, 7, "EVENT"),
        Span(reference, 6, 7, "EVENT"),
    ]
    return Example(NLP.make_doc(reference.text), reference)


def test_of_nested_spans_the_longest_is_learned_whole() -> None:
    gold = gold_of(nested(), "spans", "sc")
    assert [(gold.doc.text[s.start : s.end], s.label) for s in gold.spans] == [
        ("Council of the European Union", "ORG"),
        ("met", "EVENT"),
    ]
    assert overlapping([nested(), nested()], "spans", "sc") == 6


def test_a_pipe_says_how_many_spans_it_cannot_learn(folder: Path) -> None:
    nlp, pipe = make(folder, annotate="spans")
    with pytest.warns(
        UserWarning, match=r"3 gold spans in doc\.spans\['sc'\] overlap a longer one.*one pipe a layer"
    ):
        pipe.initialize(lambda: [nested()], nlp=nlp)
    tags = [tag for tag in unit_tags_of(pipe) if tag != "O"]
    assert tags == ["B-ORG", "I-ORG", "I-ORG", "I-ORG", "I-ORG", "B-EVENT"]


def test_a_pipe_may_be_set_to_learn_the_shortest(folder: Path) -> None:
    nlp, pipe = make(folder, annotate="spans", gold_overlaps="shortest")
    with pytest.warns(UserWarning, match="2 gold spans .* overlap a shorter one.* so it learns the shortest"):
        pipe.initialize(lambda: [nested()], nlp=nlp)
    tags = [tag for tag in unit_tags_of(pipe) if tag != "O"]
    assert tags == ["B-ORG", "B-LOC", "I-LOC", "B-EVENT"]
    # What it learns is what it is scored by: the right ones give 1 by seqeval, the longest would not.
    example = nested()
    right = gold_of(example, "spans", "sc", "shortest").spans
    doc = example.predicted
    doc.spans["sc"] = [doc.char_span(span.start, span.end, span.label) for span in right]
    scores = [pipe.scorer([example], **{**pipe.cfg, "gold_overlaps": way}) for way in ("shortest", "longest")]
    assert [score["strict_spans_sc_f"] for score in scores] == [1.0, 0.4]


def test_a_pipe_may_be_set_to_refuse_spans_that_overlap(folder: Path) -> None:
    nlp, pipe = make(folder, annotate="spans", gold_overlaps="error")
    line = r"3 gold spans in doc\.spans\['sc'\] .*'the Council of.* 'Council' \(ORG, characters 4 to 11\)"
    with pytest.raises(ValueError, match=line):
        pipe.initialize(lambda: [nested()], nlp=nlp)
    pipe.set_labels(["ORG"])
    with pytest.raises(ValueError, match=line):
        nlp.update([nested()])
    pipe.scorer([nested()], **pipe.cfg)  # scoring is no training


def test_what_is_no_way_to_choose_is_refused() -> None:
    with pytest.raises(ValueError, match="gold_overlaps"):
        NLP.add_pipe("hf_token_classifier", config={"gold_overlaps": "first"})


def unit_tags_of(pipe: HFTokenClassifierPipe) -> list[str]:
    [targets] = learning.unit_targets(pipe, [nested()])
    return [pipe.tags[target] for target in targets]
