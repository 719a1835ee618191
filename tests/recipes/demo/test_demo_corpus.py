"""The built-in corpus keeps what its README promises, and its gold its own label guide."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from itertools import combinations
from typing import Any

import pytest

from spanloop.plugin.model.places import place_of
from spanloop.recipes.demo.demo import CORPUS, INSTRUCTIONS, LABELS, RARE, file_gold


@pytest.fixture(scope="module")
def documents() -> list[dict[str, Any]]:
    return [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]


def test_demo_corpus_spans_lie_inside_apart_and_trimmed(documents):
    for document in documents:
        end = 0
        for span in document["spans"]:
            words = document["text"][span["start"] : span["end"]]
            assert end <= span["start"] < span["end"] <= len(document["text"]), document["id"]
            assert words == words.strip("\"'(),.;:!? \r\n"), words
            end = span["end"]


def test_demo_corpus_has_one_rare_label_and_no_unknown_one(documents):
    counts = Counter(span["label"] for document in documents for span in document["spans"])
    assert set(counts) == set(LABELS)
    assert min(counts, key=counts.__getitem__) == RARE
    assert 0.03 <= counts[RARE] / counts.total() <= 0.05
    assert max(counts.values()) > 5 * counts[RARE]


def test_demo_corpus_is_as_awkward_as_promised(documents):
    texts = [document["text"] for document in documents]
    assert len(texts) == len(set(texts)) >= 240
    assert sum("\r\n" in text for text in texts) >= 2
    assert any("\u200d" in text for text in texts), "an emoji of several code points"
    assert any(re.search(r"[A-Z ,]{40}", text) for text in texts), "a notice in capitals"
    assert any(re.search(r"\d(ml|kg|m|l)\b", text) for text in texts)
    assert sum(not document["spans"] for document in documents) >= 10
    short = [text for text in texts if 12 <= len(text.split()) <= 70]
    assert len(short) >= 240


def test_demo_corpus_long_documents_keep_their_spans_for_the_end(documents):
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(f"{place_of('offline').folder}/tokenizer.json")
    tokenizer.no_truncation()
    long = [document for document in documents if len(tokenizer.encode(document["text"]).ids) > 512]
    assert len(long) == 3
    for document in long:
        first = min(span["start"] for span in document["spans"])
        assert len(tokenizer.encode(document["text"][:first]).ids) > 512


def test_demo_corpus_has_no_near_duplicates(documents):
    shingles = {
        document["id"]: {document["text"].lower()[i : i + 8] for i in range(len(document["text"]) - 7)}
        for document in documents
    }
    for one, other in combinations(shingles, 2):
        shared = len(shingles[one] & shingles[other])
        assert shared < 0.2 * len(shingles[one] | shingles[other]), (one, other)


def test_demo_corpus_marks_every_mention_of_what_it_marks_once(documents):
    """A string that is marked somewhere is marked everywhere, but for the senses that the guide names."""
    other_senses = {"rust", "mint", "scab", "squash"}
    marked = {
        document["text"][span["start"] : span["end"]] for document in documents for span in document["spans"]
    }
    missed = defaultdict(list)
    for document in documents:
        inside = {i for span in document["spans"] for i in range(span["start"], span["end"])}
        for words in marked:
            for match in re.finditer(rf"(?<!\w){re.escape(words)}(?!\w)", document["text"]):
                if match.start() not in inside and words.lower() not in other_senses:
                    missed[words].append(document["id"])
    assert not missed


def test_demo_guide_has_a_section_for_every_label():
    guide = INSTRUCTIONS.read_text(encoding="utf-8")
    assert tuple(re.findall(r"^## (.+)$", guide, flags=re.MULTILINE)) == LABELS


def test_demo_gold_is_what_the_file_says(documents):
    gold = file_gold(CORPUS)
    assert list(gold) == [document["id"] for document in documents]
    for document in documents:
        expected = [(span["start"], span["end"], span["label"]) for span in document["spans"]]
        assert [(span.start, span.end, span.label) for span in gold[document["id"]]] == expected
