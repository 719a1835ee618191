"""Our recipes in a strict stand-in for Prodigy, a process of its own; the SQLite file is the judge.

Prodigy itself is sold and was never run here: tests/support/prodigy_host.py checks the documented contract
instead.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.places import ROOT
from support.prodigy_host import check_components, check_task
from support.store_making import TEXT, add_model, make_store, say
from support.tiny_models import build_tiny

from spanloop.recipes.files.importing import import_files
from spanloop.recipes.prodigy import contract, recipes
from spanloop.store import Store
from spanloop.store.records import Document, Range, Span

TESTS = ROOT / "tests" / "support"
PER, LOC = Span(0, 3, "PER", 0.9), Span(15, 19, "LOC", 0.6)
PLACE = {"start": 15, "end": 19, "label": "LOC", "token_start": 4, "token_end": 4}


class Host:
    """Prodigy's page and server as far as a recipe sees them."""

    def __init__(self, process: subprocess.Popen[str], dataset: Path) -> None:
        self.process = process
        self.dataset = dataset
        self.clock = 1_790_000_000
        self.killed = False
        self.parts = self._reply()

    def _reply(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            assert self.process.stderr is not None
            raise AssertionError(self.process.stderr.read())
        reply: dict[str, Any] = json.loads(line)
        return reply

    def ask(self, **asked: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return {} if "exit" in asked else self._reply()

    def kill(self) -> None:
        self.killed = True
        self.process.kill()

    def next(self, number: int = 1) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask(next=number)["tasks"]
        return found

    def send(self, *examples: dict[str, Any]) -> dict[str, Any]:
        return self.ask(answers=list(examples))

    def said(self, task: dict[str, Any], answer: str = "accept", session: str = "", **changed: Any) -> Any:
        """The task as the page sends it back."""
        self.clock += 1
        who = {"_annotator_id": session, "_session_id": session} if session else {"_session_id": None}
        return {**task, "answer": answer, "_timestamp": self.clock, **who, **changed}


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{TESTS / 'prodigy_stand_in'}{os.pathsep}{TESTS.parent}"}


@contextmanager
def host(dataset: Path, *command: str) -> Iterator[Host]:
    process = subprocess.Popen(
        [sys.executable, str(TESTS / "prodigy_host.py"), str(dataset), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        served = Host(process, dataset)
        yield served
        if not served.killed:
            served.ask(exit=True)
            _, problems = process.communicate(timeout=60)
            assert process.returncode == 0, problems
    finally:
        process.kill()
        process.communicate()


def project(folder: Path, documents: int = 3, **options: Any) -> Path:
    """Documents ``Ann met Bob in Rome N`` with two suggestions and tokens; the higher N, the more urgent."""
    with make_store(folder, documents, **options) as store:
        model = add_model(store, "teacher")
        ids = list(store.documents.ids())
        store.predictions.add(model, [(d, [PER, LOC], {"mnlp": float(d)}) for d in ids])
        cut(store, *(words(document_text(store, d)) for d in ids))
        store.queue.prioritise("mnlp", model)
        return store.path


def cut(store: Store, *tokens: list[Range]) -> None:
    """These are the tokens of the documents in order: no spaCy has to be loaded for them."""
    store.set_project(tokenizer="words")
    store.tokenizations.put("words", list(zip(store.documents.ids(), tokens, strict=True)))


def document_text(store: Store, document: int) -> str:
    found = store.documents.get(document)
    assert found is not None
    return found.text


def words(text: str) -> list[Range]:
    ranges, at = [], 0
    for word in text.split(" "):
        ranges.append((at, at + len(word)))
        at += len(word) + 1
    return ranges


def counts(db: Path) -> dict[str, int]:
    with Store.open(db) as store:
        return store.queue.counts()


# The contract


@pytest.mark.parametrize(
    ("name", "view"),
    [("correct", "ner_manual"), ("teach", "ner"), ("review", "review")],
)
def test_a_recipe_gives_the_documented_components(tmp_path: Path, name: str, view: str) -> None:
    db = project(tmp_path)
    with host(tmp_path / "ds.jsonl", f"spanloop.{name}", "ds", str(db), "--exclude", "a, b") as served:
        assert (served.parts["view_id"], served.parts["dataset"]) == (view, "ds")
        assert served.parts["exclude"] == ["a", "b"]
        assert served.parts["config"]["labels"] == ["PER", "LOC"]
        assert {"update", "before_db", "validate_answer", "progress", "on_exit"} <= set(
            served.parts["components"]
        )


def test_without_prodigy_a_recipe_says_so_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "prodigy" not in sys.modules
    for function in (recipes.correct, recipes.teach, recipes.review, recipes.retrain):
        with pytest.raises(SystemExit) as stopped:
            function("ds", "p.db")
        assert stopped.value.code == contract.MISSING
        assert "\n" not in contract.MISSING


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("spanloop.correct", "ds", "{db}", "--strategy", "guess"), "there is no strategy 'guess'"),
        (("spanloop.teach", "ds", "{db}", "--label", "ORG"), "the project has no label ORG"),
        (("spanloop.correct", "ds", "gone.db"), "there is no gone.db"),
        (("spanloop.retrain", "{db}"), "gold"),
    ],
)
def test_what_a_user_can_mend_is_one_line(tmp_path: Path, command: tuple[str, ...], message: str) -> None:
    db = project(tmp_path, 1)
    done = subprocess.run(
        [sys.executable, str(TESTS / "prodigy_host.py"), str(tmp_path / "ds.jsonl")]
        + [part.format(db=db) for part in command],
        capture_output=True,
        text=True,
        env=environment(),
        cwd=tmp_path,
        timeout=120,
    )
    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


HASHES = {"_input_hash": 1, "_task_hash": 2}
WORDS = [
    {"text": "Ann", "start": 0, "end": 3, "id": 0, "ws": True},
    {"text": "ran", "start": 4, "end": 7, "id": 1, "ws": False},
]
ASKED = {
    "text": "Ann ran",
    "tokens": WORDS,
    "spans": [{"start": 0, "end": 3, "label": "PER", "token_start": 0, "token_end": 0}],
    **HASHES,
}
SERVED: dict[str, Any] = {
    "dataset": "ds",
    "view_id": "ner_manual",
    "stream": [],
    "config": {"labels": ["PER"]},
}


@pytest.mark.parametrize(
    "changed",
    [
        {"view_id": "ner-manual"},
        {"strem": []},
        {"stream": "ds.jsonl"},
        {"update": lambda: None},
        {"progress": lambda done: done},
        {"exclude": "ds"},
        {"config": {"label": ["PER"]}},
        {"config": {"exclude_by": "text"}},
        {"config": {"feed_overlap": False, "annotations_per_task": 2.0}},
    ],
)
def test_the_host_refuses_components_outside_the_contract(changed: dict[str, Any]) -> None:
    check_components(SERVED)
    with pytest.raises((AssertionError, TypeError)):
        check_components({**SERVED, **changed})


@pytest.mark.parametrize(
    "changed",
    [
        {"answer": "accept"},
        {"_input_hash": "1"},
        {"text": "Ann  ran"},
        {"tokens": WORDS[:1]},
        {"spans": [{**ASKED["spans"][0], "token_end": 1}]},  # the end as if it were excluded
        {"spans": []},
    ],
)
def test_the_host_refuses_questions_outside_the_contract(changed: dict[str, Any]) -> None:
    check_task(ASKED, "ner")
    with pytest.raises(AssertionError):
        check_task({**ASKED, **changed}, "ner")


# Correcting


def test_the_stream_follows_the_queue_and_the_store_learns_what_was_done(tmp_path: Path) -> None:
    db, dataset = project(tmp_path), tmp_path / "ds.jsonl"
    with host(dataset, "spanloop.correct", "ds", str(db)) as served:
        first, second, third = served.next(10)
        assert [task["document"] for task in (first, second, third)] == ["d3", "d2", "d1"]
        assert [(s["token_start"], s["token_end"]) for s in first["spans"]] == [(0, 0), (4, 4)]
        told = served.send(
            served.said(first, session="ds-ann"),
            served.said(second, "ignore"),
            served.said(third, spans=[PLACE], flagged=True),
        )
        assert told == {"progress": 1.0}
        assert served.next() == []
    with Store.open(db) as store:
        golds = {gold.document.key: gold for gold in store.annotations.gold()}
        assert golds["d3"].spans == (Span(0, 3, "PER"), Span(15, 19, "LOC"))
        assert golds["d1"].negatives == (Span(0, 3, "PER"),)
        assert set(golds) == {"d1", "d3"}
        [answer] = store.annotations.history(3)
        assert (answer.annotator, answer.origin) == ("ds-ann", "human")
        assert [span.action for span in answer.spans] == ["taken", "taken"]
        assert answer.created_at is not None
        [last] = store.annotations.history(1)
        assert (last.annotator, last.flagged) == ("ds", True)
    kept = [json.loads(line) for line in dataset.read_text("utf-8").splitlines()]
    assert [task["answer"] for task in kept] == ["accept", "ignore", "accept"]
    assert [span["text"] for span in kept[0]["spans"]] == ["Ann", "Rome"]


def test_the_same_answer_twice_is_one_annotation_and_a_change_of_mind_two(tmp_path: Path) -> None:
    db = project(tmp_path, 1)
    with host(tmp_path / "ds.jsonl", "spanloop.correct", "ds", str(db)) as served:
        [task] = served.next()
        once = served.said(task)
        served.send(once)
        served.send(once)
        with Store.open(db) as store:
            assert store.annotations.count() == 1
        served.send(served.said(task, spans=[PLACE]))
        served.send(once)
    with Store.open(db) as store:
        assert store.annotations.count() == 2
        [gold] = store.annotations.gold()
        assert gold.spans == (Span(15, 19, "LOC"),)


def test_d6_ignored_and_rejected_answers_are_no_gold_in_the_store(tmp_path: Path) -> None:
    db = project(tmp_path, 2)
    with host(tmp_path / "ds.jsonl", "spanloop.correct", "ds", str(db)) as served:
        one, other = served.next(2)
        served.send(served.said(one, "ignore"), served.said(other, "reject"))
    with Store.open(db) as store:
        assert list(store.annotations.gold()) == []
        assert store.annotations.count() == 2
    assert (counts(db)["skipped"], counts(db)["rejected"]) == (1, 1)


def test_what_was_asked_and_not_answered_is_given_back_and_asked_again(tmp_path: Path) -> None:
    db = project(tmp_path)
    with host(tmp_path / "ds.jsonl", "spanloop.correct", "ds", str(db)) as served:
        tasks = served.next(2)
        with Store.open(db) as store:  # nobody else gets them meanwhile
            [other] = store.queue.next("anna", n=3)
            assert other.document.key not in {task["document"] for task in tasks}
            store.queue.release("anna")
        served.send(served.said(tasks[0]))
    with Store.open(db) as store:
        assert len(store.queue.next("anna", n=3)) == 2
        store.queue.release("anna")
    with host(tmp_path / "ds.jsonl", "spanloop.correct", "ds", str(db)) as served:
        assert len(served.next(9)) == 2


def test_a_killed_server_goes_on_with_what_it_had_asked(tmp_path: Path) -> None:
    db = project(tmp_path)
    with host(tmp_path / "ds.jsonl", "spanloop.correct", "ds", str(db)) as served:
        before = [task["document"] for task in served.next(2)]
        served.kill()
    with host(tmp_path / "ds.jsonl", "spanloop.correct", "ds", str(db)) as served:
        assert [task["document"] for task in served.next(3)][:2] == before


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        (
            [{"start": 0, "end": 7, "label": "PER"}, {"start": 4, "end": 11, "label": "LOC"}],
            "overlaps 'Ann met'",
        ),
        ([{"start": 0, "end": 2, "label": "PER"}], "'An' (PER, characters 0 to 2) does not begin and end at"),
        ([{"start": 0, "end": 3, "label": "ORG"}], "the project has no label 'ORG', only PER, LOC"),
        ([{"start": 0, "end": 3, "label": "PER", "token_start": 0, "token_end": 1}], "names other tokens"),
    ],
)
def test_an_unusable_answer_is_refused_in_one_line_and_stored_nowhere(
    tmp_path: Path, spans: list[dict[str, Any]], message: str
) -> None:
    db, dataset = project(tmp_path, 1), tmp_path / "ds.jsonl"
    with host(dataset, "spanloop.correct", "ds", str(db)) as served:
        [task] = served.next()
        refused = served.send(served.said(task, spans=spans))["refused"]
        assert message in refused
        assert "\n" not in refused
        assert not dataset.exists()
        assert served.send(served.said(task, "ignore", spans=spans)) == {"progress": 1.0}
    with Store.open(db) as store:
        assert list(store.annotations.gold()) == []


