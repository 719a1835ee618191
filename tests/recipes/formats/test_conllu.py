"""CoNLL-U: exact offsets, multiword tokens, empty nodes; what is written reads back the same."""

from __future__ import annotations

import gc
import json
import os
import tracemalloc
from pathlib import Path
from threading import Event, Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanloop.recipes.errors import FormatError, RecipeError
from spanloop.recipes.files.export import export
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.formats.conllu import FORMAT, FORMAT_XPOS
from spanloop.recipes.formats.entry import Entry, ReadOptions, WriteOptions
from spanloop.recipes.formats.registry import by_name, by_suffix, detect
from spanloop.store import Store
from spanloop.store.records import Span

TAGS = ReadOptions(task="tags")
WRITE = WriteOptions(task="tags")


def row(number: str, form: str, upos: str = "_", xpos: str = "_", misc: str = "_") -> str:
    return "\t".join([number, form, "_", upos, xpos, "_", "_", "_", "_", misc])


def conllu(path: Path, *lines: str) -> Path:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def tagged(entry: Entry) -> list[tuple[str, str]]:
    return [(entry.text[s.start : s.end], s.label) for s in entry.spans or ()]


DONT = (
    "# newdoc id = d1",
    "# sent_id = s1",
    "# text = I don't (really) know.",
    row("1", "I", "PRON", "PRP"),
    row("2-3", "don't"),
    row("2", "do", "AUX", "VBP"),
    row("3", "n't", "PART", "RB"),
    row("4", "(", "PUNCT", "-LRB-", "SpaceAfter=No"),
    row("5", "really", "ADV", "RB", "Lang=en|SpaceAfter=No"),
    row("6", ")", "PUNCT", "-RRB-"),
    row("6.1", "do", "VERB", "VBP"),
    row("7", "know", "VERB", "VB", "SpaceAfter=No"),
    row("8", ".", "PUNCT", "."),
    "",
)
DU = (
    "# newpar",
    "# sent_id = s2",
    row("1-2", "du", misc="SpaceAfter=No"),
    row("1", "de", "ADP"),
    row("2", "le", "DET"),
    row("3", "!", "PUNCT"),
    "",
)


# Laws

letters = st.characters(exclude_categories=["Cs", "Cc", "Z"])
names = st.text(letters, min_size=1, max_size=5)


@st.composite
def sentences(draw: st.DrawFn) -> Entry:
    text, spans, tokens = draw(st.sampled_from(["", " ", "\n"])), [], []
    for word in draw(st.lists(names, min_size=1, max_size=6)):
        start = len(text)
        text += word
        tokens.append((start, len(text)))
        if draw(st.booleans()):
            spans.append(Span(start, len(text), draw(st.sampled_from(["NOUN", "VERB"]))))
        text += draw(st.sampled_from(["", " ", "  ", "\r\n", "\u00a0"]))
    return Entry(text, key=draw(names), spans=tuple(spans) or None, tokens=tuple(tokens))


@pytest.mark.parametrize("form", [FORMAT, FORMAT_XPOS], ids=["upos", "xpos"])
@given(written=st.lists(sentences(), min_size=1, max_size=4))
@settings(deadline=None, max_examples=50)
def test_what_is_written_reads_back_the_same(
    tmp_path_factory: pytest.TempPathFactory, form: object, written: list[Entry]
) -> None:
    format_ = FORMAT if form is FORMAT else FORMAT_XPOS
    path = tmp_path_factory.mktemp("conllu") / "a.conllu"
    assert format_.write is not None
    format_.write(path, written, WRITE)
    assert detect(path) is FORMAT
    for before, after in zip(written, format_.read(path, TAGS), strict=True):
        assert (after.text, after.key, after.spans) == (before.text, before.key, before.spans)
        assert after.tokens == before.tokens


# Examples


def test_words_of_a_multiword_token_have_their_own_characters(tmp_path: Path) -> None:
    [entry] = FORMAT.read(conllu(tmp_path / "a.conllu", *DONT), TAGS)
    assert (entry.text, entry.key, entry.group) == ("I don't (really) know.", "s1", "d1")
    assert tagged(entry)[:4] == [("I", "PRON"), ("do", "AUX"), ("n't", "PART"), ("(", "PUNCT")]
    assert len(entry.spans or ()) == 8  # the empty node 6.1 stands nowhere


def test_a_multiword_token_that_its_words_do_not_spell_has_no_tag(tmp_path: Path) -> None:
    [entry] = FORMAT.read(conllu(tmp_path / "a.conllu", *DU), TAGS)
    assert (entry.text, entry.tokens, tagged(entry)) == ("du!", ((0, 2), (2, 3)), [("!", "PUNCT")])


def test_the_languages_own_tags_by_the_name_of_the_format(tmp_path: Path) -> None:
    [entry] = by_name("conllu_xpos").read(conllu(tmp_path / "a.conllu", *DONT), TAGS)
    assert [tag for _, tag in tagged(entry)][:4] == ["PRP", "VBP", "RB", "-LRB-"]


def test_sentences_of_a_document_are_a_group_or_one_text(tmp_path: Path) -> None:
    path = conllu(tmp_path / "a.conllu", *DONT, *DU)
    assert [(e.key, e.group) for e in FORMAT.read(path, TAGS)] == [("s1", "d1"), ("s2", "d1")]
    [whole] = FORMAT.read(path, ReadOptions(task="tags", by="document"))
    assert (whole.key, whole.text) == ("d1", "I don't (really) know.\ndu!")
    assert tagged(whole)[-2:] == [(".", "PUNCT"), ("!", "PUNCT")]


