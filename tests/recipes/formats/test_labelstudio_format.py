"""Label Studio's exports: nothing is lost, nothing is moved in silence, what was skipped is no gold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spanloop.recipes.errors import FormatError
from spanloop.recipes.files.import_report import ImportReport
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.formats import jsonl, labelstudio
from spanloop.recipes.formats.entry import Entry, ReadOptions, WriteOptions
from spanloop.recipes.formats.labelstudio_regions import BESIDE, NOT_THERE, OUTSIDE, UTF16, read_regions
from spanloop.recipes.formats.registry import detect
from spanloop.store import Store
from spanloop.store.records import Span

SPANS = ReadOptions()
EMOJI = "😀🚀 Ada Lovelace met 👩\u200d💻 Grace Hopper.\r\nNew line  Alan Turing"


def region(start: int, end: int, label: str = "PER", **value: Any) -> dict[str, Any]:
    return {
        "id": "r",
        "from_name": "label",
        "to_name": "text",
        "type": "labels",
        "value": {"start": start, "end": end, "labels": [label], **value},
    }


def task(number: int, text: str, *annotations: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": number, "project": 9, "data": {"text": text}, "annotations": list(annotations), **more}


def annotation(*regions: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"result": list(regions), "was_cancelled": False, "completed_by": 2, **more}


def export(folder: Path, *tasks: Any) -> Path:
    path = folder / "export.json"
    path.write_text(json.dumps(list(tasks)), encoding="utf-8")
    return path


def entries(folder: Path, *tasks: Any) -> list[Entry]:
    return list(labelstudio.read(export(folder, *tasks), SPANS))


def project(folder: Path, labels: str = "PER ORG LOC") -> Path:
    path = folder / "p.db"
    Store.create(path, labels=labels.split(), base_model="offline", eval_fraction=0.0).close()
    return path


def imported(folder: Path, *tasks: Any) -> tuple[ImportReport, Store]:
    db = project(folder)
    return import_files(db, [export(folder, *tasks)]), Store.open(db)


def utf16(text: str, place: int) -> int:
    return len(text[:place].encode("utf-16-le")) // 2


# Laws

letters = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30)
names = st.sampled_from(["PER", "ORG", "名前"])
values = st.dictionaries(
    st.sampled_from(["source", "text", "spanloop_id", "n", "é"]), st.integers() | letters, max_size=3
)


@st.composite
def spans_in(draw: st.DrawFn, text: str) -> tuple[Span, ...]:
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))
    scores = st.none() | st.floats(0, 1)
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    return tuple(Span(start, end, draw(names), draw(scores)) for start, end in pairs)


@st.composite
def whole_entries(draw: st.DrawFn) -> Entry:
    text = draw(letters)
    return Entry(
        text=text,
        key=draw(letters),
        group=draw(st.none() | letters),
        split=draw(st.sampled_from([None, "pool", "eval"])),
        meta=draw(values),
        spans=draw(st.none() | spans_in(text)),
        answer="accept",
        predicted_by=draw(st.sampled_from([None, "round 3"])),
    )


@given(st.lists(whole_entries(), min_size=1, max_size=4))
@settings(deadline=None)
def test_what_was_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, written: list[Entry]
) -> None:
    path = tmp_path_factory.mktemp("ls") / "a.json"
    done = labelstudio.write(path, written, WriteOptions())
    assert (done.documents, done.spans) == (len(written), sum(len(e.spans or ()) for e in written))
    found = list(labelstudio.read(path, SPANS))
    for before, after in zip(written, found, strict=True):
        assert (after.text, after.key, after.group, after.split) == (
            before.text,
            before.key,
            before.group,
            before.split,
        )
        assert (dict(after.meta), after.spans, after.answer) == (dict(before.meta), before.spans, "accept")
        assert after.predicted_by == (before.predicted_by if before.spans is not None else None)
        assert not after.refused
        assert not after.moved


@st.composite
def spans_after_an_emoji(draw: st.DrawFn) -> tuple[str, tuple[Span, ...]]:
    text = "😀" + draw(letters) + "x"
    return text, draw(spans_in(text))


@given(spans_after_an_emoji())
@example(("😀\rx", (Span(0, 1, "PER"),)))  # its units 0..2, read as code points, are the same but for a break
@settings(deadline=None)
def test_d14_regions_in_utf16_units_land_on_their_characters(case: tuple[str, tuple[Span, ...]]) -> None:
    """An old export counts UTF-16 units: each region that says its text is found again, and said to be
    moved."""
    text, spans = case
    said = [
        region(utf16(text, s.start), utf16(text, s.end), s.label, text=text[s.start : s.end]) for s in spans
    ]
    found = read_regions(said, text)
    assert not found.refused
    assert [text[s.start : s.end] for s in found.spans] == [text[s.start : s.end] for s in spans]


@given(letters, st.integers(-50, 50), st.integers(-50, 50), st.none() | letters)
@settings(deadline=None)
def test_no_region_is_lost_whatever_its_offsets_claim(
    text: str, start: int, end: int, said: str | None
) -> None:
    found = read_regions([region(start, end, **({} if said is None else {"text": said}))], text)
    assert len(found.spans) + len(found.refused) == 1
    for span in found.spans:
        assert 0 <= span.start < span.end <= len(text)
        moved = (span.start, span.end) != (start, end)
        assert len(found.moved) == moved


# Offsets by hand


def test_d14_offsets_are_code_points_and_utf16_is_noticed() -> None:
    words = ["Ada Lovelace", "Grace Hopper", "Alan Turing"]
    places = [(EMOJI.index(word), EMOJI.index(word) + len(word)) for word in words]
    right = read_regions([region(s, e, text=w) for (s, e), w in zip(places, words, strict=True)], EMOJI)
    assert [(s.start, s.end) for s in right.spans] == places
    assert not right.moved
    old = [region(utf16(EMOJI, s), utf16(EMOJI, e), text=w) for (s, e), w in zip(places, words, strict=True)]
    found = read_regions(old, EMOJI)
    assert [(s.start, s.end) for s in found.spans] == places
    assert [reason for _, _, reason in found.moved] == [UTF16] * 3


def test_d14_a_region_without_text_follows_those_that_have_one() -> None:
    at = EMOJI.index("Alan")
    proven = region(utf16(EMOJI, 3), utf16(EMOJI, 15), text="Ada Lovelace")
    silent = region(utf16(EMOJI, at), utf16(EMOJI, at + 11))
    assert read_regions([proven, silent], EMOJI).spans[1] == Span(at, at + 11, "PER")
    alone = read_regions([region(3, 15)], EMOJI)
    assert (alone.spans, alone.moved) == ((Span(3, 15, "PER"),), ())


def test_line_breaks_as_the_editor_writes_them() -> None:
    text = "one\r\ntwo"
    found = read_regions([region(0, 8, text="one\\n\\ntwo"), region(0, 8, text="one\r\ntwo")], text)
    assert (len(found.spans), found.refused) == (2, ())


def test_a_region_beside_its_offsets_is_moved_only_where_there_is_one_place() -> None:
    found = read_regions([region(2, 5, text="Ann"), region(0, 3, text="Bob")], "Ann met Bob and Bob met Cid")
    assert [(s.start, s.end) for s in found.spans] == [(0, 3), (8, 11)]
    assert [reason for _, _, reason in found.moved] == [BESIDE, BESIDE]
    twice = read_regions([region(1, 3, text="ab")], "abab")
    assert twice.refused == ((Span(1, 3, "PER"), NOT_THERE),)


def test_regions_that_have_no_place_are_refused_with_their_reason() -> None:
    found = read_regions([region(900, 1000, "NOPE", text="zzz"), region(0, 3, text="Zed")], "Ann ran")
    assert found.refused == ((Span(900, 1000, "NOPE"), OUTSIDE), (Span(0, 3, "PER"), NOT_THERE))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("no list", "must be a list of regions"),
        ([region("0", 3)], "both must be whole numbers"),  # type: ignore[arg-type]
        ([region(True, 3)], "both must be whole numbers"),
        ([{"type": "hypertextlabels", "value": {"start": "/p[1]"}}], "only Labels on a Text tag"),
        ([{"type": "labels", "value": {"start": 0, "end": 1, "labels": [3]}}], "a list of names"),
    ],
)
def test_what_is_no_region_is_said(bad: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_regions(bad, "text")


# What a file says


def test_every_person_and_every_model_has_a_say(tmp_path: Path) -> None:
    said = task(
        5,
        "Ann met Bob",
        annotation(region(0, 3), completed_by=1, updated_at="2024-01-01T00:00:02Z", id=8),
        annotation(region(8, 11), completed_by={"id": 14, "email": "x@y.z"}, id=9),
        predictions=[{"id": 3, "model_version": "m1", "result": [region(0, 3, score=0.25)]}],
    )
    model, second, first = entries(tmp_path, said)
    assert (model.predicted_by, model.spans) == ("m1", (Span(0, 3, "PER", 0.25),))
    assert (second.annotator, second.spans) == ("labelstudio-14", (Span(8, 11, "PER"),))
    assert (first.annotator, first.created_at) == ("labelstudio-1", "2024-01-01T00:00:02.000Z")
    assert {e.key for e in (model, first, second)} == {"labelstudio-9-5"}
    assert [e.continues for e in (model, second, first)] == [False, True, True]


def test_people_who_disagree_are_a_conflict_and_no_gold(tmp_path: Path) -> None:
    both = task(
        1, "Ann met Bob", annotation(region(0, 3), completed_by=1), annotation(region(8, 11), completed_by=2)
    )
    report, store = imported(tmp_path, both, task(2, "Cid", annotation(region(0, 3))))
    with store:
        assert [gold.document.text for gold in store.annotations.gold()] == ["Cid"]
        assert store.queue.counts()["conflict"] == 1
    assert (report.added, report.already_there, report.annotated) == (2, 0, 3)


def test_d6_a_skipped_task_is_never_gold(tmp_path: Path) -> None:
    skipped = task(1, "Ann met Bob", annotation(region(0, 3), was_cancelled=True))
    empty = task(2, "nobody here", annotation())
    old = {
        "id": 3,
        "data": {"text": "Bob"},
        "completions": [{"result": [], "skipped": True}, {"result": [region(0, 3)], "completed_by": 7}],
    }
    _, store = imported(tmp_path, skipped, empty, old)
    with store:
        gold = {found.document.text: found.spans for found in store.annotations.gold()}
        assert gold == {"nobody here": (), "Bob": (Span(0, 3, "PER"),)}
        assert store.queue.counts()["skipped"] == 1


def test_an_annotation_with_a_region_that_has_no_place_is_no_gold(tmp_path: Path) -> None:
    said = task(1, "Ann met Bob", annotation(region(0, 3), region(4, 7, text="Zed")))
    report, store = imported(tmp_path, said)
    with store:
        assert list(store.annotations.gold()) == []
        (event,) = store.ledger.all()
        assert (event.start, event.end, event.reason, event.action) == (4, 7, NOT_THERE, "dropped")
        suggestion = store.predictions.get(event.document_id)
        assert suggestion is not None
        assert [(s.start, s.end) for s in suggestion.spans] == [(0, 3)]
    assert (report.ledger, report.kept, report.annotated, report.to_confirm) == (1, 1, 0, 1)


def test_several_labels_on_one_place_are_an_overlap(tmp_path: Path) -> None:
    two = region(0, 3)
    two["value"]["labels"] = ["PER", "ORG"]
    report, store = imported(tmp_path, task(1, "Ann met Bob", annotation(two)))
    store.close()
    assert (report.ledger, report.kept, report.annotated, report.to_confirm) == (1, 1, 0, 1)


def test_a_file_about_choices_says_nothing_of_spans(tmp_path: Path) -> None:
    choice = {"type": "choices", "from_name": "mood", "to_name": "text", "value": {"choices": ["good"]}}
    (alone,) = entries(tmp_path, task(1, "Ann", annotation(choice)))
    assert alone.spans is None
    with_labels, beside = entries(
        tmp_path, task(1, "Ann", annotation(choice)), task(2, "Bob", annotation(region(0, 3)))
    )
    assert (with_labels.spans, beside.spans) == ((), (Span(0, 3, "PER"),))
    assert with_labels.comment == "1 regions that are no spans were left out: choices"


def test_the_text_is_found_under_any_name(tmp_path: Path) -> None:
    odd = {
        "id": 1,
        "data": {"id": "x", "body": "Ann ran"},
        "annotations": [annotation(region(0, 3, text="Ann"))],
    }
    (found,) = entries(tmp_path, odd)
    assert (found.text, found.meta) == ("Ann ran", {"id": "x"})
    with pytest.raises(FormatError, match="which of 'a', 'b' is the text"):
        entries(tmp_path, {"id": 1, "data": {"a": "Ann", "b": "Bob"}})


def test_the_short_export(tmp_path: Path) -> None:
    value = {"start": 0, "end": 3, "text": "Ann", "labels": ["PER"]}
    about = {"annotator": 1, "annotation_id": 4, "created_at": "2024-01-01T00:00:00Z", "lead_time": 2.5}
    rows = (
        {"id": 7, "text": "Ann ran", "source": "web", "label": [value], **about},
        {"id": 8, "text": "nobody", **about},
    )
    path = export(tmp_path, *rows)
    assert detect(path) is labelstudio.FORMAT
    first, second = labelstudio.read(path, SPANS)
    assert (first.key, first.spans, first.meta) == ("labelstudio-7", (Span(0, 3, "PER"),), {"source": "web"})
    assert (first.annotator, second.spans) == ("labelstudio-1", ())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[{]", r"export\.json:1: this is no JSON"),
        ('[{"annotations": []}, 3]', r"task 2 is a int, not an object"),
        (
            '[{"id": 4, "data": {"image": 3}, "annotations": []}]',
            r"task 4 \(number 1 of the file\): .*'image'",
        ),
        ('[{"id": 4, "data": {"text": "a"}, "annotations": 3}]', r"must be a list of objects"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_its_task(
    tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "export.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(FormatError, match=message):
        list(labelstudio.read(path, SPANS))


def test_detection_leaves_the_files_of_others_alone(tmp_path: Path) -> None:
    own = tmp_path / "own.jsonl"
    own.write_text('{"text": "Ann", "annotations": [[0, 3, "PER"]]}\n', encoding="utf-8")
    assert detect(own) is not labelstudio.FORMAT
    assert detect(export(tmp_path, task(1, "Ann"))) is labelstudio.FORMAT
    assert not jsonl.sniff('[{"id": 1}]')


# Real files


@pytest.mark.data
def test_a_real_project_comes_in_whole(data: Path, tmp_path: Path) -> None:
    file = data / "exports" / "labelstudio" / "norwegian_police_ner.json"
    db = project(tmp_path, "PER LOC ITEM COMM ORG VEH FIN")
    report = import_files(db, [file])
    said = json.loads(file.read_text(encoding="utf-8"))
    regions = sum(len(a["result"]) for t in said for a in t["annotations"])
    suggested = sum(len(a["prediction"]["result"]) for t in said for a in t["annotations"])
    assert (report.added, report.annotated, report.predicted, report.ledger) == (5, 5, 5, 0)
    assert report.kept == regions + suggested
    assert f"spans: kept {regions + suggested}; {regions + suggested} in all" in report.text()
    with Store.open(db) as store:
        for gold in store.annotations.gold():
            (told,) = [t for t in said if t["data"]["text"] == gold.document.text]
            words = sorted(r["value"]["text"] for r in told["annotations"][0]["result"])
            assert sorted(gold.document.text[s.start : s.end] for s in gold.spans) == words
    assert import_files(db, [file]).added == 0


@pytest.mark.data
def test_a_real_project_with_overlaps_loses_none(data: Path, tmp_path: Path) -> None:
    file = data / "exports" / "labelstudio" / "norwegian_police_ner_first.json"
    db = project(tmp_path, "PER LOC ITEM COMM ORG VEH FIN")
    report = import_files(db, [file])
    with Store.open(db) as store:
        whole = len(list(store.annotations.gold()))
        assert 0 < whole < 5
        apart = {event.document_id for event in store.ledger.all(reason="overlap")}
        assert len(apart) == 5 - whole
    assert report.ledger > 0


@pytest.mark.data
def test_real_projects_about_something_else(data: Path, tmp_path: Path) -> None:
    folder = data / "exports" / "labelstudio"
    (choices,) = labelstudio.read(folder / "sdk_test_export_csv_csv_test_history.json", SPANS)
    assert (choices.spans, choices.annotator) == (None, "labelstudio-14")
    with pytest.raises(FormatError, match=r"task 87 .*polygonlabels"):
        list(labelstudio.read(folder / "sdk_test_export_json_min_data.json", SPANS))