def test_two_people_who_differ_are_a_conflict_that_review_settles(tmp_path: Path) -> None:
    db = project(tmp_path, 1)
    with Store.open(db) as store:
        store.set_project(overlap=2)
    with host(tmp_path / "ds.jsonl", "spanloop.correct", "ds", str(db)) as served:
        assert served.parts["config"]["annotations_per_task"] == 2.0
        [task] = served.next(5)
        served.send(served.said(task, session="ds-ann"))
        served.send(served.said(task, session="ds-bob", spans=[PLACE]))
    assert counts(db)["conflict"] == 1
    with host(tmp_path / "rv.jsonl", "spanloop.review", "rv", str(db)) as served:
        [disputed] = served.next(5)
        assert [version["sessions"] for version in disputed["versions"]] == [["ds-ann"], ["ds-bob"]]
        assert served.send(served.said(disputed, spans=[PLACE], session="rv-eve")) == {"progress": 1.0}
    with Store.open(db) as store:
        [gold] = store.annotations.gold()
        assert gold.spans == (Span(15, 19, "LOC"),)
        assert [a.origin for a in store.annotations.history(1)] == ["human", "human", "review"]


def test_what_was_sent_to_review_is_reviewed_with_its_reason(tmp_path: Path) -> None:
    db = project(tmp_path, 2)
    with Store.open(db) as store:
        store.annotations.add(say(1, "anna", "0-3:PER"))
        store.reviews.send([(1, "the model doubts it", 1.0)])
    with host(tmp_path / "rv.jsonl", "spanloop.review", "rv", str(db)) as served:
        [task] = served.next(5)
        assert (task["document"], task["meta"]["why"]) == ("d1", "the model doubts it")
        assert [version["sessions"] for version in task["versions"]] == [["anna"]]
        assert served.send(served.said(task, spans=[PLACE])) == {"progress": 1.0}
        assert served.next() == []
    with Store.open(db) as store:
        assert store.reviews.waiting() == 0
        [gold] = store.annotations.gold()
        assert gold.spans == (Span(15, 19, "LOC"),)


