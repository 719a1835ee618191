"""The law of an import: every span of a file is kept, moved, in the ledger or refused, and the report adds
up.

Held to by every format that is registered. A format of offsets is given files with spans as no text can have
them; one of tokens, which cannot say such, what its writer makes of sound ones. A format that comes later and
has no writer needs a maker here.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanloop.recipes.errors import FormatError
from spanloop.recipes.files.import_report import ImportReport
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.formats.entry import Entry, WriteOptions
from spanloop.recipes.formats.registry import by_name, formats
from spanloop.recipes.formats.tagged import find_tokens
from spanloop.recipes.project.init import init
from spanloop.store import Store
from spanloop.store.records import Span

LABELS = ["PER", "B-cell_line", "Größe"]
Made = list[tuple[str, list[tuple[int, int, str]]]]

texts = st.text("ab 😀é\t\u00a0", min_size=0, max_size=14)
places = st.tuples(st.integers(-2, 16), st.integers(-2, 16), st.sampled_from(LABELS))


@st.composite
def files(draw: st.DrawFn) -> Made:
    """Texts, some of blanks alone, with spans that overlap, repeat, are empty or leave the text."""
    return [
        (draw(texts), draw(st.lists(places, max_size=5)))
        for _ in range(draw(st.integers(min_value=1, max_value=4)))
    ]


def objects(spans: list[tuple[int, int, str]], **more: Any) -> list[dict[str, Any]]:
    return [{"start": s, "end": e, "label": label, **more} for s, e, label in spans]


def lines(records: list[Any]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def prodigy(made: Made) -> str:
    about = {"answer": "accept", "_view_id": "ner_manual"}
    return lines([{"text": text, "spans": objects(spans), **about} for text, spans in made])


def labelstudio(made: Made) -> str:
    tasks = []
    for number, (text, spans) in enumerate(made, start=1):
        values = [{"start": s, "end": e, "labels": [label]} for s, e, label in spans]
        result = [{"type": "labels", "value": value} for value in values]
        tasks.append({"id": number, "data": {"text": text}, "annotations": [{"result": result}]})
    return json.dumps(tasks)


def dataturks(made: Made) -> str:
    return lines(
        [
            {
                "content": text,
                "annotation": [
                    {"label": [label], "points": [{"start": s, "end": e - 1}]} for s, e, label in spans
                ],
            }
            for text, spans in made
        ]
    )


def lighttag(made: Made) -> str:
    examples = []
    for number, (text, spans) in enumerate(made):
        said = [
            {"start": s, "end": e, "tag": label, "annotated_by": [{"annotator": "anna"}] if n % 3 else []}
            for n, (s, e, label) in enumerate(spans)
        ]
        examples.append({"example_id": str(number), "content": text, "annotations": said, "seen_by": []})
    return json.dumps({"examples": examples})


def brat(folder: Path, made: Made) -> int:
    """A folder as brat has it; it has no way to write an offset below 0."""
    in_file = 0
    for number, (text, spans) in enumerate(made):
        sayable = [(s, e, label) for s, e, label in spans if min(s, e) >= 0]
        rows = [f"T{n}\t{label} {s} {e}\n" for n, (s, e, label) in enumerate(sayable)]
        (folder / f"{number}.txt").write_bytes(text.encode())
        (folder / f"{number}.ann").write_text("".join(rows), "utf-8")
        in_file += len(rows)
    return in_file


def xmi(folder: Path, made: Made) -> int:
    """A CAS a file, without a type system; the offsets count UTF-16 and are as they were drawn."""
    kind = 'xmlns:t="http:///my/own.ecore"'
    in_file = 0
    for number, (text, spans) in enumerate(made):
        marked = [
            f'<t:Mention xmi:id="{n}" sofa="1" begin="{s}" end="{e}" kind={quoteattr(label)}/>'
            for n, (s, e, label) in enumerate(spans, start=2)
        ]
        members = " ".join(str(n) for n in range(2, 2 + len(spans)))
        sofa = f'sofaID="_InitialView" sofaString={quoteattr(text)}'
        (folder / f"{number}.xmi").write_text(
            f'<xmi:XMI xmlns:xmi="http://www.omg.org/XMI" xmlns:cas="http:///uima/cas.ecore" {kind}>'
            f'{"".join(marked)}<cas:Sofa xmi:id="1" sofaNum="1" {sofa}/>'
            f'<cas:View sofa="1" members="{members}"/></xmi:XMI>',
            "utf-8",
        )
        in_file += len(spans)
    return in_file


FOLDERS: dict[str, Callable[[Path, Made], int]] = {"brat": brat, "xmi": xmi}
MAKERS: dict[str, Callable[[Made], str]] = {
    "jsonl": lambda made: lines([{"text": t, "spans": spans} for t, spans in made]),
    "json": lambda made: json.dumps([{"text": t, "spans": objects(spans)} for t, spans in made]),
    "spacy_json": lambda made: json.dumps([[t, {"entities": spans}] for t, spans in made]),
    "doccano": lambda made: lines([{"id": n, "text": t, "label": s} for n, (t, s) in enumerate(made)]),
    "prodigy": prodigy,
    "labelstudio": labelstudio,
    "dataturks": dataturks,
    "lighttag": lighttag,
}
WITHOUT_SPANS = {"text", "conllu", "conllu_xpos"}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    db = tmp_path_factory.mktemp("law") / "p.db"
    init(db, labels=LABELS, eval_fraction=0.0, lang="en")
    return db


def stored(db: Path) -> tuple[int, int, int]:
    """Documents, spans that are stored, and spans in the ledger, counted by SQL."""
    with Store.open(db) as store:
        counted = [
            "(SELECT count(*) FROM annotation_spans) + (SELECT count(*) FROM prediction_spans)",
            "(SELECT count(*) FROM alignment_events WHERE action <> 'snapped')",
        ]
        row = store.row(f"SELECT (SELECT count(*) FROM documents), {', '.join(counted)}")
        assert row is not None
        return cast("tuple[int, int, int]", tuple(row))


def fates(report: ImportReport) -> dict[str, int]:
    told = report.json()
    names = ("kept", "moved", "ledger", "set_aside", "negatives", "already_stored", "not_read", "refused")
    return {name: told[name] for name in names}


def holds(report: ImportReport, in_file: int) -> None:
    assert report.json()["spans"] == in_file
    assert sum(fates(report).values()) == in_file, fates(report)


def of_offsets() -> list[str]:
    return sorted(name for name in formats() if name in {*MAKERS, *FOLDERS})


def of_tokens() -> list[str]:
    return sorted(set(formats()) - set(of_offsets()) - WITHOUT_SPANS)


@pytest.mark.parametrize("name", of_offsets())
@given(made=files())
@settings(deadline=None, max_examples=15)
def test_every_span_of_a_file_has_one_fate(
    name: str, made: Made, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("law")
    db, file = Path(shutil.copy(template, folder / "p.db")), folder / "a.file"
    in_file = sum(len(spans) for _, spans in made)
    if name in FOLDERS:
        file = tmp_path_factory.mktemp(name)
        in_file = FOLDERS[name](file, made)
    else:
        file.write_text(MAKERS[name](made), encoding="utf-8")
    try:
        report = import_files(db, [file], format=name, overlaps="longest", near_duplicates=False)
    except FormatError:
        if by_name(name).foreign:
            raise
        assert stored(db) == (0, 0, 0)
        return
    holds(report, in_file)
    documents, spans, apart = stored(db)
    told = fates(report)
    assert documents == report.added
    assert spans == told["kept"] + told["moved"] + told["set_aside"] + told["negatives"]
    assert bool(apart) == bool(told["ledger"])
    again = import_files(db, [file], format=name, overlaps="longest", near_duplicates=False)
    holds(again, in_file)
    assert stored(db) == (documents, spans, apart)


WORDS = ["Ann", "Lee", "met", "Bobé", "in", "Rome"]
TAGS = ["B-PER", "I-PER", "O", "B-Größe", "O", "B-B-cell_line"]


def conll2012() -> str:
    names = ["(PER*", "*)", "*", "(Größe*)", "*", "(B-cell_line*)"]
    about = ["-"] * 6
    rows = [
        ["d", "0", str(n), word, *about, name, "-"]
        for n, (word, name) in enumerate(zip(WORDS, names, strict=True))
    ]
    body = "".join("   ".join(row) + "\n" for row in rows)
    return f"#begin document (d); part 000\n{body}\n#end document\n"


def csv() -> str:
    rows = "".join(f"1,{word},{tag}\n" for word, tag in zip(WORDS, TAGS, strict=True))
    return f"sentence_id,word,tag\n{rows}"


def pipes() -> str:
    return " ".join(f"{word}|X|{tag}" for word, tag in zip(WORDS, TAGS, strict=True)) + "\n"


def conllup() -> str:
    pairs = enumerate(zip(WORDS, TAGS, strict=True), start=1)
    rows = "".join(f"{n}\t{word}\t{tag}\n" for n, (word, tag) in pairs)
    return f"# global.columns = ID FORM CORPUS:NER\n{rows}\n"


OF_TOKENS: dict[str, Callable[[], str]] = {
    "conllup": conllup,
    "conll2012": conll2012,
    "csv": csv,
    "pipes": pipes,
}


@pytest.mark.parametrize("name", of_tokens())
def test_every_span_of_a_file_of_tokens_is_kept(name: str, template: Path, tmp_path: Path) -> None:
    fmt = by_name(name)
    file = tmp_path / f"a{fmt.suffixes[0] if fmt.suffixes else '.file'}"
    if fmt.extra is not None:
        pytest.importorskip("pyarrow", reason=f"the extra [{fmt.extra}] is not installed")
    if fmt.folder is not None:
        file.mkdir()
    if name in OF_TOKENS:
        file.write_text(OF_TOKENS[name](), encoding="utf-8")
    else:
        assert fmt.write is not None, f"the format {name} has no writer: give it a maker in this file"
        text = " ".join(WORDS)
        spans = (Span(0, 7, "PER"), Span(12, 16, "Größe"), Span(20, 24, "B-cell_line"))
        entry = Entry(text, key="k", spans=spans, tokens=tuple(find_tokens(text, WORDS)))
        fmt.write(file, [entry], WriteOptions(labels=tuple(LABELS)))
    report = import_files(
        db := Path(shutil.copy(template, tmp_path / "p.db")), [file], format=name, near_duplicates=False
    )
    holds(report, 3)
    assert (report.kept, stored(db)) == (3, (1, 3, 0))


def test_documents_alone_are_counted_with_the_spans_that_were_not_read(
    template: Path, tmp_path: Path
) -> None:
    db, file = Path(shutil.copy(template, tmp_path / "p.db")), tmp_path / "a.jsonl"
    file.write_text(
        lines([{"text": "Ann", "spans": [[0, 3, "PER"]]}, {"text": " ", "spans": [[0, 1, "PER"]]}])
    )
    report = import_files(db, [file], as_="documents")
    holds(report, 2)
    assert (report.not_read, report.refused, report.first_refused) == (1, 1, f"{file}:2")
