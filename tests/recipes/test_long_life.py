"""One project lives through rounds with every kind of change in between. After each round its gold, its
queue, its figures, what comes back from exports and backups, and the round trained again are held to an
account that the test keeps.

``make test`` puts the ten changes into two rounds; ``make life`` lives ten.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.life import CHANGES, Life

from spanloop.recipes import (
    TrainConfig,
    backup,
    check,
    export,
    export_project,
    import_files,
    import_project,
    init,
    reproduce,
    retrain,
)
from spanloop.store import Store

ROUNDS = int(os.environ.get("SPANLOOP_LIFE", "2"))
SETTINGS = TrainConfig(epochs=1, batch_wordpieces=256)


def golds(db: Path) -> dict[str, list[tuple[int, int, str]]]:
    with Store.open(db) as store:
        return {
            g.document.key: sorted((s.start, s.end, s.label) for s in g.spans)
            for g in store.annotations.gold()
        }


def standing(db: Path) -> list[object]:
    """What a copy must agree on: disputes, queue, rounds and their figures."""
    with Store.open(db) as store:
        store.run("DELETE FROM leases")
        return [
            store.rows("SELECT key, annotators FROM conflicts"),
            store.rows("SELECT document_id, state, gold, answered_by FROM queue"),
            [item.document.key for item in store.queue.next("dora", n=50, random_share=0.0)],
            [(row.number, row.promoted, row.state) for row in store.rounds.all()],
            [store.rounds.scores(row.number) for row in store.rounds.all()],
        ]


def check_life(life: Life, folder: Path) -> None:
    """Everything that can be asked, against the account."""
    account, gold = life.account, life.account.gold()
    assert golds(life.db) == gold
    with Store.open(life.db) as store:
        assert [row[0] for row in store.rows("SELECT key FROM conflicts")] == account.keys("conflict")
        assert store.queue.states.stale() == []
        counts = [store.queue.counts(split) for split in ("pool", "eval")]
        number = store.rounds.all()[-1].number
        figures = {
            s.label or s.average: s for s in store.rounds.scores(number, "eval") if s.metric == "strict"
        }
    assert sum(one["total"] for one in counts) == len(account.texts)
    assert sum(one["gold"] for one in counts) == len(gold)
    spans = [label for found in account.gold("eval").values() for _, _, label in found]
    assert figures["micro"].support == len(spans)
    assert {label: figures[label].support for label in set(spans)} == {
        label: spans.count(label) for label in spans
    }
    assert [problem for problem in check(life.db).problems if "has no folder" not in problem.what] == []
    assert reproduce(life.db, number).same

    folder.mkdir()
    export(life.db, folder / "gold.jsonl")
    labels = [name for number, name in enumerate(account.names) if account.reads[number] == number]
    init(folder / "again.db", labels=labels)
    import_files(folder / "again.db", [folder / "gold.jsonl"])
    assert golds(folder / "again.db") == gold
    export_project(life.db, folder / "whole.jsonl")
    import_project(folder / "lines.db", folder / "whole.jsonl")
    backup(life.db, folder / "backup.db")
    now = standing(life.db)
    for copy in ("lines.db", "backup.db"):
        assert golds(folder / copy) == gold
        assert standing(folder / copy) == now


@pytest.mark.long
def test_a_project_lives_through_every_kind_of_change(tmp_path: Path, encoder: Path) -> None:
    (tmp_path / "place0").mkdir()
    life = Life.begin(tmp_path / "place0", encoder)
    years = [CHANGES[k * len(CHANGES) // ROUNDS : (k + 1) * len(CHANGES) // ROUNDS] for k in range(ROUNDS)]
    for year, changes in enumerate(years):
        for change in changes:
            change(life)
        life.answer(2)
        retrain(life.db, SETTINGS, promote="yes", allow_leaks=True)
        check_life(life, tmp_path / f"year{year}")
    with Store.open(life.db) as store:
        assert len(store.rounds.all()) == ROUNDS
