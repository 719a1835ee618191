"""The parts of `macro.py` that train: what a variant is made of, and how it is put into `train`.

A variant is a row of parts joined with ``+`` (``none+mentions+swa``): settings of `TrainConfig`, and things
that a training cannot do by itself, which are put in its place for as long as it runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean
from string import ascii_uppercase
from typing import Any

import numpy as np
import torch
from corpora import calibration
from macro_picking import STRATEGIES
from numpy.typing import NDArray
from spacy.tokens import Doc

from spanloop.plugin.alignment import wordpieces
from spanloop.plugin.tagging.gold import UNKNOWN, Gold
from spanloop.plugin.training import loss, train, trainer
from spanloop.plugin.training.config import TrainConfig
from spanloop.plugin.training.unlabelled import Unlabelled

SETTINGS: dict[str, dict[str, Any]] = {
    "default": {},
    "none": {"class_weights": "none"},
    "effective": {"class_weights": "effective"},
    "focal": {"class_weights": "focal"},
    "o5": {"class_weights": {"O": 0.5}},
    "1epoch": {"epochs": 1},
    "6epochs": {"epochs": 6},
    "8epochs": {"epochs": 8},
    "12epochs": {"epochs": 12},
    "lr1.5": {"learning_rate": 1.5e-4},
    "lr5": {"learning_rate": 5e-4},
    "head1": {"head_rate": 1.0},
    "nofreeze": {"freeze": "none"},
    "half": {"freeze": "half"},
    "mentions": {"augment": 0.5},
    "mentions1": {"augment": 1.0},
    "mentions2": {"augment": 2.0},
    "tokens": {"augment": 0.5, "swap": "tokens"},
    "tokens1": {"augment": 1.0, "swap": "tokens"},
    "under": {"undersample": 0.5},
    "rfs": {"oversample": 0.1},
    "rfs3": {"oversample": 0.3},
    "all": {"label_strategy": "all"},
    "f1": {"thresholds": "f1"},
    "held0": {"held_out": 0.0},
    "refit": {"refit": True},
}
CASES = ("case", "case2", "case3")
ANY_SLICE = "anyslice"
"""The inner slice is drawn from all gold, not only from what chance chose."""
HOOKS = ("drop0", "drop2", "smooth", "swa", "rdrop", ANY_SLICE, *CASES)
_WORD_BEGINS = wordpieces._WORD_BEGINS
_BEGINS = r"(?<![\p{L}\p{N}])"  # no letter and no digit before it
SOFT, OF_THREE = "soft", "softens"
"""Learn from the rest of the text too, as a first training sees it (``--unlabelled``), or as three trainings
do in the mean."""


@dataclass(frozen=True)
class Variant:
    """What one is made of. ``seed``: another draw of everything but the documents and the head."""

    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    hooks: frozenset[str] = frozenset()
    picked: str = ""
    unlabelled: str = ""
    soup: int = 0
    ensemble: int = 0
    seed: int = 0

    @property
    def teacher(self) -> str:
        """The variant whose word about the unlabelled text is taken, with `OF_THREE`."""
        parts = [part for part in self.name.split("@")[0].split("+") if part != OF_THREE]
        return "+".join(parts) or "default"


def variant(name: str) -> Variant:
    """The variant of this name. ValueError for a part that is none."""
    whole, _, seed = name.partition("@")
    made = Variant(name, seed=int(seed or 0))
    for part in whole.split("+"):
        if part in SETTINGS:
            made = replace(made, settings=made.settings | SETTINGS[part])
        elif part in HOOKS:
            made = replace(made, hooks=made.hooks | {part})
        elif part in STRATEGIES:
            made = replace(made, picked=part)
        elif part in (SOFT, OF_THREE):
            made = replace(made, unlabelled=part)
        elif part.startswith(("soup", "ens")):
            made = replace(made, **{"soup" if part[0] == "s" else "ensemble": int(part[-1])})
        else:
            known = ", ".join([*SETTINGS, *HOOKS, *STRATEGIES, SOFT, OF_THREE, "soupN", "ensN"])
            raise ValueError(f"there is no part {part!r} of a variant; there are {known}")
    return made


class ExtraLoss(loss.TokenLoss):
    """The loss of a training, with label smoothing or R-Drop."""

    smoothing = 0.0
    rdrop = 0.0

    def __call__(self, outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
        total = super().__call__(outputs, labels, num_items_in_batch)
        known, logits = labels != UNKNOWN, outputs.logits.float()
        items = known.sum() if num_items_in_batch is None else num_items_in_batch
        items = torch.as_tensor(items, device=logits.device).clamp(min=1)
        if self.smoothing:
            flat = -logits[known].log_softmax(-1).mean(-1).sum() / items
            total = (1 - self.smoothing) * total + self.smoothing * flat
        if self.rdrop:
            one, two = logits.log_softmax(-1).chunk(2)
            apart = ((one.exp() - two.exp()) * (one - two)).sum(-1)
            total = total + self.rdrop * (apart * known.chunk(2)[0]).sum() / items
        return total


class Doubled(trainer.BudgetLoader):
    """Each window twice, for R-Drop (Liang et al. 2021)."""

    def __init__(self, shown: Any, *, batch_sampler: Any, collate_fn: Any) -> None:
        def twice(windows: Sequence[Any]) -> Any:
            return collate_fn([*windows, *windows])

        super().__init__(shown, batch_sampler=batch_sampler, collate_fn=twice)


class Averaged(trainer.Steps):
    """The mean of the weights after each step of the second half, at the end."""

    def on_step_end(self, args: Any, state: Any, control: Any, **told: Any) -> None:
        super().on_step_end(args, state, control, **told)
        if 2 * state.global_step < state.max_steps:
            return
        model, kept = told["model"], vars(self)
        kept["number"] = kept.get("number", 0) + 1
        with torch.no_grad():
            if "mean" not in kept:
                kept["mean"] = {name: p.detach().clone() for name, p in model.named_parameters()}
            for name, p in model.named_parameters():
                kept["mean"][name] += (p - kept["mean"][name]) / kept["number"]

    def on_train_end(self, _args: Any, _state: Any, _control: Any, *, model: Any, **_: Any) -> None:
        with torch.no_grad():
            for name, p in model.named_parameters():
                p.copy_(vars(self)["mean"][name])


def trained(
    pipe: Any,
    golds: Sequence[Gold],
    made: Variant,
    seed: int,
    rest: Sequence[Doc],
    folder: Path,
    targets: Sequence[NDArray[np.float32]] | None = None,
) -> Any:
    """Train as the variant says. ``rest``: text without labels, for variants that learn from it; ``targets``:
    what is said of it, ``[unit, tag]`` each, None: what a first training says. Gives the report."""
    unlabelled = {"unlabelled": len(rest)} if made.unlabelled else {}
    config = TrainConfig(seed=seed + 1000 * made.seed, **made.settings, **unlabelled)
    if "drop0" in made.hooks or "drop2" in made.hooks:
        for module in pipe.hf_model().modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.2 if "drop2" in made.hooks else 0.0
    with ExitStack() as stack:
        put = lambda where, name, what: stack.enter_context(_instead(where, name, what))  # noqa: E731
        if "swa" in made.hooks:
            put(trainer, "Steps", Averaged)
        if "rdrop" in made.hooks:
            put(trainer, "BudgetLoader", Doubled)
            put(ExtraLoss, "rdrop", 1.0)
        if "smooth" in made.hooks:
            put(ExtraLoss, "smoothing", 0.1)
        if targets is not None:
            seen = Unlabelled(pipe.encode(rest), np.concatenate(targets))
            put(train, "as_seen_now", lambda *_, **__: seen)
        put(loss, "TokenLoss", ExtraLoss)
        return train.train(pipe, golds, config, unlabelled=rest, folder=folder)


@contextmanager
def _instead(where: Any, name: str, what: Any) -> Iterator[None]:
    before = getattr(where, name)
    setattr(where, name, what)
    try:
        yield
    finally:
        setattr(where, name, before)


def show_case(pipe: Any, hooks: frozenset[str]) -> None:
    """Show the encoder where a word begins with a capital: a dagger before it, which its vocabulary has and
    hardly any text. Its own tokenizer makes all letters small.

    ``case``: the dagger is the first wordpiece of its word, from which the word's tag is learned. ``case2``:
    it only says how the word is written, and the tag is learned behind it. ``case3``: the same, with a mark
    of its own for words that begin with two capitals.
    """
    from tokenizers import Regex, normalizers

    wordpieces._WORD_BEGINS = (*_WORD_BEGINS, "†", "‡") if hooks & {"case2", "case3"} else _WORD_BEGINS
    if not hooks & {*CASES}:
        return
    backend = pipe.tokenizer().backend_tokenizer
    marks = [(_BEGINS + letter, f"†{letter}") for letter in ascii_uppercase]
    if "case3" in hooks:
        two = [(_BEGINS + letter + r"(?=\p{Lu})", f"‡{letter}") for letter in ascii_uppercase]
        marks = [*two, *((r"(?<!‡)" + pattern, mark) for pattern, mark in marks)]
    replaced = [normalizers.Replace(Regex(pattern), mark) for pattern, mark in marks]
    backend.normalizer = normalizers.Sequence([*replaced, backend.normalizer])


def judged(pipe: Any, golds: Sequence[Gold], logprobs: Sequence[NDArray[np.float32]]) -> dict[str, Any]:
    """Strict F1 on these sentences of what was said of them, the hits, false alarms and misses of each label,
    and the expected calibration error at temperature 1 and at the fitted one."""
    counts = {label: Counter[str]() for label in pipe.labels}
    shapes = pipe.predict([gold.doc for gold in golds])
    scores = [replace(shape, logprobs=rows) for shape, rows in zip(shapes, logprobs, strict=True)]
    for gold, one in zip(golds, scores, strict=True):
        true = {(span.start, span.end, span.label) for span in gold.spans}
        found = {(s.start, s.end, s.label) for s in pipe.decode(one)}
        for name, spans in (("hits", true & found), ("false", found - true), ("missed", true - found)):
            for _, _, label in spans:
                counts[label][name] += 1
    return {
        "micro": _f1(sum(counts.values(), Counter[str]())),
        "macro": mean(map(_f1, counts.values())),
        "counts": {label: dict(found) for label, found in counts.items()},
        "ece": calibration(pipe, golds, scores),
    }


def _f1(found: Counter[str]) -> float:
    return 2 * found["hits"] / max(2 * found["hits"] + found["false"] + found["missed"], 1)
