"""Named entities in CoNLL-U, in the column MISC, as corpora with several layers have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats.entry import ReadOptions
from spanloop.recipes.formats.registry import detect
from spanloop.store.records import Span


def row(number: str, form: str, misc: str = "_") -> str:
    return "\t".join([number, form, "_", "X", "_", "_", "_", "_", "_", misc])


def read(path: Path, *sentences: list[str], **options: object) -> list[tuple[str, tuple[Span, ...] | None]]:
    path.write_text("".join("\n".join(lines) + "\n\n" for lines in sentences), encoding="utf-8")
    assert detect(path).name == "conllu"
    return [(e.text, e.spans) for e in detect(path).read(path, ReadOptions(**options))]  # type: ignore[arg-type]


FIRST = [
    "# text = Ann Lee's house",
    row("1", "Ann", "NER=B-PER"),
    row("2-3", "Lee's", "SpaceAfter=Yes"),
    row("2", "Lee", "Lemma=x|NER=I-PER"),
    row("3", "'s", "NER=O"),
    row("4", "house"),
]
SECOND = [
    "# text = du Rome",
    row("1-2", "du"),
    row("1", "de"),
    row("2", "le", "NER=B-ORG"),
    row("3", "Rome", "NER=I-ORG"),
]


def test_names_in_misc_are_spans(tmp_path: Path) -> None:
    assert read(tmp_path / "a.conllu", FIRST, SECOND) == [
        ("Ann Lee's house", (Span(0, 7, "PER"),)),
        ("du Rome", (Span(0, 7, "ORG"),)),
    ]
    assert read(tmp_path / "a.conllu", FIRST, SECOND, by="document")[0][1] == (Span(0, 7, "PER"),)
    assert [len(spans or ()) for _, spans in read(tmp_path / "a.conllu", FIRST, task="tags")] == [4]


@pytest.mark.parametrize("misc", ["SpaceAfter=No", "NEW=1", "Gloss=NER"])
def test_without_names_a_file_says_nothing_of_spans(tmp_path: Path, misc: str) -> None:
    assert read(tmp_path / "a.conllu", [row("1", "Ann", misc)]) == [("Ann", None)]


def test_the_tags_of_all_sentences_say_what_one_means(tmp_path: Path) -> None:
    """I alone in a sentence is IOB1 or IO; whole entities in one tag have no prefix."""
    sentences = [[row("1", "a", "NE=PER"), row("2", "b", "NE=PER")], [row("1", "c", "NE=LOC")]]
    assert [spans for _, spans in read(tmp_path / "a.conllu", *sentences)] == [
        (Span(0, 3, "PER"),),
        (Span(0, 1, "LOC"),),
    ]


PLUS = """# global.columns = ID FORM UPOS MISC CORPUS:NER
# newdoc id = d
# sent_id = s1
# text = Ann Lee's du
1\tAnn\tPROPN\t_\tB-PER
2-3\tLee's\t_\t_\t_
2\tLee\tPROPN\t_\tI-PER
3\t's\tPART\t_\tO
4\tdu\tADP\t_\t*

1\tRome\tPROPN\tNER=B-X\tB-LOC
"""


def test_plus_has_its_tags_in_the_column_that_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.conllup"
    path.write_text(PLUS, encoding="utf-8")
    assert detect(path).name == "conllup"
    entries = list(detect(path).read(path, ReadOptions()))
    assert [(e.key, e.group, e.text, e.spans, e.line) for e in entries] == [
        ("s1", "d", "Ann Lee's du", (Span(0, 7, "PER"),), 5),
        (None, "d", "Rome", (Span(0, 4, "LOC"),), 11),
    ]
    tags = list(detect(path).read(path, ReadOptions(task="tags")))
    assert [s.label for s in tags[0].spans or ()] == ["PROPN", "PROPN", "PART", "ADP"]
    other = list(detect(path).read(path, ReadOptions(columns=("MISC",))))
    assert [e.spans for e in other] == [(), (Span(0, 4, "X"),)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("# global.columns = ID WORD\n1\ta\n", r"a\.conllup:1: a first line like"),
        (
            "# global.columns = ID FORM\n1\ta\n",
            r"a\.conllup:1: which column has the tags\? --columns takes one of ID, FORM",
        ),
        ("# global.columns = FORM NER\na\n", r"a\.conllup:2: 1 columns where 2"),
    ],
)
def test_plus_what_cannot_be_read_is_named(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "a.conllup"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(FormatError, match=message):
        list(detect(path).read(path, ReadOptions()))
