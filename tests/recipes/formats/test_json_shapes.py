"""The shapes of JSON that people have: each is known by what it is, and has the spans that stand in it.

The files are written from the documentation of doccano, DataTurks, LightTag, spaCy 2 and the Hugging Face
viewer; the real export of doccano is counted by itself.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from spanloop.recipes.errors import FormatError
from spanloop.recipes.formats import json_file
from spanloop.recipes.formats.entry import Entry, ReadOptions
from spanloop.recipes.formats.registry import detect
from spanloop.store.records import Span

ANN = (Span(0, 3, "PER"),)
TEXT = "Ann ran"


def read(path: Path, content: Any, *, lines: bool = False, **options: Any) -> tuple[str, list[Entry]]:
    """The name of the format, and the entries."""
    values = content if lines else [content]
    spelled = (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values)
    path.write_text("\n".join(spelled) + "\n", encoding="utf-8")
    fmt = detect(path)
    return fmt.name, list(fmt.read(path, ReadOptions(**options)))


OFFSETS = [{"id": 0, "start_offset": 0, "end_offset": 3, "label": "PER"}]
SHAPES: list[tuple[str, Any]] = [
    ("jsonl", {"text": TEXT, "spans": [{"start": 0, "end": 3, "label": "PER"}]}),
    ("jsonl", {"text": TEXT, "ents": [{"start": 0, "end": 3, "label": "PER"}]}),
    ("jsonl", {"content": TEXT, "spans": [[0, 3, "PER"]]}),
    ("jsonl", {"text": TEXT, "entities": [[0, 3, "PER"]]}),
    ("jsonl", {"tokens": ["Ann", "ran"], "ner_tags": ["B-PER", "O"]}),
    ("jsonl", {"words": ["Ann", "ran"], "labels": ["B-PER", "O"]}),
    ("doccano", {"id": 1, "text": TEXT, "label": [[0, 3, "PER"]]}),
    ("doccano", {"id": 1, "text": TEXT, "labels": [[0, 3, "PER"]]}),
    ("doccano", {"id": 1, "text": TEXT, "entities": OFFSETS, "relations": [], "Comments": []}),
    ("doccano", {"id": 1, "text": TEXT, "annotations": OFFSETS, "meta": {}}),
    (
        "dataturks",
        {
            "content": TEXT,
            "annotation": [{"label": ["PER"], "points": [{"start": 0, "end": 2, "text": "Ann"}]}],
        },
    ),
    ("spacy_json", [TEXT, {"entities": [[0, 3, "PER"]]}]),
    ("spacy_json", [TEXT, {"spans": {"sc": [[0, 3, "PER"]]}}]),
]


@pytest.mark.parametrize(("name", "record"), SHAPES)
@pytest.mark.parametrize("form", ["a line", "lines", "array", "indented"])
def test_a_shape_is_known_and_read_as_a_line_and_in_an_array(
    tmp_path: Path, name: str, record: Any, form: str
) -> None:
    if form in ("a line", "lines"):
        found, entries = read(tmp_path / "a.jsonl", [record] * (1 + (form == "lines")), lines=True)
    else:
        content = json.dumps([record, record], indent=2 if form == "indented" else None)
        found, entries = read(tmp_path / "a.json", content)
    assert found == ("json" if form in ("array", "indented") and name == "jsonl" else name)
    assert len(entries) == (1 if form == "a line" else 2)
    assert {(e.text, e.spans) for e in entries} == {(TEXT, ANN)}
    assert all(e.line is not None for e in entries)


def test_an_array_may_stand_under_a_name_and_names_its_lines(tmp_path: Path) -> None:
    record = {"text": TEXT, "spans": [[0, 3, "PER"]]}
    for content in ({"data": [record]}, {"documents": [record]}, json.dumps({"data": [record]}, indent=1)):
        assert read(tmp_path / "a.json", content) == ("json", [Entry(TEXT, spans=ANN)])
    _, entries = read(tmp_path / "b.json", '[\n{"text": "a"},\n\n{"text": "b"}]')
    assert [(e.text, e.line) for e in entries] == [("a", 2), ("b", 4)]


FEATURES = [
    {"feature_idx": 0, "name": "tokens", "type": {"feature": {"dtype": "string", "_type": "Value"}}},
    {
        "feature_idx": 1,
        "name": "ner_tags",
        "type": {"feature": {"names": ["O", "B-PER"], "_type": "ClassLabel"}},
    },
]


def test_numbers_get_the_names_that_the_file_or_somebody_gives(tmp_path: Path) -> None:
    row = {"tokens": ["Ann", "ran"], "ner_tags": [1, 0]}
    rows = {"features": FEATURES, "rows": [{"row_idx": 0, "row": row, "truncated_cells": []}]}
    assert [e.spans for e in read(tmp_path / "a.json", rows)[1]] == [ANN]
    assert [e.spans for e in read(tmp_path / "b.jsonl", row, tag_names=["O", "B-PER"])[1]] == [ANN]
    for names, message in (
        (None, '"ner_tags" are numbers: say what they stand for'),
        (["O"], "has 1, and there"),
    ):
        with pytest.raises(FormatError, match=message):
            read(tmp_path / "b.jsonl", row, tag_names=names)
    rows["rows"][0]["truncated_cells"] = ["tokens"]  # type: ignore[index]
    with pytest.raises(FormatError, match="record 1: tokens of this row is cut off"):
        read(tmp_path / "a.json", rows)


@pytest.mark.parametrize("tags", [["O"], ["O", "O", "O"], [0]])
def test_tags_that_are_not_one_a_token_are_refused(tmp_path: Path, tags: list[Any]) -> None:
    with pytest.raises(FormatError, match=rf'a\.jsonl:1: "ner_tags" has {len(tags)} tags for 2 tokens'):
        read(tmp_path / "a.jsonl", {"tokens": ["a", "b"], "ner_tags": tags}, tag_names=["O"])


def test_a_tags_project_takes_the_tags_that_are_its_labels(tmp_path: Path) -> None:
    record = {"tokens": ["Ann", "ran"], "pos_tags": ["NN", "VB"], "ner_tags": ["B-PER", "O"]}
    _, [entry] = read(tmp_path / "a.jsonl", record, task="tags", labels=("NN", "VB"))
    assert entry.spans == (Span(0, 3, "NN"), Span(4, 7, "VB"))
    assert read(tmp_path / "a.jsonl", record)[1][0].spans == ANN


def test_lists_that_are_no_spans_stay_in_the_meta(tmp_path: Path) -> None:
    record = {"text": TEXT, "labels": ["news"], "entities": [{"name": "Ann"}]}
    _, [entry] = read(tmp_path / "a.jsonl", record)
    assert (entry.spans, entry.meta) == (None, {"labels": ["news"], "entities": [{"name": "Ann"}]})


def test_doccano_of_several_people(tmp_path: Path) -> None:
    said = [{**OFFSETS[0], "user": 1}, {**OFFSETS[0], "end_offset": 7, "user": 2}]
    name, entries = read(
        tmp_path / "a.jsonl", {"id": 5, "text": TEXT, "annotations": said, "Comments": ["why?"]}
    )
    assert name == "doccano"
    assert [(e.key, e.annotator, e.spans, e.continues, e.comment) for e in entries] == [
        ("5", "doccano-1", ANN, False, "why?"),
        ("5", "doccano-2", (Span(0, 7, "PER"),), True, "why?"),
    ]


def test_dataturks_ends_are_inclusive_and_pieces_apart_are_set_aside(tmp_path: Path) -> None:
    points = [{"start": 0, "end": 2, "text": "Ann"}, {"start": 4, "end": 6, "text": "ran"}]
    record = {"content": TEXT, "annotation": [{"label": ["PER", "X"], "points": points}], "extras": None}
    _, entries = read(
        tmp_path / "a.json", [record, {"content": "b", "annotation": None, "extras": None}], lines=True
    )
    assert [(e.spans, e.refused, e.meta) for e in entries] == [
        ((), ((Span(0, 7, "PER"), "discontinuous"), (Span(0, 7, "X"), "discontinuous")), {}),
        (None, (), {}),
    ]


def test_lighttag_has_an_entry_a_person(tmp_path: Path) -> None:
    ada = [{"annotator": "ada", "timestamp": "2020-01-01T00:00:00Z"}]
    both = [*ada, {"annotator": "bob", "timestamp": "2020-01-01T00:00:00Z"}]
    one = {"tag": "PER", "start": 0, "end": 3, "value": "Ann", "annotated_by": both, "correct": None}
    other = {"tag": "VERB", "start": 4, "end": 7, "value": "ran", "annotated_by": ada, "correct": False}
    examples = [
        {"example_id": "x", "content": TEXT, "metadata": {"a": 1}, "annotations": [one, other]},
        {"example_id": "y", "content": "b", "metadata": {}, "annotations": [], "seen_by": ada},
        {"example_id": "z", "content": "c", "metadata": {}, "annotations": []},
    ]
    name, entries = read(tmp_path / "a.json", {"examples": examples, "relations": []})
    assert name == "lighttag"
    assert [(e.key, e.annotator, e.spans, e.negatives, e.continues) for e in entries] == [
        ("x", "ada", ANN, (Span(4, 7, "VERB"),), False),
        ("x", "bob", ANN, (), True),
        ("y", "ada", (), (), False),
        ("z", None, None, (), False),
    ]


def test_pairs_under_annotations_as_tools_write_them(tmp_path: Path) -> None:
    content = {"classes": ["PER"], "annotations": [[TEXT, {"entities": [[0, 3, "PER"]]}], None]}
    name, entries = read(tmp_path / "a.json", content)
    assert (name, [(e.text, e.spans) for e in entries]) == ("spacy_json", [(TEXT, ANN)])


def test_the_training_json_of_spacy_2(tmp_path: Path) -> None:
    tokens = [
        {"id": 0, "orth": "Ann", "ner": "U-PER", "tag": "NNP"},
        {"id": 1, "orth": "ran", "ner": "O", "tag": "VBD"},
    ]
    paragraph = {"raw": "Ann  ran", "sentences": [{"tokens": tokens, "brackets": []}]}
    content = [{"id": 7, "paragraphs": [paragraph, {"sentences": [{"tokens": tokens}]}]}]
    name, entries = read(tmp_path / "a.json", content)
    assert name == "spacy_json"
    assert [(e.key, e.group, e.text, e.spans) for e in entries] == [
        ("7-0", "7", "Ann  ran", ANN),
        ("7-1", "7", TEXT, ANN),
    ]
    assert [e.ranges for e in entries] == [None, None]
    tokens[1]["ner"] = "-"  # nobody knows: not looked at, which is not outside
    _, entries = read(tmp_path / "a.json", content)
    assert [(e.spans, e.ranges) for e in entries] == [(ANN, ((0, 3),))] * 2
    _, entries = read(tmp_path / "a.json", content, task="tags")
    assert [s.label for s in entries[0].spans or ()] == ["NNP", "VBD"]
    assert entries[0].ranges is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"text": "a"},\n{"txt": "b"}]', r'a\.json:2: every document needs a "text"'),
        ('[{"text": "a"}\n{"text": "b"}]', r"a\.json:2: this is no JSON \(a comma or \] is expected\)"),
        ('[{"text": "a"},\n', r"a\.json:3: this is no JSON"),
        (
            '{"data": [{"text": 1}]}',
            r'a\.json: record 1: every document needs a "text" that is a string; .* a int',
        ),
        ('[{"text": "a"}, 5]', r"a\.json:1: an object like"),
        ('[["a", {"entities": []}], ["b"]]', r"a\.json:1: a pair like"),
        ('[{"content": "a", "annotation": 5}]', r'a\.json:1: "annotation" is a int'),
        (
            '{"examples": [{"content": "a", "annotations": [{"tag": "X"}]}]}',
            "example 1: span 1 has start None",
        ),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        read(tmp_path / "a.json", content)


@pytest.mark.data
def test_the_real_export_of_doccano_has_all_its_spans(data: Path) -> None:
    path = data / "exports" / "doccano" / "spanish_boardgames.jsonl"
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    entries = list(detect(path).read(path, ReadOptions()))
    assert detect(path).name == "doccano"
    assert [[(s.start, s.end, s.label) for s in e.spans or ()] for e in entries] == [
        [tuple(one) for one in record["label"]] for record in records
    ]


@pytest.mark.data
def test_real_exports_of_other_tools_are_still_known(data: Path) -> None:
    for folder in ("labelstudio", "prodigy"):
        for path in sorted((data / "exports" / folder).glob("*.json*")):
            assert detect(path).name == folder, path


def test_an_array_is_a_stream(tmp_path: Path) -> None:
    """The first documents are there before the end of the file was looked at."""
    path = tmp_path / "a.json"
    path.write_text('[\n{"text": "first"},\n' + '{"text": "more"},\n' * 20_000 + "oops", encoding="utf-8")
    entries = json_file.read(path, ReadOptions())
    assert [next(entries).text, next(entries).text] == ["first", "more"]
    with pytest.raises(FormatError, match=r"a\.json:20003: this is no JSON"):
        list(entries)


def test_a_file_that_looks_like_two_formats_is_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "a.data"
    path.write_text('{"content": "a", "annotation": null, "_input_hash": 1}\n', encoding="utf-8")
    with pytest.raises(
        FormatError, match=r"a\.data: it can be read as prodigy or dataturks: say which one with --f"
    ):
        detect(path)
