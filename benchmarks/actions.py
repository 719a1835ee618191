"""Count what the hands do: key presses and clicks to correct 200 pre-annotated WNUT-17 documents.

    python benchmarks/actions.py ../shared/data/wnut17 [--db FILE]

Trains on 400 documents of train.jsonl, pre-annotates the first 200 of test.jsonl, and lets a script
correct them in Chromium by the shortest way that the page offers: several documents on one sheet, keys that
act on the word under the mouse. The page's own events are counted (each keydown but those of modifiers, each
press of a mouse button, each turn of the wheel); what lies in the SQLite file afterwards must be the gold.

Beside it stands what Prodigy's documented interface needs for the same edits: a click on a wrong span's x,
the label's key where another label is active, one drag for each span, a to accept. A label stays active from
document to document. Moving the mouse counts for nobody.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.project.init import init
from spanloop.recipes.suggest.prelabel import prelabel
from spanloop.recipes.training.retrain import retrain
from spanloop.store import Store

Labelled = tuple[int, int, str]  # first token, last token, label
FOLD = 840  # where the page's foot begins
VIEWPORT = {"width": 1920, "height": 950}  # a browser window on a common screen
COUNTER = """
window.actions = {keys: 0, clicks: 0};
addEventListener('keydown', e => {
  if (e.isTrusted && !['Shift', 'Control', 'Alt', 'Meta'].includes(e.key)) actions.keys += 1;
}, true);
addEventListener('mousedown', e => { if (e.isTrusted) actions.clicks += 1; }, true);
"""


@dataclass(frozen=True)
class Task:
    """A document as the page shows it and as it should be, spans in token indices."""

    document_id: int
    tokens: int
    suggested: tuple[Labelled, ...]
    gold: tuple[Labelled, ...]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="folder with train.jsonl, dev.jsonl and test.jsonl")
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--db", type=Path, help="a project prepared by an earlier run, or where to keep it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        prepared = options.db or Path(scratch) / "prepared.db"
        gold = _gold(options.folder / "test.jsonl", options.documents)
        if not prepared.exists():
            _prepare(prepared, options.folder, options.documents, Path(scratch))
        for sheet in (1, 5):
            db = Path(scratch) / f"sheet{sheet}.db"
            with Store.open(prepared) as store:
                store.backup(db)
            with _serving(db) as link:
                _report(sheet, *_correct_all(link, db, gold, sheet))


def _gold(path: Path, count: int) -> dict[str, list[Labelled]]:
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()[:count]]
    return {row["id"]: [(s["start"], s["end"], s["label"]) for s in row["spans"]] for row in rows}


def _prepare(db: Path, folder: Path, count: int, scratch: Path) -> None:
    work = scratch / "work.db"
    labels = sorted(
        {s["label"] for line in (folder / "test.jsonl").open() for s in json.loads(line)["spans"]}
    )
    init(work, labels=labels)
    for name, rows, how, split in (
        ("train", 400, "annotations", "pool"),
        ("dev", 200, "annotations", "eval"),
        ("test", count, "documents", "pool"),
    ):
        lines = (folder / f"{name}.jsonl").read_text("utf-8").splitlines()[:rows]
        if how == "documents":
            lines = [json.dumps({key: json.loads(line)[key] for key in ("id", "text")}) for line in lines]
        part = scratch / f"{name}.jsonl"
        part.write_text("\n".join(lines) + "\n", "utf-8")
        import_files(work, [part], as_=how, split=split)  # type: ignore[arg-type]
    print(retrain(work, TrainConfig(epochs=5)).text(), flush=True)
    print(prelabel(work, strategy="random").text(), flush=True)
    with Store.open(work) as store:
        store.backup(db)


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


def _correct_all(
    link: str, db: Path, gold: dict[str, list[Labelled]], sheet: int
) -> tuple[list[Task], int, int, int]:
    """Correct everything; gives the tasks and how many keys, clicks and turns of the wheel it took."""
    from playwright.sync_api import sync_playwright

    done: list[Task] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_context(viewport=VIEWPORT).new_page()
        page.add_init_script(COUNTER)
        page.add_init_script(
            f"localStorage['spanloop.stack'] = '{sheet}'; localStorage['spanloop.point'] = 'true'"
        )
        page.goto(link)
        page.locator(".card.active .token").first.wait_for(timeout=60_000)
        hands = Hands(page, alone=sheet == 1)
        while len(done) < len(gold):
            page.locator(".card.active .token").first.wait_for(timeout=60_000)
            page.wait_for_function(
                "![...document.querySelectorAll('.hint')].some(h => h.textContent.includes('being prepared'))"
            )
            tasks = [_task(page, card, gold) for card in page.locator(".card").all()]
            for task in tasks:
                hands.correct(task)
            hands.accept(tasks)
            done.extend(tasks)
        page.locator("#saved[data-state=saved]").wait_for(timeout=60_000)
        counted = page.evaluate("actions")
        browser.close()
    _judge(db, gold)
    return done, counted["keys"], counted["clicks"], hands.scrolls


def _task(page: Any, card: Any, gold: dict[str, list[Labelled]]) -> Task:
    number = int(card.get_attribute("data-document"))
    item = page.evaluate(f"fetch('/api/documents/{number}').then(reply => reply.json())")
    starts, ends = item["tokens"][::2], item["tokens"][1::2]

    def in_tokens(start: int, end: int, label: str) -> Labelled:
        return starts.index(start), ends.index(end), label

    return Task(
        number,
        len(starts),
        tuple(in_tokens(s["start"], s["end"], s["label"]) for s in item["suggestions"]),
        tuple(in_tokens(*span) for span in gold[item["key"]]),
    )


def _judge(db: Path, gold: dict[str, list[Labelled]]) -> None:
    with Store.open(db) as store:
        for key, spans in gold.items():
            document = store.documents.by_key(key)
            assert document is not None
            latest = store.annotations.latest(document.id)
            assert latest is not None, f"{key} has no answer"
            kept = [(s.start, s.end, s.label) for s in latest.spans if s.action != "rejected"]
            assert kept == sorted(spans), f"{key}: {kept} instead of {sorted(spans)}"


class Hands:
    """Makes each document's spans the gold by the fewest presses; knows which label is active."""

    def __init__(self, page: Any, *, alone: bool) -> None:
        self.page = page
        self.alone = alone  # one document at a time
        self.keys = {
            b.get_attribute("data-label"): str(n) for n, b in enumerate(page.locator(".label").all(), 1)
        }
        self.label = page.locator(".label[aria-pressed=true]").get_attribute("data-label")
        self.scrolls = 0

    def correct(self, task: Task) -> None:
        if self.alone and task.suggested and not task.gold:
            self.page.keyboard.press("z")  # no entities here: clears and accepts at once
            self._card(task).wait_for(state="detached")
            return
        wrong = [span for span in task.suggested if span not in task.gold]
        missing = [span for span in task.gold if span not in task.suggested]
        for span in [s for s in wrong if not any(_overlap(s, target) for target in missing)]:
            self._point(task, span[0])
            self.page.keyboard.press("d")
        while missing:
            target = next((span for span in missing if span[2] == self.label), missing[0])
            missing.remove(target)
            self._make(task, target, [span for span in wrong if _overlap(span, target)])

    def _make(self, task: Task, target: Labelled, in_way: list[Labelled]) -> None:
        first, last, label = target
        if len(in_way) == 1 and in_way[0][2] == label and _distance(in_way[0], target) == 1:
            self._point(task, in_way[0][0])
            self.page.keyboard.press(_nudge(in_way[0], target))
        elif (first == last and not in_way) or [span[:2] for span in in_way] == [(first, last)]:
            self._point(task, first)
            self._press_label(label)
        elif label == self.label:
            self._drag(task, first, last)
        else:
            self._sweep(task, first, last, label)

    def accept(self, tasks: Sequence[Task]) -> None:
        """Enter, once more where documents were below the fold: those are shown before they are accepted."""
        last = self._card(tasks[-1])
        while last.count():
            self.page.keyboard.press("Enter")
            self.page.evaluate(
                "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
            )

    def _card(self, task: Task) -> Any:
        return self.page.locator(f'.card[data-document="{task.document_id}"]')

    def _press_label(self, label: str) -> None:
        self.page.keyboard.press(self.keys[label])
        self.label = label

    def _box(self, task: Task, token: int) -> dict[str, float]:
        word = self._card(task).locator(f'[data-token="{token}"]').first
        box: dict[str, float] = word.bounding_box()
        if box["y"] + box["height"] > FOLD:
            self.page.mouse.wheel(0, box["y"] - FOLD + 300)
            self.scrolls += 1
            self.page.wait_for_timeout(300)
            box = word.bounding_box()
        return box

    def _point(self, task: Task, token: int) -> None:
        box = self._box(task, token)
        self.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def _sweep(self, task: Task, first: int, last: int, label: str) -> None:
        """The label's key, held down while the mouse goes from the first word to the last."""
        self._point(task, first)
        self.page.keyboard.down(self.keys[label])
        self._point(task, last)
        self.page.wait_for_timeout(300)
        self.page.keyboard.up(self.keys[label])
        self.label = label

    def _drag(self, task: Task, first: int, last: int) -> None:
        start, end = self._box(task, first), self._box(task, last)
        self.page.mouse.move(start["x"] + 1, start["y"] + start["height"] / 2)
        self.page.mouse.down()
        self.page.mouse.move(end["x"] + end["width"] - 1, end["y"] + end["height"] / 2, steps=3)
        self.page.mouse.up()


