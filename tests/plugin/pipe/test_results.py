"""The label map, thresholds and candidates of a pipe: in every way in, saved, and before
learning."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc, DocBin
from support.pipe_making import examples, found, make
from support.tiny_models import SAMPLE, build_tiny

from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.tagging.label_map import LabelMapError
from spanloop.plugin.tagging.thresholds import ThresholdError

MERGED = {"PER": "NAME", "LOC": "NAME"}


def spans(doc: Doc) -> list[CharSpan]:
    found: list[CharSpan] = doc._.spanloop_char_spans
    return found


def test_a_map_that_is_the_identity_changes_nothing(folder: Path) -> None:
    plain, pipe = make(folder)
    mapped, other = make(folder, label_map={"PER": "PER", "LOC": "LOC"}, threshold=0)
    assert [spans(doc) for doc in mapped.pipe(SAMPLE)] == [spans(doc) for doc in plain.pipe(SAMPLE)]
    assert other.fingerprint() == pipe.fingerprint()
    assert other.labels == pipe.labels == ("PER", "LOC")


@pytest.mark.parametrize(
    "config",
    [
        {"label_map": MERGED},
        {"label_map": {"LOC": ""}, "threshold": {"PER": 0.4}},
        {"label_map": {"PER": "LOC"}, "threshold": 0.3, "candidates": 0.05, "annotate": "spans"},
    ],
)
def test_every_way_in_gives_the_same(folder: Path, config: dict[str, object]) -> None:
    nlp, _ = make(folder, **config)

    def all_of(doc: Doc) -> tuple[object, ...]:
        parts = (spans(doc), doc._.spanloop_below_threshold, doc._.spanloop_candidates)
        return found(doc), *([(*one.key, round(one.score or 0.0, 3)) for one in part] for part in parts)

    called = [all_of(nlp(text)) for text in SAMPLE]
    assert any(span for _, span, *_ in called)
    assert [all_of(doc) for doc in nlp.pipe(SAMPLE, batch_size=2)] == called
    again = pickle.loads(pickle.dumps(nlp))
    assert [all_of(doc) for doc in again.pipe(SAMPLE)] == called
    docs = list(DocBin(docs=nlp.pipe(SAMPLE), store_user_data=True).get_docs(nlp.vocab))
    assert [all_of(doc)[1:] for doc in docs] == [one[1:] for one in called]


def test_a_dropped_label_is_gone_and_a_merged_one_has_the_new_name(folder: Path) -> None:
    plain, _ = make(folder)
    assert {span.label for doc in plain.pipe(SAMPLE) for span in spans(doc)} == {"PER", "LOC"}
    mapped, pipe = make(folder, label_map={"PER": "", "LOC": "PLACE"})
    assert pipe.labels == ("PLACE",)
    assert {span.label for doc in mapped.pipe(SAMPLE) for span in spans(doc)} == {"PLACE"}
    assert pipe.predict([mapped.make_doc(SAMPLE[0])])[0].tags == ("O", "B-PLACE", "I-PLACE")


def test_a_threshold_parts_what_is_found_and_says_what_it_left_out(folder: Path) -> None:
    without, _ = make(folder)
    nlp, _ = make(folder, threshold={"PER": 0.6, "*": 0.2})
    left_out = 0
    for before, doc in zip(without.pipe(SAMPLE), nlp.pipe(SAMPLE), strict=True):
        below = doc._.spanloop_below_threshold
        assert all(span.score < (0.6 if span.label == "PER" else 0.2) for span in below)
        assert sorted([*spans(doc), *below], key=lambda span: span.start) == spans(before)
        left_out += len(below)
    assert left_out


def test_candidates_hold_what_was_found_and_what_it_was_found_over(folder: Path) -> None:
    nlp, _ = make(folder, candidates=0.02, threshold=0.5)
    for doc in nlp.pipe(SAMPLE):
        shown = doc._.spanloop_candidates
        assert set(spans(doc)) | set(doc._.spanloop_below_threshold) <= set(shown)
        for token in doc:
            over = [span.score for span in shown if span.start <= token.idx < span.end]
            assert sum(over) <= 1 + 1e-4
    assert "candidates" not in make(folder)[0]("").user_data


def test_saved_and_loaded_it_reads_the_same_and_the_configuration_goes_first(
    folder: Path, tmp_path: Path
) -> None:
    nlp, pipe = make(folder, label_map=MERGED)
    pipe.threshold = {"NAME": 0.4}
    nlp.to_disk(tmp_path / "saved")
    expected = [spans(doc) for doc in nlp.pipe(SAMPLE)]
    loaded = spacy.load(tmp_path / "saved")
    assert [spans(doc) for doc in loaded.pipe(SAMPLE)] == expected
    assert loaded.get_pipe("hf_token_classifier").fingerprint() == pipe.fingerprint()
    open_ = spacy.load(tmp_path / "saved", config={"components.hf_token_classifier.threshold": 0})
    assert sum(len(spans(doc)) for doc in open_.pipe(SAMPLE)) > sum(map(len, expected))


def test_each_map_and_threshold_is_another_model(folder: Path) -> None:
    configs = [{}, {"label_map": MERGED}, {"threshold": 0.5}, {"threshold": 0.6}]
    assert len({make(folder, **config)[1].fingerprint() for config in configs}) == len(configs)


def test_what_is_wrong_is_told_in_a_line(folder: Path) -> None:
    with pytest.raises(LabelMapError, match=r"names 'PERS', .* its labels are PER, LOC"):
        make(folder, label_map={"PERS": "PERSON"})[0]("x")
    with pytest.raises(ThresholdError, match="of every label is 2: give 0 to 1"):
        make(folder, threshold=2)
    with pytest.raises(ValueError, match=r"candidates = 0\.0 must be above 0"):
        make(folder, candidates=0.0)
    _, pipe = make(build_tiny(folder.parent / "encoder-alone", head=False), label_map=MERGED)
    with pytest.raises(LabelMapError, match="has no labels yet that a map could rename"):
        pipe.set_labels(["NAME"])


def test_a_pipe_that_learns_takes_the_new_names_for_its_own(folder: Path, tmp_path: Path) -> None:
    nlp, pipe = make(folder, label_map={"PER": "PERSON"})
    before = pipe.hf_model().classifier.weight.detach().numpy().copy()
    nlp.initialize(lambda: _renamed(nlp))
    assert pipe.tags == ("O", "B-LOC", "I-LOC", "B-PERSON", "I-PERSON")
    np.testing.assert_array_equal(pipe.hf_model().classifier.weight.detach().numpy(), before[[0, 3, 4, 1, 2]])
    assert pipe.label_map == {}
    nlp.to_disk(tmp_path / "learned")
    loaded = spacy.load(tmp_path / "learned")
    assert loaded.get_pipe("hf_token_classifier").label_map == {}
    assert [spans(doc) for doc in loaded.pipe(SAMPLE)] == [spans(doc) for doc in nlp.pipe(SAMPLE)]


def _renamed(nlp: spacy.language.Language) -> list[spacy.training.Example]:
    return [
        spacy.training.Example.from_dict(
            one.predicted,
            {
                "entities": [
                    (ent.start_char, ent.end_char, {"PER": "PERSON"}.get(ent.label_, ent.label_))
                    for ent in one.reference.ents
                ]
            },
        )
        for one in examples(nlp)
    ]


def test_learning_without_the_new_names_is_refused(folder: Path) -> None:
    nlp, _ = make(folder, label_map={"PER": "PERSON"})
    optimizer = nlp.resume_training()
    with pytest.raises(LabelMapError, match="set_labels"):
        nlp.update(_renamed(nlp), sgd=optimizer)
