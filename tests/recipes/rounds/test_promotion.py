"""Promotion with real trainings: a worse round is refused and says why; a promoted one counts at once, and
its suggestions come to the next documents first."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.commands import done, jsonl_file
from support.projects import build, sentences

from spanloop.store import Store
from spanloop.store.records import AnnotatedSpan, NewAnnotation

TRAINING = ("--epochs", 12, "--lr", 0.005, "--batch-wordpieces", 256)
# Says how many documents have their suggestions after each transaction, and goes on when it reads a line.
STEPPED_PRELABEL = """
import sys
from spanloop.recipes.suggest.prelabel import prelabel

def step(done, total, what):
    print(done, flush=True)
    sys.stdin.readline()

prelabel(sys.argv[1], progress=step)
"""


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> Path:
    """A folder with a project: 84 gold documents, one good round, promoted, and enough eval to judge by."""
    folder = tmp_path_factory.mktemp("good")
    db = build(folder, encoder)
    done("import", db, jsonl_file(folder / "pool2.jsonl", *sentences(60, "q")))
    done("import", db, jsonl_file(folder / "eval2.jsonl", *sentences(40, "x")), "--split", "eval")
    first = done("retrain", db, *TRAINING, "--allow-leaks", "--json")
    assert first["promoted"]
    assert first["micro"]["f1"] > 0.8
    return folder


@pytest.fixture
def db(good: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    shutil.copytree(good, tmp_path / "copy")
    return tmp_path / "copy" / "p.db"


def shuffle_labels(db: Path) -> None:
    """Somebody answers every gold document of the pool anew, with labels by chance."""
    rng = random.Random(0)
    with Store.open(db) as store, store.write():
        for gold in list(store.annotations.gold(split="pool")):
            spans = [AnnotatedSpan(s.start, s.end, rng.choice(["PER", "LOC"])) for s in gold.spans]
            answer = NewAnnotation(
                f"shuffled-{gold.annotation_id}",
                gold.document.id,
                "mal",
                "human",
                "accept",
                tuple(spans),
            )
            store.annotations.add(answer)


def test_a_round_from_shuffled_labels_is_refused_and_says_why(db: Path) -> None:
    shuffle_labels(db)
    second = done("retrain", db, *TRAINING, "--allow-leaks", "--json")
    assert not second["promoted"]
    assert second["reason"].startswith("not promoted over round 1: strict micro F1 ")
    assert ": worse)" in second["reason"]
    assert f"to use it all the same: spanloop rounds {db} promote 2" in second["reason"]
    assert done("status", db, "--json")["promoted"] == 1
    assert done("evaluate", db, "--json")["round"] == 1
    assert done("prelabel", db, "--json")["model"] == "round 1"


def test_people_have_the_last_word_and_can_go_back(db: Path) -> None:
    shuffle_labels(db)
    assert done("retrain", db, *TRAINING, "--allow-leaks", "--promote", "yes", "--json")["promoted"]
    assert done("status", db, "--json")["promoted"] == 2
    done("rounds", db, "rollback")
    assert done("status", db, "--json")["promoted"] == 1
    done("rounds", db, "promote", 2)
    assert done("prelabel", db, "--json")["model"] == "round 2"


def test_status_proposes_what_is_left_to_do(db: Path, tmp_path: Path) -> None:
    assert next_step(db).startswith(f"spanloop prelabel {db} (132 documents without its suggestions)")
    done("prelabel", db)
    assert next_step(db) == f"spanloop correct {db}"
    done("import", db, jsonl_file(tmp_path / "new.jsonl", {"text": "Bob is new"}))
    assert next_step(db).startswith(f"spanloop prelabel {db} (1 document without")


def next_step(db: Path) -> str:
    return str(done("status", db)).rstrip().rpartition("Next: ")[2]


@pytest.mark.slow
def test_after_a_promotion_the_head_of_the_queue_is_fresh_before_its_tail(db: Path, tmp_path: Path) -> None:
    """While another process pre-annotates, what the new round has said of is at any moment the beginning of
    the queue, and it is there long before the end is."""
    texts: list[dict[str, Any]] = [{"text": f"Ann met {n} people in York"} for n in range(400)]
    done("import", db, jsonl_file(tmp_path / "open.jsonl", *texts), "--as", "documents", "--split", "pool")
    done("prelabel", db)
    done("retrain", db, *TRAINING, "--allow-leaks", "--promote", "yes", "--seed", 1)
    with Store.open(db) as store:
        queue = list(store.documents.ids(order="queue"))
        model_id = store.rounds.get(2).model_id or 0
        counts = []
        command = [sys.executable, "-c", STEPPED_PRELABEL, str(db)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            for line in process.stdout:
                count = store.predictions.count(model_id)
                assert count == 8 + int(line)  # eight came with the round
                head = [i for i in queue[:count] if store.predictions.get(i, model_id) is None]
                assert head == [], "something further back came before these"
                counts.append(count)
                process.stdin.write("\n")
        assert process.returncode == 0
        assert counts[0] == 8  # from the end of the training on
        assert 8 < counts[1] <= 16
        assert counts[1] < 200 < counts[-2] < len(queue)
        assert store.predictions.count(model_id) == len(queue)
        (item,) = store.queue.next("me", random_share=0)
        assert item.model is not None
        assert item.model.name == "round 2"
