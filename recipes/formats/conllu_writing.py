"""How CoNLL-U is written: on the lines that a document came in as where its words are theirs, else anew."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.formats.conllu_rows import COLUMNS, EXACT, MISC, UPOS, Sentence, Word, sentences
from spanloop.recipes.formats.entry import Entry, WriteOptions, Written
from spanloop.recipes.formats.tagged import cut_tokens, find_tokens
from spanloop.store.records import Range, Span

_HEADS = (6, 7, 8)  # they name words by their number
_BLANKS = re.compile(r"\s+")
_OURS = ("sent_id", "text", "newdoc", "newdoc id", EXACT)


def words_of(original: str) -> list[str]:
    """The words of lines that a document came in as, as the reader takes them."""
    return [word.form for sentence in _sentences(original, UPOS) for word in sentence.words]


def _sentences(original: str, column: int) -> list[Sentence]:
    return list(sentences(Path("original.conllu"), enumerate(original.split("\n"), start=1), column))


def write(column: int, path: Path, entries: Iterable[Entry], options: WriteOptions) -> Written:
    """A block an entry: its own lines with today's tags, where its tokens are the words of these lines; else
    a word a token, its tag, ``SpaceAfter=No``, and of the columns that came in those that name no other word.

    A token is cut where a tag begins or ends inside it, and counted, as are documents that lose columns.
    RecipeError in a spans project, and for an entry without tokens.
    """
    if options.task != "tags":
        raise RecipeError("CoNLL-U carries tags, not spans: use conll, jsonl or spacy")
    documents = spans = cuts = lost = anew = 0
    group: str | None = None
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for entry in entries:
            if entry.tokens is None:
                raise RecipeError(f"document {entry.key} has no tokens: CoNLL-U is written token by token")
            placed = [span for span in entry.spans or () if entry.text[span.start : span.end].strip()]
            tokens = cut_tokens(entry.tokens, placed)
            words = _tagged(tokens, placed)
            came = None if entry.original is None else _Original.of(entry, column)
            fitting = came if came is not None and came.fits(words) else None
            if entry.group not in (None, group, entry.key):
                if fitting is None or not fitting.sentences[0].names_document:
                    file.write(f"# newdoc id = {entry.group}\n")
                group = entry.group
            if fitting is not None:
                lines = fitting.lines(words, entry.key, column)
            else:
                lines = _block(entry, words, column, came)
                anew += came is not None
            file.writelines(f"{line}\n" for line in lines)
            documents, spans = documents + 1, spans + len(placed)
            cuts, lost = cuts + len(tokens) - len(entry.tokens), lost + len(entry.spans or ()) - len(placed)
    return Written(documents=documents, spans=spans, tokens_cut=cuts, spans_lost=lost, columns_lost=anew)


Tagged = Sequence[tuple[Range, str | None]]


@dataclass(frozen=True, slots=True)
class _Original:
    """The lines that a document came in as, and where their words stand in its text."""

    sentences: list[Sentence]
    words: dict[Range, tuple[Sentence, Word]]

    @classmethod
    def of(cls, entry: Entry, column: int) -> _Original:
        found = _sentences(entry.original or "", column)
        pairs = [(sentence, word) for sentence in found for word in sentence.words]
        places = find_tokens(entry.text, [word.form for _, word in pairs])
        return cls(found, dict(zip(places, pairs, strict=True)))

    def fits(self, words: Tagged) -> bool:
        """Whether these are the words of the lines, and none has a tag that can have none."""
        return len(words) == len(self.words) and all(
            place in self.words and (tag is None or not self.words[place][1].whole) for place, tag in words
        )

    def lines(self, words: Tagged, key: str | None, column: int) -> Iterator[str]:
        """The same lines with these tags."""
        tags: dict[tuple[int, int], str | None] = {}
        tags |= {(id(sentence), word.row): None for sentence, word in self.words.values()}
        tags |= {(id(self.words[place][0]), self.words[place][1].row): tag for place, tag in words}
        whole = {(id(s), word.row) for s, word in self.words.values() if word.whole}
        for sentence in self.sentences:
            if key is not None and "sent_id" not in sentence.comments and len(self.sentences) == 1:
                yield f"# sent_id = {key}"
            for row, line in enumerate(sentence.lines):
                if (id(sentence), row) in tags and (id(sentence), row) not in whole:
                    columns = line.split("\t")
                    columns[column] = tags[id(sentence), row] or "_"
                    line = "\t".join(columns)
                yield line
            yield ""

    def columns(self, place: Range) -> list[str] | None:
        """The columns of the word at that place that mean the same in any other sentence; None where none
        stands there."""
        if place not in self.words or self.words[place][1].whole:
            return None
        sentence, word = self.words[place]
        columns = sentence.lines[word.row].split("\t")
        kept = ["_" if number in _HEADS else value for number, value in enumerate(columns)]
        misc = [part for part in kept[MISC].split("|") if part not in ("_", "SpaceAfter=No")]
        return [*kept[:MISC], "|".join(misc) or "_"]


def _tagged(tokens: list[Range], spans: list[Span]) -> list[tuple[Range, str | None]]:
    """A word a tag, whatever tokens it is made of, and the tokens that have none; in text order."""
    words: list[tuple[Range, str | None]] = [((span.start, span.end), span.label) for span in spans]
    starts, ends = sorted(span.start for span in spans), sorted(span.end for span in spans)
    outside = (place for place in tokens if bisect_right(starts, place[0]) == bisect_right(ends, place[0]))
    return sorted([*words, *((place, None) for place in outside)], key=itemgetter(0))


def _block(entry: Entry, words: Tagged, column: int, came: _Original | None) -> Iterator[str]:
    if entry.key is not None:
        yield f"# sent_id = {entry.key}"
    plain = _BLANKS.sub(" ", entry.text).strip()
    yield f"# text = {plain}"
    if plain != entry.text:
        yield f"# {EXACT} = {json.dumps(entry.text)}"
    if came is not None:
        comments = {name: said for one in came.sentences for name, said in one.comments.items()}
        for name, said in comments.items():
            if name not in _OURS and not name.startswith("newpar"):
                yield f"# {name}" if said is None else f"# {name} = {said}"
    for number, (place, tag) in enumerate(words, start=1):
        found = None if came is None else came.columns(place)
        columns = ["_"] * COLUMNS if found is None else found
        columns[0], columns[1], columns[column] = str(number), entry.text[place[0] : place[1]], tag or "_"
        if number < len(words) and words[number][0][0] == place[1]:
            columns[MISC] = "SpaceAfter=No" if columns[MISC] == "_" else f"{columns[MISC]}|SpaceAfter=No"
        yield "\t".join(columns)
    yield ""
