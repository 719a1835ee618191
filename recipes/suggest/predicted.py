"""What `predict` gives: texts with what a model says of them, and the files that they were written to."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spanloop.plugin.tagging.schemes import OUTSIDE
from spanloop.recipes.formats.entry import Entry
from spanloop.recipes.formats.jsonl import as_record
from spanloop.recipes.formats.tagged import cut_tokens, tags_of_spans
from spanloop.recipes.report import Count, Report, Shape
from spanloop.recipes.suggest.choice import Used
from spanloop.recipes.suggest.refusal import Refusal, refusals_text
from spanloop.recipes.table import counted
from spanloop.store.records import Span, Task


@dataclass(frozen=True, slots=True)
class Predicted(Report):
    """One text with what the model says of it; ``tags``: shown as one line a labelled token. ``refused``: why
    it says nothing, None where it does. ``bare``: the labels that the model writes without a prefix.
    ``used``: how its answer was read; ``below_threshold``: so many spans it was not sure enough of;
    ``candidates``: every span that may be there, where they were asked for."""

    entry: Entry
    task: Task
    tags: bool = False
    refused: str | None = None
    bare: frozenset[str] = frozenset()
    used: Used = field(default_factory=Used)
    below_threshold: int = 0
    candidates: tuple[Span, ...] | None = None

    def json(self) -> dict[str, Any]:
        """As a line of JSONL, with ``refused`` where it is, and ``candidates`` where they were asked for."""
        if self.refused is not None:
            return {**as_record(self.entry), "refused": self.refused}
        if self.candidates is None:
            return as_record(self.entry)
        shown = [[span.start, span.end, span.label, span.score] for span in self.candidates]
        return {**as_record(self.entry), "candidates": shown}

    def text(self) -> str:
        if self.refused is not None:
            return f"{self.entry.text}\n  refused by {self.refused}"
        return self._tags_text() if self.tags else self._spans_text()

    def _spans_text(self) -> str:
        """The text, then a line a span: label, score, its text and its characters; then the candidates."""
        lines = [self.entry.text, *(f"  {self._line(span)}" for span in self.entry.spans or ())]
        if self.below_threshold:
            lines.append(f"  {counted(self.below_threshold, 'span')} below the threshold left out")
        lines += [f"  may be {self._line(span)}" for span in self.candidates or ()]
        return "\n".join(lines)

    def _line(self, span: Span) -> str:
        score = "" if span.score is None else f"  {span.score:.3f}"
        return f"{span.label}{score}  {self.entry.text[span.start : span.end]!r}  {span.start}-{span.end}"

    def _tags_text(self) -> str:
        """``Word: New, Label: B-LOC``, a line a token that has a label, and an empty line after each text.

        In IOB2 whatever the model speaks; a label that it writes without a prefix has none here either."""
        spans = self.entry.spans or ()
        tokens = cut_tokens(self.entry.tokens or (), spans)
        tags, _ = tags_of_spans(tokens, spans, task=self.task)
        labels, _ = tags_of_spans(tokens, spans, task="tags")
        said = [label if label in self.bare else tag for tag, label in zip(tags, labels, strict=True)]
        words = [self.entry.text[start:end] for start, end in tokens]
        lines = [(word, tag) for word, tag in zip(words, said, strict=True) if tag != OUTSIDE]
        return "".join(f"Word: {word}, Label: {tag}\n" for word, tag in lines)


@dataclass(frozen=True, slots=True)
class PredictionRecords(Shape):
    """What a model says of texts."""

    documents: tuple[dict[str, Any], ...]
    """Each as a line of JSONL (docs/data.md); `refused` says why a model says nothing of it. `candidates` are
    there with `--candidates`: start, end, label and probability of every span that may be there."""
    used: Used
    """How the model's answer was read."""
    below_threshold: Count
    """Spans that it was not sure enough of; they stand in no document."""


@dataclass(frozen=True, slots=True)
class Predictions(Report):
    """All predictions at once, as one object."""

    documents: tuple[Predicted, ...]

    def shape(self) -> PredictionRecords:
        used = self.documents[0].used if self.documents else Used()
        below = sum(prediction.below_threshold for prediction in self.documents)
        return PredictionRecords(tuple(one.json() for one in self.documents), used, below)

    def text(self) -> str:
        return "\n".join(prediction.text() for prediction in self.documents)


@dataclass(frozen=True, slots=True)
class SavedFile(Shape):
    """A file of predictions."""

    path: Path
    documents: Count


@dataclass(frozen=True, slots=True)
class Saved(Report):
    """What ``predict --out`` wrote."""

    files: tuple[SavedFile, ...]
    """The files, with the documents in each."""
    refused: tuple[Refusal, ...] = ()
    """Documents that the pipeline refuses; they stand in no file."""
    used: Used = field(default_factory=Used)
    """How the model's answer was read."""
    below_threshold: Count = 0
    """Spans that it was not sure enough of; they stand in no file."""

    def text(self) -> str:
        lines = [f"{file.path}: {counted(file.documents, 'document')}" for file in self.files]
        if self.below_threshold:
            lines.append(f"{counted(self.below_threshold, 'span')} below the threshold left out")
        return "\n".join([*lines, *([refusals_text(self.refused)] if self.refused else [])])
