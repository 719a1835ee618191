"""Prodigy's JSONL: what it writes is read as it was meant, what we write reads back the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanloop.recipes.errors import FormatError
from spanloop.recipes.files.export import export
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.formats import prodigy
from spanloop.recipes.formats.entry import Entry, ReadOptions, WriteOptions
from spanloop.recipes.formats.prodigy_task import tokens_of
from spanloop.recipes.formats.registry import detect
from spanloop.recipes.suggest.prelabel import prelabel
from spanloop.store import Store
from spanloop.store.records import NewDocument, Range, Span

TEXT = "Ann met Bob in Rome"
PER, LOC = Span(0, 3, "PER"), Span(15, 19, "LOC")


def task(*spans: Span, text: str = TEXT, **further: Any) -> dict[str, Any]:
    """A task as ``db-out`` writes it, tokens left out."""
    rows = [{"start": span.start, "end": span.end, "label": span.label} for span in spans]
    return {
        "text": text,
        "spans": rows,
        "answer": "accept",
        "_view_id": "ner_manual",
        "_input_hash": -7,
    } | further


def binary(span: Span, answer: str, **further: Any) -> dict[str, Any]:
    return task(span, answer=answer, _view_id="ner", _is_binary=True, **further)


def jsonl(path: Path, *tasks: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(task, ensure_ascii=False) + "\n" for task in tasks), "utf-8")
    return path


def read(folder: Path, *tasks: dict[str, Any]) -> list[Entry]:
    return list(prodigy.read(jsonl(folder / "tasks.jsonl", *tasks), ReadOptions()))


def project(folder: Path, *labels: str, **options: Any) -> Path:
    db = folder / "p.db"
    names = labels or ("PER", "LOC")
    Store.create(db, labels=names, base_model="offline", eval_fraction=0.0, **options).close()
    return db


# Laws

letters = st.characters(exclude_categories=["Cs", "Cc"])
texts = st.text(letters | st.sampled_from(" \n\t\r😀é"), min_size=1, max_size=30).filter(str.strip)


@st.composite
def opinions(draw: st.DrawFn) -> Entry:
    text = draw(texts)
    edges = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    spans = [
        Span(start, end, draw(st.sampled_from(["PER", "名前"])))
        for start, end in zip(edges[::2], edges[1::2], strict=False)
        if text[start:end].strip() == text[start:end]
    ]
    kind = draw(st.sampled_from(["whole", "binary", "predicted"]))
    by_chance = [span for span in spans if kind == "binary" and draw(st.booleans())]
    if kind == "binary" and not spans:
        kind = "whole"
    return Entry(
        text=text,
        key=draw(st.text(letters, min_size=1, max_size=5)),
        group=draw(st.none() | st.text(letters, min_size=1, max_size=3)),
        split=draw(st.sampled_from([None, "pool", "eval"])),
        meta=draw(st.dictionaries(st.sampled_from(["source", "prodigy!"]), st.integers(), max_size=2)),
        spans=tuple(span for span in spans if span not in by_chance),
        negatives=tuple(by_chance),
        ranges=tuple((span.start, span.end) for span in spans) if kind == "binary" else None,
        answer=draw(st.sampled_from(["accept", "reject", "ignore"])) if kind == "whole" else "accept",
        annotator=draw(st.sampled_from([None, "ds-ann"])),
        created_at=draw(st.sampled_from([None, "2026-01-31T08:05:09.000Z", "2026-01-31T08:05:09.120Z"])),
        flagged=draw(st.booleans()),
        predicted_by="round 1" if kind == "predicted" else None,
        origin=draw(st.sampled_from([None, "review"])) if kind == "whole" else None,
        tokens=tuple(pieces(text)),
    )


def pieces(text: str) -> list[Range]:
    """Every character that is not whitespace is a token, so that no span has to cut one."""
    return [(place, place + 1) for place, letter in enumerate(text) if letter.strip()]


@given(st.lists(opinions(), min_size=1, max_size=4, unique_by=lambda entry: entry.key))
@settings(deadline=None)
def test_what_is_written_reads_back_the_same(
    tmp_path_factory: pytest.TempPathFactory, written: list[Entry]
) -> None:
    path = tmp_path_factory.mktemp("prodigy") / "a.jsonl"
    done = prodigy.write(path, written, WriteOptions())
    assert done.spans == sum(len(entry.spans or ()) for entry in written)
    assert detect(path).name == "prodigy"
    found = {entry.key: entry for entry in prodigy.read(path, ReadOptions())}
    for entry in written:
        again = found[entry.key]
        for name in Entry.__slots__:
            assert name == "line" or getattr(again, name) == getattr(entry, name), name


@given(texts)
@settings(deadline=None)
def test_tokens_spell_the_text_and_ws_is_one_space(text: str) -> None:
    tokens = tokens_of(text, pieces(text))
    assert "".join(token["text"] + " " * token["ws"] for token in tokens) == text
    assert [token["id"] for token in tokens] == list(range(len(tokens)))
    assert all(text[token["start"] : token["end"]] == token["text"] for token in tokens)


# What an answer says


@pytest.mark.parametrize("answer", ["reject", "ignore"])
@pytest.mark.parametrize("kind", ["manual", "binary"])
def test_d6_rejected_and_ignored_answers_are_never_gold(tmp_path: Path, answer: str, kind: str) -> None:
    other = "Bob left"
    said = task(PER, LOC, answer=answer) if kind == "manual" else binary(PER, answer)
    db = project(tmp_path)
    import_files(db, [jsonl(tmp_path / "ds.jsonl", said, task(Span(0, 3, "PER"), text=other))])
    with Store.open(db) as store:
        gold = {found.document.text: found for found in store.annotations.gold()}
        assert gold[other].spans == (Span(0, 3, "PER"),)
        if TEXT in gold:  # a refused suggestion says where there is nothing, and only there
            assert (kind, answer) == ("binary", "reject")
            assert (gold[TEXT].spans, gold[TEXT].negatives) == ((), (PER,))
            assert gold[TEXT].ranges == ((0, 3),)
        assert store.annotations.count() == 2  # nothing is dropped either


def test_d6_two_people_who_differ_are_a_conflict_and_who_agree_are_gold(tmp_path: Path) -> None:
    db, same = project(tmp_path), "Rome is old"
    file = jsonl(
        tmp_path / "ds.jsonl",
        task(PER, _annotator_id="ds-ann"),
        task(LOC, _annotator_id="ds-bob"),
        task(Span(0, 4, "LOC"), text=same, _session_id="ds-ann"),
        task(Span(0, 4, "LOC"), text=same, _session_id="ds-bob"),
    )
    report = import_files(db, [file])
    assert (report.added, report.annotated) == (2, 4)
    with Store.open(db) as store:
        assert [found.document.text for found in store.annotations.gold()] == [same]
        assert store.queue.counts()["conflict"] == 1


def test_yes_and_no_to_one_text_are_one_annotation_of_the_characters_asked_about(tmp_path: Path) -> None:
    [entry] = read(
        tmp_path, binary(PER, "accept"), binary(Span(8, 11, "LOC"), "reject"), binary(LOC, "ignore")
    )
    assert (entry.answer, entry.spans, entry.negatives) == ("accept", (PER,), (Span(8, 11, "LOC"),))
    assert entry.ranges == ((0, 3), (8, 11))


def test_of_two_answers_to_one_question_the_later_counts(tmp_path: Path) -> None:
    [entry] = read(tmp_path, binary(PER, "accept"), binary(PER, "reject"))
    assert (entry.spans, entry.negatives, entry.ranges) == ((), (PER,), ((0, 3),))


def test_an_answer_about_the_whole_text_stands_before_yes_and_no(tmp_path: Path) -> None:
    db = project(tmp_path)
    import_files(db, [jsonl(tmp_path / "a.jsonl", task(PER, LOC), binary(PER, "reject"))])
    with Store.open(db) as store:
        [gold] = store.annotations.gold()
    assert (gold.spans, gold.ranges) == ((PER, LOC), None)


def test_old_exports_name_no_view_and_a_scored_suggestion_is_yes_or_no(tmp_path: Path) -> None:
    old = {"text": TEXT, "answer": "accept"}
    scored = {"start": 0, "end": 3, "label": "PER", "score": 0.4, "rank": 0}
    plain = {"start": 15, "end": 19, "label": "LOC"}
    first, second = read(tmp_path, {**old, "spans": [scored]}, {**old, "spans": [plain]})
    assert (first.ranges, second.ranges) == (((0, 3),), None)


def test_missing_spans_mean_none_in_a_span_view_and_nothing_elsewhere(tmp_path: Path) -> None:
    bare = {"text": TEXT, "answer": "accept"}
    tokens = [{"text": "Ann", "start": 0, "end": 3, "id": 0}]
    manual, tokened, choice, unanswered = read(
        tmp_path,
        {**bare, "_view_id": "ner_manual"},
        {**bare, "tokens": tokens},
        {**bare, "_view_id": "choice", "options": [{"id": 1, "text": "yes"}], "accept": [1]},
        {"text": TEXT, "_input_hash": 5},
    )
    assert [entry.spans for entry in (manual, tokened, choice, unanswered)] == [(), (), None, None]
    assert choice.meta["prodigy"]["accept"] == [1]


def test_tokens_without_ws_and_no_tokens_are_read_and_characters_decide(tmp_path: Path) -> None:
    tokens = [{"text": "Ann", "start": 0, "end": 3, "id": 0}, {"text": "met", "start": 4, "end": 7, "id": 1}]
    old, bare = read(tmp_path, task(PER, tokens=tokens), task(PER))
    assert (old.tokens, bare.tokens) == (((0, 3), (4, 7)), None)
    assert old.spans == bare.spans == (PER,)


def test_token_end_is_inclusive_both_ways(tmp_path: Path) -> None:
    tokens = tokens_of(TEXT, [(0, 3), (4, 7), (8, 11), (12, 14), (15, 19)])
    [entry] = read(tmp_path, task(tokens=tokens, spans=[{"token_start": 0, "token_end": 2, "label": "PER"}]))
    assert entry.spans == (Span(0, 11, "PER"),)
    prodigy.write(tmp_path / "out.jsonl", [entry], WriteOptions())
    written = json.loads((tmp_path / "out.jsonl").read_text("utf-8"))
    assert [(s["token_start"], s["token_end"]) for s in written["spans"]] == [(0, 2)]


def test_hashes_times_and_names_are_kept_as_they_are(tmp_path: Path) -> None:
    said = task(PER, _task_hash=-9, _timestamp=1690000000, _annotator_id="ds-ann", meta={"source": "x"})
    unnamed = task(PER, text="Ann ran", _session_id="ds-2023-07-22_04-26-40", flagged=True)
    first, second = read(tmp_path, said, unnamed)
    assert (first.annotator, first.created_at) == ("ds-ann", "2023-07-22T04:26:40.000Z")
    assert first.meta["source"] == "x"
    assert (first.meta["prodigy"]["_input_hash"], first.meta["prodigy"]["_task_hash"]) == (-7, -9)
    assert (second.annotator, second.flagged) == (None, True)


def test_a_review_stands_above_the_people(tmp_path: Path) -> None:
    db = project(tmp_path)
    people = [task(span, _annotator_id=name) for span, name in ((PER, "ds-ann"), (LOC, "ds-bob"))]
    review = task(LOC, _view_id="review", versions=[{"spans": [], "sessions": ["ds-ann"]}])
    import_files(db, [jsonl(tmp_path / "a.jsonl", review, *people)])
    with Store.open(db) as store:
        [gold] = store.annotations.gold()
    assert gold.spans == (LOC,)


def test_overlapping_spans_go_to_the_ledger_without_being_asked(tmp_path: Path) -> None:
    db = project(tmp_path)
    report = import_files(
        db, [jsonl(tmp_path / "a.jsonl", task(Span(0, 7, "PER"), PER), task(PER, text="Ann!"))]
    )
    assert (report.added, report.annotated, report.kept, report.ledger) == (2, 1, 2, 1)
    assert "spans: kept 2, ledger 1; 3 in all" in report.text()
    with Store.open(db) as store:
        assert [event.reason for event in store.ledger.all()] == ["overlap"]
        assert len(list(store.annotations.gold())) == 1


def test_pos_tasks_are_tags(tmp_path: Path) -> None:
    db = project(tmp_path, "NOUN", "VERB", task="tags")
    tags = [Span(0, 3, "NOUN"), Span(4, 7, "VERB")]
    import_files(db, [jsonl(tmp_path / "a.jsonl", task(*tags, text="Ann met", _view_id="pos_manual"))])
    with Store.open(db) as store:
        assert [gold.spans for gold in store.annotations.gold()] == [tuple(tags)]
    export(db, tmp_path / "out.jsonl", format="prodigy")
    written = json.loads((tmp_path / "out.jsonl").read_text("utf-8"))
    assert (written["_view_id"], [span["label"] for span in written["spans"]]) == (
        "pos_manual",
        ["NOUN", "VERB"],
    )


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"image": "x.png", "_view_id": "image"}, 'needs a "text"'),
        ({"label": "DRUG", "pattern": [{"lower": "x"}]}, "--patterns FILE"),
        ({**task(PER), "answer": "maybe"}, "'maybe'"),
        ({**task(), "tokens": [{"text": "Ann", "start": 1, "end": 4, "id": 0}]}, "token 0"),
        ({**task(), "spans": [{"start": 0, "end": 3}]}, "label None"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(
    tmp_path: Path, broken: dict[str, Any], message: str
) -> None:
    with pytest.raises(FormatError, match=r"tasks\.jsonl:2: ") as error:
        read(tmp_path, task(PER), broken)
    assert message in str(error.value)


def test_our_own_jsonl_of_a_prodigy_dataset_stays_our_own(tmp_path: Path) -> None:
    db = project(tmp_path)
    import_files(db, [jsonl(tmp_path / "a.jsonl", task(PER, meta={"source": "x"}))])
    export(db, tmp_path / "own.jsonl")
    assert detect(tmp_path / "own.jsonl").name == "jsonl"
    export(db, tmp_path / "back.jsonl", format="prodigy")
    assert detect(tmp_path / "back.jsonl").name == "prodigy"
    again = import_files(db, [tmp_path / "back.jsonl"])
    assert (again.added, again.already_there) == (0, 1)


def test_a_first_line_longer_than_what_is_looked_at_is_known_all_the_same(tmp_path: Path) -> None:
    long = task(PER, text=TEXT + " and" * 30_000)
    assert detect(jsonl(tmp_path / "a.jsonl", {"_input_hash": 1, **long})).name == "prodigy"


# Real files


@pytest.mark.data
def test_a_real_dataset_moves_in_whole_and_twice_is_once(data: Path, tmp_path: Path) -> None:
    """149 tasks of the view ``relations`` (Genia), 466 spans."""
    file = data / "exports" / "prodigy" / "rel_component__annotations.jsonl"
    db = project(tmp_path, "GGP")
    report = import_files(db, [file])
    assert (report.added, report.annotated, report.kept, report.ledger) == (149, 149, 466, 0)
    again = import_files(db, [file])
    assert (again.added, again.already_there, again.annotated) == (0, 149, 0)
    tasks = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    with Store.open(db) as store:
        golds = {gold.document.text: gold for gold in store.annotations.gold()}
    for one in tasks:
        spans = tuple(Span(s["start"], s["end"], s["label"]) for s in one["spans"])
        assert golds[one["text"]].spans == tuple(sorted(spans, key=lambda span: span.start))
        assert golds[one["text"]].document.meta["prodigy"]["relations"] == one["relations"]


@pytest.mark.data
def test_a_real_dataset_is_written_with_the_same_tokens_and_spans(data: Path, tmp_path: Path) -> None:
    file = data / "exports" / "prodigy" / "rel_component__annotations.jsonl"
    prodigy.write(tmp_path / "a.jsonl", prodigy.read(file, ReadOptions()), WriteOptions())
    place = ("start", "end", "label", "token_start", "token_end")
    word = ("text", "start", "end", "id", "ws")
    before, after = (
        [
            (one["text"], one["answer"], one["_input_hash"], one["meta"],
             [[span[k] for k in place] for span in one["spans"]],
             [[token[k] for k in word] for token in one["tokens"]])
            for one in map(json.loads, path.read_text("utf-8").splitlines())
        ]
        for path in (file, tmp_path / "a.jsonl")
    )  # fmt: skip
    assert after == before


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "label", "text", "found"),
    [
        ("ner_drugs__drugs", "DRUG", "He took Cocaine and methadone.", ["Cocaine", "methadone"]),
        ("ner_fashion_brands__fashion_brands", "FASHION_BRAND", "an Ann Taylor coat", ["Ann Taylor"]),
        (
            "ner_food_ingredients__food",
            "INGRED",
            "olive oil, cottage cheese",
            ["olive oil", "cottage cheese"],
        ),
    ],
)
def test_real_pattern_files_suggest(
    data: Path, tmp_path: Path, name: str, label: str, text: str, found: list[str]
) -> None:
    db = project(tmp_path, label, lang="en")
    with Store.open(db) as store:
        store.documents.add([NewDocument(text, key="d")])
    report = prelabel(db, patterns=data / "exports" / "prodigy" / f"{name}_patterns.jsonl")
    assert report.spans == len(found)
    with Store.open(db) as store:
        prediction = store.predictions.get(1)
        assert prediction is not None
        assert [text[span.start : span.end] for span in prediction.spans] == found
