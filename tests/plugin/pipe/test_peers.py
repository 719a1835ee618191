"""What the nearest equivalents get wrong on real input, each as a test here. D1-D10 are our own numbers.

D1, D3, D4, D8: Label Studio's NER example backend. D2, D8: prodigy-hf. D9, D10: Hugging Face's pipeline.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import spacy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc
from support.processes import PATIENCE_SECONDS
from support.tiny_models import SAMPLE, TAGS, build_tiny, fast_tokenizer
from transformers import BertConfig, BertForTokenClassification, pipeline

from spanloop.plugin.alignment.values import CharSpan, TokenScores
from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe
from spanloop.plugin.tagging.gold import put_on_units, unit_tags
from spanloop.plugin.training.collate import training_windows

LONG = " ".join(SAMPLE[0].split()[:6] * 340)  # more than 2,000 words


def make(folder: Path, **model: int) -> tuple[Language, HFTokenClassifierPipe]:
    nlp = spacy.blank("en")
    block = {"@architectures": "spanloop.HFTokenClassifier.v1", "name": str(folder), **model}
    pipe = nlp.add_pipe("hf_token_classifier", config={"model": block})
    assert isinstance(pipe, HFTokenClassifierPipe)
    return nlp, pipe


def annotated(pipe: HFTokenClassifierPipe, doc: Doc, tags: dict[str, str]) -> list[tuple[str, str]]:
    """The entities where the model is sure of these tags for these words, and of O elsewhere."""
    logprobs = np.full((len(doc), len(TAGS)), np.log(1e-4), dtype=np.float32)
    for token in doc:
        logprobs[token.i, TAGS.index(tags.get(token.text, "O"))] = np.log(1 - 4e-4)
    starts = np.array([token.idx for token in doc])
    ends = np.array([token.idx + len(token) for token in doc])
    pipe.set_annotations([doc], [TokenScores(logprobs, starts, ends, TAGS)])
    return [(ent.text, ent.label_) for ent in doc.ents]


def test_d1_two_people_are_two_entities(folder: Path) -> None:
    nlp, pipe = make(folder)
    doc = nlp.make_doc("John went to the market in spring and later met Mary")
    found = annotated(pipe, doc, {"John": "B-PER", "Mary": "B-PER"})
    assert found == [("John", "PER"), ("Mary", "PER")]
    doc = nlp.make_doc("John Mary")
    assert annotated(pipe, doc, {"John": "B-PER", "Mary": "B-PER"}) == [("John", "PER"), ("Mary", "PER")]


@pytest.mark.parametrize("viterbi", [True, False])
def test_d2_another_label_far_away_does_not_extend_an_entity(folder: Path, viterbi: bool) -> None:
    nlp, pipe = make(folder)
    pipe.cfg["viterbi"] = viterbi
    doc = nlp.make_doc("John lives in New York")
    found = annotated(pipe, doc, {"John": "B-PER", "New": "I-LOC", "York": "I-LOC"})
    assert found == [("John", "PER"), ("New York", "LOC")]


def test_d3_training_reads_what_prediction_reads(folder: Path) -> None:
    nlp, pipe = make(folder)
    text = "playing hyper-parameters unbelievably"
    [encoded] = pipe.encode([nlp.make_doc(text)])
    units = put_on_units([], encoded.starts, encoded.ends)
    [window] = training_windows(encoded, unit_tags(units, pipe.tags, pipe.scheme), "first")
    assert window.input_ids.tolist() == pipe.tokenizer()(text)["input_ids"]
    assert window.input_ids.tolist() == encoded.windows[0].input_ids.tolist()


@pytest.mark.parametrize("labels", [["ONE"], ["PER", "LOC", "ORG", "MISC", "DATE"]])
def test_d4_another_number_of_labels_is_no_error(folder: Path, labels: list[str]) -> None:
    nlp, pipe = make(folder)
    pipe.set_labels(labels)
    assert pipe.predict([nlp.make_doc(SAMPLE[0])])[0].logprobs.shape[1] == 1 + 2 * len(labels)


@pytest.mark.parametrize("strategy", ["first", "all"])
def test_d8_no_gold_label_is_lost_behind_the_window(folder: Path, strategy: str) -> None:
    nlp, pipe = make(folder)
    doc = nlp.make_doc(LONG)
    spans = [CharSpan(token.idx, token.idx + len(token), "PER") for token in doc if token.text == "Obama"]
    [encoded] = pipe.encode([doc])
    units = put_on_units(spans, encoded.starts, encoded.ends)
    windows = training_windows(encoded, unit_tags(units, pipe.tags, pipe.scheme), strategy)  # type: ignore[arg-type]
    begins = pipe.tags.index("B-PER")
    labels = np.concatenate([window.labels for window in windows])
    if strategy == "first":
        assert (labels == begins).sum() == len(spans) == 340
        assert (labels != -100).sum() == len(encoded.starts) == len(doc)
    else:
        pieces = sum(len(pipe.tokenizer().tokenize("Obama")) for _ in spans)
        assert (labels == begins).sum() == pieces


def test_d9_text_past_the_limit_is_read_to_its_end(folder: Path) -> None:
    nlp, pipe = make(folder)
    doc = nlp(LONG)
    [scores] = pipe.predict([doc])
    assert len(scores) == len(doc) > 2000
    assert doc._.spanloop_char_spans[-1].end > 0.99 * len(LONG)


@pytest.fixture(scope="module")
def by_word(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose tags depend on the wordpiece alone: "new" begins a LOC, "york" continues it."""
    tokenizer = fast_tokenizer("character")
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=64, num_hidden_layers=0, num_attention_heads=1,
        max_position_embeddings=4096, num_labels=5, id2label=dict(enumerate(TAGS)),
    )  # fmt: skip
    torch.manual_seed(0)
    model = BertForTokenClassification(config).eval()
    with torch.no_grad():
        model.bert.embeddings.position_embeddings.weight.zero_()
        model.bert.embeddings.token_type_embeddings.weight.zero_()
        meaning = model.bert(torch.arange(len(tokenizer)).unsqueeze(0)).last_hidden_state[0]
        model.classifier.weight.zero_()
        model.classifier.bias.copy_(torch.tensor([40.0, 0, 0, 0, 0]))  # a letter times itself is 64
        model.classifier.weight[TAGS.index("B-LOC")] = meaning[tokenizer.convert_tokens_to_ids("N")]
        model.classifier.weight[TAGS.index("I-LOC")] = meaning[tokenizer.convert_tokens_to_ids("Y")]
    folder = tmp_path_factory.mktemp("by_word")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_d10_an_entity_over_the_edge_of_a_window_stays_whole(by_word: Path) -> None:
    nlp, _ = make(by_word, max_wordpieces=64, overlap=16)
    expected = []
    words: list[str] = []
    for number in range(300):  # at some of these the edge falls inside of the entity
        words += ["e" * (number % 7 + 1), "N", "Y", "Y", "Y"]
        expected.append("N Y Y Y")
    assert [ent.text for ent in nlp(" ".join(words)).ents] == expected


