"""CoNLL columns as people have them: which column is read, what is a comment, and what is refused.

The files are written from the descriptions of GermEval 2014, MultiCoNER, CoNLL-2000, CoNLL-2003 and the MIT
corpora.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from spanloop.recipes.errors import FormatError, RecipeError
from spanloop.recipes.formats import conll, text
from spanloop.recipes.formats.entry import Entry, Notes, ReadOptions
from spanloop.recipes.formats.registry import detect
from spanloop.store.records import Span

GERMEVAL = """#\thttp://de.wikipedia.org/wiki/Manfred_Korfmann\t[2009-10-17]
1\tAufgrund\tO\tO
2\tder\tO\tO
3\tUniversität\tB-ORG\tO
4\tTübingen\tI-ORG\tB-LOC

#\thttp://de.wikipedia.org/wiki/Florian\t[2009-10-17]
1\tFlorian\tB-PER\tO
2\tging\tO\tO
"""
MULTICONER = """# id 00a9c2b8-1cd5\tdomain=en
the _ _ O
last _ _ B-CW
supper _ _ I-CW

# id 1234\tdomain=en
rome _ _ B-LOC
"""
CONLL_2003 = """-DOCSTART- -X- O O

EU NNP I-NP I-ORG
rejects VBZ I-VP O
German JJ I-NP I-MISC
call NN I-NP O

