"""Strategies that compare documents, through prelabel: scores in the store, and an order that stays."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from support.commands import jsonl_file, refused, run
from support.projects import sentences
from support.store_making import say
from support.tiny_models import build_tiny

from spanloop.recipes.active_learning import registry
from spanloop.recipes.active_learning.strategy import PoolStrategy
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.project.init import init
from spanloop.recipes.suggest.arranging import Asking, arrange
from spanloop.recipes.suggest.prelabel import prelabel
from spanloop.recipes.suggest.sources import open_source
from spanloop.store import Store
from spanloop.store.tables.acquisition import INFORMATION

COMPARE = [name for name in registry.NAMES if isinstance(registry.by_name(name), PoolStrategy)]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(build_tiny(tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, tiny: str) -> Path:
    """Twelve open documents, among them one of a single token and one of very many; three are answered and
    four are eval. The model has predicted all of them, and the queue stands by each strategy in turn."""
    folder = tmp_path_factory.mktemp("arranged")
    db = folder / "p.db"
    init(db, labels=["PER", "LOC"], model=tiny, eval_fraction=0)
    texts = [{"text": f"Ann met nobody number {n} in Rome", "id": f"p{n}"} for n in range(13)]
    texts += [{"text": "Ann", "id": "one"}, {"text": "Bob saw York . " * 150, "id": "long"}]
    import_files(db, [jsonl_file(folder / "pool.jsonl", *texts)], split="pool")
    import_files(db, [jsonl_file(folder / "eval.jsonl", *sentences(4, "e"))], split="eval", as_="documents")
    with Store.open(db) as store:
        for key in ("p0", "p1", "p2"):
            document = store.documents.by_key(key)
            assert document is not None
            store.annotations.add(say(document.id))
    prelabel(db, model=tiny, strategy=COMPARE[0])
    with Store.open(db) as store:
        source = open_source(store, tiny, None, None)
        for name in COMPARE[1:]:
            assert arrange(store, source, name) == 12
    return db


def order(db: Path, strategy: str) -> list[int]:
    with Store.open(db) as store:
        items = store.queue.next("me", n=50, strategy=strategy, random_share=0)
        store.queue.release("me")
        return [item.document.id for item in items]


@pytest.mark.parametrize("strategy", COMPARE)
def test_every_open_document_of_the_pool_gets_its_place_and_no_other_is_asked(
    project: Path, strategy: str
) -> None:
    with Store.open(project) as store:
        open_ids = set(store.documents.ids(split="pool", state="open"))
        rows = store.rows("SELECT score FROM acquisition WHERE strategy = ?", (strategy,))
    assert all(math.isfinite(score) for (score,) in rows)
    assert len(rows) == 19  # what is answered or eval has a place behind, should it be opened again
    first = order(project, strategy)
    assert set(first) == open_ids
    assert order(project, strategy) == first  # opened anew
    with Store.open(project) as store:
        stored = dict(
            store.rows("SELECT document_id, score FROM acquisition WHERE strategy = ?", (strategy,))
        )
    assert [stored[number] for number in first] == sorted((stored[n] for n in first), reverse=True)


def test_a_second_run_looks_at_nothing_twice_and_the_same_seed_gives_the_same_order(
    project: Path, tiny: str, tmp_path: Path
) -> None:
    again = ("bald_layer", "diversity")
    before = {name: order(project, name) for name in again}
    copy = tmp_path / "p.db"
    with Store.open(project) as store:
        store.backup(copy)
        [model_id] = [model.id for model in store.models.all()]
    with Store.open(copy) as store:
        for name in again:
            store.run("DELETE FROM acquisition WHERE strategy = ? AND model_id = ?", (name, model_id))
    for name in again:
        prelabel(copy, model=tiny, strategy=name)
        assert order(copy, name) == before[name], name
    assert prelabel(copy, model=tiny).strategy == again[-1]  # what was chosen once stays
    patterns = jsonl_file(tmp_path / "patterns.jsonl", {"label": "PER", "pattern": "Ann"})
    assert prelabel(copy, patterns=patterns).strategy == "random"  # it has no token scores
    assert prelabel(copy, model=tiny).strategy == "bald_spans"
    assert prelabel(copy, model=tiny, ask="sentences").strategy == "mnlp@sentences"  # looks at tokens
    assert prelabel(copy, model=tiny, ask="documents").strategy == "bald_spans"
    assert prelabel(copy, model=tiny, strategy="entropy", ask="sentences").strategy == "entropy@sentences"
    assert prelabel(copy, model=tiny, ask="documents").strategy == "entropy"


def test_the_counts_that_scores_are_made_of_are_those_of_the_model(project: Path) -> None:
    with Store.open(project) as store:
        [model_id] = [model.id for model in store.models.all()]
        one, long = (store.documents.by_key(key) for key in ("one", "long"))
        assert one is not None
        assert long is not None
        tokens = store.acquisition.counts(model_id, "count:tokens", [one.id, long.id])
        assert (tokens[one.id], tokens[long.id]) == (1, 600)
        person = next(number for number, name in store.labels.readings().items() if name == "PER")
        expected = store.acquisition.counts(model_id, f"count:{person}", [one.id, long.id])
        assert 0 <= expected.get(one.id, 0) < 1  # below a hundredth there is no row
        assert 0.01 <= expected[long.id] < 600


def test_where_nobody_names_the_language_a_second_look_labels_what_the_prediction_labelled(
    tiny: str, tmp_path: Path
) -> None:
    """A text without blanks is labelled by wordpieces: to English rules a whole line is one token."""
    db = tmp_path / "p.db"
    init(db, labels=["PER", "LOC"], model=tiny, eval_fraction=0, lang="en")
    texts = [f"北京大学在北京。{'上海很大，我们去东京。' * n}" for n in range(4)]
    texts += ["Ann met Bob in Rome."] * 20
    import_files(db, [jsonl_file(tmp_path / "t.jsonl", *({"text": text} for text in texts))])
    prelabel(db, model=tiny, strategy="bald")
    with Store.open(db) as store:
        source = open_source(store, tiny, None, None)
        assert source.by_script
        ids = store.documents.ids()
        stored = store.acquisition.counts(source.model_id, INFORMATION, ids)
        assert len(stored) == len(ids)
        store.run("DELETE FROM acquisition WHERE strategy = ?", (INFORMATION,))
        looked = Asking(store, source).information(np.array(ids))
    np.testing.assert_allclose(looked, [stored[number] for number in ids], rtol=1e-3, atol=1e-6)


def test_what_comes_later_stands_where_it_would_stand_had_it_come_at_once(tiny: str, tmp_path: Path) -> None:
    db = tmp_path / "p.db"
    init(db, labels=["PER", "LOC"], model=tiny, eval_fraction=0)
    rich = [{"text": f"Ann met Bob number {n} in Rome and York", "id": f"r{n}"} for n in range(12)]
    import_files(db, [jsonl_file(tmp_path / "rich.jsonl", *rich)])
    prelabel(db, model=tiny, strategy="bald")
    for n in range(3):
        import_files(db, [jsonl_file(tmp_path / "dull.jsonl", {"text": f". {n}{n}", "id": f"d{n}"})])
        prelabel(db, model=tiny)
    with Store.open(db) as store:
        [model_id] = [model.id for model in store.models.all()]
        ids = store.documents.ids()
        learned = store.acquisition.counts(model_id, INFORMATION, ids)
        scores = store.acquisition.counts(model_id, "bald", ids)
    assert len(learned) == len(scores) == 15
    assert sorted(scores.values()) == pytest.approx([1 + n / 15 for n in range(1, 16)])
    found = [learned[number] for number in order(db, "bald")]
    assert all(one >= other - 1e-5 for one, other in pairwise(found))


def test_on_a_shared_encoder_which_is_not_looked_into_spans_are_asked_by_what_is_expected(
    project: Path, tmp_path: Path
) -> None:
    import spacy
    from spacy.training import Example

    nlp = spacy.blank("en")
    tok2vec = {
        "@architectures": "spacy.HashEmbedCNN.v2", "pretrained_vectors": None, "width": 32, "depth": 1,
        "embed_size": 200, "window_size": 1, "maxout_pieces": 2, "subword_features": True,
    }  # fmt: skip
    head = {"@architectures": "spanloop.TokenHead.v1", "tok2vec": tok2vec}
    nlp.add_pipe("hf_token_classifier", config={"model": head})
    gold = Example.from_dict(nlp.make_doc("Ann met Bob"), {"entities": [(0, 3, "PER"), (8, 11, "PER")]})
    nlp.initialize(lambda: [gold])
    nlp.to_disk(tmp_path / "shared")
    copy = tmp_path / "p.db"
    with Store.open(project) as store:
        store.backup(copy)
    with Store.open(copy) as store:
        store.queue.prioritise("random")
    shared = str(tmp_path / "shared")
    assert prelabel(copy, pipeline=shared).strategy == "expected_spans"
    assert "looks into the model" in refused(
        "prelabel", copy, "--pipeline", shared, "--strategy", "bald_spans"
    )


def test_what_has_no_token_scores_is_refused_before_anything_is_predicted(
    project: Path, tmp_path: Path
) -> None:
    patterns = jsonl_file(tmp_path / "patterns.jsonl", {"label": "PER", "pattern": "Ann"})
    told = refused("prelabel", project, "--patterns", patterns, "--strategy", "diversity")
    assert "the strategy diversity needs embeddings and log probabilities" in told
    assert "choose random" in told
    typo = run("prelabel", project, "--strategy", "diversty")
    assert typo.exit_code == 2
    assert "there is no strategy 'diversty': did you mean diversity?" in typo.output
    fresh = tmp_path / "fresh.db"
    init(fresh, labels=["PER"], model="offline")
    with Store.open(fresh) as store, pytest.raises(ValueError, match="prelabel --strategy diversity` first"):
        store.queue.next("me", strategy="diversity")


def test_vectors_are_those_of_the_head_and_passes_leave_something_out(tiny: str) -> None:
    import spacy

    from spanloop.plugin.model.closer import layer_passes, unit_vectors
    from spanloop.plugin.model.pretrained import head_name

    nlp = spacy.blank("en")
    pipe = nlp.add_pipe("hf_token_classifier", config={"model": tiny})
    docs = [nlp.make_doc(text) for text in ("Ann met Bob in Rome.", "", "Ann " * 700)]
    network = pipe.network  # type: ignore[attr-defined]
    at_first = layer_passes(network, docs, passes=3, seed=1)
    assert np.ptp(at_first[0], axis=0).max() > 0
    model = pipe.hf_model()  # type: ignore[attr-defined]
    head = model.get_submodule(head_name(model))
    scores = pipe.predict(docs)  # type: ignore[attr-defined]
    for found, vectors in zip(scores, unit_vectors(network, docs), strict=True):
        if len(found):
            import torch

            with torch.inference_mode():
                again = head(torch.from_numpy(vectors)).log_softmax(dim=-1).numpy()
            np.testing.assert_allclose(again, found.logprobs, atol=1e-4)
    assert [one.shape for one in at_first] == [(3, len(found), len(found.tags)) for found in scores]
    for one, other in zip(at_first, layer_passes(network, docs, passes=3, seed=1), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not model.training


def test_what_is_learned_from_a_document_is_stored_by_the_prediction_and_the_same_by_a_second_look(
    project: Path, tiny: str, tmp_path: Path
) -> None:
    """The law behind both: no document's figure depends on what stands beside it."""
    copies = [tmp_path / name for name in ("asked.db", "late.db")]
    with Store.open(project) as store:
        for copy in copies:
            store.backup(copy)
    asked, late = copies
    for copy in copies:
        with Store.open(copy) as store:
            store.run("DELETE FROM acquisition")
            store.run("DELETE FROM predictions")
    prelabel(asked, model=tiny, strategy="bald")
    prelabel(late, model=tiny, strategy="mnlp", limit=7)
    prelabel(late, model=tiny, strategy="mnlp")
    with Store.open(asked) as store, Store.open(late) as other:
        source = open_source(other, tiny, None, None)
        ids = np.array(store.documents.ids())
        stored = store.acquisition.counts(source.model_id, INFORMATION, ids.tolist())
        assert set(stored) == set(ids.tolist())
        assert max(stored.values()) > 0
        assert other.acquisition.counts(source.model_id, INFORMATION, ids.tolist()) == {}
        looked = Asking(other, source).information(ids)
    np.testing.assert_allclose(looked, [stored[number] for number in ids.tolist()], rtol=1e-3, atol=1e-6)
    prelabel(late, model=tiny, strategy="bald")
    with Store.open(asked) as store:
        one = int(ids[3])
        assert store.acquisition.counts(source.model_id, INFORMATION, [one]) == {one: stored[one]}
        assert store.acquisition.counts(source.model_id, INFORMATION, range(10_000)) == stored
    found = [stored[number] for number in order(late, "bald")]
    assert all(one >= other - 1e-5 for one, other in pairwise(found))  # but for rounding
