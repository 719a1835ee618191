"""No key hits the wrong span: random sequences of acts of mouse, fingers and keys, each held to one law.

``SPANLOOP_SEQUENCES`` says how many sequences, over all settings; `make soak` runs 500.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from support.processes import PATIENCE_SECONDS
from support.random_hands import RandomHands

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SEQUENCES = int(os.environ.get("SPANLOOP_SEQUENCES", "10"))
ACTS = 15
LABELS = ["PER", "LOC", "ORG"]
TEXT = "Ann Lee met Bob Ray in New York City near the Cafe of Acme ."
WORDS = TEXT.split()
SETTINGS = {
    "mouse": {},
    "mouse, tags": {"tags": True},
    "mouse that points, a sheet": {"stack": 3, "point": True},
    "finger": {"touch": True},
    "finger, tags": {"touch": True, "tags": True},
}


def document(luck: Random, *, tags: bool) -> tuple[str, list[tuple[int, int, str, float]]]:
    """The same words, with suggestions here and there."""
    ends, spans, at = [], [], 0
    for word in WORDS:
        ends.append((at, at + len(word)))
        at += len(word) + 1
    token = 0
    while token < len(WORDS):
        last = token if tags else min(len(WORDS) - 1, token + luck.randint(0, 2))
        if luck.random() < 0.35:
            spans.append((ends[token][0], ends[last][1], luck.choice(LABELS), luck.random()))
            token = last
        token += 1
    return TEXT, spans


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_span_that_a_command_changes_is_the_one_that_is_drawn_as_selected(
    chromium: Any, serve: Callable[..., Any], make_store: Callable[..., Path], setting: str
) -> None:
    settings: dict[str, Any] = SETTINGS[setting]
    tags, touch, stack = settings.get("tags", False), settings.get("touch", False), settings.get("stack", 1)
    pointing = "true" if settings.get("point") else "false"
    sequences = max(1, SEQUENCES // len(SETTINGS))
    luck = Random(f"documents {setting}")
    path = make_store(
        [document(luck, tags=tags) for _ in range(sequences * stack)],
        LABELS,
        task="tags" if tags else "spans",
    )
    context = chromium.new_context(viewport={"width": 800, "height": 900}, has_touch=touch, is_mobile=touch)
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.add_init_script(
        f"localStorage['spanloop.stack'] = '{stack}'; localStorage['spanloop.point'] = '{pointing}'"
    )
    page.goto(serve(path).link)
    hands = RandomHands(page, tags=tags, touch=touch, labels=len(LABELS))
    for sequence in range(sequences):
        page.locator(".card.active .token").first.wait_for()
        hands.begin(Random(f"{setting} {sequence}"))
        for _ in range(ACTS):
            hands.act()
            assert errors == [], hands.done
        number = page.locator(".card").last.get_attribute("data-document")
        if sequence + 1 < sequences:
            page.keyboard.press("Escape")
            while page.locator(f'.card[data-document="{number}"]').count():
                page.keyboard.press(".")
    context.close()
    sys.stdout.write(f"\n{setting}: {sequences} sequences of {ACTS} acts\n")
