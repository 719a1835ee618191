"""Every format reads what it wrote, reads real files, and says file and line of what it cannot read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanloop.recipes.errors import FormatError, RecipeError
from spanloop.recipes.formats import conll, docbin, jsonl, text
from spanloop.recipes.formats.entry import Entry, ReadOptions, WriteOptions
from spanloop.recipes.formats.registry import by_name, by_suffix, detect, formats
from spanloop.recipes.formats.tagged import cut_tokens, find_tokens, join_tokens
from spanloop.store.records import Span

SPANS, TAGS = ReadOptions(), ReadOptions(task="tags")


def write_lines(path: Path, *lines: str) -> Path:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def jsonl_file(path: Path, *records: object) -> Path:
    return write_lines(path, *(json.dumps(record, ensure_ascii=False) for record in records))


# Laws

words = st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=6)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    tokens = draw(st.lists(words, min_size=1, max_size=8))
    content, ranges = join_tokens(tokens)
    spans: list[Span] = []
    at = 0
    while at < len(content) and len(spans) < 3:
        start = draw(st.integers(at, len(content) - 1))
        end = draw(st.integers(start + 1, len(content)))
        if content[start:end].strip() == content[start:end]:
            spans.append(Span(start, end, draw(st.sampled_from(["PER", "名前", "a b", "PER-"]))))
        at = end
    meta = draw(st.dictionaries(words, st.integers() | words, max_size=2))
    return Entry(
        text=content, key=draw(words), group=draw(words), meta=meta, spans=tuple(spans), tokens=tuple(ranges)
    )


@given(st.lists(entries(), min_size=1, max_size=4))
@settings(deadline=None)
def test_jsonl_reads_back_everything_it_wrote(
    tmp_path_factory: pytest.TempPathFactory, written: list[Entry]
) -> None:
    path = tmp_path_factory.mktemp("jsonl") / "a.jsonl"
    jsonl.write(path, written, WriteOptions())
    for before, after in zip(written, jsonl.read(path, SPANS), strict=True):
        assert (after.text, after.key, after.group) == (before.text, before.key, before.group)
        assert (after.spans, dict(after.meta)) == (before.spans, dict(before.meta))


@given(st.lists(entries(), min_size=1, max_size=4))
@settings(deadline=None)
def test_conll_keeps_every_span_on_its_characters(
    tmp_path_factory: pytest.TempPathFactory, written: list[Entry]
) -> None:
    """Spaces between tokens are not in the format: what must survive is each span's letters, in order."""
    path = tmp_path_factory.mktemp("conll") / "a.conll"
    done = conll.write(path, written, WriteOptions())
    assert (done.documents, done.spans) == (len(written), sum(len(e.spans or ()) for e in written))
    for before, after in zip(written, conll.read(path, SPANS), strict=True):
        assert after.text.replace(" ", "") == before.text.replace(" ", "")
        assert [
            (entry.text[s.start : s.end].replace(" ", ""), s.label)
            for entry in [before]
            for s in entry.spans or ()
        ] == [(after.text[s.start : s.end].replace(" ", ""), s.label) for s in after.spans or ()]


@given(st.lists(entries(), min_size=1, max_size=3))
@settings(deadline=None, max_examples=30)
def test_docbin_reads_back_text_spans_and_meta_exactly(
    tmp_path_factory: pytest.TempPathFactory, written: list[Entry]
) -> None:
    path = tmp_path_factory.mktemp("docbin") / "a.spacy"
    docbin.write(path, written, WriteOptions())
    for before, after in zip(written, docbin.read(path, SPANS), strict=True):
        assert (after.text, after.key, after.group) == (before.text, before.key, before.group)
        assert (after.spans, dict(after.meta)) == (before.spans, dict(before.meta))


