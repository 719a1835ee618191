"""Count what the hands do: key presses and clicks to correct 200 pre-annotated documents.

    python benchmarks/actions.py wnut17                       # --db FILE keeps the prepared project
    python benchmarks/actions.py ud_en_ewt --damage 0.06

Trains on 400 documents of train.jsonl, pre-annotates the first 200 of test.jsonl, and lets a script
correct them in Chromium by the shortest way that the page offers: several documents on one sheet, keys that
act on the word under the mouse. The page's own events are counted (each keydown but those of modifiers, each
press of a mouse button, each turn of the wheel); what lies in the SQLite file afterwards must be the gold.
A corpus without spans is one of tags: sentences that spaCy cuts as the corpus does.
``--damage 0.06`` trains nothing: the suggestions are the gold with that share of its labels wrong, by chance.

Beside it stands what Prodigy's documented interface needs for the same edits: a click on a wrong span's x,
the label's key where another label is active, one drag for each span, a to accept. A label stays active from
document to document. Moving the mouse counts for nobody.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common import arguments, corpus, keep, say
from hands import Corrected, Count, correct_all, judge, prodigy_count

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.project.init import init
from spanloop.recipes.suggest.prelabel import prelabel
from spanloop.recipes.training.retrain import retrain
from spanloop.store import Store
from spanloop.store.records import NewDocument, NewModel, Span, Task

if TYPE_CHECKING:
    from spacy.language import Language

Row = dict[str, Any]


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument(
        "folder",
        type=corpus("train.jsonl", "dev.jsonl", "test.jsonl"),
        metavar="CORPUS",
        help="its name, or a folder with train.jsonl, dev.jsonl and test.jsonl",
    )
    parser.add_argument("--documents", type=int, default=200, help="how many are corrected (200)")
    parser.add_argument("--db", type=Path, help="a project prepared by an earlier run, or where to keep it")
    parser.add_argument(
        "--damage", type=float, help="the share of the gold's labels that is wrong; no training"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        prepared = options.db or Path(scratch) / "prepared.db"
        if not prepared.exists() and options.damage is not None:
            _damage(prepared, options.folder, options.documents, options.damage)
        elif not prepared.exists():
            _prepare(prepared, options.folder, options.documents, Path(scratch))
        gold = {
            row["id"]: [(s["start"], s["end"], s["label"]) for s in row["spans"]]
            for row in _rows(options.folder / "test.jsonl", options.documents)
        }
        rows = []
        with _chromium() as browser:
            for sheet in (1, 5):
                db = Path(scratch) / f"sheet{sheet}.db"
                with Store.open(prepared) as store:
                    store.backup(db)
                say(f"{options.documents} documents by hand, {sheet} on a sheet ...")
                with _serving(db) as link:
                    tasks, count = correct_all(browser, link, gold, sheet)
                judge(db, gold)
                rows += _report(sheet, tasks, count)
        keep(options, rows)


def _rows(path: Path, count: int) -> list[Row]:
    """The first ``count`` documents of a corpus with their spans; of a corpus of tags those that spaCy cuts
    into the same tokens."""
    rows = (json.loads(line) for line in path.read_text("utf-8").splitlines())
    import spacy

    nlp = spacy.blank("en")
    found: list[Row] = []
    for row in rows:
        row = row if "spans" in row else _tagged(row, nlp)
        found.extend([row] if row else [])
        if len(found) == count:
            break
    return found


def _tagged(row: Row, nlp: Language) -> Row | None:
    doc = nlp.make_doc(row["text"])
    if [token.text for token in doc] != row["tokens"]:
        return None
    spans = [
        {"start": token.idx, "end": token.idx + len(token), "label": tag}
        for token, tag in zip(doc, row["tags"], strict=True)
    ]
    return {**row, "spans": spans}


def _prepare(db: Path, folder: Path, count: int, scratch: Path) -> None:
    work = scratch / "work.db"
    test = _rows(folder / "test.jsonl", count)
    parts = {
        "train": _rows(folder / "train.jsonl", 400),
        "dev": _rows(folder / "dev.jsonl", 200),
        "test": test,
    }
    labels = sorted({s["label"] for rows in parts.values() for row in rows for s in row["spans"]})
    init(work, labels=labels, task=_task(folder))
    for name, rows in parts.items():
        wanted = ("id", "text") if name == "test" else ("id", "text", "spans")
        part = scratch / f"{name}.jsonl"
        part.write_text(
            "".join(json.dumps({key: row[key] for key in wanted}) + "\n" for row in rows), "utf-8"
        )
        split = "eval" if name == "dev" else "pool"
        import_files(work, [part], as_="documents" if name == "test" else "annotations", split=split)
    say("training on 400 documents ...")
    print(retrain(work, TrainConfig(epochs=5)).text(), flush=True)
    print(prelabel(work, strategy="random").text(), flush=True)
    with Store.open(work) as store:
        store.backup(db)


def _task(folder: Path) -> Task:
    with (folder / "test.jsonl").open(encoding="utf-8") as lines:
        return "spans" if "spans" in json.loads(next(lines)) else "tags"


def _damage(db: Path, folder: Path, count: int, share: float) -> None:
    """A project whose suggestions are the gold with ``share`` of its labels wrong."""
    luck = random.Random(1)
    rows = _rows(folder / "test.jsonl", count)
    labels = sorted({s["label"] for row in rows for s in row["spans"]})
    with Store.create(
        db, labels=labels, base_model="offline", lang="en", eval_fraction=0, task=_task(folder)
    ) as store:
        added = store.documents.add([NewDocument(r["text"], key=r["id"], split="pool") for r in rows])
        model = store.models.add(NewModel(hash="d" * 16, kind="hf", name="damaged gold"))
        predictions = []
        for row, document in zip(rows, added, strict=True):
            spans = [
                Span(s["start"], s["end"], luck.choice(labels) if luck.random() < share else s["label"], 0.9)
                for s in row["spans"]
            ]
            predictions.append((document.document_id, spans, {"mnlp": 0.0}))
        store.predictions.add(model.id, predictions)
        store.queue.prioritise("mnlp", model.id)


@contextmanager
def _chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@contextmanager
def _serving(db: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "spanloop.recipes", "correct", str(db), "--port", "0", "--no-browser"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "http://" in line)
        try:
            yield line[line.index("http://") :].split()[0]
        finally:
            process.terminate()


def _report(sheet: int, tasks: list[Corrected], ours: Count) -> list[Row]:
    """Prints both counts; the same as rows."""
    labels = sorted({label for task in tasks for *_, label in task.gold})
    prodigy = prodigy_count(tasks, labels[0])
    edits = sum(len(set(task.suggested) ^ set(task.gold)) for task in tasks)
    print(f"{sheet} on a sheet: {len(tasks)} documents, {edits} wrong or missing spans")
    for name, count in (("spanloop", ours), ("Prodigy", prodigy)):
        print(
            f"  {name:8}  {count.keys} key presses + {count.clicks} clicks + {count.wheel} wheel turns"
            f" = {count.all / len(tasks):.2f} a document"
        )
    print(f"  ratio {ours.all / prodigy.all:.2f}", flush=True)
    return [
        {"by": name, "sheet": sheet, "documents": len(tasks), "wrong": edits, **asdict(count)}
        for name, count in (("spanloop", ours), ("Prodigy", prodigy))
    ]


if __name__ == "__main__":
    main()
