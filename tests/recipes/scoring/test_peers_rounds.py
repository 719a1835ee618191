"""What the nearest equivalents get wrong about evaluation, each as a test here.

D7: prodigy-hf evaluates on the training examples where no eval set is given, and says so in a log line only.
D11: a widely copied snippet draws the split twice, so that 80 % of its eval examples are in train as well.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.commands import done, jsonl_file, refused
from support.projects import sentences

from spanloop.recipes.files.importing import import_files
from spanloop.recipes.project.init import init
from spanloop.store import Store
from spanloop.store.records import NewDocument


def test_d7_without_an_eval_split_nothing_is_scored_and_nothing_trained(
    tmp_path: Path, encoder: Path
) -> None:
    db = tmp_path / "p.db"
    init(db, labels=["PER", "LOC"], model=str(encoder), eval_fraction=0)
    import_files(db, [jsonl_file(tmp_path / "pool.jsonl", *sentences(20, "p"))])
    for command in (("retrain", db), ("train-curve", db)):
        message = refused(*command)
        assert "there is no gold in the eval split" in message
        assert "--split eval" in message
    assert done("status", db, "--json")["rounds"] == []


def test_d7_a_round_is_scored_on_documents_it_was_not_trained_on(tmp_path: Path, encoder: Path) -> None:
    db = tmp_path / "p.db"
    init(db, labels=["PER", "LOC"], model=str(encoder), eval_fraction=0.3)
    import_files(db, [jsonl_file(tmp_path / "all.jsonl", *sentences(60, "p"))])
    done("retrain", db, "--epochs", 1, "--allow-leaks")
    with Store.open(db) as store:
        trained, scored = (
            {gold.document.key for gold in store.annotations.gold_of(store.rounds.annotation_ids(1, role))}
            for role in ("train", "eval")
        )
        everything = {document.key for document in store.documents.iterate()}
    assert trained | scored == everything
    assert not trained & scored
    assert trained
    assert scored


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    seed=st.integers(0, 2**31),
    fraction=st.floats(0, 1),
    groups=st.lists(st.one_of(st.none(), st.integers(0, 9)), min_size=1, max_size=60),
    batches=st.integers(1, 4),
)
def test_d11_the_split_is_a_partition_by_group_however_often_it_is_drawn(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    fraction: float,
    groups: list[int | None],
    batches: int,
) -> None:
    documents = [
        NewDocument(f"text number {n}", key=str(n), group=None if group is None else f"g{group}")
        for n, group in enumerate(groups)
    ]
    path = tmp_path_factory.mktemp("split") / "p.db"
    options = {"labels": ["PER"], "base_model": "offline", "eval_fraction": fraction, "seed": seed}
    with Store.create(path, **options) as store:  # type: ignore[arg-type]
        for batch in range(batches):
            store.documents.add(documents[batch::batches])
        first = {document.key: document.split for document in store.documents.iterate()}
        store.documents.add(documents)  # the same file again
        store.documents.add([NewDocument(d.text, key=f"copy of {d.key}") for d in documents])
        split = {document.key: document.split for document in store.documents.iterate()}
        pool, scored = (set(store.documents.ids(split=side)) for side in ("pool", "eval"))
    assert not pool & scored
    assert len(pool | scored) == 2 * len(documents)
    assert all(split[key] == side for key, side in first.items())
    assert all(split[f"copy of {key}"] == side for key, side in first.items())
    sides: dict[str, set[str | None]] = {}
    for document in documents:
        if document.group:
            sides.setdefault(document.group, set()).add(split[document.key])
    assert all(len(found) == 1 for found in sides.values())


def test_d11_the_share_of_eval_is_the_one_asked_for(tmp_path: Path) -> None:
    with Store.create(
        tmp_path / "p.db", labels=["PER"], base_model="offline", eval_fraction=0.2, seed=3
    ) as store:
        store.documents.add(NewDocument(f"text number {n}") for n in range(5000))
        share = store.documents.count("eval") / 5000
    assert abs(share - 0.2) < 4 * (0.2 * 0.8 / 5000) ** 0.5  # four standard deviations of a fair draw
