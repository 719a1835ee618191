"""Several processes train as one: the same steps, the same loss."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import json, os, sys
from pathlib import Path
import spacy, torch
from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.tagging.gold import Gold
from spanloop.plugin.training.config import TrainConfig
from spanloop.plugin.training.train import train

nlp = spacy.blank("en")
pipe = nlp.add_pipe("hf_token_classifier", config={"model": sys.argv[1]})
model = pipe.hf_model()
for module in model.modules():
    if isinstance(module, torch.nn.Dropout):
        module.p = 0.0
model.bert.encoder.layer[0].attention.self.dropout_prob = 0.0
names = ["Ann", "Angela Merkel", "O'Neil"]
texts = [names[k % 3] + " met no one" + " in Rome" * (k % 5) for k in range(7)]
golds = [Gold(nlp.make_doc(t), (CharSpan(0, len(names[k % 3]), "PER"),)) for k, t in enumerate(texts)]
config = TrainConfig(epochs=3, bf16=False, batch_wordpieces=48, class_weights="sqrt", accumulate=2)
rank = os.environ.get("RANK", "0")
report = train(pipe, golds, config, folder=Path(sys.argv[2]))
Path(sys.argv[2], f"report-{rank}.json").write_text(json.dumps([report.steps, report.losses]))
"""


def run(tiny: Path, folder: Path, *, processes: int) -> list[tuple[int, list[float]]]:
    """Steps and losses of each process."""
    (folder / "script.py").write_text(SCRIPT)
    out = folder / f"out-{processes}"
    out.mkdir()
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    command = [
        sys.executable,
        *(launcher if processes > 1 else []),
        str(folder / "script.py"),
        str(tiny),
        str(out),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return [tuple(json.loads(path.read_text())) for path in sorted(out.glob("report-*.json"))]


@pytest.mark.slow
def test_two_processes_take_the_steps_of_one(tiny: Path, tmp_path: Path) -> None:
    ((steps, losses),) = run(tiny, tmp_path, processes=1)
    both = run(tiny, tmp_path, processes=2)
    assert [found[0] for found in both] == [steps, steps]
    assert both[0][1] == pytest.approx(losses, rel=1e-4)
