"""What an import's answers are worth: the newest word of whoever gave them, never lost in silence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.commands import jsonl_file
from support.store_making import say

from spanloop.recipes.errors import FormatError
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.project.init import init
from spanloop.recipes.project.labels import add_label, merge_labels, rename_label, retire_label
from spanloop.store import Store
from spanloop.store.tables.drafts import DraftOf

TEXT = "Ann met Bob in Rome"
A, B = [(0, 3, "PER")], [(0, 3, "PER"), (15, 19, "LOC")]
Spans = list[tuple[int, int, str]]


def line(spans: Spans | None = None, key: str = "d", text: str = TEXT, **more: Any) -> dict[str, Any]:
    said = [] if spans is None else [("spans", [list(span) for span in spans])]
    return {"id": key, "text": text, **dict(said), **more}


@pytest.fixture
def db(tmp_path: Path) -> Path:
    init(tmp_path / "p.db", labels=["PER", "LOC"], eval_fraction=0)
    return tmp_path / "p.db"


@pytest.fixture
def bring(tmp_path: Path, db: Path) -> Callable[..., Any]:
    """Import some lines as a file of that name."""

    def into(*lines: dict[str, Any], name: str = "a", **options: Any) -> Any:
        return import_files(db, [jsonl_file(tmp_path / f"{name}.jsonl", *lines)], **options)

    return into


def gold(db: Path) -> dict[str, Spans]:
    with Store.open(db) as store:
        found = {
            g.document.key: [(s.start, s.end, s.label) for s in g.spans] for g in store.annotations.gold()
        }
        assert store.check() == []
    return found


def conflicts(db: Path) -> list[str]:
    with Store.open(db) as store:
        return [key for (key,) in store.rows("SELECT key FROM conflicts")]


@pytest.mark.parametrize("options", [{}, {"annotator": "anna"}, {"as_": "review"}])
def test_a_file_imported_again_counts(bring: Callable[..., Any], db: Path, options: dict[str, Any]) -> None:
    for spans in (A, B, A, B, A):
        assert bring(line(spans), **options).annotated == 1
        assert bring(line(spans), **options).annotated == 0  # the same once more says nothing new
        assert gold(db) == {"d": spans}


def test_what_was_corrected_elsewhere_is_put_beside_what_people_said(
    bring: Callable[..., Any], db: Path
) -> None:
    bring(line(A))
    with Store.open(db) as store:
        store.annotations.add(say(1, "anna", "0-3:LOC"))
    assert bring(line(A)).against_people == 0  # an old file, imported again, is no new word
    assert gold(db) == {"d": [(0, 3, "LOC")]}
    report = bring(line(B))
    assert (report.against_people, report.conflicts, report.gold) == (1, 1, 0)
    assert "1 against what people had said: put beside it, to be reviewed" in report.text()
    assert (gold(db), conflicts(db)) == ({}, ["d"])
    assert bring(line(B), as_="review").gold_by == {"this import": 1}
    assert (gold(db), conflicts(db)) == ({"d": B}, [])
    report = bring(line(A))
    assert (report.against_review, report.gold_by) == (1, {"review": 1})
    assert "1 against a review, which stands" in report.text()


def test_files_of_several_people_make_agreement_or_conflict(bring: Callable[..., Any], db: Path) -> None:
    bring(line(A, "same"), line(A, "other"), annotator="anna")
    report = bring(line(A, "same"), line(B, "other"), name="b", annotator="ben")
    assert (report.gold, report.conflicts) == (1, 1)
    assert (gold(db), conflicts(db)) == ({"same": A}, ["other"])
    with Store.open(db) as store:
        assert {a.origin for a in store.annotations.history(1)} == {"human"}
        store.annotations.add(say(2, "ben", "0-3:PER"))  # at the page ben takes his word back
    assert (gold(db), conflicts(db)) == ({"same": A, "other": A}, [])


def test_a_file_that_says_who_answered_needs_no_option(bring: Callable[..., Any], db: Path) -> None:
    def task(who: str, spans: Spans) -> dict[str, Any]:
        told = [{"start": s, "end": e, "label": label} for s, e, label in spans]
        return {
            "text": TEXT,
            "spans": told,
            "answer": "accept",
            "_annotator_id": who,
            "_view_id": "ner_manual",
        }

    report = bring(task("anna", A), task("ben", B), format="prodigy")
    assert (report.documents, report.conflicts) == (1, 1)


def test_labels_that_come_a_file_each_are_merged(bring: Callable[..., Any], db: Path) -> None:
    bring(line([(0, 3, "PER"), (8, 11, "PER")]), only_labels=["PER"])
    report = bring(line([(15, 19, "LOC")]), name="b", only_labels=["LOC"])
    assert gold(db) == {"d": [(0, 3, "PER"), (8, 11, "PER"), (15, 19, "LOC")]}
    with Store.open(db) as store:
        assert [g.unknown for g in store.annotations.gold()] == [()]
    assert report.annotated == 1
    assert bring(line([(15, 19, "LOC")]), name="b", only_labels=["LOC"]).annotated == 0
    bring(line([]), name="c", only_labels=["PER"])  # and that one says that there is no PER
    assert gold(db) == {"d": [(15, 19, "LOC")]}


def test_spans_of_other_labels_are_left_out_and_counted(bring: Callable[..., Any], db: Path) -> None:
    report = bring(line([*B, (8, 11, "ORG")]), only_labels=["PER"])  # of ORG the project knows nothing
    assert (gold(db), report.other_labels, report.kept, report.spans) == ({"d": A}, 2, 1, 3)


def test_a_span_that_overlaps_one_of_another_file_is_refused_or_told(
    bring: Callable[..., Any], db: Path
) -> None:
    bring(line([(0, 7, "PER")]), only_labels=["PER"])
    inside = line([(4, 7, "LOC")])
    with pytest.raises(FormatError, match=r"b\.jsonl:1: the span 4-7 'LOC' overlaps 0-7 'PER'"):
        bring(inside, name="b", only_labels=["LOC"])
    assert gold(db) == {"d": [(0, 7, "PER")]}
    report = bring(inside, name="b", only_labels=["LOC"], accept_overlaps=True)
    assert (gold(db), report.pushed_out) == ({"d": [(4, 7, "LOC")]}, 1)
    with Store.open(db) as store:
        [row] = store.rows("SELECT source, line, label, reason, import FROM ledger")
        assert (Path(row[0]).name, *row[1:]) == ("b.jsonl", 1, "PER", "overlap", 3)


def test_labels_that_were_renamed_or_merged_are_followed(bring: Callable[..., Any], db: Path) -> None:
    add_label(db, "PERSON")
    merge_labels(db, "PER", "PERSON")
    rename_label(db, "LOC", "PLACE")
    bring(line(B), line([], "known", known_labels=["PER", "LOC"]), only_labels=["PER", "LOC"])
    assert gold(db) == {"d": [(0, 3, "PERSON"), (15, 19, "PLACE")], "known": []}
    with Store.open(db) as store:
        assert store.labels.names() == ["PLACE", "PERSON"]
        assert [g.unknown for g in store.annotations.gold()] == [(), ()]


def test_unknown_labels_are_told_all_at_once_before_anything_is_stored(
    bring: Callable[..., Any], db: Path
) -> None:
    many = [line(A, f"d{n}") for n in range(1_100)]
    wrong = [line([(0, 3, "ORG"), (8, 11, "ORG"), (15, 19, "GPE")], "x")]
    with pytest.raises(FormatError) as refusal:
        bring(*many, *wrong)
    assert "a.jsonl:1101: the labels 'ORG' (2 spans), 'GPE' (1 span) are not of this project" in str(
        refusal.value
    )
    assert gold(db) == {}
    report = bring(*wrong, add_labels=True)
    assert report.labels_added == ("ORG", "GPE")
    assert gold(db) == {"x": [(0, 3, "ORG"), (8, 11, "ORG"), (15, 19, "GPE")]}


def test_a_retired_label_is_not_brought_back_in_passing(bring: Callable[..., Any], db: Path) -> None:
    retire_label(db, "PER")
    with pytest.raises(Exception, match=r"the label 'PER' is retired, and files use it"):
        bring(line(A), add_labels=True)


def test_two_files_of_one_name_in_two_folders_are_two(tmp_path: Path, db: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "notes.txt").write_text(f"Ann in {folder}\n\nBob", "utf-8")
    one, two = (tmp_path / folder / "notes.txt" for folder in ("one", "two"))
    import_files(db, [one], by="file")
    import_files(db, [two, one], by="file")  # and the first keeps the name that it had
    assert set(keys(db)) == {"notes.txt", "two/notes.txt"}
    import_files(db, [one, two], by="paragraph")
    with Store.open(db) as store:
        assert {d.group for d in store.documents.iterate()} == {"notes.txt", "two/notes.txt"}


def keys(db: Path) -> list[str]:
    with Store.open(db) as store:
        return [d.key for d in store.documents.iterate()]


def test_an_id_that_stands_twice_is_told_with_both_lines(bring: Callable[..., Any], db: Path) -> None:
    with pytest.raises(FormatError, match=r"a\.jsonl:3: the id 'd' stands on line 1 with another text"):
        bring(line(A), line(A, "e"), line(A, text="Bob ran"))
    assert keys(db) == []
    report = bring(line(A), line(A, "e"), line(B), line(A, "e"))
    assert (report.said_twice, report.documents) == (1, 2)
    assert "lines 1 and 3, id 'd'" in report.text()
    assert gold(db) == {"d": B, "e": A}


@pytest.mark.parametrize(
    ("word", "options", "side"),
    [
        ("train", {}, "pool"), ("test", {}, "eval"), ("dev", {}, "pool"),
        ("validation", {"dev": "eval"}, "eval"), ("test", {"split": "pool"}, "pool"),
        ("eval", {}, "eval"), ("fold 3", {"split": "eval"}, "eval"),
    ],
)  # fmt: skip
def test_the_split_of_a_line_is_honoured(
    bring: Callable[..., Any], db: Path, word: str, options: dict[str, Any], side: str
) -> None:
    bring(line(A, split=word), **options)
    with Store.open(db) as store:
        [document] = store.documents.iterate()
        assert (document.split, dict(document.meta)) == (side, {})


def test_or_it_is_refused(bring: Callable[..., Any], db: Path) -> None:
    with pytest.raises(FormatError, match=r"a\.jsonl:1: \"split\" is 'fold 3'; it can be pool, train"):
        bring(line(A, split="fold 3"))


def test_documents_that_nobody_may_have_opened_are_counted_apart(
    bring: Callable[..., Any], db: Path, tmp_path: Path
) -> None:
    lines = [
        {"id": "a", "text": TEXT, "label": []},
        {"id": "b", "text": TEXT + "!", "label": [[0, 3, "PER"]]},
    ]
    report = bring(*lines)
    assert (report.unopened, gold(db)) == (1, {"b": A})
    assert "1 without any span, and perhaps never opened: gold with --accept-empty" in report.text()
    assert bring(*lines, accept_empty=True).unopened == 0
    assert gold(db) == {"a": [], "b": A}


def test_the_report_says_by_whose_word_the_documents_are_gold(bring: Callable[..., Any], db: Path) -> None:
    bring(line(A, "a"), line(A, "b"), line(A, "c"))
    with Store.open(db) as store:
        store.annotations.add(say(1, "anna", "0-3:PER"))
    report = bring(line(A, "a"), line(B, "b"), line(A, "c"), line(None, "new"), name="b")
    assert report.gold_by == {"human": 1, "this import": 1, "import": 1}
    assert json.loads(json.dumps(report.json()))["gold"] == 3
    assert "3 of the 4 documents are gold now: " in report.text()


def test_a_file_that_dates_its_answers_does_not_push_aside_a_later_word(
    bring: Callable[..., Any], db: Path
) -> None:
    """An export of last week says what anna said then; unless it is named, her newest word stands."""
    dated = {"annotator": "anna", "created_at": "2026-01-02T00:00:00Z"}
    bring(line(A, **dated))
    bring(line(B, annotator="anna", created_at="2026-01-03T00:00:00Z"), name="later")
    report = bring(line(A, **dated))
    assert (report.older, report.annotated, gold(db)) == (1, 0, {"d": B})
    assert "1 older than what the same person has said since" in report.text()
    assert bring(line(A, **dated), as_="annotations").annotated == 1
    assert gold(db) == {"d": A}
    corrected = {**dated, "created_at": "2026-01-03T00:00:00Z"}
    bring(line(B, **corrected), as_="annotations")
    assert bring(line([], **corrected)).annotated == 1  # corrected elsewhere, with the date that it had
    assert gold(db) == {"d": []}


def test_a_file_leaves_what_its_person_is_at_work_on(bring: Callable[..., Any], db: Path) -> None:
    bring(line(None))
    with Store.open(db) as store:
        store.queue.next("anna")
        store.drafts.put(DraftOf("anna", 1), "{}")
    bring(line(A), annotator="anna")
    with Store.open(db) as store:
        assert store.drafts.get(DraftOf("anna", 1)) == "{}"
        assert store.queue.holders([1]) == {1: ["anna"]}
        assert store.rows("SELECT drawn FROM annotations") == [(None,)]
