"""No span of a file is lost or written onto another text: it is stored, or in the ledger with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest
import spacy
from support.commands import done, jsonl_file, refused

from spanloop.recipes.files.importing import import_files
from spanloop.recipes.project.init import init
from spanloop.recipes.scoring.evaluate import score
from spanloop.store import Store

ACME = "Ann works at Acme."
ROME = "Yesterday in Rome."


@pytest.fixture
def db(tmp_path: Path) -> Path:
    init(tmp_path / "p.db", labels=["PER", "ORG", "LOC"], eval_fraction=0.0)
    return tmp_path / "p.db"


def gold(db: Path) -> dict[str, list[tuple[str, str]]]:
    """The gold of each document: the characters and the label of each span."""
    with Store.open(db) as store:
        return {
            g.document.key: [(g.document.text[s.start : s.end], s.label) for s in g.spans]
            for g in store.annotations.gold()
        }


def suggested(db: Path, key: str) -> list[tuple[int, int, str]]:
    with Store.open(db) as store:
        document = store.documents.by_key(key)
        assert document is not None
        prediction = store.predictions.get(document.id)
        assert prediction is not None
        return [(s.start, s.end, s.label) for s in prediction.spans]


def other_texts(db: Path, folder: Path) -> Path:
    """A file whose key is stored with another text, as every split of a Hugging Face data set begins at 0."""
    import_files(db, [jsonl_file(folder / "train.jsonl", {"id": "0", "text": ACME, "spans": []})])
    second = {"id": 1, "text": "Bob", "spans": [[0, 3, "PER"]]}
    return jsonl_file(
        folder / "test.jsonl", {"id": 0, "text": ROME, "spans": [[13, 17, "LOC"]]}, second, second | {"id": 2}
    )


def test_a_key_is_no_text_what_is_said_of_one_is_never_written_onto_another(db: Path, tmp_path: Path) -> None:
    file = other_texts(db, tmp_path)
    assert "--on-conflict new-key" in refused("import", db, file)
    told = done("import", db, file, "--on-conflict", "skip")
    assert "1 left out, since their key is that of another text" in told
    assert f"spans: kept 2, of documents left out (the first: {file}:1) 1; 3 in all" in told
    assert gold(db) == {"0": [], "1": [("Bob", "PER")], "2": [("Bob", "PER")]}


def test_a_known_key_with_another_text_comes_in_under_a_key_of_its_file(db: Path, tmp_path: Path) -> None:
    file = other_texts(db, tmp_path)
    for added in (3, 0):
        report = import_files(db, [file], on_conflict="new-key")
        assert (report.added, report.skipped) == (added, 0)
    assert gold(db)["test.jsonl:0"] == [("Rome", "LOC")]
    assert gold(db)["0"] == []
    (tmp_path / "b").mkdir()
    third = jsonl_file(tmp_path / "b" / "test.jsonl", {"id": 0, "text": "Oslo", "spans": [[0, 4, "LOC"]]})
    for added in (1, 0):
        assert import_files(db, [third], on_conflict="new-key").added == added
    assert gold(db)["b/test.jsonl:0"] == [("Oslo", "LOC")]
    with Store.open(db) as store:  # a document of its own, and not one of the group of the stored text
        document = store.documents.by_key("test.jsonl:0")
        assert document is not None
        assert document.group == "test.jsonl:0"


def test_the_lines_of_a_skipped_text_are_not_kept_with_another(db: Path, tmp_path: Path) -> None:
    words = [("1", "Rome"), ("2", "burns")]
    rows = "".join(f"{n}\t{word}\t_\tX\t_\t_\t0\t_\t_\t_\n" for n, word in words)
    import_files(db, [jsonl_file(tmp_path / "a.jsonl", {"id": "s1", "text": ACME})])
    (tmp_path / "a.conllu").write_text(f"# sent_id = s1\n# text = Rome burns\n{rows}\n")
    assert import_files(db, [tmp_path / "a.conllu"], on_conflict="skip").skipped == 1
    with Store.open(db) as store:
        assert store.originals.get(1, "conllu") is None


FIVE = "Ann Lee of Acme Inc in Rome met Bob"
SPANS = [[0, 7, "PER"], [0, 3, "PER"], [4, 7, "PER"], [11, 19, "ORG"], [23, 27, "LOC"]]


def test_one_overlap_leaves_the_other_spans_and_the_longest(db: Path, tmp_path: Path) -> None:
    """Five spans, two inside a third: three are suggestions, two in the ledger, none is gold."""
    file = jsonl_file(
        tmp_path / "a.jsonl", {"id": "a", "text": FIVE, "spans": SPANS, "annotator": "eve", "flagged": True}
    )
    assert "--overlaps longest" in refused("import", db, file)
    report = done("import", db, file, "--overlaps", "longest", "--json")
    assert (report["spans"], report["kept"], report["ledger"]) == (5, 3, 2)
    assert (report["annotated"], report["predicted"], report["to_confirm"]) == (0, 0, 1)
    assert report["notes"] == [
        f"{file}: flags, comments and parts looked at are not kept of answers that wait to be confirmed"
    ]
    assert gold(db) == {}
    assert suggested(db, "a") == [(0, 7, "PER"), (11, 19, "ORG"), (23, 27, "LOC")]
    with Store.open(db) as store:
        lost = [(e.start, e.end, e.action, e.reason, e.source, e.line) for e in store.ledger.all()]
        assert lost == [(s, e, "conflict", "overlap", str(file), 1) for s, e in ((0, 3), (4, 7))]
        assert store.queue.next("anna") is not None
    again = done("import", db, file, "--overlaps", "longest", "--json")
    assert (again["spans"], again["kept"], again["ledger"], again["already_stored"]) == (5, 0, 0, 5)
    assert again["to_confirm"] == 0


def test_what_is_left_of_overlaps_is_gold_where_somebody_says_so(db: Path, tmp_path: Path) -> None:
    file = jsonl_file(tmp_path / "a.jsonl", {"id": "a", "text": FIVE, "spans": SPANS})
    report = import_files(db, [file], accept_overlaps=True)
    assert (report.annotated, report.to_confirm, report.ledger) == (1, 0, 2)
    assert gold(db) == {"a": [("Ann Lee", "PER"), ("Acme Inc", "ORG"), ("Rome", "LOC")]}


def test_none_of_the_spans_that_overlap_stays_where_none_shall(db: Path, tmp_path: Path) -> None:
    file = jsonl_file(tmp_path / "a.jsonl", {"id": "a", "text": FIVE, "spans": SPANS})
    report = import_files(db, [file], overlaps="none")
    assert (report.kept, report.ledger) == (2, 3)
    assert suggested(db, "a") == [(11, 19, "ORG"), (23, 27, "LOC")]


def test_of_spans_as_long_as_each_other_the_first_stays(db: Path, tmp_path: Path) -> None:
    spans = [[4, 10, "PER"], [0, 7, "PER"], [0, 7, "LOC"], [8, 15, "ORG"], [0, 7, "PER"]]
    file = jsonl_file(tmp_path / "a.jsonl", {"id": "a", "text": FIVE, "spans": spans})
    import_files(db, [file], overlaps="longest")
    assert suggested(db, "a") == [(0, 7, "LOC"), (8, 15, "ORG")]
    with Store.open(db) as store:
        lost = [(e.start, e.end, e.label, e.reason) for e in store.ledger.all()]
        assert lost == [
            (0, 7, "PER", "duplicate"),
            (0, 7, "PER", "overlap"),
            (4, 10, "PER", "overlap"),
        ]


def test_predictions_that_overlap_keep_the_longest_too(db: Path, tmp_path: Path) -> None:
    record = {"id": "a", "text": FIVE, "spans": SPANS, "predicted_by": "m"}
    report = import_files(db, [jsonl_file(tmp_path / "a.jsonl", record)], overlaps="longest")
    assert (report.predicted, report.to_confirm, report.kept, report.ledger) == (1, 0, 3, 2)


def test_what_a_model_says_twice_and_otherwise_is_in_the_ledger(db: Path, tmp_path: Path) -> None:
    said = [{"id": "a", "text": FIVE, "spans": [span], "predicted_by": "m"} for span in SPANS[:2]]
    report = import_files(db, [jsonl_file(tmp_path / "a.jsonl", *said)])
    assert (report.predicted, report.spans, report.kept, report.ledger) == (1, 2, 1, 1)
    assert suggested(db, "a") == [(0, 7, "PER")]


def test_blanks_at_a_spans_edge_are_cut_off_and_told(db: Path, tmp_path: Path) -> None:
    text = " Ann\u00a0 met\n Bob"
    spans = [[0, 6, "PER"], [9, 14, "PER"], [4, 6, "LOC"]]
    report = import_files(db, [jsonl_file(tmp_path / "a.jsonl", {"id": "a", "text": text, "spans": spans})])
    assert (report.kept, report.moved, report.ledger) == (0, 2, 1)
    assert gold(db) == {"a": [("Ann", "PER"), ("Bob", "PER")]}
    with Store.open(db) as store:
        told = [(e.start, e.end, e.reason, e.placed_start, e.placed_end, e.line) for e in store.ledger.all()]
    assert told == [
        (4, 6, "nothing but blanks", None, None, 1),
        (0, 6, "blanks at its edge", 1, 4, 1),
        (9, 14, "blanks at its edge", 11, 14, 1),
    ]


def test_gold_with_blanks_at_its_edges_can_be_hit(tmp_path: Path) -> None:
    """Forty documents as an editor exports them, where a double click takes the blank behind the word."""
    init(tmp_path / "p.db", labels=["PER"], eval_fraction=0.0)
    records = [{"text": f"Ann met number {n}.", "spans": [[0, 4, "PER"]]} for n in range(40)]
    import_files(tmp_path / "p.db", [jsonl_file(tmp_path / "e.jsonl", *records)], split="eval")
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "PER", "pattern": "Ann"}])  # type: ignore[attr-defined]
    with Store.open(tmp_path / "p.db") as store:
        golds = list(store.annotations.gold(split="eval"))
        found = score(store.moment(), nlp, golds, round=1, labels=store.labels.ids_for(None)).report
    assert found.lenient_micro is not None
    assert (found.micro.support, found.micro.f1, found.lenient_micro.f1) == (40, 1.0, 1.0)


def test_gold_that_no_prediction_can_match_is_counted_in_the_scores(tmp_path: Path) -> None:
    """A span inside a token stays as it was meant, and the scores say that it cannot be hit."""
    init(tmp_path / "p.db", labels=["PER"], eval_fraction=0.0)
    spans = [[[0, 3, "PER"]], [[0, 7, "PER"]], [[2, 7, "PER"], [8, 11, "PER"]]]
    records = [{"text": f"Annabel met {n}.", "spans": said} for n, said in enumerate(spans)]
    import_files(tmp_path / "p.db", [jsonl_file(tmp_path / "e.jsonl", *records)], split="eval")
    with Store.open(tmp_path / "p.db") as store:
        golds = list(store.annotations.gold(split="eval"))
        labels = store.labels.ids_for(None)
        found = score(store.moment(), spacy.blank("en"), golds, round=1, labels=labels)
    assert found.json()["unmatchable"] == 2
    assert "2 gold spans cut a token or have blanks at an edge: no prediction can match them" in found.text()


@pytest.mark.data
def test_no_document_of_a_real_export_loses_all_of_its_regions(data: Path, tmp_path: Path) -> None:
    labels = ["PER", "LOC", "ITEM", "COMM", "ORG", "VEH", "FIN"]
    init(tmp_path / "p.db", labels=labels, eval_fraction=0.0)
    file = data / "exports" / "labelstudio" / "norwegian_police_ner_first.json"
    report = import_files(tmp_path / "p.db", [file])
    assert report.spans == report.kept + report.moved + report.ledger
    with Store.open(tmp_path / "p.db") as store:
        golds = {g.document.id: len(g.spans) for g in store.annotations.gold()}
        for number in store.documents.ids():
            suggestion = store.predictions.get(number)
            assert golds.get(number) or (suggestion and suggestion.spans)
        assert len(golds) + report.to_confirm == store.documents.count()
