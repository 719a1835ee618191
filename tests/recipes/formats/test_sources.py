"""What a name on the command line stands for: the same documents, however the file is packed or encoded."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanloop.recipes.errors import FormatError, RecipeError
from spanloop.recipes.formats import unpacked
from spanloop.recipes.formats.entry import Notes, ReadOptions
from spanloop.recipes.formats.sources import sources
from spanloop.recipes.formats.unpacked import as_utf8

LINES = '{"text": "Ann ran é 😀", "spans": [[0, 3, "PER"]]}\n{"text": "x", "spans": []}\n'
COLUMNS = "Ann\tB-PER\nran\tO\n\nRome\tB-LOC\nx\tO\n"


def read(file: Path, **how: str) -> list[tuple[str, str, int | None, int]]:
    """File, text, line and number of spans of each document."""
    return [
        (
            str(source.shown.relative_to(file)) if source.shown != file else ".",
            e.text,
            e.line,
            len(e.spans or ()),
        )
        for source in sources([file], **how)  # type: ignore[arg-type]
        for e in source.entries(ReadOptions())
    ]


def zipped(path: Path, members: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return path


def plain(folder: Path) -> Path:
    (folder / "a.jsonl").write_text(LINES, encoding="utf-8")
    return folder / "a.jsonl"


def with_mark(folder: Path) -> Path:
    (folder / "a.jsonl").write_text(LINES, encoding="utf-8-sig")
    return folder / "a.jsonl"


def utf16(folder: Path) -> Path:
    (folder / "a.jsonl").write_text(LINES, encoding="utf-16")
    return folder / "a.jsonl"


def packed(folder: Path) -> Path:
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(LINES.encode()))
    return folder / "a.jsonl.gz"


def packed_utf16(folder: Path) -> Path:
    (folder / "a.gz").write_bytes(gzip.compress(LINES.encode("utf-16")))
    return folder / "a.gz"


@pytest.mark.parametrize("make", [plain, with_mark, utf16, packed, packed_utf16])
def test_a_file_is_read_alike_however_it_is_packed_and_encoded(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    assert read(make(tmp_path)) == [(".", "Ann ran é 😀", 1, 1), (".", "x", 2, 0)]


def test_an_encoding_that_nothing_declares_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("café\nx\n".encode("cp1252"))
    with pytest.raises(FormatError, match=r"a\.txt:1: byte 4 of this line is no UTF-8"):
        read(tmp_path / "a.txt")
    assert read(tmp_path / "a.txt", encoding="cp1252")[0][1] == "café"
    with pytest.raises(FormatError, match=r"a\.txt:1: near this line bytes are no ascii"):
        read(tmp_path / "a.txt", encoding="ascii")
    with pytest.raises(RecipeError, match="there is no encoding 'klingon'"):
        read(tmp_path / "a.txt", encoding="klingon")


def test_files_of_a_zip_and_of_a_folder_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "corpus" / "sub").mkdir(parents=True)
    (tmp_path / "corpus" / "b.conll").write_text(COLUMNS, encoding="utf-8")
    (tmp_path / "corpus" / "sub" / "a.jsonl").write_text(LINES, encoding="utf-8")
    wanted = [
        ("b.conll", "Ann ran", 1, 1),
        ("b.conll", "Rome x", 4, 1),
        ("sub/a.jsonl", "Ann ran é 😀", 1, 1),
        ("sub/a.jsonl", "x", 2, 0),
    ]
    assert read(tmp_path / "corpus") == wanted
    packed = zipped(
        tmp_path / "corpus.zip", {"b.conll": COLUMNS, "sub/a.jsonl": LINES, "__MACOSX/._a.jsonl": "x"}
    )
    assert read(packed) == wanted


def test_files_of_a_folder_that_are_not_read_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    plain(folder)
    (folder / "LICENSE").write_text("all yours\n", encoding="utf-8")
    (folder / "none.conll").write_text("", encoding="utf-8")
    notes = Notes()
    assert [source.shown.name for source in sources([folder], notes=notes)] == ["a.jsonl"]
    assert notes.lines() == [
        f"{folder / 'LICENSE'}: not read, it looks like none of the formats",
        f"{folder / 'none.conll'}: not read, it is empty",
    ]
    with pytest.raises(FormatError, match="there is no file in it"):
        read(zipped(tmp_path / "a.zip", {"LICENSE": "all yours\n"}))


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(COLUMNS.encode())))
    found = [(source, list(source.entries(ReadOptions()))) for source in sources(["-"])]
    assert [(str(s.shown), s.fmt.name, len(entries)) for s, entries in found] == [
        ("standard input", "conll", 2)
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.gz", gzip.compress(LINES.encode(), mtime=0)[:30], r"a\.gz: it is damaged, or cut off"),
        ("a.zip", b"PK\x03\x04 nothing", r"a\.zip: it is no zip that can be unpacked"),
        ("b.gz", gzip.compress(b'{"text": "a"}\n{oops\n', mtime=0), r"b\.gz:2: this is no JSON"),
        ("c.gz", gzip.compress(b"", mtime=0), r"c\.gz: the file is empty"),
    ],
)
def test_errors_name_the_file_as_it_was_named(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FormatError, match=message) as error:
        read(tmp_path / name)
    assert str(error.value).count(name) == 1


def test_a_zip_that_leads_out_of_its_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="would lie outside its folder"):
        read(zipped(tmp_path / "a.zip", {"../out.jsonl": LINES}))


def test_what_unpacks_to_far_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacked, "ALWAYS", 1000)
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"x" * 10**6))
    with pytest.raises(FormatError, match="unpacks to more than"):
        read(tmp_path / "a.gz")
    with pytest.raises(FormatError, match="unpacks to more than"):
        read(zipped(tmp_path / "a.zip", {"a": "x" * 10**6}))


@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from(["utf-16", "utf-32", "gb18030"]),
)
@settings(deadline=None, max_examples=50)
def test_every_text_comes_through_every_encoding(
    tmp_path_factory: pytest.TempPathFactory, text: str, encoding: str
) -> None:
    folder = tmp_path_factory.mktemp("encoded")
    (folder / "a").write_bytes(text.encode(encoding))
    (folder / "made").mkdir()
    made = as_utf8(folder / "a", encoding, folder / "a", folder / "made")
    assert made.read_bytes().decode() == text
