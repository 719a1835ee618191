"""How fast the store is, and whether it stays so: ``python benchmarks/store.py --documents 1000000``.

Prints one line per figure. Documents are made up (seeded, about 150 characters, two predicted spans each).
What an import takes beside ``sqlite-utils insert`` of the same file is measured by ``imports.py``.
"""

from __future__ import annotations

import json
import random
import resource
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from statistics import median

from common import arguments, keep

from spanloop.recipes.files.importing import import_files
from spanloop.store import Store
from spanloop.store.records import AnnotatedSpan, NewAnnotation, NewModel, Span

SAID: list[dict[str, str]] = []  # every line that was printed, for --json
STRATEGIES = ("random", "least_confidence", "mnlp", "margin", "entropy")
WORDS = [f"w{''.join(random.Random(n).choices('abcdefghijklmnop', k=2 + n % 7))}" for n in range(3000)]


def write_rows(path: Path, documents: int) -> None:
    """A JSONL file of made-up documents."""
    choice = random.Random(1)
    with path.open("w", encoding="utf-8") as file:
        for number in range(documents):
            text = " ".join(choice.choices(WORDS, k=choice.randint(8, 40)))
            file.write(
                json.dumps({"id": f"doc-{number}", "text": f"{text} {number}", "source": "made up"}) + "\n"
            )


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def import_rows(rows: Path, target: Path) -> None:
    """The import that the rest goes on with, as ``spanloop import`` does it."""
    Store.create(target, labels=["PER", "LOC"], base_model="offline", eval_fraction=0.1).close()
    say("import, near-duplicates looked for", f"{seconds(lambda: import_files(target, [rows])):.1f} s")


def predict(store: Store, name: str) -> None:
    """Two spans and five scores for every document, a thousand a transaction."""
    model_id = store.models.add(NewModel(name, "hf", name)).id
    choice = random.Random(name)
    documents = store.predictions.missing(model_id, order="id")
    while batch := list(islice(documents, 1000)):
        store.predictions.add(
            model_id,
            [
                (
                    document.id,
                    (Span(0, 3, "PER", 0.9), Span(4, 6, "LOC", 0.5)),
                    {strategy: choice.random() for strategy in STRATEGIES},
                )
                for document in batch
            ],
        )


def answer(store: Store, document_id: int, annotator: str) -> None:
    """One answer as the page sends it."""
    span = AnnotatedSpan(0, 3, "PER", "added")
    store.annotations.add(
        NewAnnotation(str(uuid.uuid4()), document_id, annotator, "human", "accept", (span,), seconds=1.0)
    )


def annotate_many(store: Store, annotations: int) -> None:
    """Answers in transactions of a thousand, to fill the store."""
    ids = random.Random(2).sample(list(store.documents.ids()), annotations)
    for begin in range(0, annotations, 1000):
        with store.write():
            for document_id in ids[begin : begin + 1000]:
                answer(store, document_id, "filler")


def correct_together(store: Store, people: int, each: int) -> tuple[list[float], list[float]]:
    """Milliseconds of every next and every submit of people at once, in threads as in the page's server."""
    nexts: list[float] = []
    submits: list[float] = []

    def work(name: str) -> None:
        for _ in range(each):
            begin = time.perf_counter()
            (item,) = store.queue.next(name)
            between = time.perf_counter()
            answer(store, item.document.id, name)
            nexts.append((between - begin) * 1000)
            submits.append((time.perf_counter() - between) * 1000)

    threads = [threading.Thread(target=work, args=(f"person {number}",)) for number in range(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return nexts, submits


def status(store: Store) -> None:
    """What ``spanloop status`` asks."""
    store.queue.counts("pool")
    store.queue.counts("eval")
    store.rounds.all()
    store.ledger.counts()


def promote_beside_work(store: Store) -> tuple[float, float, list[float]]:
    """Seconds until a new order of the whole queue counts, until the old one is gone as well, and the submits
    of a person who goes on meanwhile."""
    submits: list[float] = []
    counts: list[float] = []
    begin = time.perf_counter()
    done = threading.Event()
    with Store.open(store.path) as page:
        page.checkpoints.run_beside()

        def work() -> None:
            while not done.is_set():
                submits.extend(correct_together(page, 1, 1)[1])
                if page.queue.standing()[0] == "mnlp":
                    counts.append(time.perf_counter() - begin)

        person = threading.Thread(target=work)
        person.start()
        begin = time.perf_counter()
        took = seconds(lambda: store.queue.prioritise("mnlp"))
        done.set()
        person.join()
    return counts[0], took, submits


def percentiles(values: list[float]) -> str:
    """Median, 99th percentile and worst."""
    ordered = sorted(values)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"p50 {median(ordered):.2f} ms, p99 {p99:.2f} ms, worst {ordered[-1]:.2f} ms, n={len(ordered)}"


def say(name: str, figure: str) -> None:
    """One line."""
    print(f"{name:<34} {figure}", flush=True)
    SAID.append({"what": name, "figure": figure})


def main() -> None:
    """Run it all."""
    parser = arguments(__doc__)
    parser.add_argument("--documents", type=int, default=100_000, help="in the store (100,000)")
    parser.add_argument("--annotations", type=int, help="a tenth of the documents unless given")
    parser.add_argument("--each", type=int, default=200, help="answers of each of eight people")
    options = parser.parse_args()
    annotations = options.annotations or options.documents // 10
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_rows(folder / "rows.jsonl", options.documents)
        size = (folder / "rows.jsonl").stat().st_size / options.documents
        say("documents", f"{options.documents:,}, JSONL {size:.0f} bytes each")
        path = folder / "project.db"
        import_rows(folder / "rows.jsonl", path)
        say("bytes per document, imported", f"{path.stat().st_size / options.documents:.0f}")
        with Store.open(path) as store:
            took = seconds(lambda: predict(store, "first"))
            say("store predictions", f"{took:.1f} s, {options.documents / took:,.0f} documents/s")
            say("bytes per document, predicted", f"{path.stat().st_size / options.documents:.0f}")
            say(
                "fill with annotations",
                f"{annotations / seconds(lambda: annotate_many(store, annotations)):,.0f}/s",
            )
            say(
                "order the queue, nobody working",
                f"{seconds(lambda: store.queue.prioritise('entropy')):.1f} s",
            )
            store.checkpoints.run_beside()  # as the page's server does
            one = correct_together(store, 1, options.each)
            say("next, one person", percentiles(one[0]))
            say("submit, one person", percentiles(one[1]))
            eight = correct_together(store, 8, options.each)
            say("next, eight people", percentiles(eight[0]))
            say("submit, eight people", percentiles(eight[1]))
            say("status", f"{seconds(lambda: status(store)) * 1000:.1f} ms")
            counts, took, submits = promote_beside_work(store)
            say(
                "a new order beside work",
                f"counts after {counts:.1f} s, the old one is gone after {took:.1f} s",
            )
            say("submits meanwhile", percentiles(submits))
            say("read all gold", f"{seconds(lambda: sum(1 for _ in store.annotations.gold())):.1f} s")
            say("read all documents", f"{seconds(lambda: sum(1 for _ in store.documents.iterate())):.1f} s")
            say(
                "the same file again",
                f"{seconds(lambda: import_files(path, [folder / 'rows.jsonl'])):.1f} s",
            )
            say("check", f"{seconds(store.check):.1f} s")
    say("memory at most", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    keep(options, SAID)


if __name__ == "__main__":
    main()
