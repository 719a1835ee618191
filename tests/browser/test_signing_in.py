"""Secret links in a real browser: who you are changes only after a look at both names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.axe import serious

from spanloop.store import Store

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def links(serve: Callable[..., Any], make_store: Callable[..., Path]) -> dict[str, str]:
    """The link of each of two people, and of the page."""
    path = make_store([("Ann met Bob .", []), ("Eve is here .", [])], ["PER"])
    with Store.open(path) as store:
        tokens = {name: store.annotators.add(name) for name in ("anna", "ben")}
    page = serve(path).link
    return {"page": page, **{name: f"{page}enter?token={token}" for name, token in tokens.items()}}


def who(page: Any) -> str:
    page.locator("#who:not(:empty)").wait_for()
    name: str = page.locator("#who").inner_text()
    return name


def led_by_another_site(page: Any, link: str) -> None:
    """Follow a link on a page of somebody else's."""
    page.route(
        "http://evil.example/*",
        lambda route: route.fulfill(content_type="text/html", body=f"<a href='{link}'>x</a>"),
    )
    page.goto("http://evil.example/")
    page.locator("a").click()


def test_your_own_link_signs_you_in_and_leaves_the_history(page: Any, links: dict[str, str]) -> None:
    page.goto(links["anna"])
    assert who(page) == "anna"
    assert page.url == links["page"]
    page.goto(links["anna"])  # again, as the same person: nothing to ask
    assert who(page) == "anna"


@pytest.mark.parametrize("elsewhere", [False, True])
def test_the_link_of_another_asks_and_names_both(page: Any, links: dict[str, str], elsewhere: bool) -> None:
    page.goto(links["anna"])
    assert who(page) == "anna"
    if elsewhere:
        led_by_another_site(page, links["ben"])
    else:
        page.goto(links["ben"])
    page.get_by_role("button", name="Sign in as ben").wait_for()
    assert "You are signed in here as anna. This link is ben's" in page.locator("#question").inner_text()
    page.get_by_role("button", name="Go on as anna").click()
    assert who(page) == "anna"
    page.goto(links["ben"])
    page.get_by_role("button", name="Sign in as ben").click()
    assert who(page) == "ben"


def test_led_by_another_site_even_nobody_is_signed_in_unasked(page: Any, links: dict[str, str]) -> None:
    led_by_another_site(page, links["ben"])
    page.get_by_role("button", name="Sign in as ben").wait_for()
    assert page.context.cookies() == []
    page.get_by_role("button", name="Sign in as ben").click()
    assert who(page) == "ben"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_without_a_link_and_with_an_old_one_a_page_says_what_to_do(
    page: Any, links: dict[str, str], tmp_path: Path, scheme: str
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 320, "height": 480})
    page.goto(links["page"])
    page.get_by_role("heading", name="You are not signed in here").wait_for()
    assert serious(page) == []
    page.goto(links["anna"])
    assert who(page) == "anna"
    with Store.open(tmp_path / "project.db") as store:
        token = store.annotators.reissue("anna")
    page.reload()
    page.get_by_text("Your sign-in in this browser is not valid any more").wait_for()
    page.goto(links["anna"])
    page.get_by_text("This link is not valid (any more)").wait_for()
    page.goto(f"{links['page']}enter?token={token}")
    assert who(page) == "anna"
    page.goto(links["ben"])
    page.get_by_role("button", name="Sign in as ben").wait_for()
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
