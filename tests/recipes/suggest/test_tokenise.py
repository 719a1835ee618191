"""Token boundaries for the page: exact offsets, stored once, wished documents first."""

from __future__ import annotations

import itertools
import queue
import threading
from pathlib import Path

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from support.processes import PATIENCE_SECONDS, wait_for

from spanloop.recipes.suggest.tokenise import boundaries, load_tokenizer, serve, tokenise, tokenizer_hash
from spanloop.store import Store
from spanloop.store.records import NewDocument, Project

NLP = spacy.blank("en")


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=80))
def test_boundaries_are_in_order_apart_and_cover_all_that_is_no_space(text: str) -> None:
    tokens = boundaries(NLP, text)
    covered = {offset for start, end in tokens for offset in range(start, end)}
    assert all(start < end for start, end in tokens)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(tokens))
    assert all(text[offset].isspace() for offset in range(len(text)) if offset not in covered)


def test_the_hash_names_the_rules() -> None:
    assert tokenizer_hash(NLP) == tokenizer_hash(spacy.blank("en"))
    assert tokenizer_hash(NLP) != tokenizer_hash(spacy.blank("de"))
    changed = spacy.blank("en")
    changed.tokenizer.add_special_case("gimme", [{"ORTH": "gim"}, {"ORTH": "me"}])  # type: ignore[union-attr]
    assert tokenizer_hash(changed) != tokenizer_hash(NLP)


def test_a_project_without_language_takes_the_neutral_tokenizer() -> None:
    assert load_tokenizer(Project("spans", "offline")).lang == "xx"


def test_a_pipeline_of_the_project_brings_its_tokenizer(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.tokenizer.add_special_case("gimme", [{"ORTH": "gim"}, {"ORTH": "me"}])  # type: ignore[union-attr]
    nlp.to_disk(tmp_path / "nlp")
    loaded = load_tokenizer(Project("spans", "offline", nlp=str(tmp_path / "nlp")))
    assert boundaries(loaded, "gimme that") == [(0, 3), (3, 5), (6, 10)]


def test_tokenise_stores_each_document_once(tmp_path: Path) -> None:
    path = tmp_path / "p.db"
    with Store.create(path, labels=["PER"], base_model="offline", lang="en", eval_fraction=0.0) as store:
        store.documents.add([NewDocument(f"Isn't this number {n}?", split="pool") for n in range(3)])
        tokenizer = tokenizer_hash(NLP)
        assert tokenise(store, NLP, store.tokenizations.missing(tokenizer, 10), tokenizer=tokenizer) == 3
        assert store.tokenizations.missing(tokenizer, 10) == []
        assert store.tokenizations.get(2, tokenizer) == boundaries(NLP, "Isn't this number 1?")


@pytest.mark.slow
def test_serve_does_the_wished_ones_and_the_rest_and_ends_when_told(tmp_path: Path) -> None:
    path = tmp_path / "p.db"
    with Store.create(path, labels=["PER"], base_model="offline", lang="en", eval_fraction=0.0) as store:
        store.documents.add([NewDocument(f"Isn't this number {n}?", split="pool") for n in range(150)])
    wishes: queue.Queue[int | None] = queue.Queue()
    for wish in (150, 9999):
        wishes.put(wish)
    worker = threading.Thread(target=serve, args=(path, wishes))
    worker.start()
    with Store.open(path) as store:
        wait_for(lambda: store.tokenizations.get(149))
        assert all(store.tokenizations.get(n) for n in range(1, 151))
    wishes.put(None)
    worker.join(timeout=PATIENCE_SECONDS)
    assert not worker.is_alive()
