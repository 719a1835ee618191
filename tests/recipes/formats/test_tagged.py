"""Tokens, spans and tags: what stands where, and in one walk through a long document."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from spanloop.plugin.tagging.reading import read_tags
from spanloop.recipes.formats.tagged import cut_tokens, tags_of_spans
from spanloop.store.records import Range, Span


class Counted(list[Range]):
    """Tokens that count how many of them were read one after another."""

    read = 0

    def __iter__(self) -> Iterator[Range]:
        for token in super().__iter__():
            self.read += 1
            yield token


@st.composite
def tokens_and_spans(draw: st.DrawFn) -> tuple[list[Range], list[Span]]:
    """Tokens with or without gaps, and spans that lie apart, wherever they begin and end."""
    edges = sorted(draw(st.sets(st.integers(0, 60), max_size=24)))
    tokens = [edge for edge in pairwise(edges) if draw(st.booleans())]
    places = sorted(draw(st.sets(st.integers(0, 60), max_size=12)))
    spans = [
        Span(*place, draw(st.sampled_from("AB"))) for place in zip(places[::2], places[1::2], strict=False)
    ]
    return tokens, spans


@given(tokens_and_spans())
def test_a_tag_stands_on_the_tokens_inside_its_span(case: tuple[list[Range], list[Span]]) -> None:
    uncut, spans = case
    tokens = cut_tokens(uncut, spans)
    tags, lost = tags_of_spans(tokens, spans, task="spans")
    inside = {span: [t for t in tokens if span.start <= t[0] and t[1] <= span.end] for span in spans}
    wanted = [(found[0][0], found[-1][1], span.label) for span, found in inside.items() if found]
    runs = read_tags(dict.fromkeys(tags), "IOB2").runs(tags)
    assert [(tokens[first][0], tokens[end - 1][1], label) for first, end, label in runs] == wanted
    assert lost == len(spans) - len(wanted)
    assert sum(tag != "O" for tag in tags) == sum(map(len, inside.values()))


def test_a_long_document_is_walked_through_a_few_times_whatever_its_spans() -> None:
    tokens = Counted((5 * n, 5 * n + 4) for n in range(4000))
    spans = [Span(start, end, "NOUN") for start, end in tokens]
    tokens.read = 0
    tags, lost = tags_of_spans(tokens, spans, task="tags")
    assert (set(tags), lost) == ({"NOUN"}, 0)
    assert tokens.read <= 4 * 4000
