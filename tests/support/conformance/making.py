"""A tiny model of an architecture, a tokenizer and a habit, whose head was fitted: spans do come out."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Regex, pre_tokenizers, processors
from transformers import AutoModelForTokenClassification, PreTrainedTokenizerFast

from spanloop.plugin.model.pretrained import head_name
from support.conformance.architectures import ARCHITECTURES, SEGMENT_OF_CLS, WINDOW, config_of
from support.conformance.habits import HABITS, LABELS, Habit, Run
from support.conformance.texts import TEXTS
from support.tiny_models import fast_tokenizer

TOKENIZERS = ("wordpiece", "bytelevel", "unigram", "byte_fallback", "character", "word")
_SURE = 12.0  # what the head's scores are multiplied by: decided, and no score so small that it is none


@dataclass(frozen=True, slots=True)
class Kind:
    """What a model of the suite is made of."""

    architecture: str
    tokenizer: str
    habit: str

    def __str__(self) -> str:
        return f"{self.architecture}-{self.tokenizer}-{self.habit}"


def every_kind() -> list[Kind]:
    """As few models as there can be in which any two of architecture, tokenizer and habit meet: each
    architecture with each habit, the tokenizers taken in turns."""
    pairs = product(enumerate(sorted(ARCHITECTURES)), enumerate(HABITS))
    return [Kind(name, TOKENIZERS[(a + h) % len(TOKENIZERS)], habit) for (a, name), (h, habit) in pairs]


def make(folder: Path, kind: Kind) -> None:
    """Save the model and its tokenizer in ``folder``. The same kind gives the same weights."""
    habit, tokenizer = HABITS[kind.habit], _tokenizer(kind.tokenizer, SEGMENT_OF_CLS.get(kind.architecture))
    config = config_of(kind.architecture, vocabulary=len(tokenizer), tags=habit.tags)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(len(str(kind)))
        model = AutoModelForTokenClassification.from_config(config).eval()
        for weight in model.parameters():
            weight.add_(torch.randn(weight.shape) * 0.1)  # else all words are nearly alike to it
    inputs = ["input_ids", "attention_mask"]
    if kind.architecture in SEGMENT_OF_CLS:
        inputs.append("token_type_ids")
    tokenizer.model_input_names = inputs
    _fit(model, tokenizer, habit)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    path = folder / "tokenizer_config.json"  # which inputs there are is not saved by itself
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "model_input_names": inputs}), "utf-8")


@lru_cache(maxsize=32)
def _tokenizer(family: str, segment: int | None) -> PreTrainedTokenizerFast:
    # A vocabulary so large that no space is a wordpiece, which is a word to Hugging Face
    named = "roberta" if family == "bytelevel" else family
    tokenizer = fast_tokenizer(named, model_max_length=WINDOW)
    if family == "character":  # nor here
        parts = [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex("."), "isolated")]
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(parts)
    if segment is not None:
        known = tokenizer.get_vocab()
        name = next(token for token in ("[CLS]", "<s>", "</s>") if token in known)
        tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
            single=f"$A:0 {name}:{segment}",
            pair=f"$A:0 $B:1 {name}:{segment}",
            special_tokens=[(name, known[name])],
        )
    return tokenizer


def _fit(model: Any, tokenizer: PreTrainedTokenizerFast, habit: Habit) -> None:
    """Ridge regression from what the head sees to the tags of spans drawn at random over the words."""
    head = model.get_submodule(head_name(model))
    seen: list[torch.Tensor] = []
    hook = head.register_forward_pre_hook(lambda _, given: seen.append(given[0][0]))
    wanted: list[int] = []
    rng = np.random.default_rng(7)
    with torch.no_grad():
        for text in TEXTS.values():
            if not text.strip():
                continue
            read = tokenizer(text, truncation=True, return_offsets_mapping=True, return_tensors="pt")
            wanted += _rows(text, read.pop("offset_mapping")[0].numpy(), habit, rng)
            model(**{name: read[name] for name in tokenizer.model_input_names})
    hook.remove()
    features, rows = torch.cat(seen).double().numpy(), np.array(wanted)
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
    weight, bias = _ridge((features - mean) / scale, rows, len(habit.tags))
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(weight.T / scale))
        if head.bias is not None:
            head.bias.copy_(torch.from_numpy(bias - (mean / scale) @ weight))


def _rows(text: str, offsets: NDArray[Any], habit: Habit, rng: np.random.Generator) -> list[int]:
    """The row that is right for each wordpiece: that of the word in which it begins."""
    words = [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)]
    right = habit.rows(_runs(len(words), rng), len(words))
    begins = np.array([start for start, _ in words])
    ends = np.array([end for _, end in words])
    at = np.searchsorted(begins, offsets[:, 1], side="left") - 1
    inside = (at >= 0) & (offsets[:, 1] <= ends[at]) & (offsets[:, 0] < offsets[:, 1])
    return [right[word] if there else 0 for word, there in zip(at.tolist(), inside.tolist(), strict=True)]


def _runs(words: int, rng: np.random.Generator) -> list[Run]:
    """About half of the words in spans of one to three, some of which touch."""
    runs: list[Run] = []
    at = 0
    while at < words:
        if rng.random() < 0.5:
            at += 1
            continue
        end = min(words, at + int(rng.integers(1, 4)))
        runs.append((at, end, str(rng.choice(LABELS))))
        at = end
    return runs


def _ridge(
    features: NDArray[np.float64], rows: NDArray[np.int64], tags: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights and bias that point to the right row, each row counting the same however rare it is."""
    target = np.eye(tags)[rows]
    weigh = (1 / np.maximum(target.sum(axis=0), 1))[rows]
    known = np.hstack([features, np.ones((len(features), 1))])
    square = known.T @ (known * weigh[:, None]) + 1e-3 * np.eye(known.shape[1])
    found = np.linalg.solve(square, known.T @ (target * weigh[:, None])) * _SURE
    return found[:-1], found[-1]


def tags_of(kinds: Sequence[Kind]) -> set[str]:
    """Every label that models of these kinds can give."""
    return {label for kind in kinds for label in (*LABELS, *HABITS[kind.habit].tags)}
