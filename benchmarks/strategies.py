"""How long the end of a prelabel takes that puts the queue in order, and the next batch after it:
``python benchmarks/strategies.py --documents 1000000``.

Documents, scores and embeddings are made up (seeded); the strategies and the store are those of a project.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from common import arguments, keep

from spanloop.recipes.active_learning import registry
from spanloop.recipes.active_learning.pool import Ints
from spanloop.recipes.active_learning.strategy import PoolStrategy
from spanloop.recipes.suggest.arranging import Asking, arrange_by
from spanloop.store import Store
from spanloop.store.records import NewDocument, NewModel

LABELS = ("PER", "LOC", "ORG", "MISC")
SAID: list[dict[str, str]] = []  # every line that was printed, for --json


class MadeUp(Asking):
    """The store answers what it knows; the embeddings are made up, as wide as those of MiniLM."""

    def __init__(self, store: Store, model_id: int) -> None:
        labels = {label.name: label.id for label in store.labels.all()}
        self.store = store
        self.source = SimpleNamespace(model_id=model_id, labels=labels)  # type: ignore[assignment]

    def embeddings(self, ids: Ints) -> np.ndarray:
        return np.random.default_rng(0).normal(size=(len(ids), 384)).astype(np.float32)


def fill(store: Store, documents: int) -> int:
    """Documents of the pool with what a model has said of them; gives the model's id."""
    store.documents.add(NewDocument(f"made up {n}", key=f"d{n}") for n in range(documents))
    model_id = store.models.add(NewModel("made up", "hf", "made up")).id
    chance = np.random.default_rng(1)
    ids = np.fromiter(store.documents.ids(), dtype=np.int64)
    columns: Mapping[str, Sequence[float]] = {
        "mnlp": chance.exponential(0.2, len(ids)).tolist(),
        "count:tokens": chance.integers(5, 60, len(ids)).astype(float).tolist(),
        "count:information": chance.exponential(0.01, len(ids)).tolist(),
    }
    for name, scores in columns.items():
        store.acquisition.add(model_id, name, zip(ids.tolist(), scores, strict=True))
    for label in store.labels.all():
        some = ids[chance.random(len(ids)) < 0.4]
        scores = chance.exponential(0.3, len(some)) + 0.01
        store.acquisition.add(model_id, f"count:{label.id}", zip(some.tolist(), scores.tolist(), strict=True))
    return model_id


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def say(name: str, figure: str) -> None:
    """One line."""
    print(f"{name:<44} {figure}", flush=True)
    SAID.append({"what": name, "figure": figure})


def main() -> None:
    """Run it all."""
    parser = arguments(__doc__)
    parser.add_argument("--documents", type=int, default=100_000, help="in the store (100,000)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "project.db"
        with Store.create(path, labels=list(LABELS), base_model="offline", eval_fraction=0.0) as store:
            say("documents", f"{options.documents:,}")
            model_id = fill(store, options.documents)
            for strategy in ("bald_spans", "expected_spans", "diversity"):
                one = registry.by_name(strategy)
                assert isinstance(one, PoolStrategy)
                ask = MadeUp(store, model_id)
                took = seconds(lambda s=strategy, o=one, a=ask: arrange_by(store, model_id, s, o, a))  # type: ignore[misc]
                say(f"{strategy}: scores of all open documents", f"{took:.1f} s")
                took = seconds(lambda s=strategy: store.queue.prioritise(s, model_id))  # type: ignore[misc]
                say(f"{strategy}: the order of the queue", f"{took:.1f} s")
                took = seconds(lambda: store.queue.next("anna", n=20))
                say(f"{strategy}: the next batch of 20", f"{took * 1000:.0f} ms")
                store.queue.release("anna")
    keep(options, SAID)


if __name__ == "__main__":
    main()
