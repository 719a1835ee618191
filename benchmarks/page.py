"""How fast the correction page is, in Chromium: ``python benchmarks/page.py --documents 1000000``.

Builds a store of made-up documents with predictions and tokens of the first few (``--db`` keeps it), serves
it, and answers 300 documents with the key ``a``, a fifth of a second apart. Prints the milliseconds from the
key press until the next document stands on the screen (after the second animation frame), from then until
the answer is committed, until the server is ready and until the page first paints, and the page's weight.

``--beside "spanloop retrain OTHER.db"`` runs that at nice 10 meanwhile and fails if it ends too early.
``--long`` opens documents of 20,000 words instead and scrolls through them.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common import arguments, keep, say

from spanloop.store import Store
from spanloop.store.records import NewDocument, NewModel, Span

SENTENCE = (
    "Ann Lee of Acme met Bob Ray in New York to speak about the {n}th delivery of parts for the old mill ."
)
BATCH = 1000
TOKENISED = 2000  # in queue order; the rest is for the tokenising process
LONG_SENTENCES = 1000  # of twenty words
NEXT = """
() => new Promise(resolve => {
  const before = document.querySelector('.card').dataset.document;
  const start = performance.now();
  document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'a', code: 'KeyA', bubbles: true}));
  const look = () => document.querySelector('.card')?.dataset.document === before
    ? requestAnimationFrame(look)
    : requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - start)));
  look();
})
"""
SAVED = """
() => new Promise(resolve => {
  const start = performance.now();
  const look = () => document.getElementById('saved').dataset.state === 'saved'
    ? resolve(performance.now() - start) : setTimeout(look, 1);
  look();
})
"""
# milliseconds after navigation: the first tokens are painted; the page takes keys again
OPENED = """
window.opened = new Promise(resolve => {
  const look = () => document.querySelector('.card .token')
    ? requestAnimationFrame(() => requestAnimationFrame(() => {
        const painted = performance.now();
        setTimeout(() => resolve([painted, performance.now()]), 0);
      }))
    : requestAnimationFrame(look);
  look();
});
"""
KEY = """
key => new Promise(resolve => {
  const start = performance.now();
  document.body.dispatchEvent(new KeyboardEvent('keydown', {key, code: key, bubbles: true}));
  requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - start)));
})
"""
SCROLL = """
() => new Promise(resolve => {
  const frames = [];
  let last = performance.now();
  const step = () => {
    scrollBy(0, 120);
    const now = performance.now();
    frames.push(now - last);
    last = now;
    frames.length < 400 ? requestAnimationFrame(step) : resolve(frames.slice(1));
  };
  requestAnimationFrame(step);
})
"""


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--documents", type=int, default=100_000, help="in the store (100,000)")
    parser.add_argument("--answers", type=int, default=300, help="that are given (300)")
    parser.add_argument("--db", type=Path, help="a store made by an earlier run, or where to keep it")
    parser.add_argument("--beside", metavar="COMMAND", help="what runs at nice 10 meanwhile")
    parser.add_argument("--long", action="store_true", help="measure documents of 20,000 words")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        if options.long:
            keep(options, measure_long(Path(scratch)))
            return
        db = options.db or Path(scratch) / "page.db"
        if not db.exists():
            say(f"making a store of {options.documents:,} documents ...")
            build(db, options.documents, min(TOKENISED, options.documents))
        with beside(options.beside), serving(db) as link:
            say(f"{options.answers} answers, a fifth of a second apart ...")
            keep(options, [measure(link, options.answers)])


@contextmanager
def serving(db: Path) -> Iterator[str]:
    """The page over a store; says how long it took to be there."""
    began = time.monotonic()
    command = [sys.executable, "-m", "spanloop.recipes", "correct", str(db), "--port", "0", "--no-browser"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "http://" in line)
        print(f"server ready after {time.monotonic() - began:.2f} s")
        try:
            yield line[line.index("http://") :].split()[0]
        finally:
            process.terminate()


@contextmanager
def beside(command: str | None) -> Iterator[None]:
    """Another program at nice 10; it must still be at work when the measuring is over."""
    if command is None:
        yield
        return
    process = subprocess.Popen(
        ["nice", "-n", "10", *shlex.split(command)], stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        say("20 seconds until the other program has loaded ...")
        time.sleep(20)  # until it has loaded and computes
        yield
        if process.poll() is not None:
            raise SystemExit(f"{command!r} ended before the measuring did: give it more to do")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def build(db: Path, count: int, tokenised: int) -> None:
    """``count`` documents with two suggestions each; tokens for the first ones in queue order."""
    with Store.create(
        db, labels=["PER", "ORG", "LOC"], base_model="offline", lang="en", eval_fraction=0
    ) as store:
        model = store.models.add(NewModel(hash="e" * 16, kind="hf", name="model"))
        for first in range(0, count, BATCH):
            rows = [
                NewDocument(SENTENCE.format(n=n), key=f"d{n}", split="pool")
                for n in range(first, min(count, first + BATCH))
            ]
            added = store.documents.add(rows)
            store.predictions.add(model.id, [(a.document_id, *suggestions(a.document_id)) for a in added])
        store.queue.prioritise("mnlp", model.id)
        tokenise_first(store, tokenised)


def tokenise_first(store: Store, count: int) -> None:
    """The tokens of the first documents of the queue, as the page's second process makes them."""
    from spanloop.recipes.suggest.tokenise import load_tokenizer, tokenise, tokenizer_hash

    nlp = load_tokenizer(store.project)
    store.set_project(tokenizer=tokenizer_hash(nlp))
    tokenise(store, nlp, store.documents.fetch(list(store.documents.ids(order="queue")[:count])))


