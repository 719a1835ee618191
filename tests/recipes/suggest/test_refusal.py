"""One bad document stops no other: very long texts are read, and what a tokenizer or a component refuses is
marked, told and passed over, wherever documents are gone through."""

from __future__ import annotations

import json
import queue
import threading
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from support.commands import done, jsonl_file, refused
from support.processes import wait_for
from support.projects import build
from support.store_making import say
from support.tiny_models import build_tiny

from spanloop.recipes.files.export import export
from spanloop.recipes.suggest.refusal import Refused, make_doc
from spanloop.recipes.suggest.tokenise import serve, tokenise, tokenizer_hash
from spanloop.store import Store
from spanloop.store.records import NewDocument

CURSED = "cursed"


class Choosy:
    """A tokenizer that cannot cut one kind of text."""

    def __init__(self, nlp: Language) -> None:
        self.inner = nlp.tokenizer
        self.vocab = nlp.vocab

    def __call__(self, text: str) -> Doc:
        if CURSED in text:
            raise KeyError("a text that this tokenizer cannot cut")
        doc: Doc = self.inner(text)
        return doc

    def to_bytes(self, **_: Any) -> bytes:
        return b"choosy"

    def from_bytes(self, _: bytes, **__: Any) -> Choosy:
        return self

    def to_disk(self, _: Path, **__: Any) -> None: ...

    def from_disk(self, _: Path, **__: Any) -> Choosy:
        return self


@spacy.registry.tokenizers("tests.choosy.v1")
def make_choosy() -> Any:
    def make(nlp: Language) -> Choosy:
        nlp.tokenizer = spacy.blank("en").tokenizer
        return Choosy(nlp)

    return make


@Language.component("tests_choosy")
def choosy_component(doc: Doc) -> Doc:
    if CURSED in doc.text:
        raise IndexError("out of its depth")
    return doc


@Language.component("tests_hopeless")
def hopeless_component(_: Doc) -> Doc:
    raise IndexError("out of its depth")


def pipeline(folder: Path, which: str) -> Path:
    config = {"nlp": {"tokenizer": {"@tokenizers": "tests.choosy.v1"}}} if which == "tokenizer" else {}
    nlp = spacy.blank("en", config=config)
    if which != "tokenizer":
        nlp.add_pipe(which)
    nlp.to_disk(folder)
    return folder


def project(folder: Path, which: str) -> Path:
    """Gold in pool and eval, one cursed document in each and one that waits."""
    db = build(folder, build_tiny(folder / "encoder", head=False))
    with Store.open(db) as store:
        store.set_project(nlp=str(pipeline(folder / "nlp", which)))
    for split in ("pool", "eval"):
        record = {"id": f"bad-{split}", "text": f"Ann met a {CURSED} {split}", "spans": [[0, 3, "PER"]]}
        done("import", db, jsonl_file(folder / f"{split}2.jsonl", record), "--split", split)
    done("import", db, jsonl_file(folder / "open2.jsonl", {"id": "bad-open", "text": f"so {CURSED}"}))
    return db


@pytest.fixture(scope="module")
def by_tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    db = project(tmp_path_factory.mktemp("tokenizer"), "tokenizer")
    done("retrain", db, "--epochs", 1)
    return db


@pytest.fixture(scope="module")
def by_component(tmp_path_factory: pytest.TempPathFactory) -> Path:
    db = project(tmp_path_factory.mktemp("component"), "tests_choosy")
    done("retrain", db, "--epochs", 1)
    return db


# Long texts


