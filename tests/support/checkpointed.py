"""A training that keeps checkpoints and can be killed at a share of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import spacy
import torch

from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.tagging.gold import Gold
from spanloop.plugin.training.config import TrainConfig
from spanloop.plugin.training.train import TrainReport, train

CONFIG = TrainConfig(
    epochs=4, learning_rate=5e-3, bf16=False, batch_wordpieces=128, patience=4, checkpoint_seconds=0
)


class Killed(Exception):
    """Stands for whatever ends a process."""


def run(
    tiny: Path,
    folder: Path,
    config: TrainConfig = CONFIG,
    *,
    kill_at: float | None = None,
    unlabelled: Sequence[str] = (),
) -> tuple[TrainReport, torch.Tensor, list[float]]:
    """Train on sixty sentences, and on texts without labels; the report, all weights, and the progress."""
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("hf_token_classifier", config={"model": str(tiny)})
    texts = [f"{('Angela', 'Neil')[k % 2]} met {('Barack', 'no one')[k % 3 == 0]} in Rome" for k in range(60)]
    golds = [Gold(nlp.make_doc(text), (CharSpan(0, text.index(" "), "PER"),)) for text in texts]
    told: list[float] = []

    def progress(share: float, _text: str) -> None:
        told.append(share)
        if kill_at is not None and share >= kill_at:
            raise Killed

    texts = [nlp.make_doc(text) for text in unlabelled]
    report = train(pipe, golds, config, unlabelled=texts, progress=progress, folder=folder)
    return report, torch.cat([p.flatten() for p in pipe.hf_model().parameters()]).detach(), told
