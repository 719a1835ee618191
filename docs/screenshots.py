"""Make the pictures of docs/correcting.md: python docs/screenshots.py

Builds a project from the corpus in the package, with its gold damaged a little as suggestions, serves it, and
photographs the page in Chromium, light and dark.
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
from pathlib import Path
from typing import Any

from spanloop.recipes.demo.demo import CORPUS, INSTRUCTIONS, LABELS
from spanloop.recipes.suggest.tokenise import load_tokenizer, tokenise, tokenizer_hash
from spanloop.store import Store
from spanloop.store.records import AnnotatedSpan, NewAnnotation, NewDocument, NewModel, Span

FOLDER = Path(__file__).parent / "correcting"
SHOWN = 14
# two answers, as a page keeps them that could not send them
LEFT_BY_ANNA = """async () => {
  const kept = await import("/static/kept.js");
  const { session, name } = await (await fetch("/api/project")).json();
  for (const number of [1, 2]) {
    const document = { document_id: number, document_key: `note ${number}` };
    const answer = { ...document, uuid: crypto.randomUUID(), answer: "accept", spans: [] };
    const body = { ...session, annotator: "anna", project_name: name, ...answer };
    localStorage.setItem(kept.keyOf("answer", body, number), JSON.stringify(body));
  }
}"""
UNSUGGESTED = (  # without suggestions, for the picture of equal strings
    "The hawthorn by the water butt is in flower, two weeks early.",
    "Somebody has cut the hawthorn right back. It was nesting season.",
)


def main() -> None:
    from playwright.sync_api import sync_playwright

    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        db = Path(scratch) / "garden.db"
        build(db)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        with serving(db) as link:
            for scheme in ("light", "dark"):
                context = browser.new_context(viewport={"width": 1200, "height": 720}, color_scheme=scheme)
                photograph(context.new_page(), link, scheme)
                context.close()
        browser.close()


def build(db: Path) -> None:
    """A project of short documents with suggestions as a middling model would make them."""
    rows = [json.loads(line) for line in CORPUS.read_text("utf-8").splitlines()]
    rows = [row for row in rows if 2 <= len(row["spans"]) <= 6 and len(row["text"]) < 320][:SHOWN]
    rows += [{"id": f"u{n}", "text": text, "spans": [], "meta": {}} for n, text in enumerate(UNSUGGESTED)]
    luck = random.Random(4)
    guide = INSTRUCTIONS.read_text("utf-8")
    with Store.create(
        db, labels=LABELS, base_model="offline", lang="en", eval_fraction=0, instructions=guide
    ) as store:
        added = store.documents.add(
            [NewDocument(r["text"], key=r["id"], meta=r["meta"], split="pool") for r in rows]
        )
        model = store.models.add(NewModel(hash="d" * 16, kind="round", name="round 2", round=None))
        predictions = [
            (row.document_id, list(suggestions(rows[n]["spans"], luck)), {"mnlp": -float(n)})
            for n, row in enumerate(added)
        ]
        store.predictions.add(model.id, predictions)
        store.queue.prioritise("mnlp", model.id)
        nlp = load_tokenizer(store.project)
        store.set_project(tokenizer=tokenizer_hash(nlp))
        tokenise(store, nlp, store.documents.iterate())
        answer_some(store)


def answer_some(store: Store) -> None:
    """Some documents are answered by others, and not the same; some are flagged."""
    store.set_project(overlap=2)
    for number in list(store.documents.ids())[5:13]:
        spans = (AnnotatedSpan(0, 3, LABELS[0]),)
        flagged = number % 4 == 0
        for name, said in (("anna", spans), ("ben", spans if number % 3 else ())):
            store.annotations.add(
                NewAnnotation(f"{name} {number}", number, name, "human", "accept", said, flagged=flagged)
            )
    store.set_project(overlap=1)


def suggestions(gold: list[dict[str, Any]], luck: random.Random) -> Iterator[Span]:
    """Most of the gold, some of it unsure, a little of it under another label."""
    for span in gold:
        chance = luck.random()
        if chance < 0.15:
            continue
        label = luck.choice(LABELS) if chance < 0.25 else span["label"]
        score = luck.uniform(0.3, 0.65) if chance < 0.4 else luck.uniform(0.8, 0.99)
        yield Span(span["start"], span["end"], label, round(score, 2))


@contextmanager
def serving(db: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "spanloop.recipes", "correct", str(db), "--port", "0", "--no-browser"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "http://" in line)
        try:
            yield line[line.index("http://") :].split()[0]
        finally:
            process.terminate()


def photograph(page: Any, link: str, scheme: str) -> None:
    """One picture a state of the page; nothing is answered, so that both themes show the same documents."""

    def shoot(name: str) -> None:
        page.mouse.move(600, 640)
        page.screenshot(path=FOLDER / f"{name}-{scheme}.png")

    page.goto(link)
    page.locator(".card.active .token").first.wait_for()
    page.keyboard.press("Tab")
    shoot("document")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    shoot("keys")
    page.keyboard.press("Escape")
    page.locator("#stack").click()
    page.locator(".card").nth(2).wait_for()
    shoot("sheet")
    page.locator("#stack").click()
    page.keyboard.press("/")
    page.keyboard.type("the ")
    page.locator(".hit mark").first.wait_for()
    shoot("list")
    page.get_by_label("Text to find").fill("a wall of hawthorn")
    page.locator(".hit mark", has_text="hawthorn").first.wait_for()
    page.keyboard.press("Enter")
    page.locator(".card.active .mark .token", has_text="hawthorn").first.click()
    page.keyboard.press("g")
    page.locator("dialog[open]").get_by_text("still open").wait_for()
    shoot("equal")
    page.evaluate(LEFT_BY_ANNA)
    page.reload()
    page.locator("#saved", has_text="wait for anna").click()
    shoot("waiting")
    page.evaluate("localStorage.clear()")


if __name__ == "__main__":
    main()
