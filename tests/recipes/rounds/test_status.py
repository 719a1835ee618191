"""``status --json`` knows what ``status`` says: every number of the text is a number of the JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from support.commands import done, jsonl_file
from support.json_shapes import check_shape
from support.projects import sentences
from support.store_making import add_model, make_store, say

from spanloop.recipes.labelstudio.retry import FailedEvent
from spanloop.recipes.rounds.standings import Standing
from spanloop.recipes.rounds.status import COUNTS, Status
from spanloop.recipes.rounds.status_shape import Inbox
from spanloop.recipes.rounds.watch import look
from spanloop.recipes.scoring.shapes import AlignmentEvents
from spanloop.recipes.training.retrain import retrain
from spanloop.store import Store
from spanloop.store.files.training_lock import Holder
from spanloop.store.records import Round, Score

MOMENT = "2026-01-31T08:05:09.120Z"
# large and not to be met by chance
NUMBERS = st.integers(1_000, 9_999_999) | st.just(0)
SHARES = st.floats(0.001, 0.999)


def events(number: int) -> tuple[FailedEvent, ...]:
    return tuple(FailedEvent(i, "label-studio:x", "saved", "then", "why") for i in range(number))


def a_round(number: int, state: str, promoted: bool = False) -> Round:
    return Round(number, state, None, {}, 0, None, None, None, promoted, MOMENT)  # type: ignore[arg-type]


@st.composite
def scored(draw: st.DrawFn) -> Standing:
    def score() -> Score:
        return Score(
            "eval", "strict", "micro", None, *(draw(SHARES) for _ in range(3)), draw(NUMBERS),
            draw(SHARES), draw(SHARES),
        )  # fmt: skip

    number = draw(st.integers(1, 999))
    accuracy = score() if draw(st.booleans()) else None
    return Standing(a_round(number, "done", draw(st.booleans())), score(), score(), accuracy)


trained = st.builds(
    lambda number, process: Standing(
        a_round(number, "running"), None, None, trainer=Holder(process, "ann", "here", MOMENT, number)
    ),
    st.integers(1_000, 9_999),
    NUMBERS,
)
standings = st.builds(
    Status,
    path=st.just(Path("p.db")),
    task=st.just("spans"),
    labels=st.just(("PER",)),
    documents=st.fixed_dictionaries(
        {split: st.fixed_dictionaries(dict.fromkeys(COUNTS, NUMBERS)) for split in ("pool", "eval")}
    ),
    rounds=st.lists(scored() | trained, max_size=4).map(tuple),
    alignment_events=st.dictionaries(st.sampled_from(["overlap", "edge"]), NUMBERS).map(
        lambda by_reason: AlignmentEvents(sum(by_reason.values()), by_reason)
    ),
    trained_on=NUMBERS,
    new_annotations=NUMBERS,
    unknown_labels=st.dictionaries(st.sampled_from(["ORG", "MISC"]), NUMBERS),
    suggested=NUMBERS,
    to_review=NUMBERS,
    inbox=st.builds(Inbox, NUMBERS, st.integers(0, 40).map(events)),
    refused=st.integers(0, 40).map(lambda n: {f"key{'x' * i}": "refused by tokenizer" for i in range(n)}),
)


def leaves(value: object) -> Iterator[float]:
    """Every number in the JSON, and how long its lists are: those are counted there."""
    if isinstance(value, dict):
        for part in value.values():
            yield from leaves(part)
    elif isinstance(value, list):
        yield len(value)
        for part in value:
            yield from leaves(part)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield value


def numbers_of(text: str) -> list[str]:
    """The numbers that the text says; 95 % is the name of an interval, and the rest of what is left out is
    how many of those counted are not named, and the clock."""
    for said in (r"95 %", r"and [\d,]+ more", r"since [\d: -]+"):
        text = re.sub(said, "", text)
    return re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", text)


@settings(deadline=None, max_examples=50)
@given(standings)
def test_every_number_of_the_text_is_a_number_of_the_json(standing: Status) -> None:
    shown = json.loads(json.dumps(standing.json()))
    check_shape("status", shown)
    known = set()
    for number in leaves(shown):
        known |= {f"{number:,}", str(number)} if isinstance(number, int) else set()
        known |= {f"{number:.4f}", f"{number:.3f}"}
    assert not [number for number in numbers_of(standing.text()) if number not in known]
    assert standing.text().endswith(f"Next: {shown['next_step']}")


def test_the_numbers_are_those_of_the_project(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=5) as store:
        path = store.path
        model = add_model(store, "round 1", kind="round", round=None)
        store.predictions.add(model, [(number, [], {}) for number in (1, 2)])
    done("import", path, jsonl_file(tmp_path / "eval.jsonl", *sentences(3, "e")), "--split", "eval")
    done("import", path, jsonl_file(tmp_path / "pool.jsonl", *sentences(4, "p")))
    with Store.open(path) as store:
        golds = [gold.annotation_id for gold in store.annotations.gold(split="pool")]
        row = store.rounds.start(parameters={}, seed=0, train_ids=golds[:3], eval_ids=[])
        store.rounds.finish(row.number, model_id=model, scores=[], manifest=None)
        store.rounds.promote(row.number)
    told = done("status", path, "--json")
    assert told["next_step"] == f"spanloop retrain {path} (1 new annotation)"
    named = ("trained_on", "new_annotations", "suggested", "without_suggestions", "to_review", "promoted")
    assert [told[name] for name in named] == [3, 1, 2, 10, 0, 1]
    assert told["refused"] == {"total": 0, "documents": {}}
    assert told["unknown_labels"] == {}


def test_labels_that_gold_does_not_know_are_counted(tmp_path: Path) -> None:
    with make_store(tmp_path, documents=4) as store:
        path = store.path
        for number in (1, 2, 3):
            store.annotations.add(say(number))
        store.labels.add("ORG")
        store.annotations.add(say(3, "ben", "0-3:PER"))  # who knows it, for both of them
    assert done("status", path, "--json")["unknown_labels"] == {"ORG": 2}
    assert f"'ORG' by 2 documents; what that means, and what to type: spanloop labels {path}" in done(
        "status", path
    )


def test_what_is_new_is_counted_in_one_way(tmp_path: Path) -> None:
    """By status, by a watch and by retrain --if-new: gold that came, and gold that was answered otherwise."""
    with make_store(tmp_path, documents=8) as store:
        path = store.path
        ids = [store.annotations.add(say(number, origin="import")).annotation_id for number in range(1, 6)]
        row = store.rounds.start(parameters={}, seed=0, train_ids=ids, eval_ids=[])
        store.rounds.finish(row.number, model_id=add_model(store), scores=[], manifest=None)

        def new() -> int:
            told = {done("status", path, "--json")["new_annotations"], look(path).annotations}
            assert len(told) == 1
            return told.pop()

        assert new() == 0
        store.annotations.add(say(6))  # it is gold now
        store.annotations.add(say(1, spans="0-3:LOC"))  # answered otherwise
        store.annotations.add(say(2, answer="ignore"))  # whoever sets it aside says nothing
        assert new() == 2
        store.annotations.add(say(1, spans="0-3:PER"))  # once more: it is still one document
        store.annotations.add(say(3, answer="reject"))  # no gold any more
        assert new() == 2
    done("import", path, jsonl_file(tmp_path / "eval.jsonl", *sentences(3, "e")), "--split", "eval")
    assert "2 new annotations since round 1, 3 asked for" in str(retrain(path, if_new=3).text())
