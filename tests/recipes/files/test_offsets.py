"""Spans that carry their own text: how a file counts is found out by it, told, and read right when asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.commands import done, jsonl_file, refused

from spanloop.recipes.errors import FormatError
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.formats.counting import KINDS, Counting, Kind
from spanloop.recipes.formats.entry import Entry
from spanloop.recipes.project.init import init
from spanloop.store import Store

TEXTS = ["😀 Ann met Zoë", "Ann Lee", "é Bob saw 😀 Ann Lee here"]
NAMES = ["Ann Lee", "Ann", "Bob", "Zoë"]


@pytest.fixture
def db(tmp_path: Path) -> Path:
    init(tmp_path / "p.db", labels=["PER"], eval_fraction=0.0)
    return tmp_path / "p.db"


def named(text: str) -> list[tuple[int, int]]:
    """Where the names stand, the longest first, in code points."""
    taken: list[tuple[int, int]] = []
    for name in NAMES:
        start = text.find(name)
        if start >= 0 and all(start >= end or start + len(name) <= begin for begin, end in taken):
            taken.append((start, start + len(name)))
    return sorted(taken)


def utf16(text: str, place: int) -> int:
    return len(text[:place].encode("utf-16-le")) // 2


def words(text: str, place: int) -> int:
    return len(text[:place].split())


WAYS: dict[Kind, Callable[[str, int, int], tuple[int, int]]] = {
    "codepoint": lambda _text, start, end: (start, end),
    "inclusive": lambda _text, start, end: (start, end - 1),
    "utf16": lambda text, start, end: (utf16(text, start), utf16(text, end)),
    "bytes": lambda text, start, end: (len(text[:start].encode()), len(text[:end].encode())),
    "token": lambda text, start, end: (words(text, start), words(text, end)),
    "token-inclusive": lambda text, start, end: (words(text, start), words(text, end) - 1),
}


def written(folder: Path, kind: Kind, *, said: bool = True) -> Path:
    records = []
    for text in TEXTS:
        spans = []
        for start, end in named(text):
            first, last = WAYS[kind](text, start, end)
            span = {"start": first, "end": last, "label": "PER"}
            spans.append(span | ({"text": text[start:end]} if said else {}))
        records.append({"text": text, "spans": spans})
    return jsonl_file(folder / "a.jsonl", *records)


def stored(db: Path) -> list[str]:
    with Store.open(db) as store:
        return [g.document.text[s.start : s.end] for g in store.annotations.gold() for s in g.spans]


WANTED = [text[slice(*place)] for text in TEXTS for place in named(text)]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "codepoint"])
def test_another_way_of_counting_is_found_out_told_and_read_right(
    kind: Kind, db: Path, tmp_path: Path
) -> None:
    file = written(tmp_path, kind)
    told = refused("import", db, file)
    assert told.endswith(f"say --offsets {kind}")
    assert "'Ann" in told or "'Zo" in told
    report = done("import", db, file, "--offsets", kind, "--json")
    assert (report["spans"], report["kept"]) == (len(WANTED), len(WANTED))
    assert stored(db) == WANTED


@pytest.mark.parametrize("kind", list(KINDS))
def test_spans_without_a_text_are_read_as_is_said(kind: Kind, db: Path, tmp_path: Path) -> None:
    import_files(db, [written(tmp_path, kind, said=False)], offsets=kind)
    assert stored(db) == WANTED


def test_what_is_read_in_a_wrong_way_is_told_too(db: Path, tmp_path: Path) -> None:
    told = refused("import", db, written(tmp_path, "codepoint"), "--offsets", "utf16")
    assert told.endswith("say --offsets codepoint")


def test_a_text_that_no_way_of_counting_explains_is_refused_with_its_lines(db: Path, tmp_path: Path) -> None:
    right = {"start": 0, "end": 3, "label": "PER", "text": "Ann"}
    records = [{"text": f"Ann {n}", "spans": [right | ({"text": "Zed"} if n % 3 else {})]} for n in range(40)]
    told = refused("import", db, jsonl_file(tmp_path / "a.jsonl", *records))
    assert f"{tmp_path / 'a.jsonl'}:2: a span says 'Zed' at 0-3, where the text has 'Ann'" in told
    assert "26 spans of 40" in told
    assert "(lines 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, …)" in told


def test_in_an_export_of_another_tool_it_goes_to_the_ledger(db: Path, tmp_path: Path) -> None:
    """Prodigy's span may carry its text; one that is elsewhere took the whole file with it."""
    ann = {"start": 0, "end": 3, "label": "PER", "text": "Ann"}
    bob = {"start": 8, "end": 11, "label": "PER", "text": "Zed"}
    task = {"text": "Ann met Bob", "spans": [ann, bob], "answer": "accept", "_view_id": "ner_manual"}
    report = import_files(db, [jsonl_file(tmp_path / "a.jsonl", task)])
    assert (report.spans, report.kept, report.ledger, report.annotated) == (2, 1, 1, 0)
    with Store.open(db) as store:
        (event,) = store.ledger.all()
        assert (event.start, event.end, event.reason) == (8, 11, "its text is not at its offsets")


