"""The pipe: what it predicts, however documents come in; what it learns; what it carries when saved."""

from __future__ import annotations

import copy
import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import spacy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from support.pipe_making import found, make
from support.tiny_models import FAMILIES, SAMPLE, TAGS, build_tiny
from transformers import AutoModelForTokenClassification

from spanloop.plugin.model.errors import ModelError
from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe

TEXTS = [*SAMPLE, "", " \n", "😀", " ".join(SAMPLE * 4)]


# Prediction


@pytest.mark.parametrize("family", FAMILIES)
def test_every_way_in_gives_the_same_entities(folders: dict[str, Path], family: str) -> None:
    nlp, pipe = make(folders[family])
    one_by_one = [found(nlp(text)) for text in TEXTS]
    assert any(one_by_one)
    assert [found(doc) for doc in nlp.pipe(TEXTS, batch_size=3)] == one_by_one
    assert [found(doc) for doc in nlp.pipe(reversed(TEXTS))] == one_by_one[::-1]
    alone = [scores for text in TEXTS for scores in pipe.predict([nlp.make_doc(text)])]
    together = pipe.predict([nlp.make_doc(text) for text in TEXTS])
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_allclose(a.logprobs, b.logprobs, atol=1e-4)


@settings(deadline=None, max_examples=25)
@given(
    texts=st.lists(
        st.lists(st.sampled_from(" ".join(SAMPLE).split()), max_size=40).map(" ".join), max_size=6
    ),
    budget=st.sampled_from([1, 64, 1024]),
    family=st.sampled_from(FAMILIES),
)
def test_neighbours_and_batch_size_change_no_score(
    folders: dict[str, Path], texts: list[str], budget: int, family: str
) -> None:
    nlp, pipe = _cached(folders[family])
    pipe.model.attrs["batch_wordpieces"] = budget
    docs = [nlp.make_doc(text) for text in texts]
    together = pipe.predict(docs)
    for doc, scores in zip(docs, together, strict=True):
        np.testing.assert_allclose(scores.logprobs, pipe.predict([doc])[0].logprobs, atol=1e-4)


_CACHE: dict[Path, tuple[Language, HFTokenClassifierPipe]] = {}


def _cached(folder: Path) -> tuple[Language, HFTokenClassifierPipe]:
    if folder not in _CACHE:
        _CACHE[folder] = make(folder)
    return _CACHE[folder]


def test_a_long_document_gives_what_its_windows_give_and_loses_nothing(folder: Path) -> None:
    nlp, pipe = make(folder)
    text = " ".join(SAMPLE * 30)
    doc = nlp(text)
    scores = pipe.predict([doc])[0]
    visible = [token for token in doc if not token.is_space]
    assert scores.starts[0] == visible[0].idx
    assert scores.ends[-1] == visible[-1].idx + len(visible[-1])
    last = len(text) - len(SAMPLE[-1])
    assert any(span.start >= last for span in doc._.spanloop_char_spans)


def test_a_model_left_in_training_predicts_without_dropout(folder: Path) -> None:
    nlp, pipe = make(folder)
    doc = nlp.make_doc(SAMPLE[0])
    expected = pipe.predict([doc])[0].logprobs
    pipe.hf_model().train()
    np.testing.assert_array_equal(pipe.predict([doc])[0].logprobs, expected)


def test_reading_ahead_keeps_order_and_stays_lazy(folder: Path) -> None:
    nlp, pipe = make(folder)
    taken = 0

    def stream() -> Iterator[Doc]:
        nonlocal taken
        for number in range(50):
            taken += 1
            yield nlp.make_doc(f"document {number} of Angela")

    docs = pipe.pipe(stream(), batch_size=8)
    assert next(docs).text.startswith("document 0 ")
    assert taken == 8
    assert [doc[1].text for doc in docs] == [str(number) for number in range(1, 50)]


