"""A round trained again after its labels were renamed, retired and merged: gold and labels as they were."""

from __future__ import annotations

import json
from pathlib import Path

from support.commands import done
from support.projects import build
from support.store_making import say
from support.tiny_models import build_tiny

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.rounds.reproduce import reproduce
from spanloop.recipes.training.retrain import retrain
from spanloop.store import Store


def test_a_round_is_made_again_of_the_unit_that_it_had(tmp_path: Path) -> None:
    """And one of an earlier schema, which did not keep the unit: all of them labelled tokens. What was no
    setting then was done so: the head learned as fast as the encoder, and all of it learned."""
    db = build(tmp_path, build_tiny(tmp_path / "encoder", head=False))
    retrain(db, TrainConfig(epochs=1, freeze="none", head_rate=1.0))
    done("project", db, "set", "--unit", "wordpiece")
    with Store.open(db) as store:
        row = store.rounds.get(1)
        assert row.parameters["made_of"]["unit"] == "token"
        assert (store.project_of(row).unit, store.project.unit) == ("token", "wordpiece")
    assert reproduce(db, 1).same
    with Store.open(db) as store:
        since = ("made_of", "label_ids", "freeze", "head_rate")
        kept = {name: value for name, value in row.parameters.items() if name not in since}
        store.run("UPDATE rounds SET parameters = ? WHERE number = 1", (json.dumps(kept),))
    assert reproduce(db, 1).same


def test_labels_that_changed_since_change_no_round(tmp_path: Path) -> None:
    """One merge before the training, which counts in it; one after it into which the first flows, which does
    not; and what was retired then stays out although it was merged later."""
    db = build(tmp_path, build_tiny(tmp_path / "encoder", head=False))
    for label in ("NICK", "OLD", "THING", "OTHER"):
        done("labels", db, "add", label)
    with Store.open(db) as store:
        first, second, third = [gold.document.id for gold in store.annotations.gold(split="pool")][:3]
        store.annotations.add(say(first, "import", "0-3:NICK"))
        store.annotations.add(say(second, "import", "0-3:OLD 4-7:THING"))
        store.annotations.add(say(third, "import", "4-7:THING"))
    done("labels", db, "merge", "NICK", "PER")
    done("labels", db, "retire", "OLD")
    retrain(db, TrainConfig(epochs=1))
    assert reproduce(db, 1).same

    done("labels", db, "rename", "PER", "HUMAN")
    done("labels", db, "retire", "THING")
    done("labels", db, "merge", "HUMAN", "LOC")  # NICK reads as LOC from now on
    done("labels", db, "add", "OLD")
    done("labels", db, "merge", "OLD", "LOC")
    with Store.open(db) as store:
        kept = store.annotations.gold_of(store.rounds.annotation_ids(1), store.rounds.label_map(1))
        then = {gold.document.id: [(s.start, s.end, s.label) for s in gold.spans] for gold in kept}
    assert then[first] == [(0, 3, "PER")]
    assert then[second] == [(4, 7, "THING")]
    assert done("rounds", db, "reproduce", 1).strip() == "round 1 came out the same, to the bit"
