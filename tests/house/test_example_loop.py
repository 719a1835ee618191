"""The example of the loop in Python runs as a user would run it, and says what it should."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.places import ROOT

from spanloop.store import Store

EXAMPLE = ROOT / "examples" / "loop.py"
# two rounds of a real encoder: a busy machine takes longer than the limit of the others
pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


@pytest.mark.slow
def test_example_loop_trains_two_rounds_and_leaves_a_pipeline_that_spacy_loads(tmp_path: Path) -> None:
    folder = tmp_path / "example"
    run = subprocess.run(
        [sys.executable, str(EXAMPLE), str(folder)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert len(re.findall(r"^asked next: ", run.stdout, flags=re.MULTILINE)) == 3
    assert "('plot 14', 'PLACE'" in run.stdout.splitlines()[-1]
    with Store.open(folder / "garden.db") as store:
        assert [(row.state, row.promoted) for row in store.rounds.all()] == [("done", False), ("done", True)]
        first, second = (set(store.rounds.annotation_ids(number, "train")) for number in (1, 2))
        assert first < second
        assert len(second - first) == 60
