"""Training on a GPU: finite, resumed, saved for a CPU, and the whole round as the command makes it."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from support.checkpointed import CONFIG, Killed, run
from support.commands import done, jsonl_file, refused
from support.pipe_making import examples, found, make
from support.projects import build, sentences

from spanloop.plugin.model.errors import ModelError
from spanloop.plugin.training.divergence import Diverged
from spanloop.store import Store

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("freeze", ["none", "half"])
def test_the_loss_falls_and_the_model_stays_there(
    tiny: Path, tmp_path: Path, bf16: bool, freeze: str
) -> None:
    config = replace(CONFIG, checkpoint_seconds=None, patience=None, bf16=bf16, freeze=freeze)
    report, weights, _ = run(tiny, tmp_path, config)
    assert weights.is_cuda
    assert all(math.isfinite(loss) for loss in report.losses)
    assert report.losses[-1] < report.losses[0]
    assert report.bf16 is bf16


def test_the_same_seed_gives_nearly_the_same_weights(tiny: Path, tmp_path: Path) -> None:
    config = replace(CONFIG, checkpoint_seconds=None)
    weights = [run(tiny, tmp_path / name, config)[1] for name in ("a", "b")]
    torch.testing.assert_close(weights[0], weights[1], rtol=1e-2, atol=1e-3)


def test_a_killed_training_goes_on_from_its_checkpoint(tiny: Path, tmp_path: Path) -> None:
    whole, weights, _ = run(tiny, tmp_path / "whole")
    with pytest.raises(Killed):
        run(tiny, tmp_path / "killed", kill_at=0.6)
    resumed, again, told = run(tiny, tmp_path / "killed")
    assert told[0] > 0.4
    assert resumed.steps == whole.steps
    torch.testing.assert_close(again, weights, rtol=1e-2, atol=1e-3)


def test_a_training_that_leaves_the_numbers_ends_in_one_line(tiny: Path, tmp_path: Path) -> None:
    config = replace(CONFIG, checkpoint_seconds=None, learning_rate=1e30, epochs=20, patience=None)
    with pytest.raises(Diverged, match="too high"):
        run(tiny, tmp_path, config)


def test_a_step_that_does_not_fit_says_what_to_try(tiny: Path, tmp_path: Path) -> None:
    run(tiny, tmp_path / "warm", replace(CONFIG, checkpoint_seconds=None, epochs=1, patience=None))
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    try:
        torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 2**20) / total)
        with pytest.raises(ModelError, match="does not hold"):
            run(tiny, tmp_path / "full", replace(CONFIG, checkpoint_seconds=None, batch_wordpieces=2048))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def test_a_round_from_the_command_is_used_on_a_cpu(tiny: Path, tmp_path: Path) -> None:
    db = build(tmp_path, tiny)
    done("import", db, jsonl_file(tmp_path / "more.jsonl", *sentences(40, "m")))
    done("retrain", db, "--epochs", 4, "--lr", 5e-3, "--device", "cuda")
    texts = ["Ann met number 7 in Berlin", "Bob went to Tokyo"]
    said = [
        done("predict", *texts, "--model", db, "--device", device, "--json")["documents"]
        for device in ("cuda", "cpu")
    ]
    spans = [
        [[(s["start"], s["end"], s["label"]) for s in one["spans"]] for one in documents]
        for documents in said
    ]
    assert spans[0] == spans[1]
    done("prelabel", db, "--device", "cuda")
    done("prelabel", db, "--device", "cuda", "--precision", "bf16")
    with Store.open(db) as store:
        names = [row[0] for row in store.rows("SELECT name FROM models ORDER BY id")]
    assert names == ["round 1", "round 1 in bf16"]


def test_the_command_refuses_what_is_no_gpu(tiny: Path, tmp_path: Path) -> None:
    db = build(tmp_path, tiny)
    assert "--device = 'gpu' is no device" in refused("retrain", db, "--device", "gpu")
    assert "SPANLOOP_DEVICE = 'cuda:63'" in refused("retrain", db, "--device", "cuda:63")


def test_torchrun_with_one_process_trains_on_the_gpu(tiny: Path, tmp_path: Path) -> None:
    db = build(tmp_path, tiny)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=1"]
    command = [*launcher, "-m", "spanloop.recipes", "retrain", str(db), "--epochs", "1"]
    ended = subprocess.run(command, env={**os.environ}, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]


@pytest.mark.parametrize("told", [False, True])
def test_spacy_trains_a_model_on_the_gpu_whether_it_was_told_to_use_one_or_not(
    tiny: Path, told: bool
) -> None:
    code = (
        "import sys, spacy\n"
        "from pathlib import Path\n"
        f"{'spacy.require_gpu()' if told else ''}\n"
        "from support.pipe_making import examples, found, make\n"
        "nlp, pipe = make(Path(sys.argv[1]))\n"
        "optimizer = nlp.initialize(lambda: examples(nlp))\n"
        "optimizer.learn_rate = 5e-3\n"
        "losses = [nlp.update(examples(nlp), sgd=optimizer)['hf_token_classifier'] for _ in range(40)]\n"
        "assert pipe.hf_model().device.type == 'cuda'\n"
        "with nlp.use_params(optimizer.averages): nlp('Angela Merkel met Obama')\n"
        "assert losses[-1] < losses[0] / 2, losses\n"
    )
    if told:
        pytest.importorskip("cupy")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(
        [sys.executable, "-c", code, str(tiny)], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr[-3000:]


def test_other_pipes_on_the_gpu_change_nothing_of_ours(folder: Path) -> None:
    pytest.importorskip("cupy")
    code = (
        "import sys, spacy\n"
        "from pathlib import Path\n"
        "assert spacy.prefer_gpu()\n"
        "from support.pipe_making import found, make\n"
        "nlp, pipe = make(Path(sys.argv[1]))\n"
        "tagger = nlp.add_pipe('tagger', first=True)\n"
        "tagger.add_label('X')\n"
        "nlp.get_pipe('tagger').initialize(lambda: [spacy.training.Example.from_dict(\n"
        "    nlp.make_doc('Ann ran'), {'tags': ['X', 'X']})], nlp=nlp)\n"
        "print([found(doc) for doc in nlp.pipe(sys.argv[2:])])\n"
    )
    texts = ["Angela Merkel met Barack Obama in New York City.", "LOUD HEADLINES", ""]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code, str(folder), *texts]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    nlp, _ = make(folder, device="cpu")
    assert ended.stdout.strip() == str([found(doc) for doc in nlp.pipe(texts)])


def test_update_in_this_process_leaves_sound_weights(tiny: Path) -> None:
    nlp, pipe = make(tiny, precision="bf16")
    optimizer = nlp.initialize(lambda: examples(nlp))
    optimizer.learn_rate = 5e-3
    for _ in range(40):
        nlp.update(examples(nlp), sgd=optimizer)
    text = "Angela Merkel met Obama"
    low = found(nlp(text))  # the copy in bfloat16 is that of the weights of now
    pipe.network.shim.precision = "fp32"  # type: ignore[attr-defined]
    assert low == found(nlp(text)) != []