Peter NNP I-NP I-PER
Blackburn NNP I-NP I-PER
"""
CONLL_2000 = "He PRP B-NP\nreckons VBZ B-VP\nthe DT B-NP\ndeficit NN I-NP\n\nIt PRP B-NP\nis VBZ B-VP\n"
MIT = "O\twhat\nO\tmovies\nB-ACTOR\tsteve\nI-ACTOR\tcarell\n\nB-TITLE\tjaws\nO\tplease\n"
WITH_DOCUMENT = "d1\tAnn\tNN\tB-PER\nd1\tran\tVB\tO\n\nd2\tIn\tIN\tO\nd2\tRome\tNN\tB-LOC\n"


def read(folder: Path, content: str, **options: object) -> tuple[list[Entry], list[str]]:
    path = folder / "a.txt"
    path.write_text(content, encoding="utf-8")
    notes = Notes()
    assert detect(path) is conll.FORMAT
    return list(conll.read(path, ReadOptions(notes=notes, **options))), notes.lines()  # type: ignore[arg-type]


def named(entries: list[Entry]) -> list[tuple[str, list[tuple[str, str]]]]:
    return [(e.text, [(e.text[s.start : s.end], s.label) for s in e.spans or ()]) for e in entries]


@pytest.mark.parametrize(
    ("content", "columns", "wanted"),
    [
        (
            GERMEVAL,
            "-,token,tag,-",
            [
                ("Aufgrund der Universität Tübingen", [("Universität Tübingen", "ORG")]),
                ("Florian ging", [("Florian", "PER")]),
            ],
        ),
        (
            MULTICONER,
            "token,-,-,tag",
            [("the last supper", [("last supper", "CW")]), ("rome", [("rome", "LOC")])],
        ),
        (
            CONLL_2003,
            "token,-,-,tag",
            [
                ("EU rejects German call", [("EU", "ORG"), ("German", "MISC")]),
                ("Peter Blackburn", [("Peter Blackburn", "PER")]),
            ],
        ),
        (
            CONLL_2000,
            "token,-,tag",
            [
                ("He reckons the deficit", [("He", "NP"), ("reckons", "VP"), ("the deficit", "NP")]),
                ("It is", [("It", "NP"), ("is", "VP")]),
            ],
        ),
        (WITH_DOCUMENT, "-,token,-,tag", [("Ann ran", [("Ann", "PER")]), ("In Rome", [("Rome", "LOC")])]),
    ],
    ids=["germeval", "multiconer", "conll2003", "conll2000", "document in front"],
)
def test_columns_are_found_and_told(
    tmp_path: Path, content: str, columns: str, wanted: list[tuple[str, list[tuple[str, str]]]]
) -> None:
    entries, [note] = read(tmp_path, content)
    assert named(entries) == wanted
    assert f"are read as {columns}" in note
    assert note.endswith("--columns says it otherwise")
    again, notes = read(tmp_path, content, columns=tuple(columns.split(",")))
    assert (again, notes) == (entries, [])


def test_what_other_columns_of_tags_have_is_counted(tmp_path: Path) -> None:
    assert "tags that are not read stand in column 4 (1);" in read(tmp_path, GERMEVAL)[1][0]
    both, notes = read(tmp_path, GERMEVAL, columns=("-", "token", "tag", "tag"))
    assert both[0].spans == (Span(13, 33, "ORG"), Span(25, 33, "LOC"))
    assert notes == []


def test_tags_in_front_of_their_tokens(tmp_path: Path) -> None:
    entries, notes = read(tmp_path, MIT)
    assert named(entries) == [
        ("what movies steve carell", [("steve carell", "ACTOR")]),
        ("jaws please", [("jaws", "TITLE")]),
    ]
    assert "are read as tag,token" in notes[0]


def test_ids_in_comments_are_keys_and_a_token_may_begin_with_a_number_sign(tmp_path: Path) -> None:
    assert [e.key for e in read(tmp_path, MULTICONER)[0]] == ["00a9c2b8-1cd5", "1234"]
    entries, _ = read(tmp_path, "#rome\tB-LOC\n#\tO\n\n#\tO\nx\tO\n")
    assert named(entries) == [("#rome #", [("#rome", "LOC")]), ("# x", [])]


def test_columns_without_any_entity_at_the_beginning_are_no_plain_text(tmp_path: Path) -> None:
    entries, notes = read(tmp_path, "a O\nb O\n\n" * 150 + "Rome B-LOC\n")
    assert (len(entries), entries[-1].spans, notes) == (151, (Span(0, 4, "LOC"),), [])


def test_two_columns_of_numbers_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("1 O\n2 B-PER\n3 O\n\n1 O\n2 O\n", encoding="utf-8")
    with pytest.raises(FormatError, match=r"nothing but numbers: say what each column is, e\.g\. --columns"):
        list(conll.read(path, ReadOptions()))
    assert len(list(conll.read(path, ReadOptions(columns=("token", "tag"))))) == 2


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("token,tag", "it has 4 columns, and --columns names 2"),
        ("token,pos,-,tag", "--columns has 'pos'"),
        ("-,-,-,tag", "must name one column token"),
        ("token,-,-,-", "must name one column token"),
    ],
)
def test_columns_that_cannot_be_are_refused(tmp_path: Path, columns: str, message: str) -> None:
    path = tmp_path / "a.conll"
    path.write_text(MULTICONER, encoding="utf-8")
    with pytest.raises(RecipeError, match=message):
        list(conll.read(path, ReadOptions(columns=tuple(columns.split(",")))))


def test_a_tags_project_finds_the_column_that_has_its_labels(tmp_path: Path) -> None:
    entries, [note] = read(tmp_path, CONLL_2000, task="tags", labels=("PRP", "VBZ", "DT", "NN"))
    assert [s.label for s in entries[0].spans or ()] == ["PRP", "VBZ", "DT", "NN"]
    assert "token,tag,-" in note


def test_prose_with_as_many_words_on_every_line_stays_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("good day\nmy E-mail\nB-side first\n", encoding="utf-8")
    assert detect(path) is text.FORMAT


@pytest.mark.data
def test_the_real_files_are_read_by_the_columns_that_they_have(data: Path) -> None:
    for name, sentences in (("wnut17train.conll", 3394), ("wikigold.iob1.conll", 1696)):
        notes = Notes()
        assert sum(1 for _ in conll.read(data / "raw" / name, ReadOptions(notes=notes))) == sentences
        assert notes.lines() == []


def test_label_studios_conll_export(tmp_path: Path) -> None:
    content = (
        "-DOCSTART- -X- O\nAnn -X- _ B-PER\nLee -X- _ I-PER\nran -X- _ O\n\nin -X- _ O\nRome -X- _ B-LOC\n\n"
    )
    entries, notes = read(tmp_path, content)
    assert named(entries) == [("Ann Lee ran", [("Ann Lee", "PER")]), ("in Rome", [("Rome", "LOC")])]
    assert "token,-,-,tag" in notes[0]
    assert len({e.group for e in entries}) == 1


@pytest.mark.parametrize("tags", ["I-PER I-PER O I-LOC O O", "I-PER O O I-PER I-PER O"])
def test_tags_without_any_b_are_known_by_content(tmp_path: Path, tags: str) -> None:
    content = "".join(f"w{number} {tag}\n" for number, tag in enumerate(tags.split()))
    assert len(read(tmp_path, content)[0]) == 1


def test_parts_of_speech_in_a_tsv_are_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("She\tPRON\nran\tVERB\n", encoding="utf-8")
    assert detect(path) is conll.FORMAT
