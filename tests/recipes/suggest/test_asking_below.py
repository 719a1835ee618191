"""`prelabel --ask`: the parts of documents that the queue asks about, round after round, with gold in the
person's place."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.commands import done, jsonl_file, refused
from support.tiny_models import build_tiny

from spanloop.recipes.active_learning.outlook import answer_costs, outlook
from spanloop.recipes.active_learning.parts import about, holds, joined, read, touches
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.project.init import init
from spanloop.recipes.simulation.answers import simulate_answers, simulate_reading
from spanloop.recipes.suggest.prelabel import prelabel
from spanloop.store import Store
from spanloop.store.records import Annotation, Range, Span

SENTENCES = ("Ann met Bob in Rome .", "Nobody came .", "York is far .", "Bob saw Ann .", "Ann slept .")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two models that know nothing, each in another way: two rounds."""
    folder = tmp_path_factory.mktemp("models")
    return [str(build_tiny(folder / str(seed), seed=seed, sharpness=60.0)) for seed in (1, 2)]


@pytest.fixture
def project(tmp_path: Path, models: list[str]) -> Path:
    """Twelve documents of five sentences, one of a single sentence, and two of eval."""
    db = tmp_path / "p.db"
    init(db, labels=["PER", "LOC"], model=models[0], lang="en", eval_fraction=0)
    texts = [" ".join(SENTENCES[n % 5 :] + SENTENCES[: n % 5]) + f" Number {n} ." for n in range(12)]
    pool = [{"text": text, "id": f"p{n}"} for n, text in enumerate([*texts, "Ann came"])]
    import_files(db, [jsonl_file(tmp_path / "pool.jsonl", *pool)], split="pool")
    rows = [{"text": f"{SENTENCES[n]} {SENTENCES[3]}", "id": f"e{n}"} for n in range(2)]
    import_files(db, [jsonl_file(tmp_path / "eval.jsonl", *rows)], split="eval", as_="documents")
    return db


def truth_of(store: Store) -> dict[str, list[Span]]:
    """Every Ann and Bob, and Rome and York."""
    names = {"Ann": "PER", "Bob": "PER", "Rome": "LOC", "York": "LOC"}
    found = {}
    for document in store.documents.iterate():
        places = [
            Span(at, at + len(name), label)
            for name, label in names.items()
            for at in range(len(document.text))
            if document.text.startswith(name, at)
        ]
        found[document.key] = sorted(places, key=lambda span: span.start)
    return found


def parts(store: Store) -> list[tuple[int, int, int]]:
    return store.rows("SELECT * FROM parts ORDER BY 1, 2")


def newest(store: Store, document_id: int) -> Annotation:
    said = store.annotations.latest(document_id)
    assert said is not None
    return said


def test_what_is_asked_is_what_is_stored_and_other_parts_come_with_the_next_round(
    project: Path, models: list[str]
) -> None:
    report = prelabel(project, model=models[0], ask="sentences")
    assert report.strategy == "mnlp@sentences"
    with Store.open(project) as store:
        asked: dict[int, tuple[Range, ...]] = {}
        for document in store.documents.iterate():
            asked[document.id] = store.parts.waiting(document.id)
            suggested = store.predictions.get(document.id)
            for one in suggested.spans if suggested else ():  # none is cut
                met = touches(one.start, one.end, asked[document.id])
                assert met == holds(asked[document.id], one.start, one.end)
        assert [len(asked[n]) > 0 for n in asked] == [True] * 12 + [False] * 3  # one sentence, none, eval
        truth = truth_of(store)
        assert outlook(store).open.tokens < sum(len(d.text.split()) for d in store.documents.iterate())
        assert simulate_answers(store, truth, 99, random_share=0) == 13
        for number in range(1, 13):
            said = newest(store, number)
            places = [(span.start, span.end, span.label) for span in truth[f"p{number - 1}"]]
            ranges, inside = about(asked[number], places)
            assert said.ranges == ranges == joined(asked[number])
            kept = [(s.start, s.end, s.label) for s in said.spans if s.action != "rejected"]
            assert kept == inside
            assert all(holds(ranges, span.start, span.end) for span in said.spans)
            (cost,) = answer_costs(store, [said.id])
            assert cost.tokens == read(store.tokenizations.get(number) or [], ranges)
        assert newest(store, 13).ranges is None
        assert store.queue.counts("pool")["open"] == 0
    before = parts_of_all(project)
    assert prelabel(project, model=models[0]).documents == 0  # the same model doubts nothing new
    assert parts_of_all(project) == before
    prelabel(project, model=models[1], open_only=True)
    with Store.open(project) as store:
        again = store.documents.ids(split="pool", state="open")
        assert len(again) > 0
        for number in again:
            assert not any(
                holds(newest(store, number).ranges or (), *one) for one in store.parts.waiting(number)
            )
        earlier = {number: newest(store, number) for number in again}
        further = {number: store.parts.waiting(number) for number in again}
        assert simulate_reading(store, truth, {}, 10_000) > 0
        for number, said in earlier.items():
            now = newest(store, number)
            if now.drawn == "random":  # chance asks for all of it
                assert now.ranges is None
                continue
            assert now.ranges == joined([*(said.ranges or ()), *further[number]])
            assert {(s.start, s.end) for s in said.spans} <= {(s.start, s.end) for s in now.spans}
            _, second = answer_costs(store, [said.id, now.id])
            assert second.tokens <= read(store.tokenizations.get(number) or [], further[number])
        assert (store.queue.states.stale(), store.queue.order.amiss()) == ([], 0)


