"""Tables of texts and of tokens, words with bars, and OntoNotes.

The files are written as the NER data set of Kaggle, WikiNER and the description of CoNLL-2012 have them.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from spanloop.recipes.errors import FormatError, RecipeError
from spanloop.recipes.formats import pipes
from spanloop.recipes.formats.entry import Entry, ReadOptions
from spanloop.recipes.formats.registry import detect
from spanloop.store.records import Span

KAGGLE = (
    'Sentence #,Word,POS,Tag\nSentence: 1,Thousands,NNS,O\n,of,IN,O\n,London,NNP,B-geo\n,"""",``,O\n'
    "Sentence: 2,Iranian,JJ,B-gpe\n,officials,NNS,O\n"
)
TOKENS_TSV = (
    'sentence_id\tdoc\ttoken\tner\n1\ta\tAnn\tB-PER\n1\ta\tLee\tI-PER\n2\tb\t"\tO\n2\tb\tRome\tB-LOC\n'
)


def read(path: Path, content: str, name: str, **options: object) -> list[Entry]:
    path.write_text(content, encoding="utf-8", newline="")
    assert detect(path).name == name
    return list(detect(path).read(path, ReadOptions(**options)))  # type: ignore[arg-type]


def named(entries: list[Entry]) -> list[tuple[str, list[tuple[str, str]]]]:
    return [(e.text, [(e.text[s.start : s.end], s.label) for s in e.spans or ()]) for e in entries]


def test_the_table_of_tokens_of_kaggle(tmp_path: Path) -> None:
    entries = read(tmp_path / "ner_dataset.csv", KAGGLE, "csv")
    assert named(entries) == [
        ('Thousands of London "', [("London", "geo")]),
        ("Iranian officials", [("Iranian", "gpe")]),
    ]
    assert [e.line for e in entries] == [2, 6]
    tags = read(
        tmp_path / "a.csv",
        KAGGLE,
        "csv",
        task="tags",
        columns=("token=Word", "tag=POS", "sentence=Sentence #"),
    )
    assert [s.label for s in tags[1].spans or ()] == ["JJ", "NNS"]


def test_a_table_of_tokens_with_tabs_documents_and_blank_lines(tmp_path: Path) -> None:
    entries = read(tmp_path / "a.tsv", TOKENS_TSV, "csv")
    assert named(entries) == [("Ann Lee", [("Ann Lee", "PER")]), ('" Rome', [("Rome", "LOC")])]
    assert [e.group for e in entries] == ["a", "b"]
    by_lines = "word,tag\r\nAnn,B-PER\r\n\r\nran,O\r\n"
    assert named(read(tmp_path / "b.csv", by_lines, "csv")) == [("Ann", [("Ann", "PER")]), ("ran", [])]


def test_a_table_of_texts_keeps_its_other_columns(tmp_path: Path) -> None:
    content = 'id,text,label,source\n7,"Ann\nran","[[0, 3, ""PER""]]",web\n8,x,"[(0, 1, \'LOC\')]",\n9,y,,\n'
    entries = read(tmp_path / "a.csv", content, "csv")
    assert [(e.key, e.text, e.spans, dict(e.meta), e.line) for e in entries] == [
        ("7", "Ann\nran", (Span(0, 3, "PER"),), {"source": "web"}, 2),
        ("8", "x", (Span(0, 1, "LOC"),), {}, 4),
        ("9", "y", None, {}, 5),
    ]


def test_tags_as_a_list_in_a_cell(tmp_path: Path) -> None:
    content = "Sentence #,Sentence,POS,Tag\nSentence: 1,Ann ran,\"['NNP', 'VBD']\",\"['B-per', 'O']\"\n"
    assert named(read(tmp_path / "ner.csv", content, "csv")) == [("Ann ran", [("Ann", "per")])]


@pytest.mark.parametrize(
    "cell",
    [
        "[{1, 2}]",
        "[b'a']",
        "[{[]}]",
        "[1j]",
        "[...]",
        "[{(1, 2): 3}]",
        "[" * 150 + "]" * 150,
        "[1if 2else 3]",
    ],
)
def test_what_python_writes_and_json_has_not_stays_as_it_stands_in_the_cell(
    tmp_path: Path, cell: str
) -> None:
    [entry] = read(tmp_path / "a.csv", f'text,note\nAnn,"{cell}"\n', "csv")
    assert (dict(entry.meta), entry.spans) == ({"note": cell}, None)


