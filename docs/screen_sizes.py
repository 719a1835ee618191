"""Photograph the correction page on screens of every size, to be looked at.

    python docs/screen_sizes.py FOLDER

Builds a project for each number of labels, of spans and of tags, serves it, and writes one picture a screen,
theme and number of labels into FOLDER. Nothing of it is kept in the project.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

from screenshots import serving

from spanloop.recipes.suggest.tokenise import load_tokenizer, tokenise, tokenizer_hash
from spanloop.store import Store
from spanloop.store.records import NewDocument, NewModel, Span

# name, width, height, zoom of the browser: at 200 % a window holds half as many of its own pixels
SCREENS = (
    ("320x480", 320, 480, 1),
    ("400x700", 400, 700, 1),
    ("683x384", 683, 384, 1),
    ("1280x800", 1280, 800, 1),
    ("1280x800-zoom200", 640, 400, 2),
    ("3840x2160", 3840, 2160, 1),
)
LABELS = (1, 5, 30, 60)
NAMES = ("person", "organisation", "place", "work of art", "event", "law", "product", "date", "money")
SENTENCE = (
    "Ann Lee of Acme met Bob Ray in New York on Monday"
    " to speak about the delivery of parts for the old mill . "
)


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--labels", type=int, nargs="*", default=LABELS)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        for task in ("spans", "tags"):
            for count in options.labels:
                db = Path(scratch) / f"{task}{count}.db"
                build(db, task, count)
                with serving(db) as link:
                    photograph(browser, link, options.folder, f"{task}{count:02}")
        browser.close()


def names(count: int) -> list[str]:
    """So many names, short and long ones."""
    return [
        f"{NAMES[n % len(NAMES)]}{f' of kind {n // len(NAMES)}' * (n >= len(NAMES))}" for n in range(count)
    ]


def build(db: Path, task: str, count: int) -> None:
    """A project of a few documents in which every third token or so is marked."""
    labels = names(count)
    text = SENTENCE * 4
    with Store.create(
        db, labels=labels, base_model="offline", lang="en", eval_fraction=0, task=task
    ) as store:
        added = store.documents.add(
            [
                NewDocument(text + f"Note {n} .", key=f"d{n}", meta={"source": "notes"}, split="pool")
                for n in range(9)
            ]
        )
        nlp = load_tokenizer(store.project)
        store.set_project(tokenizer=tokenizer_hash(nlp))
        tokenise(store, nlp, store.documents.iterate())
        model = store.models.add(NewModel(hash="d" * 16, kind="round", name="round 2", round=None))
        spans = list(suggestions(text, labels, task))
        store.predictions.add(model.id, [(row.document_id, spans, {"mnlp": 0.0}) for row in added])
        store.queue.prioritise("mnlp", model.id)


def suggestions(text: str, labels: list[str], task: str) -> Any:
    """Names of the text under the labels in turn, some of them unsure; of tags on the single words."""
    at, n = 0, 0
    words = (
        ("Ann", "Lee", "Acme", "Bob", "York", "mill")
        if task == "tags"
        else ("Ann Lee", "Acme", "Bob Ray", "New York")
    )
    while True:
        found = [(text.find(word, at), word) for word in words if text.find(word, at) >= 0]
        if not found:
            return
        start, word = min(found)
        yield Span(start, start + len(word), labels[n % len(labels)], (0.95, 0.5)[n % 3 == 2])
        at, n = start + len(word), n + 1


def photograph(browser: Any, link: str, folder: Path, name: str) -> None:
    """One picture a screen and theme, with the first span chosen."""
    for screen, width, height, zoom in SCREENS:
        for scheme in ("light", "dark"):
            context = browser.new_context(
                viewport={"width": width, "height": height}, device_scale_factor=zoom, color_scheme=scheme
            )
            page = context.new_page()
            page.goto(link)
            page.locator(".card.active .token").first.wait_for()
            page.keyboard.press("Tab")
            page.screenshot(path=folder / f"{screen}-{name}-{scheme}.png")
            context.close()


if __name__ == "__main__":
    main()
