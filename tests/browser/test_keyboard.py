"""No mouse: real documents with damaged suggestions are brought back to their gold, key by key."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.keyboard import Labelled, Range, Typist
from support.page_server import answers, spans_of

from spanloop.store import Store

pytestmark = [pytest.mark.browser, pytest.mark.data, pytest.mark.long]


def on_tokens(spans: Sequence[Labelled], tokens: Sequence[Range]) -> list[Labelled]:
    """Outermost spans that lie on token borders: what token keys can make."""
    starts, ends = {start for start, _ in tokens}, {end for _, end in tokens}
    kept: list[Labelled] = []
    for start, end, label in sorted(spans, key=lambda s: (s[0], -s[1])):
        if start in starts and end in ends and (not kept or start >= kept[-1][1]):
            kept.append((start, end, label))
    return kept


def damaged(
    gold: list[Labelled], tokens: list[Range], labels: list[str], rng: random.Random
) -> list[Labelled]:
    """Gold with spans missing, of another label, too short or too long, and some that should not be there."""
    starts, ends = [start for start, _ in tokens], [end for _, end in tokens]
    wrong: list[Labelled] = []
    for start, end, label in gold:
        first, last, luck = starts.index(start), ends.index(end), rng.random()
        if luck < 0.3:
            continue
        if luck < 0.45:
            label = rng.choice(labels)
        elif luck < 0.6:
            first = max(0, first - 1)
        elif luck < 0.7 and last > first:
            last -= 1
        wrong.append((starts[first], ends[last], label))
    for token in rng.sample(range(len(tokens)), max(1, len(tokens) // 25)):
        wrong.append((starts[token], ends[token], rng.choice(labels)))
    return on_tokens(wrong, tokens)


def correct_all(
    page: Any,
    serve: Callable[..., Any],
    make_store: Callable[..., Path],
    nlp: Any,
    documents: list[tuple[str, list[Labelled]]],
    lang: str,
) -> None:
    """Correct every document by keys alone; what is in the file afterwards must be the gold."""
    rng = random.Random(5)
    labels = sorted({label for _, spans in documents for _, _, label in spans})
    prepared = []
    for text, spans in documents:
        tokens = [(token.idx, token.idx + len(token)) for token in nlp.make_doc(text) if not token.is_space]
        gold = on_tokens(spans, tokens)
        prepared.append((text, tokens, gold, damaged(gold, tokens, labels, rng)))
    path = make_store(
        [(text, [(*span, rng.random()) for span in wrong]) for text, _, _, wrong in prepared],
        labels,
        lang=lang,
    )
    page.goto(serve(path).link)
    by_id = {number + 1: document for number, document in enumerate(prepared)}
    for _ in prepared:
        card = page.locator(".card.active")
        card.wait_for()
        number = int(card.get_attribute("data-document"))
        _, tokens, gold, wrong = by_id[number]
        for key in Typist(tokens, wrong, labels).correct(gold):
            page.keyboard.press(key)
        page.keyboard.press("a")
        page.locator(f'.card.active[data-document="{number}"]').wait_for(state="detached")
    page.locator("#saved[data-state=saved]").wait_for()
    stored = {annotation.document_id: spans_of(annotation) for annotation in answers(path, len(prepared))}
    assert stored == {number: gold for number, (_, _, gold, _) in by_id.items()}
    with Store.open(path) as store:
        actions = {s.action for d in stored for a in store.annotations.history(d) for s in a.spans}
    assert actions == {"taken", "changed", "added", "rejected"}


def read(path: Path, count: int) -> list[tuple[str, list[Labelled]]]:
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    chosen = [row for row in rows if row["spans"]][:count]
    return [(row["text"], [(s["start"], s["end"], s["label"]) for s in row["spans"]]) for row in chosen]


@pytest.mark.slow
def test_thirty_tweets_by_keyboard_alone(
    page: Any, serve: Any, make_store: Any, tokenizers: Any, data: Path
) -> None:
    correct_all(page, serve, make_store, tokenizers("en")[0], read(data / "wnut17" / "test.jsonl", 30), "en")


@pytest.mark.slow
def test_ten_chinese_sentences_by_keyboard_alone(
    page: Any, serve: Any, make_store: Any, tokenizers: Any, data: Path
) -> None:
    documents = read(data / "uner_zh_gsd" / "test.jsonl", 10)
    correct_all(page, serve, make_store, tokenizers("zh")[0], documents, "zh")


@pytest.mark.slow
def test_five_book_chapters_by_keyboard_alone(
    page: Any, serve: Any, make_store: Any, tokenizers: Any, data: Path
) -> None:
    documents: list[tuple[str, list[Labelled]]] = []
    for text_file in sorted((data / "exports" / "brat" / "litbank").glob("*.txt"))[:5]:
        lines = text_file.with_suffix(".ann").read_text("utf-8").splitlines()
        marks = [line.split("\t")[1].split(" ") for line in lines if line.startswith("T")]
        spans = [
            (int(start), int(end), label) for label, start, end in (mark for mark in marks if len(mark) == 3)
        ]
        documents.append((text_file.read_text("utf-8"), spans))
    correct_all(page, serve, make_store, tokenizers("en")[0], documents, "en")
