"""How fast the list of documents is: ``python benchmarks/finding.py --documents 1000000``.

Builds a store of made-up documents of about 150 characters with predictions, answers of three people, some
of them flagged, and the search index (``--db`` keeps it), and asks the page's server for lists
as the page does. Prints for each question the milliseconds until the first page of hits is there, how many
hits it could count by then, and the seconds until all are counted.
"""

from __future__ import annotations

import random
import tempfile
import time
import uuid
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from common import arguments, keep, say
from page import serving

from spanloop.store import Store
from spanloop.store.records import AnnotatedSpan, NewAnnotation, NewDocument, NewModel, Span

BATCH = 1_000
WORDS = [f"w{''.join(random.Random(n).choices('abcdefghijklmnop', k=2 + n % 7))}" for n in range(3000)]
PEOPLE = ("anna", "ben", "čenda")
COUNTED = 10_000  # as far as the page counts
QUESTIONS: dict[str, dict[str, str]] = {
    "no filter": {},
    "a word of one document in a hundred": {"text": WORDS[5]},
    "a number of one document": {"text": " 123456"},
    "three characters that most documents hold": {"text": " wa"},
    "one character": {"text": "w"},
    "two words that never follow one another": {"text": f"{WORDS[5]} {WORDS[5]} {WORDS[5]}"},
    "characters that no document holds": {"text": "xyz"},
    "open": {"state": "open"},
    "answered": {"state": "answered"},
    "in conflict (none is)": {"state": "conflict"},
    "flagged": {"flagged": "true"},
    "answered by anna": {"by": "anna"},
    "answered by anna, with a word": {"by": "anna", "text": WORDS[5]},
    "flagged, with a word": {"flagged": "true", "text": WORDS[5]},
    "with a label": {"label_id": "2"},
    "least sure suggestion below 70 %": {"below": "0.7"},
    "least sure suggestion below 40 % (none is)": {"below": "0.4"},
    "meta source holds made": {"meta": "source", "value": "made"},
    "meta source holds other (none does)": {"meta": "source", "value": "other"},
}


def build(db: Path, documents: int) -> None:
    """A tenth of the documents is answered, one answer in a hundred of them flagged."""
    choice = random.Random(1)
    with Store.create(db, labels=["PER", "LOC"], base_model="offline", eval_fraction=0.1) as store:
        model = store.models.add(NewModel("first", "hf", "first")).id
        for begin in range(0, documents, BATCH):
            texts = (" ".join(choice.choices(WORDS, k=choice.randint(8, 40))) for _ in range(BATCH))
            numbered = enumerate(texts, begin)
            added = store.documents.add(
                NewDocument(f"{text} {n}", key=f"doc-{n}", meta={"source": "made up"}) for n, text in numbered
            )
            spans = (Span(0, 3, "PER", 0.9), Span(4, 6, "LOC", 0.5))
            store.predictions.add(model, [(document.document_id, spans, {}) for document in added])
        ids = choice.sample(list(store.documents.ids()), documents // 10)
        for begin in range(0, len(ids), BATCH):
            with store.write():
                for document_id in ids[begin : begin + BATCH]:
                    store.annotations.add(made_up(document_id, choice))
        store.search.index()


def made_up(document_id: int, choice: random.Random) -> NewAnnotation:
    """An answer of somebody."""
    span = AnnotatedSpan(0, 3, "PER", "added")
    made = str(uuid.UUID(int=choice.getrandbits(128), version=4))
    return NewAnnotation(
        made, document_id, choice.choice(PEOPLE), "human", "accept", (span,), flagged=choice.random() < 0.01
    )


def ask(page: httpx.Client, question: dict[str, str], after: int, n: int, most: int) -> dict[str, Any]:
    """One request of the list."""
    query: dict[str, Any] = {**question, "after": after, "n": n, "most": most, "client": "benchmark"}
    reply = page.get("/api/search", params=query)
    reply.raise_for_status()
    found: dict[str, Any] = reply.json()
    return found


def measure(page: httpx.Client, name: str, question: dict[str, str], times: int) -> dict[str, Any]:
    """One line: the first request, then the counting that follows it; the same as a row."""
    first = []
    for _ in range(times):
        began = time.perf_counter()
        reply = ask(page, question, 0, 20, 1_000)
        first.append((time.perf_counter() - began) * 1000)
    hits, counted, requests = len(reply["documents"]), reply["counted"], 1
    shown = f"{hits} hits, {counted:,} counted, {100 * reply['until'] / reply['last']:.0f} % looked through"
    began = time.perf_counter()
    while not reply["whole"] and counted < COUNTED:
        reply = ask(page, question, reply["until"], max(0, 20 - counted), COUNTED - counted)
        counted, requests = counted + reply["counted"], requests + 1
    end = f"{counted:,}" if reply["whole"] else f"more than {counted:,}"
    took = time.perf_counter() - began
    print(
        f"{name:<44} {median(first):5.0f} ms, most {max(first):.0f} ms: {shown};"
        f" {end} after {took:.1f} s in {requests} requests",
        flush=True,
    )
    return {"question": name, "first_ms": first, "hits": hits, "counted": counted, "whole_seconds": took}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--documents", type=int, default=100_000, help="in the store (100,000)")
    parser.add_argument("--db", type=Path, help="a store made by an earlier run, or where to keep it")
    parser.add_argument("--times", type=int, default=20, help="each question is asked so often (20)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        db = options.db or Path(scratch) / "finding.db"
        if not db.exists():
            say(f"making a store of {options.documents:,} documents ...")
            build(db, options.documents)
        with serving(db) as link, httpx.Client(base_url=link.rstrip("/"), timeout=60) as page:
            rows = [measure(page, name, question, options.times) for name, question in QUESTIONS.items()]
    keep(options, rows)


if __name__ == "__main__":
    main()
