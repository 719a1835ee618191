"""What export writes says by itself what it is: gold comes back as gold, suggestions as suggestions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.store_making import add_model, make_store, predict_all, say

from spanloop.recipes.errors import FormatError
from spanloop.recipes.files.export import export
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.formats import jsonl
from spanloop.recipes.formats.entry import ReadOptions
from spanloop.store import Store


def other(folder: Path) -> Path:
    (folder / "other").mkdir()
    with make_store(folder / "other") as store:
        return store.path


@pytest.mark.parametrize("form", ["jsonl", "prodigy"])
def test_exported_predictions_come_back_as_predictions_without_being_told(tmp_path: Path, form: str) -> None:
    with make_store(tmp_path, 3) as store:
        predict_all(store, add_model(store, "teacher"))
        db = store.path
    export(db, tmp_path / "out.jsonl", what="predictions", format=form)
    again = other(tmp_path)
    report = import_files(again, [tmp_path / "out.jsonl"])
    assert (report.added, report.predicted, report.annotated) == (3, 3, 0)
    assert import_files(again, [tmp_path / "out.jsonl"]).predicted == 0
    with Store.open(again) as store:
        assert list(store.annotations.gold()) == []
        prediction = store.predictions.get(1)
        assert prediction is not None
        assert [(s.start, s.end, s.label, s.score) for s in prediction.spans] == [(0, 3, "PER", 0.9)]
        model = store.models.get(prediction.model_id)
        assert model is not None
        assert (model.kind, model.name) == ("import", "teacher")


def test_a_word_of_the_user_goes_before_the_lines_own(tmp_path: Path) -> None:
    with make_store(tmp_path, 1) as store:
        predict_all(store, add_model(store, "teacher"))
    export(store.path, tmp_path / "out.jsonl", what="predictions")
    report = import_files(other(tmp_path), [tmp_path / "out.jsonl"], as_="annotations")
    assert (report.predicted, report.annotated) == (0, 1)


@pytest.mark.parametrize("form", ["jsonl", "prodigy"])
def test_gold_looked_at_in_part_comes_back_as_looked_at_in_part(tmp_path: Path, form: str) -> None:
    """Otherwise what nobody looked at would come back as empty, and train as such."""
    with make_store(tmp_path, 2) as store:
        partly = say(1, spans="15-19:LOC", ranges=((0, 3), (15, 19)))
        refused = say(1, spans="0-3:PER", action="rejected").spans
        store.annotations.add(say(2))
        store.annotations.add(
            type(partly)(
                **{name: getattr(partly, name) for name in partly.__slots__}
                | {"spans": partly.spans + refused}
            )
        )
        before = list(store.annotations.gold())
    done = export(store.path, tmp_path / "out.jsonl", format=form)
    assert "parts_looked_at" not in done.uncarried
    again = other(tmp_path)
    import_files(again, [tmp_path / "out.jsonl"])
    with Store.open(again) as judged:
        after = {gold.document.key: gold for gold in judged.annotations.gold()}
    for gold in before:
        found = after[gold.document.key]
        assert (found.spans, found.negatives, found.ranges) == (gold.spans, gold.negatives, gold.ranges)
    assert after["d1"].ranges == ((0, 3), (15, 19))


def test_a_format_that_cannot_say_it_has_the_export_say_it(tmp_path: Path) -> None:
    with make_store(tmp_path, 2, lang="en") as store:
        store.annotations.add(say(1, ranges=((0, 3),)))
        store.annotations.add(say(2))
    done = export(store.path, tmp_path / "out.conll")
    assert done.uncarried == {"ids": 2, "splits": 2, "parts_looked_at": 1}
    assert "for conll cannot hold it" in done.text()
    assert "that only parts were looked at (the rest reads as empty) (1)" in done.text()


def test_ranges_that_cannot_be_are_named_and_other_things_of_that_name_are_meta(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"text": "Ann ran", "ranges": "A-F"}) + "\n", "utf-8")
    [entry] = jsonl.read(path, ReadOptions())
    assert (entry.ranges, dict(entry.meta)) == (None, {"ranges": "A-F"})
    path.write_text(json.dumps({"text": "Ann", "spans": [], "ranges": [[2, 9]]}) + "\n", "utf-8")
    with pytest.raises(FormatError, match=r"a\.jsonl:1: \"ranges\" are"):
        list(jsonl.read(path, ReadOptions()))
