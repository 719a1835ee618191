"""Tags of a ``.spacy`` file stand where a round has them, so that training and scores find them."""

from __future__ import annotations

from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc, DocBin
from spacy.tokens import Span as Span_
from spacy.training import Example

from spanloop.plugin.pipe.examples import Annotate, gold_of
from spanloop.recipes.formats import docbin
from spanloop.recipes.formats.entry import Entry, ReadOptions, WriteOptions
from spanloop.store.records import Span

TOKENS = ((0, 4), (5, 9))


@pytest.mark.parametrize(
    ("labels", "field", "empty"), [(("NOUN", "VERB", "X"), "pos", "TAG"), (("NN", "VERB"), "tag", "POS")]
)
def test_tags_are_written_where_a_round_has_them(
    tmp_path: Path, labels: tuple[str, ...], field: Annotate, empty: str
) -> None:
    spans = (Span(0, 4, labels[0]), Span(5, 9, "VERB"))
    entry = Entry(text="Dogs bark", key="d", spans=spans, tokens=TOKENS)
    file = tmp_path / "a.spacy"
    docbin.write(file, [entry], WriteOptions(task="tags", labels=labels))
    nlp = spacy.blank("en")
    (doc,) = DocBin().from_disk(file).get_docs(nlp.vocab)
    assert [getattr(token, f"{field}_") for token in doc] == [labels[0], "VERB"]
    assert not doc.has_annotation(empty)
    learned = gold_of(Example(nlp.make_doc(doc.text), doc), field, "sc")
    assert [span.key for span in learned.spans] == [(s.start, s.end, s.label) for s in spans]
    (back,) = docbin.read(file, ReadOptions(task="tags", labels=labels))
    assert back.spans == spans


def test_tokens_that_nobody_looked_at_are_left_open(tmp_path: Path) -> None:
    doc = Doc(spacy.blank("en").vocab, words=["Ann", "met", "Bob", "there"])
    doc.set_ents([Span_(doc, 0, 1, "PER")], outside=[doc[1:2]], default="missing")
    DocBin(docs=[doc], store_user_data=True).to_disk(tmp_path / "a.spacy")
    (entry,) = docbin.read(tmp_path / "a.spacy", ReadOptions())
    assert (entry.spans, entry.ranges) == ((Span(0, 3, "PER"),), ((0, 7),))


def test_of_two_kinds_of_tags_the_project_takes_its_own(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    doc = Doc(nlp.vocab, words=["Dogs", "bark"], pos=["NOUN", "VERB"], tags=["NNS", "VBP"])
    DocBin(attrs=["POS", "TAG"], docs=[doc]).to_disk(tmp_path / "a.spacy")

    def read(*labels: str) -> list[str]:
        (entry,) = docbin.read(tmp_path / "a.spacy", ReadOptions(task="tags", labels=labels))
        return [span.label for span in entry.spans or ()]

    assert read("NOUN", "VERB") == ["NOUN", "VERB"]
    assert read("NNS", "VBP") == ["NNS", "VBP"]