def test_a_failing_batch_goes_to_the_error_handler(folder: Path) -> None:
    nlp, pipe = make(folder)
    failed: list[int] = []
    pipe.set_error_handler(lambda name, proc, docs, error: failed.append(len(docs)))
    pipe.model.attrs["aggregation"] = "no such thing"
    pipe.hf_model().forward = None
    assert list(pipe.pipe([nlp.make_doc("a"), nlp.make_doc("b")], batch_size=2)) == []
    assert failed == [2]


def test_scores_are_kept_on_demand(folder: Path) -> None:
    nlp, pipe = make(folder, keep_scores=True)
    doc = nlp(SAMPLE[0])
    kept = doc._.spanloop_token_scores["hf_token_classifier"]
    assert kept.tags == TAGS
    assert pipe.decode(kept) == doc._.spanloop_char_spans
    assert make(folder)[0](SAMPLE[0])._.spanloop_token_scores == {}


def test_confidence_is_a_probability_and_falls_with_temperature(folder: Path) -> None:
    nlp, pipe = make(folder)
    sharp = nlp(SAMPLE[0])
    assert all(0 < ent._.spanloop_confidence <= 1 for ent in sharp.ents)
    pipe.temperature = 50.0
    flat = nlp(SAMPLE[0])
    assert found(flat) == found(sharp)
    assert sum(ent._.spanloop_confidence for ent in flat.ents) < sum(
        ent._.spanloop_confidence for ent in sharp.ents
    )
    with pytest.raises(ValueError, match="above 0"):
        pipe.temperature = 0


def test_what_the_doc_carries_survives_bytes_and_docbin(folder: Path) -> None:
    nlp, _ = make(folder, keep_scores=True, unit="wordpiece")
    doc = nlp(SAMPLE[1])
    assert doc._.spanloop_alignment_events
    again = Doc(nlp.vocab).from_bytes(doc.to_bytes())
    [from_bin] = DocBin(docs=[doc], store_user_data=True).get_docs(nlp.vocab)
    for other in (again, from_bin):
        assert other._.spanloop_char_spans == doc._.spanloop_char_spans
        assert other._.spanloop_alignment_events == doc._.spanloop_alignment_events
        assert [e._.spanloop_confidence for e in other.ents] == [e._.spanloop_confidence for e in doc.ents]
        kept = other._.spanloop_token_scores["hf_token_classifier"]
        np.testing.assert_array_equal(
            kept.logprobs, doc._.spanloop_token_scores["hf_token_classifier"].logprobs
        )


def test_wordpiece_units_cut_through_tokens_and_the_difference_is_told(folders: dict[str, Path]) -> None:
    nlp, pipe = make(folders["character"], unit="wordpiece")
    doc = nlp(SAMPLE[1])
    tokens = {token.idx for token in doc} | {token.idx + len(token) for token in doc}
    cut = [span for span in doc._.spanloop_char_spans if {span.start, span.end} - tokens]
    assert cut, "a random character model cuts tokens"
    told = {(event.start, event.end) for event in doc._.spanloop_alignment_events}
    assert {(span.start, span.end) for span in cut} == told
    scores = pipe.predict([doc])[0]
    assert [doc.text[s:e] for s, e in zip(scores.starts, scores.ends, strict=True)] == [
        char for char in doc.text if not char.isspace()
    ]


@pytest.mark.parametrize("how", ["first", "mean", "max"])
def test_aggregations_agree_on_tokens_of_one_wordpiece(folder: Path, how: str) -> None:
    nlp, pipe = make(folder, aggregation=how)
    _, first = make(folder)
    doc = nlp.make_doc(", . ! ; Angela")
    ours, theirs = pipe.predict([doc])[0], first.predict([doc])[0]
    np.testing.assert_allclose(ours.logprobs[:3], theirs.logprobs[:3], atol=1e-5)


# Targets


