"""A script's hands on the correction page: each document's spans made the gold by the fewest presses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spanloop.store import Store

Labelled = tuple[int, int, str]  # first token, last token, label
FOLD = 840  # where the page's foot begins
VIEWPORT = {"width": 1920, "height": 950}  # a browser window on a common screen
PATIENCE_MS = 120_000
COUNTER = """
window.actions = {keys: 0, clicks: 0};
addEventListener('keydown', e => {
  if (e.isTrusted && !['Shift', 'Control', 'Alt', 'Meta'].includes(e.key)) actions.keys += 1;
}, true);
addEventListener('mousedown', e => { if (e.isTrusted) actions.clicks += 1; }, true);
"""


@dataclass(frozen=True)
class Corrected:
    """A document as the page shows it and as it should be, spans in token indices."""

    document_id: int
    suggested: tuple[Labelled, ...]
    gold: tuple[Labelled, ...]

    @property
    def wrong(self) -> list[Labelled]:
        return [span for span in self.suggested if span not in self.gold]

    @property
    def missing(self) -> list[Labelled]:
        return [span for span in self.gold if span not in self.suggested]


@dataclass(frozen=True)
class Count:
    """What it took: key presses, clicks (a drag is one), turns of the wheel."""

    keys: int
    clicks: int
    wheel: int = 0

    @property
    def all(self) -> int:
        return self.keys + self.clicks + self.wheel


def correct_all(
    browser: Any, link: str, gold: Mapping[str, Sequence[Labelled]], sheet: int
) -> tuple[list[Corrected], Count]:
    """Correct every document of the page, so many on a sheet; the tasks, and what the page itself counted.

    Args:
        browser: A Chromium of playwright.
        link: Where the page is served.
        gold: The true spans of each document by its key, in characters.
        sheet: How many documents stand on the screen: 1, 3, 5 or 10.
    """
    done: list[Corrected] = []
    context = browser.new_context(viewport=VIEWPORT)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.add_init_script(COUNTER)
    page.add_init_script(
        f"localStorage['spanloop.stack'] = '{sheet}'; localStorage['spanloop.point'] = 'true'"
    )
    page.goto(link)
    page.locator(".card.active .token").first.wait_for()
    hands = Hands(page, alone=sheet == 1)
    while len(done) < len(gold):
        page.locator(".card.active .token").first.wait_for()
        for card in page.locator(
            ".card"
        ).all():  # not `wait_for_function`: the page's content policy forbids it
            card.locator(".hint", has_text="being prepared").wait_for(state="detached")
        tasks = [_task(page, card, gold) for card in page.locator(".card").all()]
        for task in tasks:
            hands.correct(task)
        hands.accept(tasks)
        done.extend(tasks)
    page.locator("#saved[data-state=saved]").wait_for()
    counted = page.evaluate("actions")
    context.close()
    return done, Count(counted["keys"], counted["clicks"], hands.scrolls)


def _task(page: Any, card: Any, gold: Mapping[str, Sequence[Labelled]]) -> Corrected:
    number = int(card.get_attribute("data-document"))
    item = page.evaluate(f"fetch('/api/documents/{number}').then(reply => reply.json())")
    starts, ends = item["tokens"][::2], item["tokens"][1::2]

    def in_tokens(start: int, end: int, label: str) -> Labelled:
        return starts.index(start), ends.index(end), label

    return Corrected(
        number,
        tuple(in_tokens(s["start"], s["end"], s["label"]) for s in item["suggestions"]),
        tuple(in_tokens(*span) for span in gold[item["key"]]),
    )


def judge(db: Path, gold: Mapping[str, Sequence[Labelled]]) -> None:
    """AssertionError unless the newest answer to each document is its gold."""
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
        names = [b.get_attribute("data-label") for b in page.locator("#labels .label").all()]
        self.keys = {name: _digit(place) for place, name in enumerate(names)}
        self.label = page.locator(".label[aria-pressed=true]").get_attribute("data-label")
        self.scrolls = 0

    def correct(self, task: Corrected) -> None:
        if self.alone and task.suggested and not task.gold:
            self.page.keyboard.press("z")  # no entities here: clears and accepts at once
            self._card(task).wait_for(state="detached")
            return
        wrong, missing = task.wrong, task.missing
        for span in [s for s in wrong if not any(_overlap(s, target) for target in missing)]:
            self._delete(task, span)
        while missing:
            target = next((span for span in missing if span[2] == self.label), missing[0])
            missing.remove(target)
            in_way = [span for span in wrong if _overlap(span, target)]
            wrong = [span for span in wrong if span not in in_way]  # gone, whatever is done now
            self._make(task, target, in_way)

    def _make(self, task: Corrected, target: Labelled, in_way: list[Labelled]) -> None:
        first, last, label = target
        if len(in_way) == 1 and in_way[0][2] == label and _distance(in_way[0], target) == 1:
            self._point(task, in_way[0][0])
            self.page.keyboard.press(_nudge(in_way[0], target))
        elif (first == last and not in_way) or [span[:2] for span in in_way] == [(first, last)]:
            self._point(task, first)
            self._press_label(label)
        elif label == self.label:
            self._drag(task, first, last)
        elif around := [span for span in in_way if span[0] <= first and last <= span[1]]:
            self._delete(task, around[0])  # a label's key there would go to the longer span
            self._make(task, target, [])
        else:
            self._sweep(task, first, last, label)

    def _delete(self, task: Corrected, span: Labelled) -> None:
        self._point(task, span[0])
        self.page.keyboard.press("d")

    def accept(self, tasks: Sequence[Corrected]) -> None:
        """Enter, once more where documents were below the fold: those are shown before they are accepted."""
        last = self._card(tasks[-1])
        while last.count():
            self.page.keyboard.press("Enter")
            self.page.evaluate(
                "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
            )

    def _card(self, task: Corrected) -> Any:
        return self.page.locator(f'.card[data-document="{task.document_id}"]')

    def _press_label(self, label: str) -> None:
        self.page.keyboard.press(self.keys[label])
        self.label = label

    def _box(self, task: Corrected, token: int) -> dict[str, float]:
        word = self._card(task).locator(f'[data-token="{token}"]').first
        box: dict[str, float] = word.bounding_box()
        if box["y"] + box["height"] > FOLD:
            self.page.mouse.wheel(0, box["y"] - FOLD + 300)
            self.scrolls += 1
            self.page.wait_for_timeout(300)
            box = word.bounding_box()
        return box

    def _point(self, task: Corrected, token: int) -> None:
        box = self._box(task, token)
        self.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def _sweep(self, task: Corrected, first: int, last: int, label: str) -> None:
        """The label's key, held down while the mouse goes from the first word to the last."""
        self._point(task, first)
        self.page.keyboard.down(self.keys[label])
        self._point(task, last)
        self.page.wait_for_timeout(300)
        self.page.keyboard.up(self.keys[label])
        self.label = label

    def _drag(self, task: Corrected, first: int, last: int) -> None:
        start, end = self._box(task, first), self._box(task, last)
        self.page.mouse.move(start["x"] + 1, start["y"] + start["height"] / 2)
        self.page.mouse.down()
        self.page.mouse.move(end["x"] + end["width"] - 1, end["y"] + end["height"] / 2, steps=3)
        self.page.mouse.up()


def _digit(place: int) -> str:
    """The key of the label at this place: 1 to 9 and 0, with shift the next ten."""
    return f"{'Shift+' * (place >= 10)}Digit{(place + 1) % 10}"


def _overlap(one: Labelled, other: Labelled) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def _distance(one: Labelled, other: Labelled) -> int:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def _nudge(span: Labelled, target: Labelled) -> str:
    if span[0] != target[0]:
        return "q" if target[0] < span[0] else "w"
    return "e" if target[1] < span[1] else "r"


def prodigy_count(tasks: Sequence[Corrected], first_label: str) -> Count:
    """The fewest key presses and clicks of Prodigy's documented ner_manual interface for the same edits."""
    keys, clicks, active = 0, 0, first_label
    for task in tasks:
        clicks += len(task.wrong)  # on each x
        missing = [label for *_, label in task.missing]
        while missing:
            label = active if active in missing else missing[0]
            keys += label != active
            clicks += 1  # the drag
            active = label
            missing.remove(label)
        keys += 1  # a
    return Count(keys, clicks)
