"""Room for the text on every screen, labels that can be told apart, and what axe-core has to say."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.processes import PATIENCE_SECONDS
from support.steps import press

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TEXT = "Ann Lee met Bob Ray in New York City near the Cafe of Acme . " * 12
SPANS = [(0, 7, "label 1", 0.95), (12, 19, "label 2 of a long name", 0.5), (23, 36, "label 3", 0.9)]
COUNTS = (1, 5, 30, 60)
# at 200 % a window of 1280x800 holds 640x400 of the page's own pixels
SCREENS = {
    "320x480": (320, 480, False),
    "320x480, a finger": (320, 480, True),
    "400x700, a finger": (400, 700, True),
    "683x384": (683, 384, False),
    "200 %": (640, 400, False),
    "1280x800": (1280, 800, False),
    "4K": (3840, 2160, False),
}
ROOM = """() => {
  const paper = document.querySelector('.card.active .paper').getBoundingClientRect();
  const top = Math.max(paper.top, document.getElementById('labels').getBoundingClientRect().bottom);
  const bottom = Math.min(paper.bottom, document.querySelector('footer').getBoundingClientRect().top);
  const whole = bottom === paper.bottom && top === paper.top; // a short text is all there
  const text = whole ? 1 : (bottom - top) / innerHeight;
  return {text, side: document.documentElement.scrollWidth - innerWidth};
}"""
CHIPS = """() => {
  const chips = [...document.querySelectorAll('#chips .label')];
  const seen = chips.filter((chip) => chip.offsetTop < document.getElementById('chips').clientHeight);
  return {
    rows: new Set(seen.map((chip) => chip.offsetTop)).size,
    widths: chips.map((chip) => chip.getBoundingClientRect().width),
    empty: chips.filter((chip) => chip.querySelector('kbd')?.textContent === '').length,
    titles: chips.filter((chip) => !chip.title.includes(chip.dataset.label)).length,
    looks: chips.map((chip) => getComputedStyle(chip.querySelector('.swatch')).background),
  };
}"""


def names(count: int) -> list[str]:
    return [f"label {n}{' of a long name' * (n % 3 == 2)}" for n in range(1, count + 1)]


@pytest.fixture
def links(serve: Callable[..., Any], make_store: Callable[..., Path]) -> Callable[[int], str]:
    """The page with so many labels."""

    def link(count: int) -> str:
        spans = [span for span in SPANS if span[2] in names(count)]
        path = make_store([(TEXT, spans), ("Another one .", [])], names(count), name=f"labels{count}")
        return str(serve(path).link)

    return link


@contextmanager
def opened(chromium: Any, link: str, screen: str, scheme: str = "light") -> Iterator[Any]:
    width, height, touch = SCREENS[screen]
    context = chromium.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, has_touch=touch, is_mobile=touch
    )
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    page = context.new_page()
    page.goto(link)
    page.locator(".card.active .token").first.wait_for()
    yield page
    context.close()


@pytest.mark.parametrize("count", COUNTS)
def test_the_text_has_at_least_half_of_every_window(chromium: Any, links: Any, count: int) -> None:
    link = links(count)
    for screen in SCREENS:
        with opened(chromium, link, screen) as page:
            for key in ("Escape", "Tab"):  # with nothing and with a span chosen
                press(page, key)
                room = page.evaluate(ROOM)
                assert room["text"] >= 0.5, (screen, key, room)
                assert room["side"] <= 0, (screen, "runs over the side")
            chips = page.evaluate(CHIPS)
            assert chips["rows"] <= 2, screen
            assert (chips["empty"], chips["titles"]) == (0, 0), screen


def test_no_two_of_thirty_labels_look_alike_and_none_changes_its_width(chromium: Any, links: Any) -> None:
    with opened(chromium, links(30), "1280x800") as page:
        before = page.evaluate(CHIPS)
        assert len(set(before["looks"])) == 30
        page.locator("#chips .label").nth(1).click()
        assert page.evaluate(CHIPS)["widths"] == before["widths"]
        page.locator("#all-labels").click()
        page.keyboard.type("label 29")
        press(page, "Enter")
        chosen = page.locator("#chips .label[aria-pressed=true]")
        assert chosen.get_attribute("data-label") == "label 29 of a long name"
        bar, chip = page.locator("#chips").bounding_box(), chosen.bounding_box()
        assert bar["y"] <= chip["y"] + 1
        assert chip["y"] + chip["height"] <= bar["y"] + bar["height"] + 1


def test_the_cursor_is_never_behind_a_bar(chromium: Any, links: Any) -> None:
    with opened(chromium, links(30), "683x384") as page:
        press(page, "ArrowRight")
        for key in ["ArrowDown"] * 12 + ["ArrowUp"] * 12:
            press(page, key)
            word, bar, foot = (
                page.locator(name).bounding_box() for name in (".token.cursor", "#labels", "footer")
            )
            assert bar["y"] + bar["height"] <= word["y"], key
            assert word["y"] + word["height"] <= foot["y"], key


def test_the_menu_of_a_narrow_window(chromium: Any, links: Any) -> None:
    with opened(chromium, links(5), "320x480, a finger") as page:
        assert page.locator("#stack").is_hidden()
        page.locator("#menu-button").tap()
        page.locator("#menu [data-command=help]").tap()
        page.locator("dialog[open]").wait_for()
        assert page.locator("#stack").is_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(chromium: Any, links: Any, scheme: str) -> None:
    axe = pytest.importorskip(
        "axe_playwright_python.base", reason="axe-playwright-python is not installed: pip install -e .[test]"
    )
    link = links(30)
    for screen, keys in itertools.product(("320x480, a finger", "1280x800"), ((), ("Tab",), ("?",), ("l",))):
        with opened(chromium, link, screen, scheme) as page:
            press(page, *keys)
            page.evaluate(axe.AXE_SCRIPT)
            found = page.evaluate("axe.run()")
            serious = [
                (v["id"], v["impact"], [node["html"][:150] for node in v["nodes"]][:3])
                for v in found["violations"]
                if v["impact"] in ("serious", "critical")
            ]
            assert serious == [], (screen, keys)
