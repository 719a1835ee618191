"""A ``.spacy`` file is not trusted: not its size when inflated, not the types and lengths it claims."""

from __future__ import annotations

import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
import srsly
from spacy.tokens import Doc, DocBin
from support.commands import refused

from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats import docbin, docbin_file
from spanloop.recipes.formats.entry import ReadOptions
from spanloop.recipes.project.init import init

SPANS, TAGS = ReadOptions(), ReadOptions(task="tags")
Message = dict[str, Any]


def file_of(folder: Path, *docs: Doc, **settings: Any) -> Path:
    path = folder / "a.spacy"
    DocBin(docs=docs, **settings).to_disk(path)
    return path


def ann() -> Doc:
    doc = spacy.blank("en")("Ann  met Bob\n in York.")
    doc.set_ents([doc.char_span(0, 3, "PER"), doc.char_span(9, 12, "PER")])
    return doc


def changed(path: Path, change: Callable[[Message], object]) -> Path:
    message = srsly.msgpack_loads(zlib.decompress(path.read_bytes()))
    change(message)
    path.write_bytes(zlib.compress(srsly.msgpack_dumps(message)))
    return path


def test_what_spacy_wrote_is_read_whatever_else_it_carries(tmp_path: Path) -> None:
    """Trees, lemmas, categories, span groups and user data of every kind beside what we read."""
    doc = ann()
    doc.cats = {"a": 0.5}
    doc.spans["sc"] = [doc[0:2]]
    doc.user_data.update({("._.", "x", 1, None): [1, {"b": 2}], "other": "y", 7: b"z"})
    for token in doc:
        token.head, token.dep_, token.lemma_ = doc[0], "dep", "l"
    for settings in (
        {},
        {"store_user_data": True},
        {"attrs": ["ENT_TYPE", "ENT_IOB", "HEAD", "DEP", "LEMMA"]},
    ):
        (entry,) = docbin.read(file_of(tmp_path, doc, **settings), SPANS)
        assert entry.text == doc.text
        assert [(s.start, s.end, s.label) for s in entry.spans or ()] == [(0, 3, "PER"), (9, 12, "PER")]
        assert entry.tokens == ((0, 3), (5, 8), (9, 12), (14, 16), (17, 21), (21, 22))


def test_spaces_that_nobody_knew_are_one_each(tmp_path: Path) -> None:
    doc = Doc(spacy.blank("en").vocab, words=["Ann", "met", "Bob"])
    (entry,) = docbin.read(file_of(tmp_path, doc), SPANS)
    assert entry.text.strip() == "Ann met Bob"


def test_tags_are_read_from_either_column(tmp_path: Path) -> None:
    vocab = spacy.blank("en").vocab
    for doc in (
        Doc(vocab, words=["a", "b"], tags=["DT", "NN"]),
        Doc(vocab, words=["a", "b"], pos=["DET", "NOUN"]),
    ):
        (entry,) = docbin.read(file_of(tmp_path, doc, attrs=["TAG", "POS"]), TAGS)
        assert [s.label for s in entry.spans or ()] in (["DT", "NN"], ["DET", "NOUN"])


def test_a_small_file_that_inflates_to_gigabytes_is_refused_at_the_limit(tmp_path: Path) -> None:
    """What zlib makes a thousand times its size of is stopped at 256 MiB."""
    path = tmp_path / "bomb.spacy"
    squeeze = zlib.compressobj(1)
    size = 320 * 2**20
    head = srsly.msgpack_dumps({"tokens": 0})[:-1] + b"\xc6" + (size - 1).to_bytes(4, "big")
    with path.open("wb") as file:
        file.write(squeeze.compress(head))
        for _ in range(size // 2**24):
            file.write(squeeze.compress(bytes(2**24)))
        file.write(squeeze.flush())
    assert path.stat().st_size < 2_000_000
    db = tmp_path / "p.db"
    init(db, labels=["PER"])
    line = refused("import", db, path)
    assert line.startswith(f"{path}: it inflates to more than 256 MiB, over 100 times its own size")
    assert "write it as several files" in line


def test_many_small_objects_are_not_built(tmp_path: Path) -> None:
    """Where msgpack is small, Python's objects are not: a million empty maps are 64 MB."""
    path = file_of(tmp_path, ann())
    list(docbin.read(path, SPANS))  # what is loaded once
    path = changed(path, lambda message: message.update(cats=[{}] * 10**6, other=[[]] * 10**6))
    tracemalloc.start()
    (entry,) = docbin.read(path, SPANS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert entry.text == ann().text
    assert peak < 30e6


def test_a_large_corpus_is_below_the_limit(tmp_path: Path) -> None:
    """What repeats itself as no corpus does, and is large: still no bomb."""
    docs = DocBin(docs=[ann()] * 3000)
    path = tmp_path / "a.spacy"
    docs.to_disk(path)
    assert sum(1 for _ in docbin.read(path, SPANS)) == 3000
    assert len(zlib.decompress(path.read_bytes())) < docbin_file.ALWAYS


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.clear(),
        lambda m: m.pop("tokens"),
        lambda m: m.update(tokens="text"),
        lambda m: m.update(tokens=[1, 2]),
        lambda m: m.update(tokens=m["tokens"][:-8]),
        lambda m: m.update(tokens=m["tokens"] + bytes(8 * len(m["attrs"]))),
        lambda m: m.update(tokens=np.full(len(m["tokens"]) // 8, 2**64 - 1, np.uint64).tobytes()),
        lambda m: m.update(spaces=b""),
        lambda m: m.update(spaces=None),
        lambda m: m.update(lengths=np.array([-1], np.int32).tobytes()),
        lambda m: m.update(lengths=np.array([2**31 - 1], np.int32).tobytes()),
        lambda m: m.update(lengths=b"123"),
        lambda m: m.update(attrs=[]),
        lambda m: m.update(attrs=["ORTH"]),
        lambda m: m.update(attrs=1),
        lambda m: m.update(attrs={"a": 1}),
        lambda m: m.update(strings=[]),
        lambda m: m.update(strings=[1]),
        lambda m: m.update(strings="Ann"),
        lambda m: m.update(flags=[1]),
        lambda m: m.update(flags=[{"a": []}, {"b": {"c": 1}}]),
        lambda m: m.update(user_data=[1]),
        lambda m: m.update(user_data=[b"\xc1"]),
        lambda m: m.update(user_data=[b""]),
        lambda m: m.update(user_data=[srsly.msgpack_dumps({"spanloop": "[]"})]),
        lambda m: m.update(user_data=[srsly.msgpack_dumps({"spanloop": "{"})]),
    ],
)
def test_what_does_not_fit_together_is_one_line(tmp_path: Path, change: Callable[[Message], object]) -> None:
    path = changed(file_of(tmp_path, ann(), store_user_data=True), change)
    with pytest.raises(FormatError) as caught:
        list(docbin.read(path, SPANS))
    assert str(caught.value).startswith(f"{path}:")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"no zlib", zlib.compress(b""), zlib.compress(b"\xc1"), zlib.compress(b"\x93abc")]
)
def test_what_is_no_docbin_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.spacy"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"this is no \.spacy file of spaCy 3"):
        list(docbin.read(path, SPANS))


def test_a_file_cut_short_is_one_line(tmp_path: Path) -> None:
    path = file_of(tmp_path, ann())
    whole = path.read_bytes()
    for length in [*range(1, len(whole), 7), *range(len(whole) - 9, len(whole))]:
        path.write_bytes(whole[:length])
        with pytest.raises(FormatError, match=r"this is no \.spacy file"):
            list(docbin.read(path, SPANS))
