"""What lies on a Doc: whose confidence an entity has, and what survives spaCy's ways of copying Docs."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from support.pipe_making import make
from support.processes import PATIENCE_SECONDS
from support.tiny_models import SAMPLE

from spanloop.plugin.alignment.values import AlignmentEvent, CharSpan
from spanloop.plugin.pipe import extensions, writing

NLP = spacy.blank("en")
TEXT = "Angela Merkel saw New York"
PER, LOC = CharSpan(0, 13, "PER", 0.9), CharSpan(18, 26, "LOC", 0.7)
NAMES = [
    "spanloop_char_spans",
    "spanloop_alignment_events",
    "spanloop_confidence",
]


def settings(**changed: Any) -> dict[str, Any]:
    return {"annotate": "ents", "spans_key": "sc", "alignment": "snap", "overwrite": True, **changed}


def written(*spans: CharSpan, pipe: str = "ner", doc: Doc | None = None, **changed: Any) -> Doc:
    doc = NLP.make_doc(TEXT) if doc is None else doc
    writing.write(doc, spans, pipe, settings(**changed))
    return doc


def confidences(doc: Doc) -> list[tuple[str, str, float | None]]:
    return [(ent.text, ent.label_, ent._.spanloop_confidence) for ent in doc.ents]


# Whose confidence it is


def test_an_entity_of_a_ruler_has_none_whatever_a_model_said_of_the_same_words() -> None:
    doc = written(PER, LOC)
    ruler = NLP.create_pipe("entity_ruler", config={"overwrite_ents": True})
    ruler.add_patterns([{"label": "CITY", "pattern": "New York"}])  # type: ignore[attr-defined]
    doc = ruler(doc)
    assert confidences(doc) == [("Angela Merkel", "PER", 0.9), ("New York", "CITY", None)]


def test_two_pipes_that_mark_the_same_words_keep_their_confidences_apart() -> None:
    doc = written(LOC)
    written(CharSpan(18, 26, "NP", 0.4), pipe="chunker", doc=doc, annotate="chunks", spans_key="chunks")
    assert confidences(doc) == [("New York", "LOC", 0.7)]
    assert [span._.spanloop_confidence for span in doc.spans["chunks"]] == [0.4]


def test_an_entity_does_not_answer_with_what_a_group_says_of_the_same_label() -> None:
    doc = NLP.make_doc(TEXT)
    doc.ents = [Span(doc, 3, 5, "LOC")]  # type: ignore[assignment]
    written(LOC, PER, doc=doc, annotate="spans")
    assert confidences(doc) == [("New York", "LOC", None)]
    assert Span(doc, 0, 2, "PER")._.spanloop_confidence == 0.9
    written(LOC._replace(score=0.2), doc=doc, pipe="other")
    assert confidences(doc) == [("New York", "LOC", 0.2)]


@pytest.mark.parametrize("second", [LOC._replace(score=0.3), LOC._replace(score=0.3, label="GPE")])
def test_of_two_pipes_for_entities_the_one_that_wrote_last_answers(second: CharSpan) -> None:
    doc = written(PER, LOC, pipe="one")
    written(second, pipe="two", doc=doc)
    assert confidences(doc) == [("Angela Merkel", "PER", 0.9), ("New York", second.label, 0.3)]
    pipes = [(one.label, one.pipe) for one in doc._.spanloop_confidence]
    assert pipes == [("PER", "one"), (second.label, "two")]


def test_a_second_run_of_a_pipe_leaves_nothing_of_the_first() -> None:
    for changed in (
        {},
        {"annotate": "spans"},
        {"overwrite": False},
        {"annotate": "spans", "overwrite": False},
    ):
        twice = written(LOC, doc=written(PER, **changed), **changed)
        once = written(LOC, **changed)
        assert [(s.text, s.label_) for s in twice.ents] == [(s.text, s.label_) for s in once.ents]
        assert list(map(str, twice.spans.get("sc", ()))) == list(map(str, once.spans.get("sc", ())))
        assert twice.user_data == once.user_data


def test_what_gave_way_is_told() -> None:
    doc = NLP.make_doc(TEXT)
    doc.ents = [Span(doc, 1, 3, "OLD"), Span(doc, 3, 5, "CITY")]  # type: ignore[assignment]
    written(PER, doc=doc)
    assert confidences(doc) == [("Angela Merkel", "PER", 0.9), ("New York", "CITY", None)]
    assert [(e.start, e.end, e.label, e.action) for e in doc._.spanloop_alignment_events] == [
        (7, 17, "OLD", "replaced")
    ]


@pytest.mark.parametrize("overwrite", [True, "all", False])
def test_a_pipeline_does_with_a_ruler_what_overwrite_says(folder: Path, overwrite: bool | str) -> None:
    alone = {(s.start, s.end, s.label) for s in make(folder)[0](SAMPLE[0])._.spanloop_char_spans}
    nlp, _ = make(folder, overwrite=overwrite)
    ruler = nlp.add_pipe("entity_ruler", first=True)
    ruler.add_patterns([{"label": "WORD", "pattern": [{"IS_ALPHA": True}]}])  # type: ignore[attr-defined]
    doc = nlp(SAMPLE[0])
    words = [token for token in doc if token.is_alpha]
    kept = {ent.start for ent in doc.ents if ent.label_ == "WORD"}
    if overwrite is False:
        assert len(kept) == len(words)
    else:
        ours = {(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents if ent.label_ != "WORD"}
        assert ours == alone
        free = {t.i for t in words if not any(start <= t.idx < end for start, end, _ in ours)}
        assert free
        assert kept == (free if overwrite is True else set())
        gone = [e for e in doc._.spanloop_alignment_events if e.action == "replaced"]
        assert len(gone) + len(kept) == len(words)


# Copies


def everything(doc: Doc, at: int = 0) -> list[Any]:
    """All that lies on the Doc, counted from ``at``."""
    spans = [(s.start - at, s.end - at, s.label, s.score) for s in doc._.spanloop_char_spans]
    events = [
        (e.start - at, e.end - at, e.action, e.reason, None if e.placed_end is None else e.placed_end - at)
        for e in doc._.spanloop_alignment_events
    ]
    placed = [(p.start - at, p.end - at, *p[2:]) for p in doc._.spanloop_confidence]
    return [spans, events, placed, [ent._.spanloop_confidence for ent in doc.ents]]


@pytest.fixture(scope="module")
def tagged(folders: dict[str, Path]) -> tuple[Language, list[Doc]]:
    """Documents with events and scores: units are wordpieces, which cut tokens."""
    nlp, _ = make(folders["character"], keep_scores=True, unit="wordpiece")
    return nlp, [nlp(text) for text in [SAMPLE[1], "", SAMPLE[0], SAMPLE[3]]]


def test_docs_put_together_keep_all_of_it(tagged: tuple[Language, list[Doc]]) -> None:
    _, docs = tagged
    assert docs[0]._.spanloop_alignment_events
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # spaCy's W101 and W102 say what it leaves out
        whole = Doc.from_docs(docs)
    parts, begin = [], 0
    for doc in docs:
        parts.append(everything(doc, -begin))
        begin += len(doc.text) + (1 if len(doc) else 0)
    together = [[row for part in parts for row in part[kind]] for kind in range(4)]
    assert everything(whole) == together
    scores = whole._.spanloop_token_scores["hf_token_classifier"]
    alone = [doc._.spanloop_token_scores["hf_token_classifier"] for doc in docs]
    np.testing.assert_array_equal(scores.logprobs, np.concatenate([one.logprobs for one in alone]))
    words = [whole.text[start:end] for start, end in zip(scores.starts, scores.ends, strict=True)]
    assert words == [
        doc.text[start:end]
        for doc, one in zip(docs, alone, strict=True)
        for start, end in zip(one.starts, one.ends, strict=True)
    ]


def test_tags_that_one_model_lacks_are_impossible_in_its_part(
    folder: Path, tagged: tuple[Language, list[Doc]]
) -> None:
    nlp, pipe = make(folder, keep_scores=True)
    first = nlp("Angela")
    pipe.add_label("NEW")
    scores = Doc.from_docs([first, nlp("Merkel")])._.spanloop_token_scores["hf_token_classifier"]
    assert scores.tags[-2:] == ("B-NEW", "I-NEW")
    assert np.isneginf(scores.logprobs).tolist() == [[False] * 5 + [True] * 2, [False] * 7]


def test_a_span_as_a_doc_keeps_what_lies_in_it(tagged: tuple[Language, list[Doc]]) -> None:
    doc = tagged[1][2]
    part = doc[4:12]
    alone = part.as_doc(copy_user_data=True)
    assert alone._.spanloop_char_spans == [
        s._replace(start=s.start - part.start_char, end=s.end - part.start_char)
        for s in doc._.spanloop_char_spans
        if part.start_char <= s.start and s.end <= part.end_char
    ]
    assert [ent._.spanloop_confidence for ent in alone.ents] == [
        ent._.spanloop_confidence for ent in part.ents
    ]
    scores = alone._.spanloop_token_scores["hf_token_classifier"]
    assert scores.starts[0] == 0
    assert scores.ends[-1] == len(alone.text.rstrip())
    assert everything(alone) == everything(Doc(alone.vocab).from_json(alone.to_json(underscore=NAMES)))


@pytest.mark.parametrize("number", range(4))
def test_json_there_and_back(tagged: tuple[Language, list[Doc]], number: int) -> None:
    doc = tagged[1][number]
    data = json.loads(json.dumps(doc.to_json(underscore=NAMES)))
    again = Doc(doc.vocab).from_json(data)
    assert everything(again) == everything(doc)
    assert all(isinstance(span, CharSpan) for span in again._.spanloop_char_spans)
    assert all(isinstance(event, AlignmentEvent) for event in again._.spanloop_alignment_events)


def test_a_pipe_replaces_what_came_back_from_json() -> None:
    doc = written(PER, LOC)
    again = Doc(doc.vocab).from_json(doc.to_json(underscore=NAMES))
    written(LOC, doc=again)
    assert again._.spanloop_char_spans == [LOC]


# Names


@pytest.fixture
def own_names() -> Any:
    """The process's extensions, put back afterwards."""
    kept = [dict(owner) for owner in spacy.tokens.underscore.Underscore.get_state()]
    yield
    spacy.tokens.underscore.Underscore.load_state(tuple(kept))  # type: ignore[arg-type]