def test_a_text_of_a_million_characters_and_one_is_cut_and_so_are_the_others(tmp_path: Path) -> None:
    text = ("a b " * 250_001)[:1_000_001]
    path = tmp_path / "p.db"
    with Store.create(path, labels=["PER"], base_model="offline", lang="en", eval_fraction=0.0) as store:
        store.documents.add([NewDocument(text, key="long"), NewDocument("Ann met Bob", key="short")])
        for document_id in store.documents.ids():
            store.annotations.add(say(document_id, "anna", "0-1:PER"))
        nlp = spacy.blank("en")
        tokenizer = tokenizer_hash(nlp)
        store.set_project(tokenizer=tokenizer)
    exported = export(path, tmp_path / "before.conll")
    assert (exported.documents, exported.refused) == (2, ())
    with Store.open(path) as store:
        assert tokenise(store, nlp, store.tokenizations.missing(tokenizer, 10)) == 2
        assert [len(store.tokenizations.get(d) or ()) for d in store.documents.ids()] == [500_001, 3]
        assert store.tokenizations.refused() == []
    assert export(path, tmp_path / "after.spacy").documents == 2


# The tokenizer


def test_the_tokenising_process_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "p.db"
    nlp = str(pipeline(tmp_path / "nlp", "tokenizer"))
    with Store.create(path, labels=["PER"], base_model="offline", nlp=nlp, eval_fraction=0.0) as store:
        store.documents.add(
            [NewDocument(f"so {CURSED}", key="bad"), *(NewDocument(f"good {n}") for n in range(3))]
        )
    wishes: queue.Queue[int | None] = queue.Queue()
    wishes.put(1)
    worker = threading.Thread(target=serve, args=(path, wishes))
    worker.start()
    with Store.open(path) as store:
        wait_for(lambda: all(store.tokenizations.get(n) for n in (2, 3, 4)))
        assert store.tokenizations.refused() == [1]
        assert store.tokenizations.get(1) is None
        assert store.tokenizations.missing(store.project.tokenizer or "", 10) == []
    wishes.put(None)
    worker.join(timeout=60)
    assert not worker.is_alive()


def test_a_round_learns_without_the_texts_that_the_tokenizer_refuses(tmp_path: Path) -> None:
    db = project(tmp_path, "tokenizer")
    told = done("retrain", db, "--epochs", 1, "--unlabelled", 100)
    assert "as a first training saw it: 1 open document (" in told
    assert "(100 were asked for, and no more are open; the tokenizer refuses 1 of the 2 drawn)" in told
    told = done("retrain", db, "--epochs", 1, "--unlabelled", 2)
    assert "1 open document (the tokenizer refuses 1 of the 2 drawn)" in told
    with Store.open(db) as store:
        [good, _] = store.documents.fetch(store.documents.unanswered("pool"))
        store.annotations.add(say(good.id or 0, "human"))
    told = done("retrain", db, "--epochs", 1, "--unlabelled", 2)
    assert "--unlabelled drew 1 open document, and the tokenizer refuses every one: it learned" in told


def test_a_refusal_of_the_tokenizer_is_told_by_every_command(by_tokenizer: Path, tmp_path: Path) -> None:
    db = by_tokenizer
    with Store.open(db) as store:
        assert len(store.rounds.annotation_ids(1)) == 25
        manifest = store.rounds.get(1).manifest or {}
    assert (manifest["documents"], manifest["documents_refused"]) == (24, 1)
    told = done("prelabel", db)
    assert "35 documents" not in told
    assert "32 documents" in told  # the open one had its suggestions with the round
    assert "3 documents refused and passed over: " in told
    assert "'bad-open' by tokenizer: 'a text that this tokenizer cannot cut'" in told
    again = done("prelabel", db, "--json")
    assert (again["documents"], len(again["refused"])) == (0, 3)

    scored = done("evaluate", db, "--json")
    assert (scored["documents"], scored["micro"]["support"]) == (9, 17)  # its span counts as missed
    assert [one["key"] for one in scored["refused"]] == ["bad-eval"]
    for suffix in ("conll", "spacy"):
        written = done("export", db, tmp_path / f"gold.{suffix}", "--json")
        assert written["documents"] == 32
        assert [one["key"] for one in written["refused"]] == ["bad-pool", "bad-eval"]
    assert done("export", db, tmp_path / "gold.jsonl", "--json")["documents"] == 34
    assert done("audit", db, "--split", "eval", "--json")["refused"] == ["bad-eval"]
    assert done("audit", db, "--epochs", 1, "--folds", 2, "--json")["refused"] == ["bad-pool"]
    assert done("rounds", db, "reproduce", 1).strip() == "round 1 came out the same, to the bit"
    done("train-curve", db, "--epochs", 1)
    done("report", db, "-o", tmp_path / "report.json")
    assert done("status", db, "--json")["refused"]["documents"] == dict.fromkeys(
        ("bad-pool", "bad-eval", "bad-open"), "refused by tokenizer"
    )
    status = done("status", db)
    assert "3 documents refused and passed over: " in status
    assert "'bad-open' refused by tokenizer" in status
    assert "without its suggestions" not in status


