"""Corpora that are folders or files of their own kind: brat, WebAnno TSV 3, Hugging Face data sets.

The files of WebAnno are written from its user guide, those of Hugging Face as the library ``datasets`` leaves
them; brat's are the real ones, counted by themselves.
"""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats.entry import Entry, Notes, ReadOptions
from spanloop.recipes.formats.registry import by_name, detect
from spanloop.recipes.formats.sources import sources
from spanloop.recipes.formats.writable import unwritable
from spanloop.store.records import Span


def corpus(folder: Path, **files: str) -> Path:
    """Files by their names, in which ``__`` is a point."""
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content, encoding="utf-8", newline="")
    return folder


def read(path: Path, **options: object) -> tuple[list[tuple[str, str, Entry]], list[str]]:
    """Format, file and entry of each document, and the notes."""
    notes = Notes()
    found = [
        (source.fmt.name, source.shown.name, entry)
        for source in sources([path], notes=notes)
        for entry in source.entries(ReadOptions(notes=notes, **options))  # type: ignore[arg-type]
    ]
    return found, notes.lines()


ANN = (
    "T1\tPER 0 3\tAnn\nT2\tLOC 12 16;17 21\tNew\nYork\n".replace("New\nYork", "NewX YorkY")
    + "T3\tX 0 3;8 11\tAnn in\nR1\tlives Arg1:T1 Arg2:T2\n#1\tAnnotatorNotes T1\tsure\n\n"
)


def test_brat_a_folder_is_one_corpus_and_says_what_it_leaves(tmp_path: Path) -> None:
    text = "Ann lives in NewX\nYorkY\r\n"
    folder = corpus(
        tmp_path / "c",
        a__txt=text,
        a__ann=ANN.replace("12 16;17 21", "13 17;18 23"),
        b__txt="open",
        b2__txt="x",
        b2__ann="",
    )
    found, notes = read(folder)
    assert [(name, file, e.key, e.text) for name, file, e in found] == [
        ("brat", "a.ann", "a", text),
        ("brat", "b.txt", "b", "open"),
        ("brat", "b2.ann", "b2", "x"),
    ]
    assert found[0][2].spans == (Span(0, 3, "PER"), Span(13, 23, "LOC"))
    assert found[0][2].refused == ((Span(0, 11, "X"), "discontinuous"),)
    assert [e.spans for _, _, e in found[1:]] == [None, ()]
    assert notes == ["relations of brat are not read", "notes of brat are not read"]
    [(_, _, alone)], _ = read(folder / "a.ann")
    assert alone == found[0][2]


