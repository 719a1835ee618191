"""Pipelines around tiny models, and a few sentences to train them on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe

ANNOTATED = [
    ("Angela Merkel met Obama", [(0, 13, "PER"), (18, 23, "PER")]),
    ("We saw New York City.", [(7, 20, "LOC")]),
    ("nothing here at all", []),
]


def examples(nlp: Language) -> list[Example]:
    return [Example.from_dict(nlp.make_doc(text), {"entities": spans}) for text, spans in ANNOTATED]


def make(folder: Path | str, **config: Any) -> tuple[Language, HFTokenClassifierPipe]:
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("hf_token_classifier", config={"model": str(folder), **config})
    assert isinstance(pipe, HFTokenClassifierPipe)
    return nlp, pipe


def found(doc: Doc) -> list[tuple[int, int, str]]:
    return [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]
