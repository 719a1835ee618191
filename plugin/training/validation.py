"""The inner slice: training gold held out of a training, to watch it by and to fit confidences on.

It is drawn from the training gold, by group. The eval split is never looked at here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_model, save_model
from torch import distributed

from spanloop.plugin.metrics.judged import of_known_labels
from spanloop.plugin.metrics.score import score_spans
from spanloop.plugin.model.device import gpus_in_use
from spanloop.plugin.tagging.calibrate import MIN_DOCUMENTS, Calibration, calibrate
from spanloop.plugin.tagging.gold import Gold, groups_of
from spanloop.plugin.tagging.thresholds import Picked, Wanted, pick

if TYPE_CHECKING:
    from transformers import TrainerState

    from spanloop.plugin.alignment.values import TokenScores
    from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe

F1 = "held_out_f1"
"""What the score of an epoch is called in the state of a training."""
# More would make no figure surer that is worth the training data.
MAX_DOCUMENTS = 200


def hold_out(golds: Sequence[Gold], share: float, seed: int) -> tuple[list[int], list[int]]:
    """The places of the gold to train on and of the inner slice, both ascending.

    Whole groups, in an order that depends on seed and group alone, until the slice has its share or 200
    documents. Documents that were looked at in part are never held out: nobody knows what is right in the
    rest of them. Where chance chose enough of the documents, all of the slice is of these: on what a strategy
    chose because it is hard, confidences would be fitted too low and thresholds chosen too high. Empty under
    50 documents, or where no group is small enough.
    """
    wanted = min(share * len(golds), MAX_DOCUMENTS) if len(golds) >= MIN_DOCUMENTS else 0
    groups = groups_of([gold.group for gold in golds], seed)
    whole = [group for group in groups if all(golds[place].ranges is None for place in group)]
    fair = [group for group in whole if all(golds[place].at_random for place in group)]
    inner: list[int] = []
    for group in fair if sum(map(len, fair)) >= wanted else whole:
        if len(inner) + len(group) <= wanted:
            inner += group
    held = set(inner)
    return [place for place in range(len(golds)) if place not in held], sorted(inner)


@dataclass
class InnerSlice:
    """Watches a training: called after each epoch, True means stop.

    ``patience``: stop when the slice's F1 has not risen for so many epochs, and take the best epoch's
    weights; None: never stop, keep the last. ``bf16``: score as the training computes, which spares laying
    out weights for fp32 that change at the next step.
    """

    pipe: HFTokenClassifierPipe
    golds: Sequence[Gold]
    folder: Path
    patience: int | None = None
    f1: list[float] = field(default_factory=list)
    bf16: bool = False

    def __call__(self) -> bool:
        self.f1.append(_of_the_first(self._score))
        if self.patience is not None and self.best_epoch == len(self.f1) - 1:
            save_model(self.pipe.hf_model(), str(self._best))
        return self.over

    @property
    def over(self) -> bool:
        """Whether the F1 has not risen for so many epochs that the training is to stop."""
        return self.patience is not None and len(self.f1) - 1 - self.best_epoch >= self.patience

    def take_up(self, state: TrainerState) -> None:
        """Know what the epochs of a training scored that goes on."""
        self.f1 = [entry[F1] for entry in state.log_history if F1 in entry]

    def ended_at(self, checkpoint: Path | None) -> TrainerState | None:
        """The state in a checkpoint after which the training was stopped early, None for any other: it would
        go on for epochs that it had not, and one of these might be the best."""
        from transformers import TrainerState

        if self.patience is None or checkpoint is None:
            return None
        state = TrainerState.load_from_json(str(checkpoint / "trainer_state.json"))
        self.take_up(state)
        return state if self.over else None

    @property
    def best_epoch(self) -> int:
        """The first epoch, from 0, with the highest F1."""
        return max(range(len(self.f1)), key=self.f1.__getitem__)

    @property
    def _best(self) -> Path:
        return self.folder / f"best{os.environ.get('RANK', '')}.safetensors"

    def take_best(self) -> None:
        """Put the weights of the best epoch back, if the training was to be stopped early."""
        if self.patience is not None and self.f1:
            load_model(self.pipe.hf_model(), self._best)

    def calibrate(self, wanted: Wanted | None = None) -> tuple[Calibration, Picked | None]:
        """Fit the temperature of the trained pipe, choose the thresholds that are ``wanted`` at it, and set
        both."""
        self.pipe.temperature = 1.0
        if not self.golds:
            nothing = f"under {MIN_DOCUMENTS} documents, or nothing held out"
            picked = None if wanted is None else Picked(wanted, {}, None, None, f"no thresholds: {nothing}")
            return Calibration(1.0, None, None, 0, f"not calibrated: {nothing}"), picked
        scores = self.pipe.predict([gold.doc for gold in self.golds])
        found = calibrate(
            scores,
            [gold.spans for gold in self.golds],
            scheme=self.pipe.scheme,
            viterbi=self.pipe.cfg["viterbi"],
            unknown=[gold.unknown for gold in self.golds],
        )
        self.pipe.temperature = found.temperature
        return found, None if wanted is None else self._pick(scores, wanted)

    def _pick(self, scores: Sequence[TokenScores], wanted: Wanted) -> Picked:
        unknown = [gold.unknown for gold in self.golds]  # what is said of these is neither right nor wrong
        spans = of_known_labels([self.pipe.decode(doc_scores) for doc_scores in scores], unknown)
        picked = pick(spans, [gold.spans for gold in self.golds], wanted)
        self.pipe.threshold = picked.thresholds or None
        return picked

    def _score(self) -> float:
        """Strict micro F1 of the slice as it stands."""
        model = self.pipe.hf_model()
        model.eval()
        as_trained = torch.autocast(model.device.type, torch.bfloat16, enabled=self.bf16)
        with torch.random.fork_rng(devices=gpus_in_use()), as_trained:
            scores = self.pipe.predict([gold.doc for gold in self.golds])
        model.train()
        report = score_spans(
            [gold.spans for gold in self.golds],
            [self.pipe.decode(doc_scores) for doc_scores in scores],
            [list(zip(s.starts.tolist(), s.ends.tolist(), strict=True)) for s in scores],
            self.pipe.labels,
            unknown=[gold.unknown for gold in self.golds],
            bootstrap=0,
        )
        return report.micro.f1


def _of_the_first(score: Callable[[], float]) -> float:
    """The score; with several processes that of the first, so that all of them stop at the same epoch."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return score()
    found = [score() if distributed.get_rank() == 0 else 0.0]
    distributed.broadcast_object_list(found, src=0)
    return found[0]