def test_blanks_may_be_written_otherwise_in_the_text_of_a_span(db: Path, tmp_path: Path) -> None:
    span = {"start": 0, "end": 8, "label": "PER", "text": "Ann Lee"}
    import_files(db, [jsonl_file(tmp_path / "a.jsonl", {"text": "Ann\n Lee", "spans": [span]})])
    assert stored(db) == ["Ann\n Lee"]


def test_a_format_without_offsets_takes_no_word_about_them(db: Path, tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text("Ann\tB-PER\n\n")
    with pytest.raises(FormatError, match="leaves no choice"):
        import_files(db, [tmp_path / "a.conll"], offsets="utf16")


def test_tokens_are_those_of_the_file(db: Path, tmp_path: Path) -> None:
    record = {"tokens": ["Ann", "Lee", "'s", "dog"], "text": "Ann Lee's dog", "spans": [[0, 2, "PER"]]}
    import_files(db, [jsonl_file(tmp_path / "a.jsonl", record)], offsets="token")
    assert stored(db) == ["Ann Lee"]


def test_a_place_outside_of_the_text_is_none_in_any_way_of_counting() -> None:
    counting = Counting(Entry("a 😀"))
    for kind in KINDS:
        assert counting.place(-1, 2, kind) is None
        assert counting.place(2, 99, kind) is None
    assert counting.place(2, 3, "utf16") is None  # half of the emoji
    assert counting.place(2, 4, "utf16") == (2, 3)


def test_what_looks_like_spans_and_is_not_read_is_told_by_name(db: Path, tmp_path: Path) -> None:
    records = [
        {"text": "Ann met Bob", "mentions": [{"begin": 0, "finish": 3, "kind": "PER"}]},
        {"text": "Ann met Zoe", "mentions": [[0, 3, "PER"]], "topics": ["a", "b"], "box": [[1, 2]]},
        {"text": "Ann", "spans": [], "found": {"PER": [[0, 3]]}, "extra": {"gold": [["PER", 0, 3]]}},
        {"tokens": ["Ann", "ran"], "my_bio": ["B-PER", "O"], "tags": None, "id": 4},
    ]
    told = done("import", db, jsonl_file(tmp_path / "a.jsonl", *records))
    file = tmp_path / "a.jsonl"
    for name, times in (("mentions", " (2 times)"), ("found", ""), ("extra.gold", ""), ("my_bio", "")):
        assert f'{file}: "{name}" looks like spans and is not read, but kept as meta{times}\n' in told
    assert told.count("looks like spans") == 4


def test_tags_that_say_once_more_what_the_spans_say_are_read(db: Path, tmp_path: Path) -> None:
    record = {"tokens": ["Ann", "ran"], "text": "Ann ran", "spans": [[0, 3, "PER"]], "tags": ["B-PER", "O"]}
    report = import_files(db, [jsonl_file(tmp_path / "a.jsonl", record, record | {"tags": ["O", "B-PER"]})])
    assert report.notes == (
        f'{tmp_path / "a.jsonl"}: "tags" looks like spans and is not read, but kept as meta',
    )
    with Store.open(db) as store:
        metas = [dict(document.meta) for document in store.documents.iterate()]
    assert metas == [{}, {"tags": ["O", "B-PER"]}]


def test_nothing_of_a_record_is_dropped_that_is_not_read(db: Path, tmp_path: Path) -> None:
    """Keys of ours with something else under them were neither read nor kept."""
    odd = {"tokens": [1, 2], "tags": ["news"], "negatives": "none", "group": "g", "doc": "d"}
    import_files(db, [jsonl_file(tmp_path / "a.jsonl", {"text": "Ann", **odd})])
    with Store.open(db) as store:
        document = store.documents.get(1)
        assert document is not None
        assert (document.group, dict(document.meta)) == ("g", {k: odd[k] for k in odd if k != "group"})