def parts_of_all(db: Path) -> list[tuple[int, int, int]]:
    with Store.open(db) as store:
        return parts(store)


def test_the_order_in_which_documents_come_in_changes_no_part_and_another_choice_ends_them(
    project: Path, models: list[str], tmp_path: Path
) -> None:
    prelabel(project, model=models[0])
    assert parts_of_all(project) == []
    told = done("prelabel", project, "--model", models[0], "--ask", "sentences", "--json")
    assert (told["strategy"], told["documents"]) == ("mnlp@sentences", 0)  # looked at again, predicted once
    late = parts_of_all(project)
    with Store.open(project) as store:
        texts = [{"text": d.text, "id": d.key} for d in store.documents.iterate() if d.split == "pool"]
        assert outlook(store).open_documents == 13
    other = tmp_path / "other.db"
    init(other, labels=["PER", "LOC"], model=models[0], lang="en", eval_fraction=0)
    import_files(other, [jsonl_file(tmp_path / "r.jsonl", *reversed(texts))], split="pool")
    prelabel(other, model=models[0], strategy="mnlp@sentences")
    turned = sorted((14 - number, start, end) for number, start, end in parts_of_all(other))
    assert turned == late
    cost = done("status", project, "--json")["cost"]
    assert (cost["open_parts"], cost["documents_in_parts"], cost["answered_in_part"]) == (len(late), 12, 0)
    assert prelabel(project, model=models[0], ask="documents").strategy == "bald_spans"
    assert parts_of_all(project) == []
    assert "is for projects of tags" in refused("prelabel", project, "--model", models[0], "--ask", "tokens")


def test_tags_are_asked_token_by_token(tmp_path: Path) -> None:
    tags = ["NOUN", "VERB", "ADV"]
    model = str(build_tiny(tmp_path / "tags", tags=tags, sharpness=60.0))
    db = tmp_path / "t.db"
    init(db, labels=tags, model=model, lang="en", task="tags", eval_fraction=0)
    import_files(db, [jsonl_file(tmp_path / "t.jsonl", {"text": "Ann met Bob in Rome .", "id": "a"})])
    assert prelabel(db, model=model).strategy == "random"
    assert prelabel(db, model=model, ask="tokens").strategy == "mnlp@tokens"
    with Store.open(db) as store:
        (document,) = store.documents.iterate()
        tokens = store.tokenizations.get(document.id) or []
        asked = store.parts.waiting(document.id)
        assert asked
        assert 0 < sum(holds(asked, *token) for token in tokens) < len(tokens)
        gold = {"a": [Span(*token, tags[0]) for token in tokens]}
        simulate_answers(store, gold, 1, random_share=0)
        said = newest(store, document.id)
        assert said.ranges == asked
        assert [(s.start, s.end) for s in said.spans] == [token for token in tokens if holds(asked, *token)]
