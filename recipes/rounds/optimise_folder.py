"""A saved pipeline in integers of eight bits, without a project: measured and compared on documents that are
given."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.formats.entry import Entry, ReadOptions
from spanloop.recipes.formats.sources import sources

if TYPE_CHECKING:
    from spacy.language import Language

    from spanloop.plugin.alignment.values import CharSpan
    from spanloop.plugin.pipe.component import HFTokenClassifierPipe

_MOST = 2000
_LEAST = 10


@dataclass(frozen=True, slots=True)
class Judged:
    """What both pipelines say of the same documents.

    Attributes:
        before: the spans of the pipeline as it is, of each document.
        after: the same in eight bits.
        truth: the spans that the files give; None where one of the documents has none.
    """

    before: list[list[CharSpan]]
    after: list[list[CharSpan]]
    truth: list[list[CharSpan]] | None

    def f1(self, found: Sequence[Sequence[CharSpan]], true: Sequence[Sequence[CharSpan]]) -> float:
        """Strict and micro: a span counts where its characters and its label are right."""
        pairs = [
            ({span.key for span in a}, {span.key for span in b}) for a, b in zip(found, true, strict=True)
        ]
        said = sum(len(a) + len(b) for a, b in pairs)
        return 2 * sum(len(a & b) for a, b in pairs) / said if said else 1.0


def documents(files: Sequence[str | Path], seed: int) -> tuple[list[Entry], list[Entry]]:
    """Those to measure the ranges of numbers on, and those to compare on, drawn from the files.

    Args:
        files: in any format that import reads; of 2,000 documents at most.
        seed: of the draw.

    Raises:
        RecipeError: where there are fewer than ten.
    """
    entries = list(
        islice(
            (entry for source in sources(files) for entry in source.entries(ReadOptions(task="spans"))), _MOST
        )
    )
    entries = [entry for entry in entries if entry.text.strip()]
    if len(entries) < _LEAST:
        raise RecipeError(
            f"{len(entries)} documents in {', '.join(map(str, files)) or 'no file'}: give {_LEAST} or more "
            "like those that the pipeline will read, with --texts FILE"
        )
    random.Random(seed).shuffle(entries)
    half = min(len(entries) // 2, 300)
    return entries[:half], entries[half:]


def judge_both(
    nlp: Language, small: Language, pipes: tuple[HFTokenClassifierPipe, HFTokenClassifierPipe], entries: Any
) -> Judged:
    """What both say of these documents, and what the files say."""
    from spanloop.recipes.convert import char_spans

    said = []
    for one, pipe in zip((nlp, small), pipes, strict=True):
        docs = [one.make_doc(entry.text) for entry in entries]
        said.append([pipe.decode(scores) for scores in pipe.predict(docs)])
    told = [entry.spans for entry in entries]
    truth = None if any(spans is None for spans in told) else [list(char_spans(spans)) for spans in told]
    return Judged(said[0], said[1], truth)