def test_emoji_and_line_ends_keep_their_characters(tmp_path: Path) -> None:
    """D14: Prodigy counts code points, as we do: what comes back lands on the characters that were shown."""
    text = "💩 Ann\r\nmet  Zoë"
    with make_store(tmp_path) as store:
        store.documents.add([Document(text, key="d")])
        cut(store, [(2, 5), (7, 10), (12, 15)])
    db = tmp_path / "project.db"
    with host(tmp_path / "ds.jsonl", "spanloop.correct", "ds", str(db)) as served:
        [task] = served.next()
        named = next(token for token in task["tokens"] if token["text"] == "Zoë")
        span = {"start": named["start"], "end": named["end"], "label": "PER"}
        served.send(served.said(task, spans=[span]))
    with Store.open(db) as store:
        [gold] = store.annotations.gold()
    assert [text[s.start : s.end] for s in gold.spans] == ["Zoë"]


def test_a_tags_project_is_pos_manual(tmp_path: Path) -> None:
    with make_store(tmp_path, 1, task="tags", labels=["NOUN", "VERB"]) as store:
        cut(store, words(f"{TEXT} 1"))
    db = tmp_path / "project.db"
    tags = [{"start": 0, "end": 3, "label": "NOUN"}, {"start": 4, "end": 7, "label": "VERB"}]
    with host(tmp_path / "ds.jsonl", "spanloop.correct", "ds", str(db)) as served:
        assert served.parts["view_id"] == "pos_manual"
        [task] = served.next()
        wide = [{"start": 0, "end": 7, "label": "NOUN"}]
        assert "several tokens" in served.send(served.said(task, spans=wide))["refused"]
        served.send(served.said(task, spans=tags))
    with Store.open(db) as store:
        [gold] = store.annotations.gold()
    assert gold.spans == (Span(0, 3, "NOUN"), Span(4, 7, "VERB"))


