"""How fast the correction page is, in Chromium: ``python benchmarks/page.py --documents 1000000``.

Builds a store of made-up documents with predictions and tokens of the first few, serves it, and answers 300
documents with the key ``a``, a fifth of a second apart. Prints the milliseconds from the key press until the
next document stands on the screen (after the second animation frame), from then until the answer is
committed, until the server is ready and until the page first paints, and the page's weight.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from spanloop.recipes.tokenise import load_tokenizer, tokenise, tokenizer_hash
from spanloop.store import Store
from spanloop.store.records import Document, Model, Span

SENTENCE = (
    "Ann Lee of Acme met Bob Ray in New York to speak about the {n}th delivery of parts for the old mill ."
)
BATCH = 1000
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


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--answers", type=int, default=300)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        db = Path(scratch) / "page.db"
        build(db, options.documents, options.answers + 50)
        began = time.monotonic()
        command = [
            sys.executable,
            "-m",
            "spanloop.recipes",
            "correct",
            str(db),
            "--port",
            "0",
            "--no-browser",
        ]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            line = next(line for line in process.stderr if "http://" in line)
            print(f"server ready after {time.monotonic() - began:.2f} s")
            try:
                measure(line[line.index("http://") :].split()[0], options.answers)
            finally:
                process.terminate()


def build(db: Path, count: int, tokenised: int) -> None:
    """``count`` documents with two suggestions each; tokens for the first ones in queue order."""
    with Store.create(
        db, labels=["PER", "ORG", "LOC"], base_model="offline", lang="en", eval_fraction=0
    ) as store:
        model = store.models.add(Model(hash="e" * 16, kind="hf", name="model"))
        assert model.id is not None
        for first in range(0, count, BATCH):
            rows = [
                Document(SENTENCE.format(n=n), key=f"d{n}", split="pool") for n in range(first, first + BATCH)
            ]
            added = store.documents.add(rows)
            store.predictions.add(model.id, [(a.document_id, *suggestions(a.document_id)) for a in added])
        store.queue.prioritise("mnlp", model.id)
        nlp = load_tokenizer(store.project)
        store.set_project(tokenizer=tokenizer_hash(nlp))
        tokenise(store, nlp, store.documents.fetch(list(store.documents.ids(order="queue")[:tokenised])))


def suggestions(number: int) -> tuple[list[Span], dict[str, float]]:
    return [Span(0, 7, "PER", 0.9), Span(11, 15, "ORG", 0.6)], {"mnlp": -float(number)}


def measure(link: str, answers: int) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
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
        browser.close()


def percentiles(values: list[float]) -> str:
    ordered = sorted(values)
    return ", ".join(
        f"{name} {ordered[min(len(ordered) - 1, int(share * len(ordered)))]:.0f} ms"
        for name, share in (("median", 0.5), ("p99", 0.99), ("most", 1.0))
    )


if __name__ == "__main__":
    main()
