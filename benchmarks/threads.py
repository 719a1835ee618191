"""What waiting threads cost: training steps a second with OMP_WAIT_POLICY as it is and PASSIVE, alone and
beside a busy process.

    python benchmarks/threads.py [--pairs 3] [--seconds 7]

A model of the size of the offline one, random weights, 16 sentences of 32 wordpieces a step, bfloat16, as
many threads as torch takes by itself. Each pair runs both one after the other, in processes of their own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from statistics import median

from common import arguments, keep, say

STEPS = """
import sys, time, torch
from transformers import BertConfig, BertForTokenClassification
torch.manual_seed(0)
model = BertForTokenClassification(BertConfig(
    hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536, num_labels=13))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
ids, labels = torch.randint(5, 30000, (16, 32)), torch.randint(0, 13, (16, 32))
steps, begin = -3, time.perf_counter()
while steps < 1 or time.perf_counter() - begin < float(sys.argv[1]):
    if steps == 0:
        begin = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16):
        loss = model(input_ids=ids, labels=labels).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    steps += 1
print(steps / (time.perf_counter() - begin))
"""


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--pairs", type=int, default=3, help="alone and beside, each (3)")
    parser.add_argument("--seconds", type=float, default=7.0, help="of training a process (7)")
    options = parser.parse_args()
    rows = []
    for name, surroundings in (("alone", nullcontext), ("beside a busy process", busy)):
        say(f"{name}: {2 * options.pairs} processes, each {options.seconds:.0f} s and its start ...")
        with surroundings():
            pairs = [
                (steps("", options.seconds), steps("PASSIVE", options.seconds)) for _ in range(options.pairs)
            ]
        told = ", ".join(f"{as_is:.2f} and {passive:.2f}" for as_is, passive in pairs)
        ratio = median(passive / as_is for as_is, passive in pairs)
        print(f"{name}: {told} steps/s as it is and PASSIVE, median ratio {ratio:.2f}", flush=True)
        rows.append({"where": name, "steps_a_second": pairs, "median_ratio": ratio})
    keep(options, rows)


def steps(policy: str, seconds: float) -> float:
    """Training steps a second in a new process."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
    if policy:
        environment["OMP_WAIT_POLICY"] = policy
    command = [sys.executable, "-c", STEPS, str(seconds)]
    return float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


@contextmanager
def busy() -> Iterator[None]:
    """A process beside that never waits."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        try:
            yield
        finally:
            process.kill()


if __name__ == "__main__":
    main()