def test_a_spans_project_gets_texts_alone(tmp_path: Path) -> None:
    [entry] = FORMAT.read(conllu(tmp_path / "a.conllu", *DONT), ReadOptions(task="spans"))
    assert entry.spans is None
    assert by_suffix(Path("a.conllu")) is FORMAT
    assert FORMAT.write is not None
    with pytest.raises(RecipeError, match="carries tags, not spans"):
        FORMAT.write(tmp_path / "b.conllu", [entry], WriteOptions(task="spans"))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("1\tAnn\tNOUN",), "a.conllu:1: ten columns"),
        (("# text = Bob", row("1", "Ann", "NOUN")), "a.conllu:1: token 1, 'Ann', does not follow"),
        ((*DONT, "# spanloop_text = oops", row("1", "Ann")), "a.conllu:15: # spanloop_text is no JSON"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(
    tmp_path: Path, lines: tuple[str, ...], message: str
) -> None:
    with pytest.raises(FormatError) as error:
        list(FORMAT.read(conllu(tmp_path / "a.conllu", *lines), TAGS))
    assert message in str(error.value)


@pytest.mark.data
def test_the_real_treebank_is_its_jsonl_and_comes_back_whole(data: Path, tmp_path: Path) -> None:
    """UD English EWT, dev: 2,001 sentences with multiword tokens and empty nodes."""
    source = data / "raw" / "en_ewt-ud-dev.conllu"
    entries = list(FORMAT.read(source, TAGS))
    known = [json.loads(line) for line in (data / "ud_en_ewt" / "dev.jsonl").read_text("utf-8").splitlines()]
    assert [entry.text for entry in entries] == [record["text"] for record in known]
    for entry, record in zip(entries, known, strict=True):
        if "".join(record["tokens"]) == "".join(entry.text.split()):
            assert tagged(entry) == list(zip(record["tokens"], record["tags"], strict=True))
    assert FORMAT.write is not None
    FORMAT.write(tmp_path / "a.conllu", entries, WRITE)
    assert (tmp_path / "a.conllu").read_bytes() == source.read_bytes()
    again = list(FORMAT.read(tmp_path / "a.conllu", TAGS))
    assert [(e.text, e.key, e.group, e.spans) for e in again] == [
        (e.text, e.key, e.group, e.spans) for e in entries
    ]


@pytest.mark.data
def test_a_real_treebank_becomes_a_project_and_leaves_it(data: Path, tmp_path: Path) -> None:
    source = data / "raw" / "en_ewt-ud-dev.conllu"
    labels = sorted({s.label for entry in FORMAT.read(source, TAGS) for s in entry.spans or ()})
    assert len(labels) == 17
    db = tmp_path / "p.db"
    Store.create(db, labels=labels, base_model="offline", task="tags", lang="en").close()
    report = import_files(db, [source])
    assert (report.added, report.annotated, report.ledger) == (2001, 2001, 0)
    assert import_files(db, [source]).added == 0
    whole = export(db, tmp_path / "whole.conllu", tokens="file")
    assert (tmp_path / "whole.conllu").read_bytes() == source.read_bytes()
    cut = export(db, tmp_path / "out.conllu")
    assert (whole.columns_lost, whole.tokens_cut) == (0, 0) < (cut.columns_lost, 1)
    with Store.open(db) as store:
        golds = {gold.document.key: gold.spans for gold in store.annotations.gold()}
    found = {entry.key: entry.spans for entry in FORMAT.read(tmp_path / "out.conllu", TAGS)}
    assert found == golds


@pytest.mark.parametrize("marks", [(), ("# newdoc id = whole",)], ids=["no document", "one document"])
def test_a_file_is_read_sentence_by_sentence(tmp_path: Path, marks: tuple[str, ...]) -> None:
    """Whatever its length: one that a pipe delivers gives its first sentence while the next are awaited."""
    pipe, first_came = tmp_path / "pipe.conllu", Event()
    os.mkfifo(pipe)
    in_time: list[bool] = []

    def write() -> None:
        with pipe.open("w", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in (*marks, row("1", "Go", "VERB"), "")))
            file.flush()
            in_time.append(first_came.wait(5))
            file.write(row("1", "Stop", "VERB") + "\n")

    writer = Thread(target=write)
    writer.start()
    entries = FORMAT.read(pipe, TAGS)
    first = next(entries)
    first_came.set()
    assert [first.text, *(entry.text for entry in entries)] == ["Go", "Stop"]
    writer.join()
    assert in_time == [True]


def peak_of_reading(path: Path, sentences: int) -> int:
    """The most memory, in bytes, that is held while the file is read."""
    gc.collect()
    tracemalloc.start()
    try:
        assert sum(1 for _ in FORMAT.read(path, TAGS)) == sentences
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    # Python keeps freed tuples of up to 20 things for later: longer sentences show what is really held
    block = [*(row(str(n), f"word{n}", "NOUN") for n in range(1, 41)), ""]
    short, long = (
        conllu(tmp_path / f"{count}.conllu", "# newdoc id = whole", *(block * count)) for count in (100, 1500)
    )
    peak_of_reading(short, 100)  # what is made once
    assert peak_of_reading(long, 1500) < 2 * peak_of_reading(short, 100)


def test_documents_by_mark_and_before_the_first_one_each_sentence(tmp_path: Path) -> None:
    lines = [row("1", "a"), "", row("1", "b"), "", "# newdoc", row("1", "c"), "", row("1", "d"), ""]
    path = conllu(tmp_path / "mixed.conllu", *lines, "# newdoc id = last", row("1", "e"), "")
    read = FORMAT.read(path, ReadOptions(task="tags", by="document"))
    found = [(entry.text, entry.group, entry.line) for entry in read]
    assert found == [
        ("a", None, 1),
        ("b", None, 3),
        ("c d", "mixed.conllu#1", 5),
        ("e", "last", 10),
    ]
