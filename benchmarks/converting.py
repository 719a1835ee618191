"""The public corpora from the form in which they are published to lines of JSON.

Each converter reads one original and yields a row a sentence: ``doc`` (where the source has documents),
``tokens``, ``tags`` (IOB2, or one part of speech a token), ``text`` and ``spans`` (``start``, ``end``,
``label``; half-open Unicode code points into ``text``). ``data.py`` numbers the rows and writes them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

Row = dict[str, Any]
CHUNK_SENTENCES = 3000  # of the train split of ud_en_chunks, drawn with seed 0


class ConversionError(Exception):
    """An original is not what its converter was written for; the message is one line."""


def columns(path: Path, separator: str | None = "\t") -> Iterator[list[list[str]]]:
    """The sentences of a file with a token a line, each line cut into its columns. A line that holds nothing
    but blanks ends a sentence."""
    sentence: list[list[str]] = []
    with path.open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            if line.strip():
                sentence.append(line.rstrip("\r\n").split(separator))
            elif sentence:
                yield sentence
                sentence = []
    if sentence:
        yield sentence


def row(
    tokens: Sequence[str],
    tags: Sequence[str],
    text: str | None = None,
    *,
    doc: str | None = None,
    **more: Any,
) -> Row:
    """A row of entities: the spans follow from the tags, the places of tokens from the text. Without a text
    the tokens are joined by one space."""
    text = " ".join(tokens) if text is None else text
    head = {} if doc is None else {"doc": doc}
    body = {"tokens": list(tokens), "tags": list(tags), "text": text}
    return {**head, **more, **body, "spans": spans(places(text, tokens), tags)}


def places(text: str, tokens: Iterable[str]) -> list[tuple[int, int]]:
    """The characters of each token, one after the other."""
    found, at = [], 0
    for token in tokens:
        start = text.find(token, at)
        if start < 0:
            raise ConversionError(f"the token {token!r} is not in the text {text[:60]!r}")
        at = start + len(token)
        found.append((start, at))
    return found


def spans(tokens: Sequence[tuple[int, int]], tags: Sequence[str]) -> list[dict[str, Any]]:
    """The spans of IOB2 tags."""
    found: list[dict[str, Any]] = []
    for (start, end), tag in zip(tokens, tags, strict=True):
        if tag.startswith("B-"):
            found.append({"start": start, "end": end, "label": tag[2:]})
        elif tag.startswith("I-"):
            found[-1]["end"] = end
    return found


def wnut17(path: Path) -> Iterator[Row]:
    """Two columns, IOB2; the end of a sentence is often a line with one TAB."""
    for lines in columns(path):
        yield row([line[0] for line in lines], [line[1] for line in lines])


def wikigold(path: Path) -> Iterator[Row]:
    """Two columns, IOB1; ``-DOCSTART-`` stands between documents."""
    document = 0
    for lines in columns(path, " "):
        if lines[0][0] == "-DOCSTART-":
            document += 1
            lines = lines[1:]
        if lines:
            tags = iob2([line[1] for line in lines])
            yield row([line[0] for line in lines], tags, doc=f"train-{document:04d}")


def iob2(tags: Sequence[str]) -> list[str]:
    """IOB1, in which an entity begins with I unless one of the same label touches it, as IOB2."""
    return [
        f"B-{tag[2:]}" if tag.startswith("I-") and before[2:] != tag[2:] else tag
        for before, tag in pairwise(["O", *tags])
    ]


def ncbi_disease(conll: Path, standoff: Path) -> Iterator[Row]:
    """Sentences of two columns, and the documents that they come from: the true text stands there."""
    sentences = iter([([line[0] for line in lines], [line[1] for line in lines]) for lines in columns(conll)])
    for path in sorted(standoff.glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        at = 0
        while text[at:].strip():
            tokens, tags = next(sentences, ([], []))
            if not tokens:
                raise ConversionError(f"{conll.name} ends before {path.name} does")
            found = places(text[at:], tokens)
            first, last = at + found[0][0], at + found[-1][1]
            yield row(tokens, tags, text[first:last], doc=path.stem)
            at = last
    if next(sentences, None):
        raise ConversionError(f"{conll.name} goes on after the last document of {standoff.name}")


def uner(path: Path) -> Iterator[Row]:
    """Universal NER: number, token and IOB2 tag; the text and the number of a sentence stand before it."""
    for lines in columns(path):
        said = dict(line[0][2:].split(" = ", 1) for line in lines if line[0].startswith("# "))
        rows = [line for line in lines if not line[0].startswith("#")]
        document = said["sent_id"].rpartition("-")[0]
        tags = [line[2] for line in rows]
        yield row([line[1] for line in rows], tags, said["text"], doc=document, sent_id=said["sent_id"])


def litbank(folder: Path, split: str) -> Iterator[Row]:
    """LitBank's sentences: a column a level of nesting, the innermost first. Of the chapters in the order of
    their names every tenth is the test, every tenth from the sixth on dev."""
    for path in litbank_chapters(folder, split):
        for lines in columns(path):
            levels = list(zip(*[line[1:5] for line in lines], strict=True))
            inner = [list(level) for level in levels[1:] if set(level) != {"O"}]
            found = row([line[0] for line in lines], levels[0], doc=path.stem.removesuffix("_brat"))
            yield {**found, "inner_tags": inner} if inner else found


def litbank_chapters(folder: Path, split: str) -> list[Path]:
    """The files of a split, by name."""
    chapters = sorted(folder.glob("*.tsv"), key=lambda path: path.stem.removesuffix("_brat"))
    if not chapters:
        raise ConversionError(f"{folder} holds no chapters (*.tsv)")
    splits = {0: "test", 5: "dev"}
    return [path for at, path in enumerate(chapters) if splits.get(at % 10, "train") == split]


def ud_tags(path: Path) -> Iterator[Row]:
    """Universal Dependencies: a part of speech (UPOS) a word. ``spans`` is not there."""
    for sentence, words in _conllu(path):
        tags = [word["upos"] for word in words]
        tokens = [word["form"] for word in words]
        yield {**_ids(sentence), "tokens": tokens, "tags": tags, "text": sentence["text"]}


def ud_chunks(path: Path, split: str) -> Iterator[Row]:
    """Base chunks of the same sentences; of train as many as CHUNK_SENTENCES, drawn at random."""
    from chunking import chunk_tags

    sentences = list(_conllu(path))
    if split == "train":
        random.Random(0).shuffle(sentences)
        sentences = sentences[:CHUNK_SENTENCES]
    for sentence, words in sentences:
        ids = _ids(sentence)
        found = row([word["form"] for word in words], chunk_tags(words), sentence["text"], doc=ids["doc"])
        yield {"id": ids["sent_id"], **found}


def _conllu(path: Path) -> Iterator[tuple[dict[str, str], list[dict[str, Any]]]]:
    """What is said of each sentence, and its syntactic words."""
    from conllu import parse_incr

    with path.open(encoding="utf-8") as lines:
        for sentence in parse_incr(lines):
            yield sentence.metadata, [word for word in sentence if isinstance(word["id"], int)]


def _ids(sentence: dict[str, str]) -> dict[str, str]:
    return {"doc": re.sub(r"-\d+$", "", sentence["sent_id"]), "sent_id": sentence["sent_id"]}