def test_tags_are_written_to_tokens(tmp_path: Path) -> None:
    build_tiny(tmp_path, tags=["NOUN", "VERB", "PUNCT"])
    for target in ("tag", "pos"):
        nlp, pipe = make(tmp_path, annotate=target)
        assert pipe.scheme == "plain"
        doc = nlp("We saw\n it .")
        values = [getattr(token, f"{target}_") for token in doc if not token.is_space]
        assert set(values) <= {"NOUN", "VERB", "PUNCT"}
        assert [span.label for span in doc._.spanloop_char_spans] == values
        assert not doc.ents


def test_chunks_and_spans_go_to_their_groups(folder: Path) -> None:
    cases: list[tuple[dict[str, str], str]] = [
        ({"annotate": "chunks"}, "chunks"),
        ({"annotate": "spans"}, "sc"),
        ({"annotate": "spans", "spans_key": "mine"}, "mine"),
    ]
    for config, key in cases:
        nlp, _ = make(folder, **config)
        doc = nlp(SAMPLE[0])
        group = doc.spans[key]
        assert [(s.start_char, s.end_char) for s in group] == [
            (s.start, s.end) for s in doc._.spanloop_char_spans
        ]
        np.testing.assert_allclose(
            group.attrs["scores"], [s.score for s in doc._.spanloop_char_spans], rtol=1e-5
        )
        assert not doc.ents


