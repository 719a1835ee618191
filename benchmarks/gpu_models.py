"""Models of random weights and the documents that `gpu.py` runs them on: nothing is read from any network."""

from __future__ import annotations

import json
import platform
import random
from collections.abc import Sequence
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any

import spacy
import torch
import transformers
from spacy.language import Language
from transformers import AutoTokenizer, BertConfig, BertForTokenClassification, BertModel

from spanloop.plugin.model.device import device_of
from spanloop.plugin.model.places import place_of
from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe

# layers, width, heads, inner width
SIZES = {"minilm": (6, 384, 12, 1536), "bert-base": (12, 768, 12, 3072), "tiny": (2, 64, 2, 128)}
LABELS = ("PERSON", "PLACE", "PLANT", "QUANTITY")
TAGS = ("O", *(f"{part}-{label}" for label in LABELS for part in "BI"))
# What share of the wordpieces gets a tag other than O: about that of news and of tweets.
_TAGGED = 0.12


def machine(device: str) -> dict[str, str]:
    """The device by name, and the releases that computed on it."""
    found = device_of(device)
    name = torch.cuda.get_device_name(found) if found.type == "cuda" else platform.processor()
    return {"device": f"{found} {name}", "torch": torch.__version__, "transformers": transformers.__version__}


def build(folder: Path, size: str, tokenizer: str) -> tuple[Path, Path]:
    """An encoder of this size, and a token classifier on it, as folders that ``from_pretrained`` reads.

    Args:
        folder: where they go.
        size: one of `SIZES`.
        tokenizer: whose wordpieces they read: a folder or ``offline``.
    """
    layers, width, heads, inner = SIZES[size]
    words = AutoTokenizer.from_pretrained(place_of(tokenizer).folder or tokenizer)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=inner,
        id2label=dict(enumerate(TAGS)),
        label2id={tag: number for number, tag in enumerate(TAGS)},
    )
    encoder, classifier = folder / f"{size}-encoder", folder / f"{size}-classifier"
    model = BertForTokenClassification(config).eval()
    _calm(model, words)
    model.save_pretrained(classifier)
    BertModel(config).save_pretrained(encoder)
    for path in (encoder, classifier):
        words.save_pretrained(path)
    return encoder, classifier


def _calm(model: Any, words: Any) -> None:
    """Have the head say O as often as a trained one does: at random it would find an entity everywhere, and
    what is done with entities would take longer than the model."""
    batch = words(_messages()[:64], return_tensors="pt", padding=True, truncation=True)
    with torch.inference_mode():
        model.classifier.weight *= 20.0  # the scores of a trained head lie apart
        logits = model(**batch).logits[batch["attention_mask"].bool()]
        lead = logits[:, 1:].amax(dim=1) - logits[:, 0]
        model.classifier.bias[0] += float(lead.quantile(1.0 - _TAGGED))


def texts(path: Path | None, number: int) -> list[str]:
    """The texts of a JSONL file, else messages of the built-in corpus, one to twelve of them joined: short
    and long ones in turn, as they come."""
    if path is not None:
        with path.open(encoding="utf-8") as lines:
            return [json.loads(line)["text"] for line in islice(lines, number)]
    rng, messages = random.Random(0), _messages()
    return [" ".join(rng.choices(messages, k=rng.choice((1, 1, 1, 2, 4, 12)))) for _ in range(number)]


def gold(path: Path | None, number: int, out: Path) -> tuple[Path, list[str]]:
    """A JSONL file of annotated documents, and their labels: the first lines of a file, else messages of the
    built-in corpus, each with other words behind it."""
    if path is not None:
        with path.open(encoding="utf-8") as lines:
            rows = [json.loads(line) for line in islice(lines, number)]
    else:
        rng, known = random.Random(0), _rows()
        words = " ".join(_messages()).split()
        rows = [dict(known[at % len(known)]) for at in range(number)]
        for row in rows:
            row["text"] = f"{row['text']} {' '.join(rng.choices(words, k=20))}"
    rows = [{"id": f"d{at}", "text": row["text"], "spans": row["spans"]} for at, row in enumerate(rows)]
    out.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return out, sorted({span["label"] for row in rows for span in row["spans"]})


def pipeline(model: Path, *, device: str, precision: str, **settings: Any) -> Language:
    """A blank pipeline with our component, its model loaded."""
    nlp = spacy.blank("en")
    config = {"model": str(model), "device": device, "precision": precision, **settings}
    component(nlp.add_pipe("hf_token_classifier", config=config)).hf_model()
    return nlp


def component(pipe: Any) -> HFTokenClassifierPipe:
    assert isinstance(pipe, HFTokenClassifierPipe)
    return pipe


def words_of(given: Sequence[str]) -> int:
    """Words parted by spaces: what every speed here is counted in."""
    return sum(len(text.split()) for text in given)


def _rows() -> list[dict[str, Any]]:
    source = files("spanloop.recipes.demo").joinpath("data", "demo.jsonl").read_text("utf-8")
    return [json.loads(line) for line in source.splitlines()]


def _messages() -> list[str]:
    return [row["text"] for row in _rows()]
