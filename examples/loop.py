"""The loop from Python: every command of ``spanloop`` is a function of the same name in ``spanloop.recipes``.

    python examples/loop.py [FOLDER]

Two rounds on the built-in corpus. Its first documents come with their spans; from then on the queue says
which documents to answer next, and the corpus's gold answers them. With your own text you would call
``spanloop.recipes.web.correct.correct`` there, which serves the page.
"""

from __future__ import annotations

import sys
from pathlib import Path

import spacy

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.demo.demo import CORPUS, LABELS, file_gold
from spanloop.recipes.files.export import export
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.project.init import init
from spanloop.recipes.simulation.answers import simulate_answers
from spanloop.recipes.suggest.prelabel import prelabel
from spanloop.recipes.training.retrain import retrain
from spanloop.store import Store


def main(folder: Path) -> None:
    folder.mkdir(parents=True)
    db = folder / "garden.db"
    lines = CORPUS.read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "annotated.jsonl").write_text("".join(lines[:100]), encoding="utf-8")
    (folder / "open.jsonl").write_text("".join(lines[100:]), encoding="utf-8")

    init(db, labels=LABELS)
    print(import_files(db, [folder / "annotated.jsonl"]).text())  # with spans: they are gold at once
    print(
        import_files(db, [folder / "open.jsonl"], as_="documents", split="pool").text()
    )  # without: the queue

    fast = TrainConfig(fast=True)  # fewer epochs: docs/training.md says what that costs
    print(retrain(db, fast).text())
    print(prelabel(db, strategy="mnlp").text())

    with Store.open(db) as store:
        asked = store.queue.next("me", n=3)
        for item in asked:
            spans = item.prediction.spans if item.prediction else ()
            found = [(item.document.text[span.start : span.end], span.label) for span in spans]
            print(f"asked next: {item.document.text[:60]!r} with the suggestions {found}")
        store.queue.release("me")
        simulate_answers(store, file_gold(CORPUS), 60)

    print(retrain(db, fast, promote="yes").text())
    print(export(db, folder / "gold.spacy").text())

    nlp = spacy.load(folder / "garden.rounds" / "0002")
    doc = nlp("Gwen has 3kg of leeks to spare on plot 14.")
    print([(ent.text, ent.label_, round(ent._.spanloop_confidence, 2)) for ent in doc.ents])


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "loop-example"))