@pytest.mark.data
def test_real_tweets_pass_through_prodigy_on_the_same_characters(data: Path, tmp_path: Path) -> None:
    """Emoji, zero-width characters, spaCy's own tokens: the host checks each question, the store judges.

    Gold that does not begin and end at spaCy's tokens is refused by name, as a person at the page would be.
    """
    with (data / "wnut17" / "dev.jsonl").open(encoding="utf-8") as file:
        records = [json.loads(line) for line, _ in zip(file, range(200), strict=False)]
    records = list({record["text"]: record for record in records}.values())
    labels = sorted({span["label"] for record in records for span in record["spans"]})
    options: dict[str, Any] = {"labels": labels, "base_model": "offline", "lang": "en", "eval_fraction": 0.0}
    with Store.create(tmp_path / "p.db", **options) as store:
        store.documents.add(Document(record["text"], key=record["id"]) for record in records)
    gold = {record["id"]: record["spans"] for record in records}
    given: dict[str, list[tuple[int, int, str]]] = {}
    refused = []
    with host(tmp_path / "ds.jsonl", "spanloop.correct", "ds", str(store.path)) as served:
        while tasks := served.next(20):
            for task in tasks:
                spans = gold[task["document"]]
                told = served.send(served.said(task, spans=spans))
                if "refused" in told:
                    refused.append(told["refused"])
                    served.send(served.said(task, "ignore"))
                else:
                    given[task["document"]] = [(s["start"], s["end"], s["label"]) for s in spans]
    assert len(given) + len(refused) == len(records)
    assert all("does not begin and end at a token" in reason for reason in refused)
    assert len(refused) < len(records) / 20
    with Store.open(store.path) as judge:
        stored = {
            g.document.key: [(s.start, s.end, s.label) for s in g.spans] for g in judge.annotations.gold()
        }
    assert stored == given


