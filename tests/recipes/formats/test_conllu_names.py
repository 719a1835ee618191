"""Named entities in CoNLL-U, in the column MISC, as corpora with several layers have them."""

from __future__ import annotations

from pathlib import Path

import pytest

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