def test_two_pipes_keep_their_spans_apart(folder: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("hf_token_classifier", name="one", config={"model": str(folder)})
    one = nlp(SAMPLE[0])._.spanloop_char_spans
    nlp.add_pipe("hf_token_classifier", name="two", config={"model": str(folder), "annotate": "spans"})
    assert nlp(SAMPLE[0])._.spanloop_char_spans == sorted([*one, *one], key=lambda span: span.start)


# Labels


def test_labels_can_be_asked_without_loading_the_model(folder: Path, tmp_path: Path) -> None:
    _, pipe = make(folder)
    assert pipe.labels == ("PER", "LOC")
    assert not pipe.model.shims[0].is_loaded
    assert make(build_tiny(tmp_path, head=False))[1].labels == ()
    assert make("nobody/nothing")[1].labels == ()


def test_labels_grow_and_old_entities_stay(folder: Path) -> None:
    nlp, pipe = make(folder)
    before = pipe.predict([nlp.make_doc(SAMPLE[0])])[0]
    assert pipe.labels == ("PER", "LOC")
    assert pipe.add_label("PER") == 0
    assert pipe.add_label("NEW") == 1
    assert pipe.tags == (*TAGS, "B-NEW", "I-NEW")
    after = pipe.predict([nlp.make_doc(SAMPLE[0])])[0]
    ratio = after.logprobs[:, :5] - before.logprobs
    np.testing.assert_allclose(ratio, np.repeat(ratio[:, :1], 5, axis=1), atol=1e-4)


def test_labels_keep_the_scheme_of_the_model(tmp_path: Path) -> None:
    build_tiny(tmp_path, tags=["O", "B-X", "I-X", "L-X", "U-X"])
    _, pipe = make(tmp_path)
    assert pipe.scheme == "BILOU"
    pipe.set_labels(["X", "Y"])
    assert pipe.scheme == "BILOU"
    assert len(pipe.tags) == 9
    pipe.set_labels(["X"], scheme="IOB1")
    assert pipe.scheme == "IOB1", "not to be told from IOB2 by its tags: kept as a setting"


def test_wrong_labels_are_refused(folder: Path) -> None:
    _, pipe = make(folder)
    with pytest.raises(ValueError, match="at least one"):
        pipe.set_labels([])
    with pytest.raises(ValueError, match="twice"):
        pipe.set_labels(["A", "A"])


def test_an_encoder_without_labels_says_so(tmp_path: Path) -> None:
    nlp, pipe = make(build_tiny(tmp_path, head=False))
    assert pipe.labels == ()
    with pytest.raises(ModelError, match=r"set_labels\(\[\.\.\.\]\)"):
        nlp("hello")


# Saving


def test_disk_and_bytes_carry_everything_and_the_source_may_go(folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(folder, source)
    nlp, pipe = make(source)
    pipe.temperature = 2.5
    nlp.to_disk(tmp_path / "saved")
    data = nlp.to_bytes()
    expected = [found(nlp(text)) for text in TEXTS]
    shutil.rmtree(source)
    from_disk = spacy.load(tmp_path / "saved")
    from_bytes = spacy.blank("en")
    from_bytes.add_pipe("hf_token_classifier", config={"model": "nowhere at all"})
    from_bytes.from_bytes(data)
    for other in (from_disk, from_bytes):
        assert [found(other(text)) for text in TEXTS] == expected
        assert other.get_pipe("hf_token_classifier").fingerprint() == pipe.fingerprint()
        assert other.get_pipe("hf_token_classifier").temperature == 2.5


@pytest.mark.parametrize("used", [False, True])
def test_copies_and_pickles_before_and_after_first_use(folder: Path, used: bool) -> None:
    nlp, pipe = make(folder)
    expected = found(make(folder)[0](SAMPLE[0]))
    if used:
        nlp(SAMPLE[0])
    for other in (copy.deepcopy(pipe), pickle.loads(pickle.dumps(pipe))):
        doc = other(nlp.make_doc(SAMPLE[0]))
        assert found(doc) == expected
    pickled = pickle.loads(pickle.dumps(nlp))
    assert found(pickled(SAMPLE[0])) == expected
    copied = pipe.model.copy()
    assert copied.shims[0] is not pipe.model.shims[0]


def test_a_copy_learns_by_itself(folder: Path) -> None:
    _nlp, pipe = make(folder)
    copied = copy.deepcopy(pipe)
    pipe.hf_model()
    again = copy.deepcopy(pipe)
    with torch.no_grad():
        pipe.hf_model().classifier.bias += 5
    assert copied.fingerprint() == again.fingerprint() != pipe.fingerprint()


def test_saved_weights_are_a_hugging_face_folder(folder: Path, tmp_path: Path) -> None:
    nlp, _pipe = make(folder)
    nlp.to_disk(tmp_path)  # before first use
    saved = tmp_path / "hf_token_classifier" / "model"
    assert (saved / "model.safetensors").is_file()
    assert not [path for path in saved.rglob("*") if path.suffix in (".bin", ".pt", ".pkl")]
    model = AutoModelForTokenClassification.from_pretrained(saved)
    assert model.config.id2label == dict(enumerate(TAGS))


def test_saving_without_the_model_keeps_the_one_in_memory(folder: Path, tmp_path: Path) -> None:
    _nlp, pipe = make(folder)
    pipe.to_disk(tmp_path, exclude=["model"])
    assert not (tmp_path / "model").exists()
    before = pipe.fingerprint()
    assert pipe.from_disk(tmp_path, exclude=["model"]).fingerprint() == before


def test_a_folder_of_another_format_is_refused(folder: Path, tmp_path: Path) -> None:
    _nlp, pipe = make(folder)
    pipe.to_disk(tmp_path)
    state = tmp_path / "spanloop.json"
    state.write_text(state.read_text("utf-8").replace('"format": 1', '"format": 0'), "utf-8")
    with pytest.raises(ValueError, match="reads format 1: save it again"):
        pipe.from_disk(tmp_path)
    state.unlink()
    with pytest.raises(ValueError, match=r"no saved hf_token_classifier: it has no spanloop.json"):
        pipe.from_disk(tmp_path)


def test_the_fingerprint_follows_what_changes_predictions(folder: Path) -> None:
    prints = [
        make(folder, **config)[1].fingerprint()
        for config in (
            {},
            {"viterbi": False},
            {"aggregation": "mean"},
            {"unit": "wordpiece"},
            {"scheme": "IOB1"},
        )
    ]
    assert len(set(prints)) == 5
    assert make(folder, annotate="spans", batch_wordpieces=64)[1].fingerprint() == prints[0]
