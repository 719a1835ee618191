"""Keys are changed on the page, by its person, for this browser; the file shows what they did."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.axe import serious
from support.page_server import answers
from support.steps import press, ready

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def change(page: Any, text: str, key: str) -> None:
    """Give the command with this description another key, by keyboard alone."""
    press(page, "?")
    page.get_by_role("button", name="Change keys").focus()
    press(page, "Enter")
    page.locator(".keying button", has_text=text).first.focus()
    press(page, "Enter")
    page.get_by_text("Press the new key for").wait_for()
    press(page, key)


def test_a_key_is_given_to_another_command_and_stays_after_a_reload(
    page: Any, serve: Callable[..., Any], make_store: Callable[..., Path]
) -> None:
    path = make_store([(f"Ann met Bob {n} .", []) for n in range(4)], ["PER", "ORG"])
    page.goto(serve(path).link)
    ready(page, "Ann")
    change(page, "accept and go on", "x")
    assert (
        "“x” is now: accept and go on. It is taken from: reject"
        in page.locator("dialog p").first.inner_text()
    )
    press(page, "Escape")
    assert page.locator("#verdicts .accept kbd").inner_text() == "x"
    assert page.locator("#verdicts .reject kbd").inner_text() == ""
    press(page, "a", "x")  # the old key does nothing
    assert [a.answer for a in answers(path, 1)] == ["accept"]
    page.reload()
    ready(page, "Ann")
    press(page, "x")
    assert [a.answer for a in answers(path, 2)] == ["accept", "accept"]
    change(page, "reject: this document", "Shift+Q")
    press(page, "Escape", "Shift+Q")
    assert [a.answer for a in answers(path, 3)][-1] == "reject"
    press(page, "?")
    page.get_by_role("button", name="Change keys").click()
    page.get_by_role("button", name="All as the project has them").click()
    press(page, "Escape")
    ready(page, "Ann")
    press(page, "a")
    assert [a.answer for a in answers(path, 4)][-1] == "accept"


def test_escape_leaves_a_key_and_the_dialog_as_they_are(
    page: Any, serve: Callable[..., Any], make_store: Callable[..., Path]
) -> None:
    page.goto(serve(make_store([("Ann met Bob .", [])], ["PER"])).link)
    ready(page, "Ann")
    change(page, "accept and go on", "Escape")
    page.get_by_text("Nothing was changed.").wait_for()
    assert serious(page, "dialog") == []
    press(page, "Escape")
    assert page.locator("dialog[open]").count() == 0
    assert page.locator("#verdicts .accept kbd").inner_text() == "a"