def test_brat_in_a_zip_names_its_files(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as packed:
        packed.writestr("sub/a.txt", "Ann")
        packed.writestr("sub/a.ann", "T1\tPER 0 3\tAnn\nT2 oops\n")
    with pytest.raises(
        FormatError, match=r"c\.zip/sub/a\.ann:2: T1, label, start, end and text are expected"
    ):
        read(tmp_path / "c.zip")
    lonely = corpus(tmp_path / "d", a__ann="T1\tPER 0 3\tAnn\n")
    with pytest.raises(FormatError, match=r"a\.ann: its text a\.txt is not beside it"):
        read(lonely / "a.ann")


@pytest.mark.data
@pytest.mark.parametrize("name", ["litbank", "ncbi_devel20"])
def test_brat_real_folders_have_all_their_spans(data: Path, name: str) -> None:
    folder = data / "exports" / "brat" / name
    wanted: Counter[str] = Counter()
    for path in folder.glob("*.ann"):
        rows = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
        wanted.update(row[1].split(" ")[0] for row in rows if row[0].startswith("T"))
    found, _ = read(folder)
    assert len(found) == len(list(folder.glob("*.txt")))
    assert Counter(s.label for _, _, e in found for s in e.spans or ()) == wanted
    assert not [e.refused for _, _, e in found if e.refused]
    for _, _, entry in found:
        rows = [line.split("\t") for line in (folder / f"{entry.key}.ann").read_text("utf-8").splitlines()]
        said = [row[2] for row in rows if row[0].startswith("T")]
        assert [entry.text[s.start : s.end].replace("\n", " ") for s in entry.spans or ()] == said


WEBANNO = """#FORMAT=WebAnno TSV 3.3
#T_SP=de.tudarmstadt.ukp.dkpro.core.api.lexmorph.type.pos.POS|PosValue|coarseValue
#T_SP=de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity|identifier|value
#T_RL=de.tudarmstadt.ukp.dkpro.core.api.syntax.type.dependency.Dependency|DependencyType|flavor|BT_pos.POS


#Text=Ann Lee met \\\\ 😀Bob.
1-1\t0-3\tAnn\tNNP\t_\t*[1]\tPER[1]|FULL[2]\tdep\t_\t1-2\t
1-2\t4-7\tLee\tNNP\t_\t*[1]\tPER[1]|FULL[2]\tdep\t_\t1-2\t
1-3\t8-11\tmet\tVBD\t_\t_\t_\t_\t_\t_\t
1-4\t12-13\t\\\\\tSYM\t_\t*\t*\t_\t_\t_\t
1-5\t14-19\t😀Bob\tNNP\t_\t_\t_\t_\t_\t_\t
1-5.1\t16-19\tBob\t_\t_\t*\tX\\_Y\t_\t_\t_\t
1-6\t19-20\t.\t.\t_\t_\t_\t_\t_\t_\t

#Text=Rome
2-1\t21-25\tRome\tNNP\t_\t*\tLOC\t_\t_\t_\t
"""


def test_webanno_has_the_spans_of_its_layer_stacked_numbered_and_inside_tokens(tmp_path: Path) -> None:
    path = corpus(tmp_path, a__tsv=WEBANNO) / "a.tsv"
    found, _ = read(path)
    assert [(name, e.text, e.group, e.line) for name, _, e in found] == [
        ("webanno", "Ann Lee met \\ 😀Bob.", "a", 8),
        ("webanno", "Rome", "a", 17),
    ]
    first, second = found[0][2], found[1][2]
    assert sorted(first.spans or (), key=repr) == sorted(
        [Span(0, 7, "PER"), Span(0, 7, "FULL"), Span(15, 18, "X_Y")], key=repr
    )
    assert first.refused == ((Span(12, 13, "*"), "no value"),)
    assert second.spans == (Span(0, 4, "LOC"),)
    tags, _ = read(path, task="tags")
    assert [s.label for s in tags[0][2].spans or ()] == ["NNP", "NNP", "VBD", "SYM", "NNP", "."]
    with pytest.raises(
        FormatError, match=r"--columns takes one of POS\.PosValue, POS\.coarseValue, NamedEntity"
    ):
        read(path, columns=("x",))


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("1-3\t8-11\tmet", "1-3\t8-11\tsaw", r"a\.tsv:8: token 3, 'saw', does not follow"),
        ("1-3\t8-11", "1-3\teight", r"a\.tsv:10: a number, a place, a token"),
        ("16-19\tBob", "14-19\tBob", r"a\.tsv:13: 'Bob' does not stand at its place"),
        ("1-5.1", "1-9.1", r"a\.tsv:13: a piece of the token 1-9"),
    ],
)
def test_webanno_what_cannot_be_read_is_named(tmp_path: Path, before: str, after: str, message: str) -> None:
    path = corpus(tmp_path, a__tsv=WEBANNO.replace(before, after)) / "a.tsv"
    with pytest.raises(FormatError, match=message):
        read(path)


NAMES = ["O", "B-PER", "I-PER", "B-LOC"]
ROWS = [
    {"id": "0", "tokens": ["Ann", "Lee", "ran"], "pos_tags": [1, 1, 0], "ner_tags": [1, 2, 0]},
    {"id": "1", "tokens": ["Rome"], "pos_tags": [1], "ner_tags": [3]},
]
WANTED = [("Ann Lee ran", [("Ann Lee", "PER")]), ("Rome", [("Rome", "LOC")])]


def table(rows: list[dict[str, object]] = ROWS) -> object:  # type: ignore[assignment]
    """As ``datasets`` makes it of conll2003: the names of the classes stand in the schema."""
    pa = pytest.importorskip("pyarrow", reason="needs the extra parquet")
    classes = {"feature": {"names": NAMES, "_type": "ClassLabel"}, "_type": "Sequence"}
    parts_of_speech = {"feature": {"names": ["VB", "NN"], "_type": "ClassLabel"}, "_type": "Sequence"}
    text = {"dtype": "string", "_type": "Value"}
    features = {
        "id": text,
        "tokens": {"feature": text, "_type": "Sequence"},
        "pos_tags": parts_of_speech,
        "ner_tags": classes,
    }
    note = json.dumps({"info": {"features": features}})
    return pa.Table.from_pylist(rows).replace_schema_metadata({"huggingface": note})


