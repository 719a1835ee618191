"""UIMA's CAS as INCEpTION and pipelines of UIMA write it: what is read, by whom, and what is told.

The files are spelled out here, as INCEpTION exports them; what we write is read by dkpro-cassis alone.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest
from support.commands import done, refused

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.formats import xmi_writing
from spanloop.recipes.formats.entry import Entry, WriteOptions
from spanloop.store.records import Span

cassis = pytest.importorskip("cassis", reason="the extra [xmi] is not installed")

DKPRO = "http:///de/tudarmstadt/ukp/dkpro/core/api"
SPACES = (
    'xmlns:xmi="http://www.omg.org/XMI" xmlns:cas="http:///uima/cas.ecore" '
    f'xmlns:md="{DKPRO}/metadata/type.ecore" xmlns:ner="{DKPRO}/ner/type.ecore" '
    'xmlns:custom="http:///webanno/custom.ecore" xmlns:ctakes="http:///org/ctakes.ecore"'
)
TEXT = "😀 Ann met Bob\r\nin Köln"
ANN, BOB = 'begin="3" end="6"', 'begin="11" end="14"'  # in UTF-16


def type_of(name: str, base: str, *features: str) -> str:
    inside = "".join(
        f"<featureDescription><name>{one}</name><rangeTypeName>uima.cas.String</rangeTypeName></featureDescription>"
        for one in features
    )
    return (
        f"<typeDescription><name>{name}</name><supertypeName>{base}</supertypeName>"
        f"<features>{inside}</features></typeDescription>"
    )


CORE = "de.tudarmstadt.ukp.dkpro.core.api"
TYPES = (
    '<?xml version="1.0" encoding="UTF-8"?><typeSystemDescription xmlns="http://uima.apache.org/resourceSpecifier">'
    "<types>"
    + type_of(
        f"{CORE}.metadata.type.DocumentMetaData",
        "uima.tcas.DocumentAnnotation",
        *("documentTitle", "documentId", "documentUri", "collectionId", "documentBaseUri"),
    )
    + type_of(f"{CORE}.ner.type.NamedEntity", "uima.tcas.Annotation", "value", "identifier")
    + type_of(f"{CORE}.ner.type.Person", f"{CORE}.ner.type.NamedEntity")
    + type_of("webanno.custom.Role", "uima.tcas.Annotation", "role", "note")
    + type_of("org.ctakes.Disease", "uima.tcas.Annotation")
    + "</types></typeSystemDescription>"
)


def xmi(*marked: str, owner: str = "anna", text: str = TEXT) -> str:
    numbered = [one.replace(" ", f' xmi:id="{n}" sofa="1" ', 1) for n, one in enumerate(marked, start=3)]
    about = (
        f'<md:DocumentMetaData xmi:id="2" sofa="1" begin="0" end="3" documentId="{owner}" '
        'documentTitle="a.txt" documentUri="demo/a.txt" collectionId="demo" documentBaseUri="demo"/>'
    )
    members = " ".join(str(n) for n in range(2, 3 + len(marked)))
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><xmi:XMI {SPACES} xmi:version="2.0"><cas:NULL xmi:id="0"/>'
        f'{about}{"".join(numbered)}<cas:Sofa xmi:id="1" sofaNum="1" sofaID="_InitialView" mimeType="text" '
        f'sofaString={quoteattr(text)}/><cas:View sofa="1" members="{members}"/></xmi:XMI>'
    )


def zipped(path: Path, **files: str) -> Path:
    """As INCEpTION exports: the file of a person with the type system beside it."""
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("TypeSystem.xml", TYPES)
        for name, content in files.items():
            packed.writestr(f"{name}.xmi", content)
    return path


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "p.db"
    done("init", path, "--labels", "PER,LOC,agent,Disease", "--eval-fraction", 0, "--lang", "en")
    return path


def answers(db: Path) -> list[list[object]]:
    """Who said it, in which rank, and the spans."""
    out = db.with_suffix(".jsonl")
    done("export", db, out, "--what", "answers", "--overwrite")
    records = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert {one["id"] for one in records} == {"a.txt"}
    return [
        [
            one.get("annotator"),
            one.get("origin", "human"),
            [(s["start"], s["end"], s["label"]) for s in one["spans"]],
        ]
        for one in records
    ]


def test_inceptions_export_is_read_with_who_it_is_of_and_offsets_of_java(db: Path, tmp_path: Path) -> None:
    person, nobody = f'<ner:Person {ANN} value="PER"/>', f"<ner:NamedEntity {BOB}/>"
    role = f'<custom:Role {BOB} role="agent" note="x"/>'
    file = zipped(tmp_path / "a.zip", anna=xmi(person, role), ben=xmi(person, owner="ben"))
    told = done("import", db, file, "--json")
    assert (told["added"], told["kept"], told["spans"]) == (1, 2, 2)
    assert any(
        "annotations of Role are not read: --columns Role reads them" in note for note in told["notes"]
    )
    assert answers(db) == [["anna", "human", [(2, 5, "PER")]], ["ben", "human", [(2, 5, "PER")]]]
    # what has no value is in the ledger, and the document is no gold
    one = zipped(tmp_path / "b.zip", eve=xmi(person, nobody, owner="eve", text=f"{TEXT}!"))
    again = done("import", db, one, "--on-conflict", "new-key", "--json")
    assert (again["spans"], again["kept"], again["ledger"]) == (2, 1, 1)
    assert len(answers(db)) == 2


def test_layers_of_ones_own_are_told_and_chosen(db: Path, tmp_path: Path) -> None:
    role, disease = f'<custom:Role {ANN} role="agent"/>', f"<ctakes:Disease {BOB}/>"
    both = zipped(tmp_path / "a.zip", x=xmi(role, disease))
    line = refused("import", db, both)
    assert line.endswith("which annotations are the spans? --columns takes Disease, Role.note, Role.role")
    assert "there are no annotations called 'Rolle': --columns takes" in refused(
        "import", db, both, "--columns", "Rolle"
    )
    done("import", db, both, "--columns", "Role.role,Disease")
    assert answers(db) == [["anna", "human", [(2, 5, "agent"), (10, 13, "Disease")]]]


def test_without_a_type_system_the_names_in_the_file_are_read(db: Path, tmp_path: Path) -> None:
    file = tmp_path / "x.xmi"
    file.write_text(xmi(f'<ner:NamedEntity {ANN} value="PER"/>'), "utf-8")
    told = done("import", db, file, "--json")
    assert told["notes"] == ["no TypeSystem.xml lies beside x.xmi: read by the names in it"]
    assert answers(db) == [["anna", "human", [(2, 5, "PER")]]]


def test_json_of_uima_has_its_type_system_inside(db: Path, tmp_path: Path) -> None:
    types = cassis.load_typesystem(TYPES)
    cas = cassis.load_cas_from_xmi(xmi(f'<ner:NamedEntity {ANN} value="PER"/>', owner="CURATION_USER"), types)
    file = tmp_path / "a.json"
    cas.to_json(file)
    done("import", db, file)
    assert answers(db) == [["CURATION_USER", "review", [(2, 5, "PER")]]]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>' + xmi(), "document type"),
        (xmi()[:-20], "it is no XML"),
        (xmi().replace('sofa="1" begin="0"', 'sofa="7" begin="0"'), "it is no CAS that can be read"),
    ],
)
def test_what_is_no_cas_is_one_line(db: Path, tmp_path: Path, content: str, says: str) -> None:
    file = tmp_path / "x.xmi"
    file.write_text(content, "utf-8")
    assert says in refused("import", db, file, "--format", "xmi")


def test_what_is_written_is_read_by_dkpro_cassis(tmp_path: Path) -> None:
    tokens = ((0, 1), (2, 5), (6, 9), (10, 13), (15, 17), (18, 22))
    spans = (Span(2, 5, "PER"), Span(18, 22, "LOC"))
    xmi_writing.write(tmp_path, [Entry(TEXT, key="d/1", spans=spans, tokens=tokens)], WriteOptions())
    types = cassis.load_typesystem(tmp_path / "TypeSystem.xml")
    cas = cassis.load_cas_from_xmi(tmp_path / "d%2F1.xmi", types)
    assert cas.sofa_string == TEXT
    found = cas.select(f"{CORE}.ner.type.NamedEntity")
    assert sorted((one.get_covered_text(), one.value) for one in found) == [("Ann", "PER"), ("Köln", "LOC")]
    sentences = cas.select(f"{CORE}.segmentation.type.Sentence")
    assert sorted(one.get_covered_text() for one in sentences) == ["in Köln", "😀 Ann met Bob"]


def test_a_letter_that_xml_has_not_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as refusal:
        xmi_writing.write(tmp_path, [Entry("no\f", key="d2", spans=(), tokens=((0, 2),))], WriteOptions())
    said = "the text of document d2 has U+000C at character 2, which XML cannot hold"
    assert str(refusal.value).startswith(said)