# A component


def test_a_refusal_of_a_component_is_told_by_every_command(by_component: Path, tmp_path: Path) -> None:
    db = by_component
    told = done("prelabel", db)
    assert "32 documents" in told
    assert "'bad-open' by tests_choosy: out of its depth" in told
    with Store.open(db) as store:
        assert store.ledger.counts()["by_reason"].get("refused by tests_choosy") is None
        [bad] = [d for d in store.documents.iterate() if d.key == "bad-open"]
        assert store.predictions.get(bad.id) is None
    assert "'bad-open' refused by tests_choosy" in done("status", db)
    texts = jsonl_file(tmp_path / "texts.jsonl", {"text": "Ann met Bob"}, {"id": "x", "text": CURSED})
    good, bad_one = done("predict", texts, "--model", db, "--json")["documents"]
    assert "refused" not in good
    assert bad_one["refused"] == "tests_choosy: out of its depth"
    assert "spans" not in bad_one
    saved = done("predict", texts, "--model", db, "--out", tmp_path / "out", "--json")
    assert [one["key"] for one in saved["refused"]] == ["x"]
    assert len((tmp_path / "out" / "texts.jsonl").read_text(encoding="utf-8").splitlines()) == 1
    assert done("evaluate", db, "--json")["refused"][0]["by"] == "tests_choosy"


def test_what_refuses_every_text_is_broken_and_no_text_is_blamed(by_component: Path, tmp_path: Path) -> None:
    source = pipeline(tmp_path / "hopeless", "tests_hopeless")
    told = refused("prelabel", by_component, "--pipeline", source)
    assert told == "the pipeline refuses every text, tests_hopeless: out of its depth"
    with Store.open(by_component) as store:
        hopeless = store.models.all()[-1]
        assert store.ledger.refused(hopeless.id) == {}


def test_a_refusal_is_forgotten_once_the_text_is_read(tmp_path: Path) -> None:
    with Store.create(tmp_path / "p.db", labels=["PER"], base_model="m", eval_fraction=0.0) as store:
        from support.store_making import add_model

        from spanloop.store.events import AlignmentEvent

        store.documents.add([NewDocument("Ann")])
        model = add_model(store)
        store.ledger.add([AlignmentEvent(1, 0, 3, "", "refused", "refused by parser", model_id=model)])
        assert store.ledger.refused(model) == {1: "refused by parser"}
        assert store.ledger.counts() == {"total": 0, "by_reason": {}}
        store.predictions.add(model, [(1, [], {})])
        assert store.ledger.refused(model) == {}


def test_make_doc_names_the_tokenizer() -> None:
    nlp = spacy.blank("en", config={"nlp": {"tokenizer": {"@tokenizers": "tests.choosy.v1"}}})
    assert json.dumps([token.text for token in make_doc(nlp, "isn't")]) == '["is", "n\'t"]'
    with pytest.raises(Refused, match=r"^tokenizer: 'a text that"):
        make_doc(nlp, CURSED)