@pytest.mark.parametrize("content", ["a  b\n\nc ", "  lead", "tab\tin\r\nit", "😀 e\u0301 x\u00a0y"])
def test_docbin_keeps_odd_spaces(tmp_path: Path, content: str) -> None:
    tokens = tuple(find_tokens(content, content.split()))
    docbin.write(tmp_path / "a.spacy", [Entry(text=content, tokens=tokens, spans=())], WriteOptions())
    assert [entry.text for entry in docbin.read(tmp_path / "a.spacy", SPANS)] == [content]


def test_cutting_tokens_adds_every_span_edge_and_loses_no_character() -> None:
    tokens = [(0, 3), (4, 12)]
    cut = cut_tokens(tokens, [Span(2, 6, "A"), Span(6, 9, "B")])
    assert cut == [(0, 2), (2, 3), (4, 6), (6, 9), (9, 12)]


# CoNLL by hand


def test_conll_iob1_without_any_b(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "a.conll", "Ann I-PER", "met O", "Bob I-PER", "Smith I-PER", "", "Rome I-LOC"
    )
    first, second = conll.read(path, SPANS)
    assert first.text == "Ann met Bob Smith"
    assert first.spans == (Span(0, 3, "PER"), Span(8, 17, "PER"))
    assert (second.spans, second.line) == ((Span(0, 4, "LOC"),), 6)