@settings(deadline=None, max_examples=12)
@given(
    words=st.lists(st.sampled_from(["N", "Y", "e", "eeeee", "Y" * 90, "N."]), min_size=1, max_size=150),
    size=st.sampled_from([16, 33, 64]),
    overlap=st.sampled_from([0, 3, 8]),
)
def test_windows_of_a_model_without_context_change_nothing(
    by_word: Path, words: list[str], size: int, overlap: int
) -> None:
    nlp, whole = make(by_word, max_wordpieces=4096)
    _, cut = make(by_word, max_wordpieces=size, overlap=overlap)
    docs = [nlp.make_doc(" ".join(words))]
    np.testing.assert_allclose(cut.predict(docs)[0].logprobs, whole.predict(docs)[0].logprobs, atol=1e-4)


# Hugging Face's own pipeline, where it is right

PLAIN = sorted({word for line in SAMPLE for word in line.split() if word.isascii() and word.isalpha()})


# Said of every tokenizer without a mark on continuing pieces; where spaces part the words its guess is right
@pytest.mark.filterwarnings("ignore:Tokenizer does not support real words")
@pytest.mark.parametrize(("theirs", "ours"), [("first", "first"), ("average", "mean"), ("max", "max")])
@pytest.mark.parametrize("family", ["wordpiece", "roberta"])
def test_plain_words_get_the_entities_of_hugging_face(
    tmp_path: Path, family: str, theirs: str, ours: str
) -> None:
    build_tiny(tmp_path, family=family, max_positions=512)
    nlp = spacy.blank("en")
    config = {"model": str(tmp_path), "viterbi": False, "aggregation": ours}
    pipe = nlp.add_pipe("hf_token_classifier", config=config)
    hugging_face = pipeline(
        "token-classification", model=pipe.hf_model(), tokenizer=pipe.tokenizer(), aggregation_strategy=theirs
    )
    # A space that is a wordpiece of its own is a word to Hugging Face (docs/component.md)
    words = [word for word in PLAIN if "\u0120" not in pipe.tokenizer().tokenize(f" {word}")]
    rng = np.random.default_rng(0)
    for _ in range(30):
        text = " ".join(rng.choice(words, size=rng.integers(1, 60)))
        doc = nlp(text)
        expected = [(entity["start"], entity["end"], entity["entity_group"]) for entity in hugging_face(text)]
        assert [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents] == expected


@pytest.mark.slow
def test_a_document_of_100000_tokens_needs_little_memory(folder: Path) -> None:
    code = """
import resource, sys, spacy, torch
torch.set_num_threads(1)
nlp = spacy.blank("en")
nlp.max_length = 10_000_000
nlp.add_pipe("hf_token_classifier", config={"model": sys.argv[1]})
nlp("warm up")
doc = nlp.make_doc(" ".join(["Angela Merkel met Obama in New York ,"] * 12_500))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
doc = nlp.get_pipe("hf_token_classifier")(doc)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert len(doc) == 100_000 and doc.ents[-1].end_char > len(doc.text) - 50, (len(doc), doc.ents[-1:])
print((after - before) // 1024)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) < 400, "megabytes beyond the document itself"
