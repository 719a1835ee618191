"""Work that waits in the browser: stored as what it was, or kept in sight, whoever comes after it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.page_server import Server, answers, answers_now, spans_of
from support.steps import press, ready, saved

from spanloop.store import Store
from spanloop.store.tables.drafts import DraftOf

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LABELS = ["PER", "LOC"]
TEXTS = [("Ann met Bob .", []), ("Eve is here .", []), ("Rome is old .", []), ("Max sleeps .", [])]


@pytest.fixture
def start(serve: Callable[..., Server]) -> Callable[..., Server]:
    """Serve on the port of the first server of the test."""
    ports: list[int] = []

    def on_one_port(path: Path, **options: Any) -> Server:
        server = serve(path, **({"port": ports[0]} if ports else {}), **options)
        ports.append(int(server.link.rstrip("/").rsplit(":", 1)[1]))
        return server

    return on_one_port


def state(page: Any, name: str, text: str) -> None:
    """Wait until the page says so of what is saved."""
    page.locator(f"#saved[data-state={name}]", has_text=text).wait_for()


def answer_offline(page: Any, server: Server, count: int) -> None:
    """Take the server away and answer so many documents with a PER on the first word."""
    page.wait_for_load_state("networkidle")
    server.stop()
    for _ in range(count):
        press(page, "ArrowRight", "1", "a")
    state(page, "waiting", f"{count} answer")


def waiting(page: Any) -> str:
    """What the page says of what waits."""
    page.locator("#saved").click()
    text: str = page.locator("dialog[open] .waiting").inner_text()
    return text


def told(page: Any, text: str) -> None:
    page.locator("dialog[open] .waiting", has_text=text).wait_for()


def tokens_of(path: Path, *names: str) -> dict[str, str]:
    with Store.open(path) as store:
        return {name: store.annotators.add(name) for name in names}


def test_who_comes_back_finds_their_answers_stored_as_their_own(
    page: Any, start: Callable[..., Server], make_store: Callable[..., Path]
) -> None:
    path = make_store(TEXTS, LABELS)
    tokens = tokens_of(path, "anna", "ben")
    server = start(path)
    page.goto(f"{server.link}enter?token={tokens['anna']}")
    ready(page, "Ann")
    answer_offline(page, server, 2)
    kept = page.evaluate("Object.entries(localStorage).sort()")
    context = page.context
    page.close()
    server = start(path)
    other = context.new_page()
    other.goto(f"{server.link}enter?token={tokens['ben']}")
    other.get_by_role("button", name="Sign in as ben").click()
    state(other, "elsewhere", "2 answers wait for anna")
    assert answers_now(path) == []
    said = waiting(other)
    assert "You are ben here. This is sent when anna is: open anna's link in this browser." in said
    assert "d0" in said
    press(other, "Escape")
    assert other.evaluate("Object.entries(localStorage).sort()") == kept
    other.goto(f"{server.link}enter?token={tokens['anna']}")
    other.get_by_role("button", name="Sign in as anna").click()
    saved(other)
    found = answers(path, 2)
    assert [a.annotator for a in found] == ["anna", "anna"]
    assert [spans_of(a) for a in found] == [[(0, 3, "PER")], [(0, 3, "PER")]]
    assert other.evaluate("Object.keys(localStorage).filter(key => key.startsWith('spanloop.answer'))") == []
    other.close()


def test_a_page_whose_person_was_changed_by_another_window_stores_nothing_in_the_wrong_name(
    page: Any, start: Callable[..., Server], make_store: Callable[..., Path]
) -> None:
    path = make_store(TEXTS, LABELS)
    tokens = tokens_of(path, "anna", "ben")
    server = start(path)
    page.goto(f"{server.link}enter?token={tokens['anna']}")
    ready(page, "Ann")
    other = page.context.new_page()
    other.goto(f"{server.link}enter?token={tokens['ben']}")
    other.get_by_role("button", name="Sign in as ben").click()
    other.locator("#who", has_text="ben").wait_for()
    press(page, "ArrowRight", "1", "a")
    state(page, "refused", "1 answer was refused")
    assert "this is anna's, and ben is signed in here" in waiting(page)
    state(other, "elsewhere", "wait")  # the other window says so too
    assert answers_now(path) == []
    other.goto(f"{server.link}enter?token={tokens['anna']}")
    other.get_by_role("button", name="Sign in as anna").click()
    saved(other)
    (answer,) = answers(path, 1)
    assert answer.annotator == "anna"
    other.close()


def test_ordinary_answers_do_not_become_reviews(
    page: Any, start: Callable[..., Server], make_store: Callable[..., Path]
) -> None:
    path = make_store(TEXTS, LABELS)
    with Store.open(path) as store:
        store.reviews.send([(1, "a doubt", 0.9), (2, "another", 0.8)])
    server = start(path, annotator="anna")
    page.goto(server.link)
    ready(page, "Ann")
    answer_offline(page, server, 2)
    server = start(path, annotator="anna", review=True)
    state(page, "refused", "2 answers were refused")
    page.reload()
    ready(page, "Ann")
    state(page, "elsewhere", "2 answers wait")
    assert (
        "This was done on a page of “spanloop correct DB”, and is sent when such a page is open"
        in waiting(page)
    )
    assert answers_now(path) == []
    server.stop()
    start(path, annotator="anna")
    page.reload()
    saved(page)
    assert [a.origin for a in answers(path, 2)] == ["human", "human"]


def test_a_renamed_database_gets_what_waited_for_it(
    page: Any, start: Callable[..., Server], make_store: Callable[..., Path]
) -> None:
    path = make_store(TEXTS, LABELS)
    server = start(path)
    page.goto(server.link)
    ready(page, "Ann")
    answer_offline(page, server, 2)
    context = page.context
    page.close()
    renamed = path.rename(path.with_name("renamed.db"))
    server = start(renamed)
    again = context.new_page()
    again.goto(server.link)
    saved(again)
    assert len(answers(renamed, 2)) == 2
    again.close()


def test_what_waits_for_another_project_at_the_same_address_is_in_sight_and_waits_on(
    page: Any, start: Callable[..., Server], make_store: Callable[..., Path]
) -> None:
    garden, kitchen = make_store(TEXTS, LABELS, name="garden"), make_store(TEXTS, LABELS, name="kitchen")
    server = start(garden)
    page.goto(server.link)
    ready(page, "Ann")
    answer_offline(page, server, 2)
    server = start(kitchen)
    page.reload()
    ready(page, "Ann")
    state(page, "elsewhere", "2 answers wait")
    assert "This belongs to the project “garden”" in waiting(page)
    press(page, "Escape", "a")
    answers(kitchen, 1)
    state(page, "elsewhere", "2 answers wait")
    server.stop()
    start(garden)
    page.reload()
    saved(page)
    assert len(answers(garden, 2)) == 2
    assert len(answers_now(kitchen)) == 1


def test_an_unfinished_draft_waits_for_its_person_with_its_undo(
    page: Any, start: Callable[..., Server], make_store: Callable[..., Path]
) -> None:
    path = make_store(TEXTS, LABELS)
    server = start(path, annotator="anna")
    page.goto(server.link)
    ready(page, "Ann")
    page.wait_for_load_state("networkidle")
    server.stop()
    press(page, "ArrowRight", "1", "ArrowRight", "2")
    state(page, "waiting", "not saved yet")
    server = start(path, annotator="ben")
    page.reload()
    page.locator("#who", has_text="ben").wait_for()
    state(page, "elsewhere", "1 draft waits for anna")
    assert "start the page with “spanloop correct DB --annotator anna”" in waiting(page)
    with Store.open(path) as store:
        assert store.row("SELECT count(*) FROM drafts") == (0,)
    server.stop()
    start(path, annotator="anna")
    page.reload()
    ready(page, "Ann")
    saved(page)
    with Store.open(path) as store:
        kept = store.drafts.get(DraftOf("anna", 1))
        assert kept is not None
        assert len(json.loads(kept)["edits"]) == 2
    assert page.locator(".mark").count() == 2
    press(page, "Control+z")
    assert page.locator(".mark").count() == 1
    saved(page)
    page.reload()
    ready(page, "Ann")
    press(page, "Control+y")
    assert page.locator(".mark").count() == 2


def test_a_label_retired_meanwhile_is_told_and_the_answer_given_anew(
    page: Any, start: Callable[..., Server], make_store: Callable[..., Path]
) -> None:
    path = make_store(TEXTS, LABELS)
    server = start(path)
    page.goto(server.link)
    ready(page, "Ann")
    answer_offline(page, server, 1)
    with Store.open(path) as store:
        store.labels.rename("PER", "PERSON")
        store.labels.retire("PERSON")
    start(path)
    state(page, "refused", "1 answer was refused")
    page.reload()
    state(page, "refused", "1 answer was refused")
    assert "d0: label 'PERSON' is retired meanwhile" in waiting(page)
    page.get_by_role("button", name="Open it to answer anew").click()
    ready(page, "Ann")
    page.locator(".mark", has_text="Ann").click()
    press(page, "1")  # LOC is the only label now
    press(page, "a")
    saved(page)
    (answer,) = answers(path, 1)
    assert spans_of(answer) == [(0, 3, "LOC")]


def test_what_cannot_be_read_holds_nothing_up_and_is_shown(
    page: Any, start: Callable[..., Server], make_store: Callable[..., Path]
) -> None:
    path = make_store(TEXTS, LABELS)
    server = start(path)
    page.goto(server.link)
    ready(page, "Ann")
    answer_offline(page, server, 1)
    page.evaluate(
        "Object.keys(localStorage).filter(key => key.startsWith('spanloop.answer'))"
        ".forEach(key => localStorage.setItem(key.replace(/[0-9]{15}/, '000000000000001'), '{\"half'))"
    )
    start(path)
    state(page, "refused", "1 answer was refused")
    assert len(answers(path, 1)) == 1
    assert "Not readable: 1 answer" in waiting(page)


def test_what_waits_can_be_taken_along_as_a_file(
    page: Any, start: Callable[..., Server], make_store: Callable[..., Path], chromium: Any, tmp_path: Path
) -> None:
    path = make_store(TEXTS, LABELS)
    server = start(path, annotator="anna")
    page.goto(server.link)
    ready(page, "Ann")
    answer_offline(page, server, 2)
    server = start(path, annotator="ben")
    page.reload()
    state(page, "elsewhere", "2 answers wait for anna")
    waiting(page)
    assert page.get_by_role("button", name="Throw them away here").count() == 0
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as a file").click()
    file = tmp_path / "kept.jsonl"
    download.value.save_as(file)
    page.get_by_role("button", name="Throw them away here").click()
    told(page, "Nothing waits here.")
    press(page, "Escape")
    saved(page)
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [(line["kind"], line["annotator"], line["document_key"]) for line in lines] == [
        ("answer", "anna", "d0"),
        ("answer", "anna", "d1"),
    ]
    server.stop()
    server = start(path, annotator="anna")
    other = chromium.new_context().new_page()
    other.goto(server.link)
    ready(other, "Ann")
    press(other, "?")
    other.locator("dialog[open]").get_by_role("button", name="What waits in this browser").click()
    other.locator("dialog[open] input[type=file]").set_input_files(file)
    assert [a.annotator for a in answers(path, 2)] == ["anna", "anna"]
    other.context.close()
