"""The page for every eye and hand: axe-core, both themes, 200 % zoom, a tablet, nothing that jumps."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.processes import PATIENCE_SECONDS
from support.steps import press, ready

pytestmark = [pytest.mark.browser, pytest.mark.slow]
AXE = "axe-core@4.10.3"
TEXT = "Ann Lee met Bob in New York .\n\nA second paragraph names Acme ."
SPANS = [(0, 7, "PER", 0.95), (12, 15, "PER", 0.4), (19, 27, "LOC", 0.6), (56, 60, "ORG", 0.8)]


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """axe-core's script: where SPANLOOP_AXE says, else fetched with npm."""
    if "SPANLOOP_AXE" in os.environ:
        return Path(os.environ["SPANLOOP_AXE"])
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("axe-core comes with npm, which is not here (or set SPANLOOP_AXE=axe.min.js)")
    folder = tmp_path_factory.mktemp("axe")
    command = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", AXE]
    if subprocess.run(command, capture_output=True, timeout=PATIENCE_SECONDS, check=False).returncode != 0:
        pytest.skip("npm could not fetch axe-core (offline?)")
    return folder / "node_modules" / "axe-core" / "axe.min.js"


def violations(page: Any, axe: Path) -> list[str]:
    """Serious and critical ones, each with what it found first."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe.read_text("utf-8"))
    found = page.evaluate("axe.run(document).then(result => result.violations)")
    return [
        f"{v['id']}: {v['nodes'][0]['html'][:200]} {v['nodes'][0].get('failureSummary', '')[:300]}"
        for v in found
        if v["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(
    page: Any, serve: Callable[..., Any], make_store: Callable[..., Path], axe: Path, scheme: str
) -> None:
    path = make_store(
        [(TEXT, SPANS), ("Next .", [])],
        ["PER", "LOC", "ORG"],
        meta={"source": "a"},
        instructions="# Hi\n\n- there",
    )
    page.emulate_media(color_scheme=scheme)
    page.goto(serve(path).link)
    ready(page, "Ann")
    assert violations(page, axe) == []
    press(page, "Tab", "r", "2", "Tab", "ArrowRight", "Shift+ArrowRight", "f")
    assert violations(page, axe) == []
    for key in ("?", "h", "l", "c", "o"):
        press(page, key)
        page.locator("dialog[open]").wait_for()
        assert violations(page, axe) == []
        press(page, "Escape")
    press(page, "Tab", "g")
    page.locator("dialog[open]").get_by_text("No other open document").wait_for()
    assert violations(page, axe) == []
    press(page, "Escape")
    page.locator("#stack").click()
    press(page, "x")
    assert violations(page, axe) == []


def test_tab_right_after_a_dialog_chooses_a_span(
    page: Any, serve: Callable[..., Any], make_store: Callable[..., Path]
) -> None:
    page.goto(serve(make_store([(TEXT, SPANS)], ["PER", "LOC", "ORG"])).link)
    ready(page, "Ann")
    for key in ("?", "h", "l", "c", "o") * 3:
        press(page, key)
        page.locator("dialog[open]").wait_for()
        press(page, "Escape", "Tab")
        assert page.locator(".mark.selected").count() == 1
        press(page, "Escape")


@pytest.mark.parametrize(("width", "height"), [(600, 400), (820, 1180), (390, 800)])
def test_nothing_runs_over_the_side_on_small_screens(
    page: Any, serve: Callable[..., Any], make_store: Callable[..., Path], width: int, height: int
) -> None:
    """600 by 400 is a 1,200 pixel window at 200 % zoom, 820 by 1,180 a tablet."""
    page.set_viewport_size({"width": width, "height": height})
    page.goto(serve(make_store([(TEXT, SPANS)], ["PER", "LOC", "ORG"])).link)
    ready(page, "Ann")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("accept", "reject", "ignore", "back"):
        box = page.locator(f"#verdicts .{name}").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width


def test_nothing_moves_when_a_span_is_set_changed_or_deleted(
    page: Any, serve: Callable[..., Any], make_store: Callable[..., Path]
) -> None:
    page.goto(serve(make_store([(TEXT, SPANS)], ["PER", "LOC", "ORG", "a very long label name"])).link)
    ready(page, "Ann")
    places = (
        "[...document.querySelectorAll('.token')].map(t => Object.values(t.getBoundingClientRect().toJSON()))"
    )
    before = page.evaluate(places)
    press(page, "Tab", "4", "Tab", "d", "ArrowRight", "ArrowRight", "1", "f", "Tab", "Escape")
    assert page.evaluate(places) == before


def test_tab_goes_through_spans_then_controls_in_reading_order_and_is_never_caught(
    page: Any, serve: Callable[..., Any], make_store: Callable[..., Path]
) -> None:
    page.goto(serve(make_store([(TEXT, SPANS)], ["PER", "LOC", "ORG"])).link)
    ready(page, "Ann")
    visited: list[str] = []
    for _ in range(4 + 7 + 3 + 1 + 4 + 4):
        press(page, "Tab")
        visited.append(
            page.evaluate(
                "document.querySelector('.mark.selected')?.textContent"
                " ?? document.activeElement.dataset.command"
                " ?? document.activeElement.dataset.label ?? document.activeElement.className"
            )
        )
    assert visited[:4] == ["Ann Lee", "Bob", "New York", "Acme"]
    assert visited[4:11] == ["point", "stack", "find", "answers", "instructions", "help", "theme"]
    assert visited[11:15] == ["PER", "LOC", "ORG", "paper"]
    assert visited[15:19] == visited[:4]  # the text has the focus now
    assert visited[19:] == ["accept", "reject", "ignore", "back"]
