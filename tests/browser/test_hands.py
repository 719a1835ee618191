"""Each hand of the page by itself, on keys and mouse; the SQLite file or the page's own marks judge."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.page_server import Server, answers, spans_of
from support.steps import drag, drawn, press, ready, saved, shown, token

from spanloop.store import Store

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LABELS = ["PER", "LOC", "ORG"]
TEXT = "Ann Lee met Bob Ray in New York City near the Bob Ray Cafe ."
SPANS = [(0, 3, "PER", 0.95), (12, 15, "PER", 0.6), (23, 31, "LOC", 0.5)]


@pytest.fixture
def open_page(
    page: Any, serve: Callable[..., Server], make_store: Callable[..., Path]
) -> Callable[..., Path]:
    """Serve these documents (or the one above) and open the page on the first."""

    def start(documents: Any = None, labels: list[str] | None = None, **project: Any) -> Path:
        path = make_store(documents or [(TEXT, SPANS)], labels or LABELS, **project)
        page.goto(serve(path).link)
        page.locator(".card.active .token").first.wait_for()
        return path

    return start


def test_edges_move_by_tokens_and_stop_at_neighbours(page: Any, open_page: Any) -> None:
    open_page()
    press(page, "Tab", "r", "r", "r", "r")  # Ann -> Ann Lee met, then Bob is in the way
    assert shown(page)[0] == ("Ann Lee met", "PER")
    press(page, "e", "w")
    assert shown(page)[0] == ("Lee", "PER")
    press(page, "e", "w", "q")
    assert shown(page)[0] == ("Ann Lee", "PER")
    press(page, "Shift+ArrowLeft")
    assert shown(page)[0] == ("Ann", "PER")


def test_split_merge_delete_and_relabel(page: Any, open_page: Any) -> None:
    open_page()
    press(page, "Tab", "Tab", "Tab", "2", "r", "s")
    assert shown(page)[2:] == [("New", "LOC"), ("York City", "LOC")]
    press(page, "Shift+Tab", "m")
    assert shown(page)[2:] == [("New York City", "LOC")]
    press(page, "3")
    assert shown(page)[2:] == [("New York City", "ORG")]
    press(page, "d")
    assert len(shown(page)) == 2


def test_a_token_cursor_adds_spans(page: Any, open_page: Any) -> None:
    open_page([("Bob met Ann Lee .", [])])
    press(page, "ArrowRight", "1", "ArrowRight", "ArrowRight", "Shift+ArrowRight", "2")
    assert shown(page) == [("Bob", "PER"), ("Ann Lee", "LOC")]


def test_undo_and_redo_survive_a_reload(page: Any, open_page: Any) -> None:
    open_page()
    press(page, "Tab", "r", "2", "Tab", "d")
    after = shown(page)
    saved(page)
    page.reload()
    ready(page, "Ann")
    assert shown(page) == after
    press(page, "Control+z", "Control+z", "Control+z")
    assert shown(page) == [("Ann", "PER"), ("Bob", "PER"), ("New York", "LOC")]
    page.reload()
    ready(page, "Ann")
    press(page, "Control+Shift+z", "Control+y", "Control+Shift+z")
    assert shown(page) == after


def test_a_draft_outlives_the_browser(page: Any, open_page: Any, chromium: Any) -> None:
    open_page()
    press(page, "Tab", "2", "f")
    saved(page)
    link = page.url
    page.close()
    other = chromium.new_context().new_page()
    other.goto(link)
    ready(other, "Ann")
    assert shown(other)[0] == ("Ann", "LOC")
    assert "flagged" in other.locator(".badge").inner_text()
    other.context.close()


def test_a_killed_server_costs_nothing(page: Any, serve: Any, make_store: Any) -> None:
    path = make_store([(TEXT, SPANS), ("Second one .", [])], LABELS)
    server = serve(path)
    page.goto(server.link)
    ready(page, "Ann")
    press(page, "Tab", "2")
    saved(page)
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    press(page, "Tab", "d")
    page.locator("#saved[data-state=waiting]").wait_for()
    server.options["port"] = int(server.link.rstrip("/").rsplit(":", 1)[1])
    server.process.stdout.close()
    server.start()
    saved(page)
    page.reload()
    ready(page, "Ann")
    assert shown(page) == [("Ann", "LOC"), ("New York", "LOC")]
    press(page, "a")
    assert spans_of(answers(path, 1)[0]) == [(0, 3, "LOC"), (23, 31, "LOC")]


def test_two_browsers_never_get_one_document_twice(
    page: Any, serve: Any, make_store: Any, chromium: Any
) -> None:
    path = make_store([(f"Document number {n} .", []) for n in range(24)], LABELS)
    link = serve(path).link
    other = chromium.new_context().new_page()
    for one in (page, other):
        one.goto(link)
        ready(one, "Document")
    for _ in range(24):
        for one in (page, other):
            one.locator(".card.active, .end:has-text('answered')").first.wait_for()
            card = one.locator(".card.active")
            if card.count():
                number = card.get_attribute("data-document")
                press(one, "a")
                one.locator(f'.card.active[data-document="{number}"]').wait_for(state="detached")
    for one in (page, other):
        saved(one)
    found = answers(path, 24)
    assert len({a.document_id for a in found}) == 24
    other.context.close()


def test_the_same_string_elsewhere_takes_the_label_after_a_look(page: Any, open_page: Any) -> None:
    text = "Acme sued Acme and Acme Labs , not Acmeville ."
    open_page([(text, [(0, 4, "ORG", 0.9)])])
    press(page, "Tab", "g")
    boxes = page.locator("dialog[open] input[type=checkbox]")
    assert boxes.count() == 2  # "Acmeville" is another token
    boxes.nth(1).uncheck()
    page.locator("dialog[open] button", has_text="Apply in this document").click()
    assert shown(page) == [("Acme", "ORG"), ("Acme", "ORG")]
    saved(page)
    page.reload()
    ready(page, "Acme")
    assert shown(page) == [("Acme", "ORG"), ("Acme", "ORG")]
    press(page, "Control+z")
    assert shown(page) == [("Acme", "ORG")]


def test_an_edge_follows_the_mouse(page: Any, open_page: Any) -> None:
    open_page()
    token(page, "York").click()
    edge = page.locator('.edge[data-edge="end"]').bounding_box()
    city = token(page, "City").bounding_box()
    page.mouse.move(edge["x"] + edge["width"] / 2, edge["y"] + edge["height"] / 2)
    page.mouse.down()
    page.mouse.move(city["x"] + city["width"] - 3, city["y"] + city["height"] / 2, steps=5)
    page.mouse.up()
    assert shown(page)[2] == ("New York City", "LOC")
    press(page, "Control+z")
    assert shown(page)[2] == ("New York", "LOC")


def test_characters_within_a_token_can_be_marked_and_are_named(page: Any, open_page: Any) -> None:
    path = open_page([("Kundennummer2785708 ist da", [])], ["NUM"])
    press(page, "ArrowRight", "1", "v", *["w"] * 12)
    assert shown(page) == [("2785708", "NUM")]
    assert "not on token borders" in page.locator("#focus").inner_text()
    press(page, "a")
    assert spans_of(answers(path, 1)[0]) == [(12, 19, "NUM")]


def test_more_than_ten_labels_have_keys_and_a_search(page: Any, open_page: Any) -> None:
    labels = [f"label {n}" for n in range(1, 23)]
    open_page([("One two three four .", [])], labels)
    press(page, "ArrowRight", "0", "ArrowRight", "Shift+Digit2", "ArrowRight")
    assert shown(page) == [("One", "label 10"), ("two", "label 12")]
    press(page, "l")
    page.keyboard.type("21")
    press(page, "Enter")
    assert shown(page)[-1] == ("three", "label 21")


def test_keys_can_be_given_by_the_project(page: Any, serve: Any, make_store: Any) -> None:
    path = make_store([(TEXT, SPANS)], LABELS)
    with Store.open(path) as store:
        store.set_project(page={"keys": {"accept": ["j", "ctrl+Enter"], "delete": ["#"]}})
    page.goto(serve(path).link)
    ready(page, "Ann")
    press(page, "a", "Tab", "#", "?")
    assert "jctrl+enter" in page.locator("dialog[open] tr", has_text="accept and go on").inner_text().replace(
        " ", ""
    )
    press(page, "Escape", "Control+Enter")
    assert [s.action for s in answers(path, 1)[0].spans].count("rejected") == 1


def test_flag_comment_and_no_entities(page: Any, open_page: Any) -> None:
    path = open_page()
    press(page, "f", "c")
    page.keyboard.type("what about Bob? <b>")
    press(page, "Enter", "z")
    (answer,) = answers(path, 1)
    assert (answer.flagged, answer.comment, spans_of(answer)) == (True, "what about Bob? <b>", [])


def test_an_earlier_answer_is_opened_and_given_anew(page: Any, open_page: Any) -> None:
    path = open_page([(TEXT, SPANS), ("Another one .", [])])
    press(page, "a")
    ready(page, "Another")
    saved(page)
    page.reload()
    ready(page, "Another")
    press(page, "o")
    page.locator("dialog[open] .earlier").first.click()
    ready(page, "Ann")
    press(page, "Tab", "3", "a")
    first, second = answers(path, 2)
    assert first.document_id == second.document_id
    assert spans_of(second)[0] == (0, 3, "ORG")
    assert [s.action for s in second.spans] == ["changed", "taken", "taken"]


def test_a_document_done_in_part_trains_on_that_part_and_is_resumed_there(page: Any, open_page: Any) -> None:
    path = open_page()
    press(page, "Tab", "Tab", "p")
    page.locator(".end").wait_for()
    (part,) = answers(path, 1)
    assert part.ranges == ((0, 15),)
    assert spans_of(part) == [(0, 3, "PER"), (12, 15, "PER")]
    press(page, "o")
    page.locator("dialog[open] .earlier").first.click()
    ready(page, "Ann")
    assert shown(page)[2] == ("New York", "LOC")
    assert page.locator(".cursor").inner_text() == "Ray"
    press(page, "a")
    assert answers(path, 2)[1].ranges is None


def test_unsure_suggestions_are_dashed_and_one_key_away(page: Any, open_page: Any) -> None:
    open_page()
    assert page.locator(".mark.unsure").all_text_contents() == ["Bob", "New York"]
    press(page, "u")
    assert page.locator(".mark.selected").text_content() == "Bob"
    press(page, "u")
    assert page.locator(".mark.selected").text_content() == "New York"


def test_a_sheet_of_documents_is_accepted_at_once(page: Any, open_page: Any) -> None:
    path = open_page([(f"Ann number {n} .", [(0, 3, "PER", 0.9)]) for n in range(7)])
    page.locator("#stack").click()
    page.locator("#stack").click()
    page.locator(".card").nth(4).wait_for()
    press(page, "Tab", "Tab", "d", "Enter")
    saved(page)
    found = answers(path, 5)
    assert [len(spans_of(a)) for a in found] == [1, 0, 1, 1, 1]
    assert {a.document_id for a in found} == {1, 2, 3, 4, 5}


def test_point_and_press(page: Any, open_page: Any) -> None:
    path = open_page()
    token(page, "Cafe").hover()
    press(page, "2")  # off: the key chooses a label for the next drag
    assert len(shown(page)) == 3
    page.locator("#point").click()
    token(page, "Cafe").hover()
    press(page, "3")
    token(page, "Ann").hover()
    press(page, "2")
    token(page, "York").hover()
    press(page, "d")
    press(page, "a")
    assert spans_of(answers(path, 1)[0]) == [(0, 3, "LOC"), (12, 15, "PER"), (54, 58, "ORG")]


def test_a_label_key_held_down_takes_in_the_words_the_mouse_goes_over(page: Any, open_page: Any) -> None:
    path = open_page()
    page.locator("#point").click()
    token(page, "New").hover()
    page.keyboard.down("3")
    token(page, "City").hover()
    page.locator(".mark", has_text="New York City").wait_for()
    token(page, "York").hover()  # and back again
    page.locator(".mark", has_text="New York City").wait_for(state="detached")
    token(page, "City").hover()
    page.keyboard.up("3")
    token(page, "Cafe").hover()  # the key is up: nothing follows the mouse any more
    assert shown(page)[2] == ("New York City", "ORG")
    press(page, "Control+z")
    assert shown(page)[2] == ("New York", "LOC")  # all of it was one step
    press(page, "Control+y", "a")
    assert spans_of(answers(path, 1)[0])[2] == (23, 36, "ORG")


def test_a_quick_press_does_not_follow_the_mouse(page: Any, open_page: Any) -> None:
    page.clock.install()
    open_page()
    page.locator("#point").click()
    for first, key, then in (("Cafe", "3", "near"), ("met", "1", "Lee")):
        token(page, first).hover()
        press(page, key)
        token(page, then).hover()
        page.clock.run_for(1_000)  # as long as a key would have to be held, and longer
    assert [text for text, _ in shown(page)] == ["Ann", "met", "Bob", "New York", "Cafe"]


def test_a_double_click_on_a_span_leaves_it_whole(page: Any, open_page: Any) -> None:
    open_page()
    token(page, "York").dblclick()
    assert shown(page)[2] == ("New York", "LOC")


def test_markup_in_a_document_is_only_text(page: Any, open_page: Any) -> None:
    text = "<script>alert(1)</script></textarea><img src=x onerror=alert(1)> javascript:alert(2) &lt; Ann"
    open_page([(text, [(text.index("Ann"), len(text), "PER", 0.9)])], meta={"<b>": "<i>meta</i>"})
    assert page.locator(".paper").inner_text().strip() == text
    assert page.locator(".paper img, .meta i, .paper script").count() == 0


def test_tags_are_changed_token_by_token(page: Any, serve: Any, make_store: Any) -> None:
    text = "Dogs run fast"
    spans = [(0, 4, "NOUN", 0.9), (5, 8, "NOUN", 0.4), (9, 13, "ADV", 0.8)]
    path = make_store([(text, spans)], ["NOUN", "VERB", "ADV"], task="tags")
    page.goto(serve(path).link)
    ready(page, "Dogs")
    press(page, "ArrowRight", "ArrowRight", "2", "a")
    (answer,) = answers(path, 1)
    assert spans_of(answer) == [(0, 4, "NOUN"), (5, 8, "VERB"), (9, 13, "ADV")]
    assert [s.action for s in answer.spans] == ["taken", "changed", "taken"]


def test_without_tokens_words_do_and_tokens_follow(page: Any, serve: Any, make_store: Any) -> None:
    path = make_store([("Isn't Ann-Lee here?", [])], LABELS, tokens=False)
    page.goto(serve(path).link)
    drag(page, "Ann", "Lee")
    assert shown(page) == [("Ann-Lee", "PER")]
    page.locator(".card.active .token", has_text="n't").wait_for()
    assert shown(page) == [("Ann-Lee", "PER")]
    press(page, "a")
    assert spans_of(answers(path, 1)[0]) == [(6, 13, "PER")]


def test_spans_and_documents_are_found_by_typing(page: Any, open_page: Any) -> None:
    open_page([(TEXT, SPANS), ("The second names Bob Ray too .", [])])
    press(page, "/")
    page.keyboard.type("york")
    page.locator("dialog[open] .found button", has_text="LOC: New York").wait_for()
    press(page, "Enter")
    assert page.locator(".mark.selected").text_content() == "New York"
    press(page, "Control+k")
    page.keyboard.type("second names")
    page.locator(".hit", has_text="The second names").click()
    ready(page, "second")


def test_what_lies_below_the_fold_is_shown_before_it_is_accepted(page: Any, open_page: Any) -> None:
    path = open_page([(f"Ann and document {n} .\n" * 9, [(0, 3, "PER", 0.9)]) for n in range(5)])
    page.locator("#stack").click()
    page.locator(".card").nth(2).wait_for()
    first = page.locator(".card").first.get_attribute("data-document")
    presses = 0
    while page.locator(f'.card[data-document="{first}"]').count():
        press(page, "Enter")
        drawn(page)
        presses += 1
    assert presses > 1
    saved(page)
    assert len(answers(path, 3)) == 3
