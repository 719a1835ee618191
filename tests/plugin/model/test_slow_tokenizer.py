"""Tokenizers written in Python: their wordpieces are found in the text again, or the text is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from support.awkward_texts import ODD
from support.tiny_models import SAMPLE, TAGS
from transformers import (
    ByT5Tokenizer,
    CanineConfig,
    CanineForTokenClassification,
    CanineTokenizer,
    PhobertTokenizer,
)

from spanloop.plugin.model import pretrained
from spanloop.plugin.model.errors import ModelError
from spanloop.plugin.model.slow_tokenizer import SlowTokenizer, Unplaceable, places_of

CANINE = CanineTokenizer()
LABELS = {"id2label": dict(enumerate(TAGS)), "label2id": {tag: row for row, tag in enumerate(TAGS)}}


def spelled(tokens: Sequence[str]) -> str:
    """As most tokenizers put words together."""
    return " ".join(tokens).replace(" ##", "").replace("@@ ", "")


def pieces(text: str, tokens: Sequence[str]) -> list[str] | None:
    places = places_of(text, tokens, unknown="[UNK]", spell=spelled)
    return None if places is None else [text[start:end] for start, end in places]


@pytest.mark.parametrize(
    ("text", "tokens", "found"),
    [
        ("Playing chess", ["play", "##ing", "chess"], ["Play", "ing", "chess"]),
        ("Étés  à Zürich", ["etes", "a", "zu", "##rich"], ["Étés", "à", "Zü", "rich"]),
        ("e\u0301te\u0301 fin", ["ete", "fin"], ["e\u0301te\u0301", "fin"]),
        ("ＡＢＣ １２", ["abc", "12"], ["ＡＢＣ", "１２"]),
        ("von nhau@@", ["vo@@", "n", "nhau", "@@"], ["vo", "n", "nhau", "@@"]),
        ("a\u200bb", ["a", "b"], ["a", "b"]),
        ("xyzab ab", ["[UNK]", "ab"], ["xyzab", "ab"]),
        ("日本人ab", ["[UNK]", "ab"], ["日本人", "ab"]),
        ("日 本 a", ["[UNK]", "[UNK]", "a"], ["日", "本", "a"]),
        ("a 日本。", ["a", "[UNK]"], ["a", "日本。"]),
        ("say [UNK] twice", ["say", "[UNK]", "twice"], ["say", "[UNK]", "twice"]),
        ("\u2581a b", ["\u2581a", "\u2581b"], ["\u2581a", "b"]),
        ("", [], []),
        (" \n", [], []),
        ("Tom & Jerry", ["tom", "&amp;", "jerry"], None),
        ("one two", ["one"], None),
        ("one", ["one", "two"], None),
        ("one two", ["two", "one"], None),
        ("good :)", ["good", ":slightly_smiling_face:"], None),
    ],
)
def test_wordpieces_are_found_where_they_stand(text: str, tokens: list[str], found: list[str] | None) -> None:
    assert pieces(text, tokens) == found


@given(st.text(alphabet=st.characters(blacklist_categories=("Cs",)), max_size=60))
@pytest.mark.parametrize("tokenizer", [CANINE, ByT5Tokenizer()], ids=["canine", "byt5"])
def test_every_text_of_characters_and_bytes_is_covered(tokenizer: Any, text: str) -> None:
    slow = SlowTokenizer(tokenizer, "a model")
    try:
        encoded = slow.encode(text)
    except Unplaceable:
        assert any(special in text for special in tokenizer.all_special_tokens)
        return
    places = [
        place
        for place, special in zip(encoded.offsets, encoded.special_tokens_mask, strict=True)
        if not special
    ]
    assert len(encoded) == len(encoded.ids) == len(encoded.tokens) == len(encoded.special_tokens_mask)
    assert all(0 <= start <= end <= len(text) for start, end in places)
    assert all(before[0] <= after[0] for before, after in pairwise(places))
    letters = {place for place, one in enumerate(text) if one.isalnum()}
    assert letters <= {char for start, end in places for char in range(start, end)}
    assert encoded.ids == tokenizer(text)["input_ids"], "the model sees what transformers would show it"


@pytest.mark.parametrize("text", [*SAMPLE, *ODD])
def test_a_character_tokenizer_gives_each_character_its_place(text: str) -> None:
    slow = SlowTokenizer(CANINE, "a model")
    assert slow.encode(text, add_special_tokens=False).offsets == [(i, i + 1) for i in range(len(text))]


@pytest.fixture(scope="module")
def canine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny CANINE, whose tokenizer has no fast version anywhere."""
    folder = tmp_path_factory.mktemp("canine")
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = CanineConfig(**sizes, num_hash_buckets=64, num_hash_functions=2, **LABELS)
    CanineForTokenClassification(config).save_pretrained(folder)
    CANINE.save_pretrained(folder)
    return folder


def test_a_pipe_with_a_slow_tokenizer_predicts_and_survives_saving(canine: Path, tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    pipe: Any = nlp.add_pipe("hf_token_classifier", config={"model": str(canine), "keep_scores": True})
    texts = ["Angela Merkel met Barack Obama.", "a", "😀", ""]
    docs = list(nlp.pipe(texts))
    assert [len(pipe.predict([doc])[0]) for doc in docs] == [6, 1, 1, 0]
    nlp.to_disk(tmp_path / "saved")
    again = spacy.load(tmp_path / "saved")
    read: Any = again.get_pipe("hf_token_classifier")
    assert read.fingerprint() == pipe.fingerprint()
    for doc, other in zip(docs, again.pipe(texts), strict=True):
        assert (pipe.predict([doc])[0].logprobs == read.predict([other])[0].logprobs).all()


def _phobert(folder: Path) -> Any:
    """Its rules are learned from nothing: all but a few letters are unknown to it."""
    (folder / "vocab.txt").write_text("a 3\nb 2\n", "utf-8")
    (folder / "bpe.codes").write_text("#version: 0.2\n", "utf-8")
    return PhobertTokenizer(str(folder / "vocab.txt"), str(folder / "bpe.codes"))


class Changing(CanineTokenizer):
    """A tokenizer that writes other letters than it read."""

    def _tokenize(self, text: str) -> list[str]:
        return ["*" for _ in text]


def test_words_of_unknown_letters_are_found_all_the_same(tmp_path: Path) -> None:
    slow = SlowTokenizer(_phobert(tmp_path), "a model")
    encoded = slow.encode("ab xyz", add_special_tokens=False)
    places = ["ab xyz"[start:end] for start, end in encoded.offsets]
    assert "".join(places).replace(" ", "") == "abxyz"


@pytest.mark.parametrize("make", [Changing])
def test_a_tokenizer_that_changes_every_text_is_refused_by_name(make: Callable[[], Any]) -> None:
    with pytest.raises(ModelError, match=r"'a model' has only a slow tokenizer \(Changing\)") as caught:
        SlowTokenizer(make(), "a model")
    assert "\n" not in str(caught.value)


def test_a_text_in_which_wordpieces_are_not_found_is_refused_alone(canine: Path) -> None:
    loaded = pretrained.load(str(canine))

    class Escaping(CanineTokenizer):
        def _tokenize(self, text: str) -> list[str]:
            return list(text.replace("&", "+"))

    slow = SlowTokenizer(Escaping(), "a model")
    assert slow.encode("Tom and Jerry").ids == loaded.tokenizer.encode("Tom and Jerry").ids
    with pytest.raises(Unplaceable, match="Escaping of 'a model' changes this text"):
        slow.encode("Tom & Jerry")
