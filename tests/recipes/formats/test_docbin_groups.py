"""Spans that stand in ``doc.spans`` alone, as spaCy's span categorizer has them."""

from __future__ import annotations

from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc, DocBin
from spacy.tokens import Span as DocSpan

from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats import docbin
from spanloop.recipes.formats.docbin_file import DamagedError
from spanloop.recipes.formats.docbin_groups import groups_of
from spanloop.recipes.formats.entry import Notes, ReadOptions
from spanloop.store.records import Span


def doc_of(text: str = "😀 Ann Lee met Bob") -> Doc:
    return spacy.blank("xx")(text)


def read(path: Path, *docs: Doc) -> tuple[list[tuple[Span, ...] | None], list[str]]:
    DocBin(docs=docs).to_disk(path)
    notes = Notes()
    return [entry.spans for entry in docbin.read(path, ReadOptions(notes=notes))], notes.lines()


def test_a_doc_without_entities_has_the_spans_of_its_groups(tmp_path: Path) -> None:
    several, nothing = doc_of(), doc_of()
    several.spans["sc"] = [DocSpan(several, 1, 3, "PER"), DocSpan(several, 2, 3, "NAME")]
    several.spans["other"] = [DocSpan(several, 4, 5, "PER")]
    nothing.spans["sc"] = []
    spans, notes = read(tmp_path / "a.spacy", several, nothing, doc_of())
    assert spans == [(Span(2, 9, "PER"), Span(6, 9, "NAME"), Span(14, 17, "PER")), None, None]
    assert notes == []


def test_groups_beside_entities_are_told(tmp_path: Path) -> None:
    doc = doc_of()
    doc.ents = [DocSpan(doc, 1, 3, "PER")]
    doc.spans["sc"] = [DocSpan(doc, 4, 5, "PER"), DocSpan(doc, 1, 2, "PER")]
    spans, notes = read(tmp_path / "a.spacy", doc)
    assert spans == [(Span(2, 9, "PER"),)]
    assert notes == ["a.spacy: spans in doc.spans (sc) are not read where a Doc has ents (2 times)"]


@pytest.mark.parametrize("cut", [1, 5, 20, 60])
def test_damaged_groups_are_told(cut: int) -> None:
    doc = doc_of()
    doc.spans["sc"] = [DocSpan(doc, 1, 3, "PER")]
    packed = doc.spans.to_bytes()
    assert groups_of(packed, doc.vocab.strings) == {"sc": (Span(2, 9, "PER"),)}
    with pytest.raises(DamagedError, match="span groups are damaged"):
        groups_of(packed[:-cut], doc.vocab.strings)


def test_a_label_that_the_file_does_not_spell_is_told(tmp_path: Path) -> None:
    doc = doc_of()
    doc.spans["sc"] = [DocSpan(doc, 1, 3, "A label of its own")]
    with pytest.raises(DamagedError, match="span groups are damaged"):
        groups_of(doc.spans.to_bytes(), doc_of().vocab.strings)
    (tmp_path / "a.spacy").write_bytes(b"oops")
    with pytest.raises(FormatError, match=r"a\.spacy"):
        list(docbin.read(tmp_path / "a.spacy", ReadOptions()))