def test_short_names_come_by_a_call_alone(own_names: None) -> None:
    from spanloop.plugin import short_names

    doc = written(PER)
    assert not Span.has_extension("confidence")
    assert not Doc.has_extension("char_spans")
    short_names()
    short_names()
    assert doc.ents[0]._.confidence == 0.9
    assert doc._.char_spans == doc._.spanloop_char_spans == [PER]


def test_names_of_the_user_stay_theirs(own_names: None) -> None:
    from spanloop.plugin import short_names

    Span.set_extension("confidence", default="mine")
    doc = written(PER)
    with pytest.raises(
        ValueError, match=r"Span\._\.confidence is registered already.*_\.spanloop_confidence"
    ):
        short_names()
    assert doc.ents[0]._.confidence == "mine"
    assert not Doc.has_extension("char_spans"), "all of them or none"
    extensions.register()
    assert doc.ents[0]._.spanloop_confidence == 0.9


# Other processes

_READ = """
import json, pickle, sys
from spacy.tokens import Doc

pipe, nlp = (pickle.load(open(path, "rb")) for path in sys.argv[1:3])  # the pipe alone comes first
doc = pipe(Doc(pipe.vocab, words=sys.argv[3].split()))
assert len(doc._.spanloop_char_spans) == len([ent._.spanloop_confidence for ent in doc.ents]) > 0
doc = nlp(sys.argv[3])
print(json.dumps([[e.start_char, e.label_, round(e._.spanloop_confidence, 5)] for e in doc.ents]))
"""


def test_pickles_are_read_by_a_process_that_never_heard_of_us(folder: Path, tmp_path: Path) -> None:
    nlp, pipe = make(folder)
    expected = [[e.start_char, e.label_, round(e._.spanloop_confidence, 5)] for e in nlp(SAMPLE[0]).ents]
    assert expected
    (tmp_path / "pipe").write_bytes(pickle.dumps(pipe))
    (tmp_path / "nlp").write_bytes(pickle.dumps(nlp))
    done = subprocess.run(
        [sys.executable, "-c", _READ, str(tmp_path / "pipe"), str(tmp_path / "nlp"), SAMPLE[0]],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == expected
