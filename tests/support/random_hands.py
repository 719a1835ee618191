"""Hands that do anything, in any order: mouse, finger and keys, each act held to the law of `drawn`."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from support.drawn import broken_law, look

SELECT = """([card, start, end]) => {
  const paper = document.querySelector(`.card[data-document="${card}"]`);
  const at = (offset) => paper.querySelector(`.token[data-start="${offset}"]`);
  const last = at(end);
  getSelection().setBaseAndExtent(at(start).firstChild, 0, last.firstChild, last.textContent.length);
  return new Promise((done) => setTimeout(done));  // the browser tells of it in a task of its own
}"""
MOVES = [
    "Tab", "Shift+Tab", "ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp", "Home", "End", "Escape", "u", "v",
]  # fmt: skip
CHANGES = ["d", "q", "w", "e", "r", "s", "m", "Shift+ArrowRight", "Shift+ArrowLeft", "Delete"]
TOOLS = ["delete", "split", "merge"]


class RandomHands:
    """Does one act after the other on the page and holds each to the law."""

    def __init__(self, page: Any, *, tags: bool, touch: bool, labels: int) -> None:
        self.page, self.tags, self.touch, self.labels = page, tags, touch, labels
        self.tapped: int | None = None  # the word that a finger tapped last
        pointer = (
            [self.tap, self.tap, self.slide] if touch else [self.click, self.drag, self.double, self.hover]
        )
        self.acts: list[Callable[[], str]] = [
            *pointer, *pointer, self.edge, self.label_key, self.label_key, self.label_chip, self.change,
            self.change, self.tool, self.move, self.move, self.undo, self.browser_selects,
        ]  # fmt: skip

    def begin(self, luck: Random) -> None:
        """A new sequence of acts, on what the page shows now."""
        self.luck, self.done, self.seen = luck, list[str](), look(self.page)

    def act(self) -> None:
        """One act by chance. AssertionError, with all that was done, where it breaks the law."""
        kind = self.luck.choice(self.acts)()
        if not kind:
            return
        before, after = self.seen, look(self.page)
        self.seen = after
        broken = broken_law(kind, before, after, tags=self.tags)
        assert not broken, f"{broken}\nafter {self.done}\nbefore: {before.told()}\nafter: {after.told()}"

    def _token(self) -> list[Any]:
        return self.luck.choice(self.seen.tokens)

    def _middle(self, token: list[Any]) -> tuple[float, float]:
        return token[3] + token[5] / 2, token[4] + token[6] / 2

    def _press(self, key: str, kind: str) -> str:
        self.done.append(key)
        self.page.keyboard.press(key)
        return kind

    def move(self) -> str:
        return self._press(self.luck.choice(MOVES), "move")

    def change(self) -> str:
        return self._press(self.luck.choice(CHANGES), "change")

    def label_key(self) -> str:
        return self._press(str(self.luck.randint(1, self.labels)), "label")

    def undo(self) -> str:
        return self._press(self.luck.choice(["Control+z", "Control+z", "Control+y"]), "undo")

    def label_chip(self) -> str:
        return self._button(self.page.locator("#labels .label").nth(self.luck.randrange(self.labels)), "chip")

    def tool(self) -> str:
        command = self.luck.choice(TOOLS)
        if not self.seen.selected:
            return ""
        return self._button(self.page.locator(f"#tools [data-command={command}]"), "change")

    def _button(self, button: Any, kind: str) -> str:
        self.done.append(f"button {button}")
        if (
            not self.touch
        ):  # the mouse goes over the text on its way: with pointing on that is where the hands are then
            box = button.bounding_box()
            self.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            self.seen = look(self.page)
            if kind == "change" and not self.seen.selected:
                return ""
        button.tap() if self.touch else button.click()
        return kind

    def click(self) -> str:
        token, shift = self._token(), self.luck.random() < 0.2
        self.done.append(f"{'shift ' * shift}click {token[1]}")
        if shift:
            self.page.keyboard.down("Shift")
        self.page.mouse.click(*self._middle(token))
        if shift:
            self.page.keyboard.up("Shift")
        return "move"

    def hover(self) -> str:
        token = self._token()
        self.done.append(f"hover {token[1]}")
        self.page.mouse.move(*self._middle(token))
        return "move"

    def double(self) -> str:
        token = self._token()
        self.done.append(f"double-click {token[1]}")
        self.page.mouse.dblclick(*self._middle(token))
        return "make"

    def drag(self) -> str:
        first, last = self._token(), self._token()
        self.done.append(f"drag {first[1]} {last[1]}")
        self.page.mouse.move(first[3] + 2, first[4] + first[6] / 2)
        self.page.mouse.down()
        self.page.mouse.move(last[3] + last[5] - 2, last[4] + last[6] / 2, steps=3)
        self.page.mouse.up()
        return "make"

    def edge(self) -> str:
        if not self.seen.edges:
            return ""
        start, token = self.luck.choice(self.seen.edges), self._token()
        self.done.append(f"edge to {token[1]}")
        if self.touch:
            self._finger((start[0], start[1]), self._middle(token))
            return "change"
        self.page.mouse.move(*start)
        self.seen = look(self.page)
        self.page.mouse.down()
        self.page.mouse.move(*self._middle(token), steps=4)
        self.page.mouse.up()
        return "change" if self.seen.selected else "make"

    def tap(self) -> str:
        token = self._token()
        if token[1] == self.tapped:
            return ""  # twice on one word would be a double tap
        self.tapped = token[1]
        self.done.append(f"tap {token[1]}")
        self.page.touchscreen.tap(*self._middle(token))
        return "move"

    def slide(self) -> str:
        """A finger goes on from the word that is chosen."""
        if self.seen.cursor is None:
            return ""
        card, start, _ = self.seen.cursor
        first = next(token for token in self.seen.tokens if token[:2] == [card, start])
        last = self._token()
        self.done.append(f"slide {start} {last[1]}")
        self._finger(self._middle(first), self._middle(last))
        return "move"

    def _finger(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        touch = self.page.context.new_cdp_session(self.page)
        for part in range(5):
            x, y = (a + (b - a) * part / 4 for a, b in zip(start, end, strict=True))
            kind = "touchMove" if part else "touchStart"
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        touch.detach()

    def browser_selects(self) -> str:
        """As a long press of a finger does: the text is selected by the browser itself."""
        first = self._token()
        last = self.luck.choice([token for token in self.seen.tokens if token[0] == first[0]])
        start, end = sorted((first[1], last[1]))
        if self.touch:
            if first[1] == self.tapped:
                return ""
            self.tapped = first[1]
            self.page.touchscreen.tap(*self._middle(first))
        else:
            self.page.mouse.click(*self._middle(first))
        self.done.append(f"browser selects {start} {end}")
        self.page.evaluate(SELECT, [first[0], start, end])
        return "move"
