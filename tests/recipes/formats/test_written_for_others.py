"""What is written for other tools, read back here by their descriptions alone, without our readers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from support.commands import done, jsonl_file, refused
from support.drawn_entries import LABELS, entries, without_blanks

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.formats import brat_writing, huggingface_writing, webanno_writing
from spanloop.recipes.formats.entry import Entry, ReadOptions, WriteOptions
from spanloop.recipes.formats.registry import by_name
from spanloop.store.records import Span

ONE_WORD = tuple(label for label in LABELS if " " not in label)
LAW = settings(max_examples=15, suppress_health_check=list(HealthCheck))
Said = tuple[str, list[tuple[int, int, str]]]


def brat_documents(folder: Path) -> dict[str, tuple[str, list[tuple[int, int, str]] | None]]:
    """By id: the text, and the text-bound annotations, None without a file of them."""
    found: dict[str, tuple[str, list[tuple[int, int, str]] | None]] = {}
    for file in folder.glob("*.txt"):
        text = file.read_bytes().decode("utf-8")
        spans = None
        if (said := file.with_suffix(".ann")).exists():
            rows = [line.split("\t") for line in said.read_text("utf-8").split("\n") if line]
            spans = [(int(start), int(end), label) for label, start, end in (row[1].split() for row in rows)]
            assert all(
                re.sub(r"\s", " ", text[s:e]) == row[2] for (s, e, _), row in zip(spans, rows, strict=True)
            )
        found[unquote(file.name.removesuffix(".txt"))] = (text, spans)
    return found


@LAW
@given(entries("spans", ONE_WORD))
def test_brat_has_every_text_and_span(tmp_path_factory: pytest.TempPathFactory, given: list[Entry]) -> None:
    folder = tmp_path_factory.mktemp("brat")
    brat_writing.write(folder, given, WriteOptions(labels=ONE_WORD))
    assert brat_documents(folder) == {
        entry.key: (
            entry.text,
            None if entry.spans is None else [(s.start, s.end, s.label) for s in entry.spans],
        )
        for entry in given
    }
    assert (folder / "annotation.conf").read_text("utf-8").startswith("[entities]\nPER\n")


def test_brat_names_files_that_every_disk_takes_and_finds_every_id_again(tmp_path: Path) -> None:
    keys = ["../up", ".hidden", "a/b", "A", "a", "x" * 300, "名前" * 20 + "\t%41"]
    brat_writing.write(tmp_path, [Entry(text="t", key=key, spans=()) for key in keys], WriteOptions())
    names = [file.name for file in tmp_path.iterdir() if file.suffix == ".txt"]
    assert len({name.lower() for name in names}) == len(keys)
    assert not [name for name in names if "/" in name or name.startswith(".") or len(name) > 160]
    read = [entry.key for entry in by_name("brat").read(tmp_path, ReadOptions())]
    assert sorted(map(str, read)) == sorted(keys)
    with pytest.raises(RecipeError, match="brat has no labels with blanks, such as 'a b'"):
        brat_writing.write(tmp_path, [], WriteOptions(labels=("a b",)))


def webanno_documents(path: Path) -> list[Said]:
    """The sentences of the file and the spans of their layer, by UTF-16 offsets."""
    head, *blocks = path.read_text("utf-8").replace("\n\n\n", "\n\n").split("\n\n")
    assert head.startswith("#FORMAT=WebAnno TSV 3.3\n#T_SP=")
    found: list[Said] = []
    before = 0
    for block in filter(None, blocks):
        lines = block.rstrip("\n").split("\n")
        text = "\n".join(plain(line[6:]) for line in lines if line.startswith("#Text="))
        units = text.encode("utf-16-le")
        spans: dict[Any, list[Any]] = {}
        for row in (line.split("\t") for line in lines if not line.startswith("#")):
            start, end = (int(edge) - before for edge in row[1].split("-"))
            assert units[2 * start : 2 * end].decode("utf-16-le") == plain(row[2])
            if row[3] != "_":
                value, number = re.fullmatch(r"(.*?)(?:(?<!\\)\[(\d+)\])?", row[3]).groups()  # type: ignore[union-attr]
                at, to = (len(units[: 2 * edge].decode("utf-16-le")) for edge in (start, end))
                span = spans.setdefault(number or row[0], [at, to, re.sub(r"\\(.)", r"\1", value)])
                span[1] = to
        found.append((text, [(s, e, label) for s, e, label in spans.values()]))
        before += len(units) // 2 + 1
    return found


def plain(text: str) -> str:
    """Text without its escapes."""
    letters = {"t": "\t", "r": "\r", "b": "\b", "f": "\f"}
    return re.sub(r"\\(.)", lambda found: letters.get(found[1], found[1]), text)


@LAW
@given(entries("spans"))
def test_webanno_has_every_text_and_span(
    tmp_path_factory: pytest.TempPathFactory, given: list[Entry]
) -> None:
    path = tmp_path_factory.mktemp("webanno") / "x.tsv"
    webanno_writing.write(path, given, WriteOptions(labels=LABELS))
    assert webanno_documents(path) == [
        (entry.text, [(s.start, s.end, s.label) for s in entry.spans or ()]) for entry in given
    ]


@LAW
@given(entries("spans"))
def test_a_data_set_has_tokens_tags_names_and_splits(
    tmp_path_factory: pytest.TempPathFactory, given: list[Entry]
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not here: pip install '.[parquet]'")
    folder = tmp_path_factory.mktemp("data")
    huggingface_writing.write(folder, given, WriteOptions(labels=LABELS))
    rows: dict[str, dict[str, Any]] = {}
    for split in ("train", "test"):
        for file in (folder / "data").glob(f"{split}-*.parquet"):
            table = parquet.read_table(file)
            features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
            names = features["ner_tags"]["feature"]["names"]
            rows |= {row["id"]: {**row, "split": split, "names": names} for row in table.to_pylist()}
    assert set(rows) == {entry.key for entry in given}
    for entry in given:
        row = rows[entry.key or ""]
        assert (row["text"], row["split"]) == (entry.text, "test" if entry.split == "eval" else "train")
        assert (row["ner_tags"] is None) == (entry.spans is None)
        if entry.spans is not None:
            assert from_tags(row) == without_blanks(entry)[1]


def from_tags(row: dict[str, Any]) -> list[tuple[int, int, str]]:
    """Spans by their characters without blanks, read from IOB2 by hand."""
    spans: list[list[Any]] = []
    at = 0
    for token, number in zip(row["tokens"], row["ner_tags"], strict=True):
        role, _, label = row["names"][number].partition("-")
        length = len(re.sub(r"\s", "", token))
        if role == "B":
            spans.append([at, at + length, label])
        elif role == "I":
            spans[-1][1] = at + length
        at += length
    return [(start, end, label) for start, end, label in spans]


def test_a_folder_appears_whole_and_replaces_nothing_but_such_a_one(tmp_path: Path) -> None:
    db, out = tmp_path / "p.db", tmp_path / "out"
    done("init", db, "--labels", "PER", "--lang", "en", "--eval-fraction", "0")
    done("import", db, jsonl_file(tmp_path / "a.jsonl", {"text": "Ann ran", "spans": [[0, 3, "PER"]]}))
    told = done("export", db, out, "--format", "brat", "--json")
    assert (told["documents"], told["spans"]) == (1, 1)
    assert told["uncarried"] == {"splits": 1}
    assert [spans for _, spans in brat_documents(out).values()] == [[(0, 3, "PER")]]
    assert (
        refused("export", db, out, "--format", "brat")
        == f"{out} is there already: another name, or --overwrite"
    )
    done("import", db, jsonl_file(tmp_path / "b.jsonl", {"id": "b", "text": "Bob", "spans": [[0, 3, "PER"]]}))
    assert done("export", db, out, "--format", "brat", "--overwrite", "--json")["documents"] == 2
    assert sorted(brat_documents(out))[1] == "b"
    (out / "sub").mkdir()
    (out / "sub" / "notes.txt").write_text("mine", "utf-8")
    line = refused("export", db, out, "--format", "brat", "--overwrite")
    said = "is no earlier export to brat (sub/notes.txt is in it) and is not replaced: take another name"
    assert line == f"{out} {said}"
    assert (out / "sub" / "notes.txt").read_text("utf-8") == "mine"
    line = refused("export", db, tmp_path, "--format", "huggingface", "--overwrite")
    assert "(there is no README.md)" in line
    # a named version has the labels that there were, in whatever is written
    done("data", db, "tag", "v1")
    done("labels", db, "rename", "PER", "PERSON")
    done("export", db, tmp_path / "hf", "--format", "huggingface", "--tagged", "v1", "--label", "PER")
    assert "'1': \"B-PER\"" in (tmp_path / "hf" / "README.md").read_text("utf-8")
    assert not list(tmp_path.glob(".*part"))


def test_spans_of_several_tokens_have_numbers_in_webanno(tmp_path: Path) -> None:
    tokens = ((0, 3), (4, 7), (8, 10))
    entry = Entry(text="Ann Lee 😀!", key="k", tokens=tokens, spans=(Span(0, 7, "PER"), Span(8, 9, "a|b")))
    done = webanno_writing.write(tmp_path / "x.tsv", [entry], WriteOptions())
    rows = (tmp_path / "x.tsv").read_text("utf-8").split("\n")[5:]
    assert rows[:4] == [
        "1-1\t0-3\tAnn\tPER[1]\t",
        "1-2\t4-7\tLee\tPER[1]\t",
        "1-3\t8-10\t😀\ta\\|b\t",
        "1-4\t10-11\t!\t_\t",
    ]
    assert (done.documents, done.spans, done.tokens_cut) == (1, 2, 1)
