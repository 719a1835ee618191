"""Small models of every tagging scheme, fitted in a second to a task that can be learned: who and where."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

from spanloop.plugin.alignment.tokens import token_ranges
from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.tagging.gold import UNKNOWN, Gold, put_on_units, unit_tags
from spanloop.plugin.tagging.schemes import Scheme

LABELS = ("PER", "LOC")
FIRST = ("anna", "ben", "clara", "david")
LAST = ("smith", "jones", "weber")
PLACES = ("paris", "oslo", "lima")
PARTS = ("north", "city", "east")
EITHER = ("florence", "jordan")
"""Names of people as often as of places: the model stays unsure of them."""
OTHER = ("the", "went", "to", "and", "met", "in", "a", "train", "saw", "with", "slowly", "then")
_SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_STEPS, _BATCH, _RATE = 120, 32, 5e-3


def sentences(number: int, seed: int) -> list[Gold]:
    """Sentences with the people and places in them, some of which touch."""
    random, nlp = Random(seed), _blank()
    return [_sentence(nlp, random) for _ in range(number)]


@cache
def _blank() -> Language:
    return spacy.blank("en")


def _sentence(nlp: Language, random: Random) -> Gold:
    words: list[str] = []
    named: list[tuple[int, int, str]] = []
    for _ in range(random.randint(1, 4)):
        words += random.choices(OTHER, k=random.randint(1, 3))
        for _ in range(2 if random.random() < 0.1 else 1):
            name, label = _name(random)
            named.append((len(words), len(words) + len(name), label))
            words += name
    doc = Doc(nlp.vocab, words=words)
    places = token_ranges(doc)
    spans = tuple(CharSpan(places[first][0], places[end - 1][1], label) for first, end, label in named)
    return Gold(doc, spans)


def _name(random: Random) -> tuple[list[str], str]:
    label = random.choice(LABELS)
    if random.random() < 0.15:
        return [random.choice(EITHER)], label
    first, last = (FIRST, LAST) if label == "PER" else (PLACES, PARTS)
    return [random.choice(first), *random.choices(last, k=random.choice((0, 1, 1, 2)))], label


def tokenizer(words: Sequence[str]) -> PreTrainedTokenizerFast:
    """A wordpiece a word; ``##`` words go on with the one before."""
    vocabulary = {word: number for number, word in enumerate([*_SPECIALS, *words])}
    found = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    found.normalizer = normalizers.BertNormalizer(lowercase=False)
    found.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [(name, vocabulary[name]) for name in ("[SEP]", "[CLS]")]
    found.post_processor = processors.BertProcessing(*ends)
    return PreTrainedTokenizerFast(
        tokenizer_object=found, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )


def fitted(folder: Path, rows: Sequence[tuple[str, Sequence[str]]], tags: Sequence[str]) -> Path:
    """Save in ``folder`` a model of one layer that has learned these tags of the wordpieces of texts."""
    words = dict.fromkeys(piece for text, _ in rows for piece in text.split())
    made = tokenizer(list(words))
    config = BertConfig(
        vocab_size=len(made),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        id2label=dict(enumerate(tags)),
        label2id={tag: row for row, tag in enumerate(tags)},
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = BertForTokenClassification(config)
        _learn(model, *_tensors(rows, made, tags))
    model.save_pretrained(folder)
    made.save_pretrained(folder)
    return folder


def _tensors(
    rows: Sequence[tuple[str, Sequence[str]]], made: PreTrainedTokenizerFast, tags: Sequence[str]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Wordpieces and the places of their tags, a row a text; `UNKNOWN` where nothing is learned."""
    longest = max(len(wanted) for _, wanted in rows) + 2  # the special tokens
    ids = np.full((len(rows), longest), made.pad_token_id)
    targets = np.full((len(rows), longest), UNKNOWN)
    for number, (text, wanted) in enumerate(rows):
        pieces = made.convert_tokens_to_ids(text.split())
        ids[number, : len(pieces) + 2] = [made.cls_token_id, *pieces, made.sep_token_id]
        targets[number, 1 : len(pieces) + 1] = [tags.index(tag) for tag in wanted]
    return torch.from_numpy(ids), torch.from_numpy(targets)


def _learn(model: BertForTokenClassification, ids: torch.Tensor, targets: torch.Tensor) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=_RATE)
    generator = torch.Generator().manual_seed(0)
    model.train()
    for _ in range(_STEPS):
        rows = torch.randint(len(ids), (_BATCH,), generator=generator)
        loss = model(ids[rows], attention_mask=(ids[rows] != 0).long(), labels=targets[rows]).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()


def model_of(folder: Path, scheme: Scheme, tags: Sequence[str]) -> Path:
    """A model that has learned the sentences in this scheme, its tags listed as ``tags``."""
    rows = []
    for gold in sentences(300, seed=1):
        places = token_ranges(gold.doc)
        starts, ends = (np.array(edges, dtype=np.int64) for edges in zip(*places, strict=True))
        codes = unit_tags(put_on_units(gold.spans, starts, ends), tags, scheme)
        rows.append((gold.doc.text, [tags[code] for code in codes.tolist()]))
    return fitted(folder, rows, tags)