# Yes or no


def test_teach_asks_the_doubtful_first_and_trains_on_what_was_asked_alone(tmp_path: Path) -> None:
    db = project(tmp_path, 2)
    with host(tmp_path / "ds.jsonl", "spanloop.teach", "ds", str(db)) as served:
        tasks = served.next(10)
        asked = [(task["document"], task["spans"][0]["label"]) for task in tasks]
        assert asked == [("d2", "LOC"), ("d2", "PER"), ("d1", "LOC"), ("d1", "PER")]
        served.send(served.said(tasks[0]))
        served.send(served.said(tasks[1], "reject"), served.said(tasks[2]), served.said(tasks[3], "ignore"))
        served.send(served.said(tasks[0]))  # sent twice
    with Store.open(db) as store:
        one, two = store.annotations.gold()
        assert (two.spans, two.negatives) == ((Span(15, 19, "LOC"),), (Span(0, 3, "PER"),))
        assert two.ranges == ((0, 3), (15, 19))
        assert (one.spans, one.negatives, one.ranges) == ((Span(15, 19, "LOC"),), (), ((15, 19),))
        assert [len(a.spans) for a in store.annotations.history(2)] == [1, 2]


def test_teach_leaves_an_answer_about_the_whole_document_alone(tmp_path: Path) -> None:
    db = project(tmp_path, 1)
    with host(tmp_path / "ds.jsonl", "spanloop.teach", "ds", str(db), "--label", "LOC") as served:
        [task] = served.next(9)
        with Store.open(db) as store:
            store.annotations.add(say(1, "ds", "0-3:PER"))
        served.send(served.said(task))
    with Store.open(db) as store:
        [gold] = store.annotations.gold()
        assert (gold.spans, gold.ranges) == ((Span(0, 3, "PER"),), None)