def named(found: list[tuple[str, str, Entry]]) -> list[tuple[str, list[tuple[str, str]]]]:
    return [(e.text, [(e.text[s.start : s.end], s.label) for s in e.spans or ()]) for _, _, e in found]


def test_parquet_has_the_names_of_its_tags(tmp_path: Path) -> None:
    made = table()
    from pyarrow import parquet

    parquet.write_table(made, tmp_path / "a.bin", row_group_size=1)
    found, _ = read(tmp_path / "a.bin")
    assert found[0][0] == "huggingface"
    assert named(found) == WANTED
    assert [(e.key, e.line, e.split) for _, _, e in found] == [("0", 1, None), ("1", 2, None)]
    tags, _ = read(tmp_path / "a.bin", task="tags", labels=("VB", "NN"))
    assert [s.label for s in tags[0][2].spans or ()] == ["NN", "NN", "VB"]


def test_columns_that_json_has_not_are_spelled_out_or_told_in_one_line(tmp_path: Path) -> None:
    """Dates, decimals and lists of them: an import of such a file ended in a traceback."""
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    when = datetime(2020, 1, 2, 3, 4)
    row = {
        "text": "Ann",
        "when": when,
        "days": [when.date()],
        "price": Decimal("1.50"),
        "at": {"hour": when.time()},
    }
    parquet.write_table(pa.Table.from_pylist([row]), tmp_path / "a.parquet")
    [(_, _, entry)], _ = read(tmp_path / "a.parquet")
    assert entry.meta == {
        "when": "2020-01-02T03:04:00",
        "days": ["2020-01-02"],
        "price": "1.50",
        "at": {"hour": "03:04:00"},
    }
    assert unwritable(entry) is None
    parquet.write_table(pa.Table.from_pylist([{"text": "Ann", "image": b"\xff"}]), tmp_path / "b.parquet")
    [(_, _, entry)], notes = read(tmp_path / "b.parquet")
    assert (entry.text, entry.meta, unwritable(entry)) == ("Ann", {}, None)
    assert notes == ['b.parquet: "image" has bytes, which are not read']


def test_a_folder_that_the_library_saved_has_its_splits(tmp_path: Path) -> None:
    made = table()
    import pyarrow as pa

    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "dataset_dict.json").write_text(
        '{"splits": ["train", "validation"]}', encoding="utf-8"
    )
    for split in ("train", "validation", "test"):
        folder = tmp_path / "set" / split
        folder.mkdir()
        (folder / "state.json").write_text("{}", encoding="utf-8")
        (folder / "dataset_info.json").write_text("{}", encoding="utf-8")
        with pa.ipc.new_stream(str(folder / "data-00000-of-00001.arrow"), made.schema) as writer:  # type: ignore[attr-defined]
            writer.write_table(made)
    found, notes = read(tmp_path / "set")
    assert named(found) == WANTED * 3
    both = [(e.split, e.part) for _, _, e in found]  # where "validation" goes is what --dev says
    assert both == [("eval", None)] * 2 + [("pool", None)] * 2 + [(None, "validation")] * 2
    assert notes == []


def test_what_is_wrong_with_a_data_set_is_named(tmp_path: Path) -> None:
    made = table()
    from pyarrow import parquet

    parquet.write_table(made, tmp_path / "a.parquet")
    whole = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(whole[:-20])
    with pytest.raises(FormatError, match=r"a\.parquet: pyarrow cannot read it"):
        read(tmp_path / "a.parquet")
    parquet.write_table(table([{"tokens": ["a"], "ner_tags": [9]}]), tmp_path / "b.parquet")
    with pytest.raises(FormatError, match=r'b\.parquet:1: "ner_tags" has 9, and there are the names 0 to 3'):
        read(tmp_path / "b.parquet")


def test_formats_of_folders_are_known_by_what_lies_in_them(tmp_path: Path) -> None:
    assert by_name("brat").folder is not None
    path = corpus(tmp_path, a__txt="Ann", a__ann="T1\tPER 0 3\tAnn\n") / "a.ann"
    assert detect(path).name == "brat"