def test_conll_with_one_tag_that_has_no_prefix_keeps_what_the_others_mean(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.conll", "Ann B-PER", "Lee I-PER", "in O", "May DATE", "x X")
    [entry] = conll.read(path, SPANS)
    assert entry.spans == (Span(0, 7, "PER"), Span(11, 14, "DATE"), Span(15, 16, "X"))


def test_conll_bioes_and_a_tab_as_sentence_end(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.conll", "Ann\tB-PER", "Lee\tE-PER", "\t", "Rome\tS-LOC", "Oslo\tS-LOC")
    assert [e.spans for e in conll.read(path, SPANS)] == [
        (Span(0, 7, "PER"),),
        (Span(0, 4, "LOC"), Span(5, 9, "LOC")),
    ]


def test_conll_document_marks_are_groups_or_documents(tmp_path: Path) -> None:
    lines = (
        "-DOCSTART- -X- O",
        "",
        "Ann NN B-PER",
        "",
        "ran VB O",
        "",
        "-DOCSTART- -X- O",
        "",
        "Rome NN B-LOC",
    )
    path = write_lines(tmp_path / "a.conll", *lines)
    assert [e.group for e in conll.read(path, SPANS)] == ["a.conll#1", "a.conll#1", "a.conll#2"]
    whole = list(conll.read(path, ReadOptions(by="document")))
    assert [(e.text, e.spans) for e in whole] == [
        ("Ann\nran", (Span(0, 3, "PER"),)),
        ("Rome", (Span(0, 4, "LOC"),)),
    ]


def test_conll_tags_project_takes_one_span_a_token(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.conll", "She PRON", "ran VERB")
    (entry,) = conll.read(path, TAGS)
    assert entry.spans == (Span(0, 3, "PRON"), Span(4, 7, "VERB"))


def test_conll_a_line_with_too_few_columns_is_named(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.conll", "Ann B-PER", "oops")
    with pytest.raises(FormatError, match=r"a\.conll:2: 1 columns where 2 are expected"):
        list(conll.read(path, SPANS))


# JSONL by hand


def test_jsonl_spans_as_triples_and_unknown_keys_as_meta(tmp_path: Path) -> None:
    record = {
        "text": "Ann ran",
        "label": [[0, 3, "PER"]],
        "id": 7,
        "doc": "d",
        "source": "web",
        "meta": {"a": 1},
    }
    (entry,) = jsonl.read(jsonl_file(tmp_path / "a.jsonl", record), SPANS)
    assert (entry.key, entry.group, entry.spans) == ("7", "d", (Span(0, 3, "PER"),))
    assert entry.meta == {"a": 1, "source": "web"}


def test_jsonl_no_spans_is_not_the_same_as_none(tmp_path: Path) -> None:
    unknown, empty = jsonl.read(
        jsonl_file(tmp_path / "a.jsonl", {"text": "a"}, {"text": "a", "spans": []}), SPANS
    )
    assert (unknown.spans, empty.spans) == (None, ())


def test_jsonl_tokens_and_tags_give_spans(tmp_path: Path) -> None:
    record = {"text": "Ann  ran.", "tokens": ["Ann", "ran", "."], "tags": ["B-PER", "O", "O"]}
    path = jsonl_file(tmp_path / "a.jsonl", record)
    assert next(iter(jsonl.read(path, SPANS))).spans == (Span(0, 3, "PER"),)
    assert [s.label for s in next(iter(jsonl.read(path, TAGS))).spans or ()] == ["B-PER"]


def test_what_a_tag_means_is_judged_by_all_records_of_a_file(tmp_path: Path) -> None:
    """By itself the first record has a label "I-PER", for one of its two tags has no prefix."""
    records = [
        {"tokens": ["Ann", "in", "May"], "tags": ["I-PER", "O", "DATE"]},
        {"tokens": ["Ann", "and", "Bo", "Lee"], "tags": ["B-PER", "O", "B-PER", "I-PER"]},
    ]

    def spans(*of: object) -> list[tuple[Span, ...] | None]:
        return [entry.spans for entry in jsonl.read(jsonl_file(tmp_path / "a.jsonl", *of), SPANS)]

    first, second = (Span(0, 3, "PER"), Span(7, 10, "DATE")), (Span(0, 3, "PER"), Span(8, 14, "PER"))
    assert spans(*records) == [first, second]
    assert spans(*records[::-1]) == [second, first]
    assert spans(records[0]) == [(Span(0, 3, "I-PER"), Span(7, 10, "DATE"))]


def test_jsonl_line_separators_inside_a_text_end_no_line(tmp_path: Path) -> None:
    path = jsonl_file(tmp_path / "a.jsonl", {"text": "one\u2028two\x85three"})
    assert [e.text for e in jsonl.read(path, SPANS)] == ["one\u2028two\x85three"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{oops", r"a\.jsonl:2: this is no JSON"),
        ("[1]", r"a\.jsonl:2: an object"),
        ('{"txt": "a"}', r'a\.jsonl:2: every document needs a "text".*has the keys txt'),
        (
            '{"text": "a", "spans": [{"start": 0, "label": "X"}]}',
            r"a\.jsonl:2: span 1 has start 0 and end None",
        ),
        ('{"text": "a", "spans": [{"start": 0, "end": 1}]}', r"a\.jsonl:2: span 1 has the label None"),
        ('{"text": "a", "spans": {"start": 0}}', r'a\.jsonl:2: "spans" is a dict'),
        ('{"text": "a", "answer": "yes"}', r"a\.jsonl:2: \"answer\" is 'yes'"),
        ('{"text": "a b", "tokens": ["a", "c"], "tags": ["O", "O"]}', r"a\.jsonl:2: token 2, 'c'"),
    ],
)
def test_jsonl_names_the_line_it_cannot_read(tmp_path: Path, line: str, message: str) -> None:
    path = write_lines(tmp_path / "a.jsonl", '{"text": "fine"}', line)
    with pytest.raises(FormatError, match=message):
        list(jsonl.read(path, SPANS))


def test_a_file_that_is_no_utf8_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"fine\ncaf\xe9\n")
    with pytest.raises(FormatError, match=r"a\.txt:2: byte 4 of this line is no UTF-8"):
        list(text.read(path, SPANS))


# Plain text


def test_text_by_line_paragraph_and_file(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.txt", "one", "two", "", "three")
    assert [e.text for e in text.read(path, SPANS)] == ["one", "two", "three"]
    assert [e.text for e in text.read(path, ReadOptions(by="paragraph"))] == ["one\ntwo", "three"]
    assert [e.text for e in text.read(path, ReadOptions(by="file"))] == ["one\ntwo\n\nthree"]
    assert {e.group for e in text.read(path, ReadOptions(by="paragraph"))} == {"a.txt"}


# The registry


def test_formats_are_found_by_name_and_by_suffix() -> None:
    assert {"jsonl", "text", "conll", "spacy"} <= set(formats())
    assert by_name("conll") is conll.FORMAT
    assert by_suffix(Path("gold.spacy")) is docbin.FORMAT
    with pytest.raises(RecipeError, match="there is no format 'xml'; the formats are"):
        by_name("xml")


def test_detection_by_content_before_suffix(tmp_path: Path) -> None:
    assert detect(jsonl_file(tmp_path / "a.txt", {"text": "a"})) is jsonl.FORMAT
    assert detect(write_lines(tmp_path / "b.data", "Ann\tB-PER", "ran\tO", "", "x\tO")) is conll.FORMAT
    assert detect(write_lines(tmp_path / "c.txt", "Two words", "three words here")) is text.FORMAT
    with pytest.raises(FormatError, match="empty"):
        detect(write_lines(tmp_path / "d.jsonl"))
    with pytest.raises(FormatError, match="no such file"):
        detect(tmp_path / "e.jsonl")


def test_plain_text_of_two_words_a_line_stays_plain_text(tmp_path: Path) -> None:
    assert detect(write_lines(tmp_path / "a.txt", "hello world", "good day")) is text.FORMAT


# Real files


@pytest.mark.data
def test_real_wnut17_columns_are_the_sentences_of_its_jsonl(data: Path) -> None:
    """The raw file ends its sentences with lines of one TAB."""
    columns = list(conll.read(data / "raw" / "wnut17train.conll", SPANS))
    records = list(jsonl.read(data / "wnut17" / "train.jsonl", SPANS))
    assert len(columns) == len(records) == 3394
    assert sum(len(e.spans or ()) for e in columns) == 1975
    assert [(e.text, e.spans) for e in columns] == [(e.text, e.spans) for e in records]


@pytest.mark.data
def test_real_wikigold_iob1_has_all_its_entities_and_documents(data: Path) -> None:
    columns = list(conll.read(data / "raw" / "wikigold.iob1.conll", SPANS))
    records = list(jsonl.read(data / "wikigold" / "train.jsonl", SPANS))
    assert [(e.text, e.spans) for e in columns] == [(e.text, e.spans) for e in records]
    assert len({e.group for e in columns}) == len({e.group for e in records}) == 145


@pytest.mark.data
@pytest.mark.parametrize("corpus", ["uner_zh_gsd", "ncbi_disease", "wnut17"])
def test_real_corpora_round_trip_through_jsonl_and_docbin(data: Path, tmp_path: Path, corpus: str) -> None:
    records = list(jsonl.read(data / corpus / "dev.jsonl", SPANS))
    jsonl.write(tmp_path / "a.jsonl", records, WriteOptions())
    assert list(jsonl.read(tmp_path / "a.jsonl", SPANS)) == records
    some = [
        Entry(text=e.text, key=e.key, spans=e.spans, tokens=tuple(find_tokens(e.text, e.text.split())))
        for e in records
    ][:200]
    done = docbin.write(tmp_path / "a.spacy", some, WriteOptions())
    assert done.spans_lost == 0
    assert [(e.text, e.spans) for e in docbin.read(tmp_path / "a.spacy", SPANS)] == [
        (e.text, e.spans) for e in some
    ]


@pytest.mark.data
def test_real_pos_tags_give_one_span_a_token(data: Path) -> None:
    with (data / "ud_en_ewt" / "dev.jsonl").open(encoding="utf-8") as file:
        tokens = [len(json.loads(line)["tokens"]) for line in file]
    entries = jsonl.read(data / "ud_en_ewt" / "dev.jsonl", TAGS)
    assert [len(entry.spans or ()) for entry in entries] == tokens