def test_strange_escapes_in_a_cell_are_no_line_on_the_terminal(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        [entry] = read(tmp_path / "a.csv", "text,note\nAnn,['\\d']\n", "csv")
    assert entry.meta == {"note": ["\\d"]}


def test_columns_are_said_where_names_tell_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("nr;Kommentar\n1;Ann, she ran\n", encoding="utf-8")
    with pytest.raises(FormatError, match=r"which of the columns 'nr', 'Kommentar' has the text\?"):
        list(detect(path).read(path, ReadOptions()))
    [entry] = detect(path).read(path, ReadOptions(columns=("text=Kommentar",)))
    assert (entry.text, entry.meta) == ("Ann, she ran", {"nr": "1"})
    for columns, message in ((("text=x",), "there is no column 'x'"), (("token",), "it is ROLE=NAME")):
        with pytest.raises(RecipeError, match=message):
            list(detect(path).read(path, ReadOptions(columns=columns)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("word,tag\nAnn,B-PER\nran,O\n", r"a\.csv:1: no column says where a sentence ends"),
        ("text,label\na\n", r"a\.csv:2: 1 cells where 2 are expected"),
        ("word,tag\n\nAnn,O\n,O\n", r"a\.csv:4: a tag without a token"),
        ('text,label\n"a,b\n', r"a\.csv:2: this is no table"),
    ],
)
def test_what_is_wrong_with_a_table_is_named(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read(tmp_path / "a.csv", content, "csv")


def test_words_with_bars(tmp_path: Path) -> None:
    first = "The|DT|I-ORG United|NNP|I-ORG Nations|NNP|I-ORG met|VBD|O in|IN|O Rome|NNP|I-LOC .|.|O"
    content = f"{first}\n\n|||O a|b|O\n"
    entries = read(tmp_path / "wikiner.txt", content, "pipes")
    assert named(entries) == [
        ("The United Nations met in Rome .", [("The United Nations", "ORG"), ("Rome", "LOC")]),
        ("| a", []),
    ]
    assert [(e.line, e.group) for e in entries] == [(1, "wikiner.txt#0"), (3, "wikiner.txt#1")]
    tags = read(tmp_path / "a.txt", content, "pipes", task="tags", columns=("token", "tag", "-"))
    assert [s.label for s in tags[0].spans or ()][:3] == ["DT", "NNP", "NNP"]
    (tmp_path / "a.txt").write_text("a|b|B-X b|c|O e|f|O\nc|d\n", encoding="utf-8")
    with pytest.raises(FormatError, match=r"a\.txt:2: 2 columns where 3 are expected: 'c\|d'"):
        list(pipes.read(tmp_path / "a.txt", ReadOptions()))


ONTONOTES = """#begin document (nw/wsj/00/wsj_0001); part 000
nw/wsj/00/wsj_0001   0   0   Pierre   NNP   (TOP(S(NP(NP*   -   -   -   -   (PERSON*   (ARG0*   -
nw/wsj/00/wsj_0001   0   1   Vinken   NNP   *)              -   -   -   -   *)   *   -
nw/wsj/00/wsj_0001   0   2   joined   VBD   *   join   01   1   -   *   (V*)   -

nw/wsj/00/wsj_0001   0   0   Rome   NNP   (TOP*)   -   -   -   -   (GPE)   -

#end document
#begin document (nw/wsj/00/wsj_0002); part 000
nw/wsj/00/wsj_0002   0   0   Nothing   NN   (TOP*)   -   -   -   -   *   -
#end document
"""


def test_ontonotes_has_its_names_in_brackets(tmp_path: Path) -> None:
    entries = read(tmp_path / "a.conll", ONTONOTES, "conll2012")
    assert named(entries) == [
        ("Pierre Vinken joined", [("Pierre Vinken", "PERSON")]),
        ("Rome", [("Rome", "GPE")]),
        ("Nothing", []),
    ]
    assert [(e.line, e.group) for e in entries] == [
        (2, "nw/wsj/00/wsj_0001"),
        (6, "nw/wsj/00/wsj_0001"),
        (10, "nw/wsj/00/wsj_0002"),
    ]
    whole = read(tmp_path / "a.conll", ONTONOTES, "conll2012", by="document")
    assert [e.text for e in whole] == ["Pierre Vinken joined\nRome", "Nothing"]
    assert [
        s.label for s in read(tmp_path / "a.conll", ONTONOTES, "conll2012", task="tags")[1].spans or ()
    ] == ["NNP"]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("Pierre ", "[WORD] ", r"a\.conll:2: the words are not in this file"),
        ("(GPE)", "(GPE", r"a\.conll:6: the name 'GPE' has no end"),
        ("(PERSON*", "*", r"a\.conll:3: a bracket is closed that is not open"),
        ("   (GPE)   -", "", r"a\.conll:6: 10 columns where 12"),
    ],
)
def test_what_is_wrong_with_ontonotes_is_named(tmp_path: Path, before: str, after: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read(tmp_path / "a.conll", ONTONOTES.replace(before, after, 1), "conll2012")
