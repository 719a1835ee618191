"""The whole loop through the public functions, on a real encoder: what goes round must come round whole."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from support.page_client import page_of

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.files.export import export
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.project.init import init
from spanloop.recipes.suggest.prelabel import prelabel
from spanloop.recipes.training.retrain import RoundReport, retrain
from spanloop.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.long]

PEOPLE = ("Ada Lovelace", "Grace Hopper", "Alan Turing", "Mary Shelley", "Emmy Noether", "Kurt Gödel")
PLACES = ("Paris", "Vienna", "Göttingen", "London", "Madrid", "Lisbon")
SENTENCES = (
    "Yesterday {p} arrived in {l} by train.",
    "We asked {p} about the weather.",
    "The road to {l} was closed for repairs.",
    "Nobody had seen {p} since the meeting in {l}.",
    "It rained on the sheds and the bread was late again.",
)
FILLER = "The ferry was late and the bread was stale, but nobody on the quay complained about it. "


def entry(key: str, text: str, names: dict[str, str]) -> dict[str, Any]:
    """A JSONL entry whose spans are the first place of each name in the text."""
    spans = [
        {"start": text.index(name), "end": text.index(name) + len(name), "label": label}
        for name, label in names.items()
    ]
    return {"id": key, "text": text, "spans": spans}


def short_documents(first: int, last: int) -> list[dict[str, Any]]:
    entries = []
    for n in range(first, last):
        person, place = PEOPLE[n % len(PEOPLE)], PLACES[(n // 2) % len(PLACES)]
        text = SENTENCES[n % len(SENTENCES)].format(p=person, l=place) + f" Note {n}."
        names = {person: "PER", place: "LOC"}
        entries.append(entry(f"short-{n}", text, {name: names[name] for name in names if name in text}))
    return entries


def long_document(key: str, words: int, person: str, place: str) -> dict[str, Any]:
    """At least ``words`` words, the two names in the last sentence and nowhere else."""
    sentences = words // len(FILLER.split()) + 1
    text = f"Log {key}. " + FILLER * sentences + f"Yesterday {person} arrived in {place} by train."
    return entry(key, text, {person: "PER", place: "LOC"})


def write_lines(path: Path, entries: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in entries), encoding="utf-8")
    return path


def ends(row: dict[str, Any]) -> list[tuple[int, int, str]]:
    return [(span["start"], span["end"], span["label"]) for span in row["spans"]]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one finished round: it learned the names from short documents and one long one."""
    folder = tmp_path_factory.mktemp("loop")
    db = folder / "names.db"
    init(db, labels=["PER", "LOC"], lang="en", model="offline", seed=1)
    # three windows of the model; every wordpiece more is trained on in each epoch
    pool = [*short_documents(0, 60), long_document("long-1", 1200, "Emmy Noether", "Göttingen")]
    import_files(db, [write_lines(folder / "pool.jsonl", pool)], split="pool")
    import_files(db, [write_lines(folder / "eval.jsonl", short_documents(60, 80))], split="eval")
    # the same few sentence frames on both sides: a leak, and meant here
    report = retrain(db, TrainConfig(epochs=5, batch_wordpieces=256), allow_leaks=True)
    assert isinstance(report, RoundReport)
    return db


def test_no_gold_span_of_a_document_longer_than_the_model_is_lost_in_training(project: Path) -> None:
    with Store.open(project) as store:
        (row,) = store.rounds.all()
        gold = list(store.annotations.gold(split="pool"))
    assert row.manifest is not None
    assert row.manifest["gold_spans"] == sum(len(item.spans) for item in gold)
    assert row.manifest["gold_spans_lost"] == 0


def test_a_document_of_2000_words_keeps_its_last_sentence_all_round(project: Path, tmp_path: Path) -> None:
    """Prelabel suggests the names at the end, page and export keep them, the next round trains on them."""
    row = long_document("long-asked", 2000, "Alan Turing", "Lisbon")
    assert len(row["text"].split()) > 2000
    bare = {"id": row["id"], "text": row["text"]}
    import_files(project, [write_lines(tmp_path / "ask.jsonl", [bare])], split="pool")

    prelabel(project)
    with Store.open(project) as store:
        document = store.documents.by_key("long-asked")
        assert document is not None
        prediction = store.predictions.get(document.id)
        assert prediction is not None
        assert [(s.start, s.end, s.label) for s in prediction.spans] == ends(row)

        client = page_of(store)
        (shown,) = client.get("/api/next", params={"client": "tab", "n": 1, "held": ""}).json()["documents"]
        assert shown["key"] == "long-asked"
        assert [(s["start"], s["end"], s["label"]) for s in shown["suggestions"]] == ends(row)
        answer = {
            "uuid": str(uuid.uuid4()),
            "document_id": shown["id"],
            "document_key": shown["key"],
            "answer": "accept",
            "spans": [
                {"start": s["start"], "end": s["end"], "label_id": s["label_id"]}
                for s in shown["suggestions"]
            ],
            "prediction_id": shown["prediction_id"],
            "seconds": 3.0,
            "comment": "",
            "flagged": False,
            "ranges": None,
        }
        reply = client.post("/api/answers", json=answer)
        assert reply.status_code == 200, reply.text

    out = tmp_path / "gold.jsonl"
    export(project, out, what="gold", split="pool")
    exported = {line["id"]: line for line in map(json.loads, out.read_text("utf-8").splitlines())}
    assert exported["long-asked"]["text"] == row["text"]
    assert ends(exported["long-asked"]) == ends(row)

    report = retrain(project, TrainConfig(epochs=1), promote="no", allow_leaks=True)
    assert isinstance(report, RoundReport)
    with Store.open(project) as store:
        last = store.rounds.all()[-1]
        annotation = store.annotations.latest(document.id)
        assert annotation is not None
        assert annotation.id in store.rounds.annotation_ids(last.number, "train")
        assert last.manifest is not None
        assert last.manifest["gold_spans_lost"] == 0


def test_the_round_folder_is_a_spacy_pipeline_that_finds_them_alone(project: Path) -> None:
    import spacy

    row = long_document("elsewhere", 1200, "Mary Shelley", "Vienna")
    with Store.open(project) as store:
        promoted = store.rounds.promoted()
        assert promoted is not None
        nlp = spacy.load(store.rounds.folder(promoted.number))
    doc = nlp(row["text"])
    assert [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents] == ends(row)
    assert all(ent._.spanloop_confidence > 0.5 for ent in doc.ents)


def test_training_uses_exactly_the_gold_of_the_pool(project: Path) -> None:
    with Store.open(project) as store:
        first = store.rounds.all()[0]
        trained = set(store.rounds.annotation_ids(first.number, "train"))
        scored = set(store.rounds.annotation_ids(first.number, "eval"))
        eval_ids = {gold.annotation_id for gold in store.annotations.gold(split="eval")}
    assert len(trained) == 61
    assert scored == eval_ids
    assert not trained & scored
