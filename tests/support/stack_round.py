"""A small round made by the transformers that is installed, with what it says: kept in
``tests/plugin/pipe/rounds``, so that every later transformers is asked whether it says the same.

    python tests/support/stack_round.py     # writes tests/plugin/pipe/rounds/VERSION
"""

from __future__ import annotations

import json
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from transformers import BertTokenizerFast

from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.pipe.sharing import write
from spanloop.plugin.tagging.gold import Gold
from spanloop.plugin.training.config import TrainConfig
from spanloop.plugin.training.train import train
from support.tiny_models import SAMPLE, build_tiny, fast_tokenizer

ROUNDS = Path(__file__).resolve().parents[1] / "plugin" / "pipe" / "rounds"
TEXTS: list[tuple[str, list[tuple[int, int, str]]]] = [
    ("Angela Merkel met Barack Obama in New York City.", [(0, 13, "PER"), (18, 30, "PER"), (34, 47, "LOC")]),
    ("The Zürich office sold 10km of cable.", [(4, 10, "LOC")]),
    ("O'Neil said not bad!", [(0, 6, "PER")]),
    ("Nothing to see here, on the 10th of May.", []),
]
SPECIALS = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}


def said(nlp: Language) -> dict[str, list[list[Any]]]:
    """The spans of each text with their confidence, rounded."""
    texts = [text for text, _ in TEXTS] + SAMPLE + [" ".join(SAMPLE)]
    return {
        doc.text: [
            [ent.start_char, ent.end_char, ent.label_, round(ent._.spanloop_confidence, 4)]
            for ent in doc.ents
        ]
        for doc in nlp.pipe(texts)
    }


def make(folder: Path) -> None:
    """Train it and write it, with ``said.json`` beside the pipeline."""
    with tempfile.TemporaryDirectory() as name:
        encoder = build_tiny(Path(name) / "encoder", head=False)
        # a class that transformers 5 builds anew from its vocabulary, as most encoders have one
        tokenizer = fast_tokenizer("wordpiece").backend_tokenizer
        BertTokenizerFast(tokenizer_object=tokenizer, **SPECIALS).save_pretrained(encoder)
        nlp = spacy.blank("en")
        pipe: Any = nlp.add_pipe("hf_token_classifier", config={"model": str(encoder)})
        pipe.set_labels(["PER", "LOC"])
        golds = [Gold(nlp.make_doc(text), tuple(CharSpan(*span) for span in spans)) for text, spans in TEXTS]
        config = TrainConfig(epochs=40, learning_rate=5e-3, class_weights="none", bf16=False)
        train(pipe, golds, config, folder=Path(name) / "training")
        write(nlp, folder, strings=spacy.blank("en").vocab.strings)  # with no folder of this machine in it
    text = json.dumps(said(nlp), ensure_ascii=False, indent=1)
    (folder / "said.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    make(ROUNDS / version("transformers"))
