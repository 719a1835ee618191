from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import spacy
import torch
from tiny_models import build_tiny

from spanloop.plugin.checkpoint import newest
from spanloop.plugin.freeze import Freeze
from spanloop.plugin.gold import Gold
from spanloop.plugin.spans import CharSpan
from spanloop.plugin.train import TrainConfig, TrainReport, train

CONFIG = TrainConfig(
    epochs=4, learning_rate=5e-3, bf16=False, batch_wordpieces=128, patience=4, checkpoint_seconds=0
)


class Killed(Exception):
    """Stands for whatever ends a process."""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny(tmp_path_factory.mktemp("tiny"), sharpness=1.0, layers=2)


def run(
    tiny: Path, folder: Path, config: TrainConfig = CONFIG, *, kill_at: float | None = None
) -> tuple[TrainReport, torch.Tensor, list[float]]:
    """Train on sixty sentences; the report, all weights, and the progress told."""
    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("hf_token_classifier", config={"model": str(tiny)})
    texts = [f"{('Angela', 'Neil')[k % 2]} met {('Barack', 'no one')[k % 3 == 0]} in Rome" for k in range(60)]
    golds = [Gold(nlp.make_doc(text), (CharSpan(0, text.index(" "), "PER"),)) for text in texts]
    told: list[float] = []

    def progress(share: float, _text: str) -> None:
        told.append(share)
        if kill_at is not None and share >= kill_at:
            raise Killed

    report = train(pipe, golds, config, progress=progress, folder=folder)
    return report, torch.cat([p.flatten() for p in pipe.hf_model().parameters()]).detach(), told


@pytest.mark.parametrize("freeze", ["none", "half"])
def test_a_killed_training_goes_on_and_ends_as_one_that_was_not(
    freeze: Freeze, tiny: Path, tmp_path: Path
) -> None:
    config = replace(CONFIG, freeze=freeze)
    whole, weights, _ = run(tiny, tmp_path / "whole", config)
    with pytest.raises(Killed):
        run(tiny, tmp_path / "killed", config, kill_at=0.6)
    report, resumed, told = run(tiny, tmp_path / "killed", config)
    assert told[0] > 0.5
    assert torch.equal(weights, resumed)
    assert report.losses == whole.losses
    assert report.held_out_f1 == whole.held_out_f1


def test_another_training_does_not_go_on_from_it(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("not ours to remove")
    with pytest.raises(Killed):
        run(tiny, tmp_path, kill_at=0.6)
    _, _, told = run(tiny, tmp_path, replace(CONFIG, seed=1))
    assert told[0] < 0.2
    assert (tmp_path / "thesis.txt").exists()


def test_a_checkpoint_cut_short_is_not_used(tmp_path: Path) -> None:
    for step, text in [(1, '{"global_step": 1}'), (2, '{"global_st'), (3, None)]:
        (tmp_path / f"checkpoint-{step}").mkdir()
        if text is not None:
            (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text(text)
    assert newest(tmp_path) == tmp_path / "checkpoint-1"


SCRIPT = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
import test_checkpoint
def kill(share, text):
    if share >= 0.6:
        os.kill(os.getpid(), signal.SIGKILL)
test_checkpoint.train = lambda *a, progress, folder: test_checkpoint_train(*a, progress=kill, folder=folder)
from spanloop.plugin.train import train as test_checkpoint_train
test_checkpoint.run(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.mark.slow
def test_after_kill_9_it_goes_on(tiny: Path, tmp_path: Path) -> None:
    folder = Path(__file__).parent
    command = [sys.executable, "-c", SCRIPT, str(tiny), str(tmp_path / "killed"), str(folder)]
    killed = subprocess.run(command, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    _, weights, _ = run(tiny, tmp_path / "whole")
    _, resumed, told = run(tiny, tmp_path / "killed")
    assert told[0] > 0.5
    assert torch.equal(weights, resumed)
