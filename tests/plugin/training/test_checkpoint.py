from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from support.checkpointed import CONFIG, Killed, run
from support.places import ROOT
from support.tiny_models import build_tiny

from spanloop.plugin.training.checkpoint import newest
from spanloop.plugin.training.config import Freeze
from spanloop.plugin.training.validation import InnerSlice


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny(tmp_path_factory.mktemp("tiny"), sharpness=1.0, layers=2)


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


def test_a_refit_that_is_killed_goes_on_in_the_half_that_it_was_in(tiny: Path, tmp_path: Path) -> None:
    config = replace(CONFIG, epochs=2, patience=None, refit=True)
    whole, weights, told = run(tiny, tmp_path / "whole", config)
    assert told == sorted(told)
    with pytest.raises(Killed):
        run(tiny, tmp_path / "killed", config, kill_at=0.8)
    report, resumed, told = run(tiny, tmp_path / "killed", config)
    assert told[0] > 0.7
    assert torch.equal(weights, resumed)
    assert (report.losses, report.held_out_f1) == (whole.losses, whole.held_out_f1)
    assert report.calibration == whole.calibration


def test_a_first_training_that_was_stopped_early_is_not_gone_on_with(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The third epoch, which it never had, would be the best."""
    monkeypatch.setattr(InnerSlice, "_score", lambda inner: [0.5, 0.4, 0.9, 0.8][len(inner.f1)])
    config = replace(CONFIG, patience=1, unlabelled=2)
    texts = ["Neil met Angela in Rome", "Nobody met Barack"]
    whole, weights, _ = run(tiny, tmp_path / "whole", config, unlabelled=texts)
    assert whole.held_out_f1 == [0.5, 0.4]
    with pytest.raises(Killed):
        run(tiny, tmp_path / "killed", config, kill_at=0.55, unlabelled=texts)
    report, resumed, told = run(tiny, tmp_path / "killed", config, unlabelled=texts)
    assert told[0] > 0.48  # nothing of the first training is done again
    assert torch.equal(weights, resumed)
    assert report.losses == whole.losses


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
from support import checkpointed
def kill(share, text):
    if share >= 0.6:
        os.kill(os.getpid(), signal.SIGKILL)
checkpointed.train = lambda *a, progress, **more: really_train(*a, progress=kill, **more)
from spanloop.plugin.training.train import train as really_train
checkpointed.run(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.mark.slow
def test_after_kill_9_it_goes_on(tiny: Path, tmp_path: Path) -> None:
    folder = ROOT / "tests"
    command = [sys.executable, "-c", SCRIPT, str(tiny), str(tmp_path / "killed"), str(folder)]
    killed = subprocess.run(command, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    _, weights, _ = run(tiny, tmp_path / "whole")
    _, resumed, told = run(tiny, tmp_path / "killed")
    assert told[0] > 0.5
    assert torch.equal(weights, resumed)