def suggestions(number: int) -> tuple[list[Span], dict[str, float]]:
    return [Span(0, 7, "PER", 0.9), Span(11, 15, "ORG", 0.6)], {"mnlp": -float(number)}


@contextmanager
def browser_page() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        yield browser.new_page()
        browser.close()


def measure(link: str, answers: int) -> dict[str, object]:
    """Answer so many documents; every figure in milliseconds."""
    with browser_page() as page:
        weights: list[int] = []
        page.on("response", lambda reply: weights.append(int(reply.headers.get("content-length", 0))))
        page.goto(link)
        page.locator(".card.active .token").first.wait_for(timeout=60_000)
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        print(f"first paint after {paint:.0f} ms, {sum(weights) / 1000:.0f} kB in {len(weights)} requests")
        turns: list[float] = []
        commits: list[float] = []
        for _ in range(answers):
            turns.append(page.evaluate(NEXT))
            commits.append(page.evaluate(SAVED))
            page.wait_for_timeout(200)
        print(f"next document on screen: {percentiles(turns)}")
        print(f"answer committed after that: {percentiles(commits)}")
    return {"first_paint": paint, "next": turns, "committed": commits, "bytes": sum(weights)}


def measure_long(scratch: Path) -> list[dict[str, object]]:
    """20,000 words with a thousand suggestions: as paragraphs of five sentences, and as a single one."""
    rows: list[dict[str, object]] = []
    for name, line_end in (("paragraphs", "\n\n"), ("one paragraph", " ")):
        db = scratch / f"{name}.db"
        say(f"{name}: making a store of six documents ...")
        build_long(db, line_end)
        with serving(db) as link, browser_page() as page:
            page.add_init_script(OPENED)
            page.goto(link)
            painted, ready = page.evaluate("opened")
            print(f"{name}: opened with the page, painted after {painted:.0f} ms, ready after {ready:.0f} ms")
            page.wait_for_timeout(1000)
            keys = [page.evaluate(KEY, key) for _ in range(25) for key in ("Tab", "2")]
            print(f"{name}: a key, {percentiles(keys)}")
            frames = page.evaluate(SCROLL)
            print(f"{name}: a frame while scrolling, {percentiles(frames)}")
            page.wait_for_timeout(1000)
            turns = [page.evaluate(NEXT) for _ in range(4) if not page.wait_for_timeout(2000)]
            print(f"{name}: opened as the next document, {percentiles(turns)}")
            rows.append({"text": name, "ready": ready, "keys": keys, "frames": frames, "opened": turns})
    return rows


def build_long(db: Path, line_end: str) -> None:
    text, spans = "", []
    for n in range(LONG_SENTENCES):
        spans.append(Span(len(text), len(text) + 7, "PER", 0.9))
        text += SENTENCE.format(n=n) + (line_end if n % 5 == 4 else " ")
    with Store.create(
        db, labels=["PER", "ORG", "LOC"], base_model="offline", lang="en", eval_fraction=0
    ) as store:
        model = store.models.add(NewModel(hash="e" * 16, kind="hf", name="model"))
        added = store.documents.add([NewDocument(text, key=f"d{n}", split="pool") for n in range(6)])
        store.predictions.add(model.id, [(a.document_id, spans, {}) for a in added])
        tokenise_first(store, len(added))


def percentiles(values: list[float]) -> str:
    ordered = sorted(values)
    return ", ".join(
        f"{name} {ordered[min(len(ordered) - 1, int(share * len(ordered)))]:.0f} ms"
        for name, share in (("median", 0.5), ("p99", 0.99), ("most", 1.0))
    )


if __name__ == "__main__":
    main()