def _overlap(one: Labelled, other: Labelled) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def _distance(one: Labelled, other: Labelled) -> int:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def _nudge(span: Labelled, target: Labelled) -> str:
    if span[0] != target[0]:
        return "q" if target[0] < span[0] else "w"
    return "e" if target[1] < span[1] else "r"


def prodigy_actions(tasks: Sequence[Task], first_label: str) -> int:
    """The fewest key presses and clicks of Prodigy's documented ner_manual interface for the same edits."""
    actions, active = 0, first_label
    for task in tasks:
        actions += sum(span not in task.gold for span in task.suggested)  # a click on each x
        missing = [label for *_, label in (span for span in task.gold if span not in task.suggested)]
        while missing:
            label = active if active in missing else missing[0]
            actions += (label != active) + 1  # the label's key, the drag
            active = label
            missing.remove(label)
        actions += 1  # a
    return actions


def _report(sheet: int, tasks: list[Task], keys: int, clicks: int, wheel: int) -> None:
    labels = sorted({label for task in tasks for *_, label in task.gold})
    prodigy = prodigy_actions(tasks, labels[0])
    ours = keys + clicks + wheel
    edits = sum(len(set(task.suggested) ^ set(task.gold)) for task in tasks)
    print(
        f"{sheet} on a sheet: {len(tasks)} documents, {edits} wrong or missing spans:"
        f" {keys} key presses + {clicks} clicks + {wheel} wheel turns = {ours / len(tasks):.2f} a document,"
        f" Prodigy {prodigy / len(tasks):.2f}, ratio {ours / prodigy:.2f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
