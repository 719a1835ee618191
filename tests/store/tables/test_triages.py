"""Triages: what chance drew and the round never learned from is what a bound may stand on; the machine's
answers count last, and one call takes them back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp
from pathlib import Path
from typing import Any

import pytest
from support.clock import Clock
from support.store_making import add_model, make_store, say

from spanloop.recipes.settle import settle
from spanloop.store import Store, StoreError
from spanloop.store.moving.merge import merge
from spanloop.store.records import AnnotatedSpan, NewDocument, Span


def judged_store(
    folder: Path,
    documents: int = 12,
    *,
    read: int = 0,
    before: Callable[[Store], object] | None = None,
    **options: Any,
) -> tuple[Store, int]:
    """A project whose promoted round suggests one PER in every document, the surer the higher its number.
    ``read``: how many open documents it learned from; ``before``: what happens before it begins."""
    store = make_store(folder, documents=documents, **options)
    if before is not None:
        before(store)
    number = store.rounds.start(parameters={}, seed=0, train_ids=[], eval_ids=[]).number
    model_id = add_model(store, kind="round", round=number)
    store.predictions.add(
        model_id,
        [(d, [Span(0, 3, "PER", 0.9)], {"mnlp": 1 / d}) for d in store.documents.ids()],
    )
    store.rounds.finish(number, model_id=model_id, scores=[], manifest={"documents_unlabelled": read})
    store.rounds.promote(number)
    return store, model_id


def taken(spans: Sequence[Span]) -> tuple[AnnotatedSpan, ...]:
    """Suggestions as an answer that takes all of them."""
    return settle([(span.start, span.end, span.label) for span in spans], spans)


def drawn_by_chance(store: Store, spans: Sequence[str], share: float = 1.0) -> list[int]:
    """So many documents, drawn and answered one after the other."""
    found = []
    for said in spans:
        [item] = store.queue.next("anna", random_share=share)
        store.annotations.add(say(item.document.id, spans=said))
        found.append(item.document.id)
    return found


def test_only_what_chance_drew_and_the_round_never_learned_from_is_in_the_sample(tmp_path: Path) -> None:
    store, model_id = judged_store(tmp_path)
    with store:
        chance = drawn_by_chance(store, ["0-3:PER", "0-3:PER", "15-19:LOC"])
        drawn_by_chance(store, ["0-3:PER"], share=0.0)
        [item] = store.queue.next("anna", random_share=1.0)
        store.annotations.add(say(item.document.id, answer="ignore", spans=""))
        [part] = store.queue.next("anna", random_share=1.0)
        store.annotations.add(say(part.document.id, ranges=((0, 8),)))
        learned = store.annotations.history(chance[0])[-1].id
        store.rounds.start(parameters={}, seed=0, train_ids=[learned], eval_ids=[], parent=1)
        of_1, of_2 = store.triages.sample(model_id, 1), store.triages.sample(model_id, 2)
        # what is set aside or seen in part counts as wrong, and so does a span that the model did not say
        assert {d.document_id: d.right for d in of_1.drawn} == {
            chance[0]: True, chance[1]: True, chance[2]: False, item.document.id: False,
            part.document.id: False,
        }  # fmt: skip
        assert {d.document_id for d in of_2.drawn} == {*chance[1:], item.document.id, part.document.id}
        assert (of_1.learned, of_2.learned) == (0, 1)
        assert [d.confidence for d in of_1.drawn if d.document_id == chance[1]] == [
            pytest.approx(exp(-1 / chance[1]))
        ]


def test_answers_from_before_the_last_documents_came_tell_nothing_of_these(tmp_path: Path) -> None:
    store, model_id = judged_store(tmp_path)
    with store:
        drawn_by_chance(store, ["0-3:PER", "0-3:PER"])
        store.documents.add([NewDocument("Eve met Bob", key="later")])
        found = store.triages.sample(model_id, 1)
        assert (found.drawn, found.early) == ((), 2)


def test_accepted_documents_are_a_machines_and_people_have_the_last_word(tmp_path: Path) -> None:
    store, model_id = judged_store(tmp_path)
    with store:
        store.queue.next("ben", n=1)  # somebody is at work on it: it stays
        candidates = store.triages.candidates(model_id)
        assert len(candidates) == 11
        done = store.triages.add(
            model_id, candidates[:6], taken, max_error=0.1, confidence=0.9, basis={"answers": 5}
        )
        assert (done.documents, done.round, dict(done.basis)) == (6, 1, {"answers": 5})
        accepted = [one.document_id for one in candidates[:6]]
        assert {a.origin for i in accepted for a in store.annotations.history(i)} == {"machine"}
        assert store.queue.counts("pool")["gold"] == 6
        assert store.ledger.counts()["total"] == 0
        assert len([e for e in store.ledger.all() if e.action == "accepted unseen"]) == 6
        store.annotations.add(say(accepted[0], spans="15-19:LOC"))
        assert store.triages.standing() == 5
        assert len(store.triages.accepted()) == 6
        [gold] = [g for g in store.annotations.gold() if g.document.id == accepted[0]]
        assert [s.label for s in gold.spans] == ["LOC"]


def test_one_call_takes_a_triage_back_and_only_that(tmp_path: Path) -> None:
    store, model_id = judged_store(tmp_path)
    with store:
        before = store.queue.counts("pool")
        candidates = store.triages.candidates(model_id)
        first = store.triages.add(model_id, candidates[:4], taken, max_error=0.1, confidence=0.9, basis={})
        second = store.triages.add(model_id, candidates[4:7], taken, max_error=0.1, confidence=0.9, basis={})
        store.annotations.add(say(candidates[0].document_id))
        assert store.triages.undo(first.id) == 4
        assert store.triages.undo(first.id) == 0
        assert store.queue.counts("pool")["gold"] == 4  # three of the second triage, one of a person
        assert store.triages.undo(second.id) == 3
        assert store.queue.counts("pool") == {**before, "gold": 1, "open": before["open"] - 1}
        assert store.check() == [] or all("folder" in problem.what for problem in store.check())
        assert all(t.undone_at for t in store.triages.all())
        with pytest.raises(StoreError, match="has no triage 9; there are: 1, 2"):
            store.triages.undo(9)


def test_a_merge_still_knows_what_a_machine_answered_unseen(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    store, model_id = judged_store(tmp_path / "a")
    with store, make_store(tmp_path / "b", documents=3) as other:
        candidates = store.triages.candidates(model_id)
        store.triages.add(model_id, candidates[:6], taken, max_error=0.1, confidence=0.9, basis={})
        for _ in range(2):  # the same project again brings nothing
            merge(other, store)
            assert (len(other.triages.all()), other.triages.standing()) == (1, 6)
        assert other.triages.undo(1) == 6


def test_eval_is_of_the_same_kind_only_where_chance_alone_split_all_documents(tmp_path: Path) -> None:
    store, model_id = judged_store(tmp_path, documents=40, eval_fraction=0.3)
    with store:
        for _ in range(3):
            [item] = store.queue.next("anna", split="eval")
            store.annotations.add(say(item.document.id))
        [item] = store.queue.next("anna", random_share=1.0)
        store.annotations.add(say(item.document.id))
        found = store.triages.sample(model_id, 1)
        assert (len(found.drawn), found.apart) == (4, 0)
        store.documents.add([NewDocument(f"Eve {n}", key=f"e{n}", split="eval") for n in range(20)])
        found = store.triages.sample(model_id, 1)
        assert ([one.document_id for one in found.drawn], found.apart) == ([item.document.id], 3)


@pytest.mark.parametrize("read", [0, 5])
def test_a_round_that_learned_from_open_documents_is_judged_by_what_was_open_to_it(
    read: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And so is one that goes on from it."""
    clock = Clock()
    monkeypatch.setattr("spanloop.store.clock.read_clock", clock)

    def answered_before(store: Store) -> None:
        clock.forward(1)
        for split in ("eval", "pool"):
            [item] = store.queue.next("anna", split=split, random_share=1.0)  # type: ignore[arg-type]
            store.annotations.add(say(item.document.id))
        clock.forward(1)

    store, model_id = judged_store(tmp_path, 40, read=read, before=answered_before, eval_fraction=0.3)
    with store:
        clock.forward(1)
        [item] = store.queue.next("anna", random_share=1.0)
        for base, judged in (("round", bool(read)), ("model", False)):
            parameters = {"base": base}
            store.rounds.start(parameters=parameters, seed=0, train_ids=[], eval_ids=[], parent=1)
            number = store.rounds.all()[-1].number
            store.rounds.finish(number, model_id=model_id, scores=[], manifest={})
            assert store.triages.sample(model_id, number).closed == 2 * judged
        clock.forward(1)
        store.annotations.add(say(item.document.id))
        found = store.triages.sample(model_id, 1)
        assert item.document.id in {one.document_id for one in found.drawn}
        assert (len(found.drawn), found.closed) == ((1, 2) if read else (3, 0))
