"""More of the rare, less of the plenty: documents repeated or left out, mentions swapped, tokens swapped.
Each is off unless asked for.

All of it is drawn from a seed, and all of it is made of tokens: a new document keeps the spaces and the cut
of the one it came from, so that what is learned is cut as what is predicted on will be.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.tagging.gold import Gold
from spanloop.plugin.training.config import Swap

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

Words = list[tuple[str, bool]]  # the text of each token and whether a space follows


def repeat_factors(golds: Sequence[Gold], threshold: float) -> list[float]:
    """How often each document is to be seen, from 1 up (repeat-factor sampling, Gupta et al. 2019, LVIS).

    A label in a share f of the documents asks for sqrt(threshold / f) times; a document follows its rarest
    label.
    """
    found = [{span.label for span in gold.spans} for gold in golds]
    share = {label: n / len(golds) for label, n in Counter(lab for labels in found for lab in labels).items()}
    wanted = {label: max(1.0, (threshold / f) ** 0.5) for label, f in share.items()}
    return [max((wanted[label] for label in labels), default=1.0) for labels in found]


def oversample(golds: Sequence[Gold], threshold: float, seed: int) -> list[int]:
    """The places of ``golds`` to learn from, rare ones repeated; parts of a repetition are drawn."""
    rng = random.Random(f"oversample-{seed}")
    places: list[int] = []
    for place, factor in enumerate(repeat_factors(golds, threshold)):
        places += [place] * (int(factor) + (rng.random() < factor % 1))
    return places


def undersample(golds: Sequence[Gold], share: float, seed: int) -> list[int]:
    """The places of ``golds`` to learn from, ascending: all but a ``share`` of those without any span.

    Documents in which a suggestion was refused stay: they say more than that nothing is there. Where no
    document has a span nothing is left out.
    """
    empty = [place for place, gold in enumerate(golds) if not gold.spans and not gold.negatives]
    if len(empty) == len(golds):
        return list(range(len(golds)))
    rng = random.Random(f"undersample-{seed}")
    left_out = set(rng.sample(empty, round(share * len(empty))))
    return [place for place in range(len(golds)) if place not in left_out]


def augment(golds: Sequence[Gold], share: float, seed: int, *, swap: Swap = "mentions") -> list[Gold]:
    """``share`` new documents for each old one, made from those with rare labels (Dai and Adel 2020, "An
    Analysis of Simple Data Augmentation for Named Entity Recognition").

    ``mentions``: each mention is replaced by another of its label. ``tokens``: half of the tokens of each
    mention are replaced by tokens of that label's mentions. Documents that were looked at in part, or with
    a span that cuts a token, take no part.
    """
    rng = random.Random(f"{swap}-{seed}")
    sources = [gold for gold in golds if gold.ranges is None and gold.spans and _on_tokens(gold)]
    mentions: dict[str, list[Words]] = {}
    for gold in sources:
        for span in gold.spans:
            mentions.setdefault(span.label, []).append(_words(_tokens(gold.doc, span)))
    if not sources:
        return []
    # A document is as likely as its rarest label is rare.
    weights = [max(1 / len(mentions[span.label]) for span in gold.spans) for gold in sources]
    drawn = rng.choices(sources, weights, k=round(share * len(golds)))
    other = _other_mention if swap == "mentions" else _other_tokens
    return [_rewritten(gold, mentions, other, rng) for gold in drawn]


def _other_mention(words: Words, found: Sequence[Words], rng: random.Random) -> Words:
    chosen = rng.choice(found)
    return [*chosen[:-1], (chosen[-1][0], words[-1][1])]  # what stood behind the old one stays behind the new


def _other_tokens(words: Words, found: Sequence[Words], rng: random.Random) -> Words:
    return [
        (rng.choice(rng.choice(found))[0] if rng.random() < 0.5 else word, space) for word, space in words
    ]


def _rewritten(
    gold: Gold,
    mentions: Mapping[str, Sequence[Words]],
    other: Callable[[Words, Sequence[Words], random.Random], Words],
    rng: random.Random,
) -> Gold:
    """The document with other words in its spans."""
    parts: list[tuple[Words, str | None]] = []
    last = 0
    for span in sorted(gold.spans, key=_start):
        tokens = _tokens(gold.doc, span)
        parts.append((_words(list(gold.doc[last : tokens[0].i])), None))
        parts.append((other(_words(tokens), mentions[span.label], rng), span.label))
        last = tokens[-1].i + 1
    parts.append((_words(list(gold.doc[last:])), None))
    return _joined(gold, parts)


def _joined(gold: Gold, parts: Sequence[tuple[Words, str | None]]) -> Gold:
    """A document of these words; parts with a label become spans."""
    from spacy.tokens import Doc

    words = [pair for part, _ in parts for pair in part]
    doc = Doc(gold.doc.vocab, words=[word for word, _ in words], spaces=[space for _, space in words])
    spans, start = [], 0
    for part, label in parts:
        end = start + len(part)
        if label is not None:
            chars = doc[start:end]
            spans.append(CharSpan(chars.start_char, chars.end_char, label))
        start = end
    return replace(gold, doc=doc, spans=tuple(spans), negatives=())


def _on_tokens(gold: Gold) -> bool:
    return all(gold.doc.char_span(span.start, span.end) is not None for span in gold.spans)


def _tokens(doc: Doc, span: CharSpan) -> list[Token]:
    return list(doc.char_span(span.start, span.end) or ())


def _words(tokens: Sequence[Token]) -> Words:
    return [(token.text, bool(token.whitespace_)) for token in tokens]


def _start(span: CharSpan) -> int:
    return span.start