def test_the_dataset_moved_back_in_says_what_the_store_says(tmp_path: Path) -> None:
    """Both sides hold the same answers: what ``db-out`` gives, imported elsewhere, is the same gold."""
    db, dataset = project(tmp_path, 4), tmp_path / "ds.jsonl"
    with host(dataset, "spanloop.teach", "ds", str(db)) as served:
        yes, no, *_ = served.next(2)
        served.send(served.said(yes, session="ds-ann"), served.said(no, "reject", session="ds-ann"))
    with host(dataset, "spanloop.correct", "ds", str(db)) as served:
        one, two, *_ = served.next(9)
        served.send(served.said(one, spans=[PLACE]), served.said(two, "reject"))
    (tmp_path / "other").mkdir()
    with make_store(tmp_path / "other") as store:
        pass
    report = import_files(store.path, [dataset])
    assert (report.kept, report.ledger) == (2, 0)
    golds = []
    for path in (db, store.path):
        with Store.open(path) as judged:
            golds.append({g.document.key: (g.spans, g.ranges) for g in judged.annotations.gold()})
    assert golds[0] == golds[1]
    assert len(golds[0]) == 2


# Rounds


@pytest.mark.slow
def test_the_loop_in_prodigy_correct_retrain_and_new_suggestions(tmp_path: Path) -> None:
    base = build_tiny(tmp_path / "tiny")
    store = Store.create(tmp_path / "p.db", labels=["PER"], base_model=str(base), lang="en")
    with store:
        names = ["Ann", "Bob", "Eve", "Tom", "Kim", "Max"]
        store.documents.add(
            Document(
                f"{name} met {other} in town", key=f"{name}{other}", split="eval" if name == "Max" else "pool"
            )
            for name in names
            for other in names
        )
    db, dataset = store.path, tmp_path / "ds.jsonl"
    for split, number in (("pool", 20), ("eval", 6)):
        with host(
            dataset, "spanloop.correct", "ds", str(db), "--split", split, "--strategy", "random"
        ) as served:
            tasks = served.next(number)
            people = [token for task in tasks for token in [task["tokens"][0]]]
            spans = [[{"start": p["start"], "end": p["end"], "label": "PER"}] for p in people]
            served.send(*(served.said(t, spans=s) for t, s in zip(tasks, spans, strict=True)))
    done = subprocess.run(
        [
            sys.executable,
            str(TESTS / "prodigy_host.py"),
            str(dataset),
            "spanloop.retrain",
            str(db),
            "-n",
            "1",
        ],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "round 1" in done.stdout
    with Store.open(db) as store:
        assert store.rounds.promoted() is not None
    with host(dataset, "spanloop.correct", "ds", str(db)) as served:
        [task] = served.next(1)
        assert task["spanloop"]["model"] == "round 1"


@pytest.mark.parametrize("name", ["correct", "teach", "review", "retrain"])
def test_every_prodigy_line_of_the_page_is_understood(tmp_path: Path, name: str) -> None:
    page = (ROOT / "docs" / "prodigy.md").read_text("utf-8")
    lines = [line.split() for line in page.splitlines() if line.startswith(f"prodigy spanloop.{name}")]
    assert lines or f"`spanloop.{name}`" in page or f"**`spanloop.{name}`**" in page
    done = subprocess.run(
        [sys.executable, str(TESTS / "prodigy_host.py"), str(tmp_path / "a"), f"spanloop.{name}", "--help"],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    options = {word for line in lines for word in line if word.startswith("--")}
    assert options <= set(done.stdout.replace(",", " ").split())
