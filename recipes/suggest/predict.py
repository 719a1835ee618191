"""Suggest spans for texts that belong to no project."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spanloop.recipes.errors import FormatError, RecipeError
from spanloop.recipes.formats.entry import Entry, ReadOptions, Unit, WriteOptions
from spanloop.recipes.formats.jsonl import as_record
from spanloop.recipes.formats.registry import by_name, detect
from spanloop.recipes.formats.tagged import cut_tokens, tags_of_spans
from spanloop.recipes.formats.writable import unwritable
from spanloop.recipes.report import Count, Report, Shape
from spanloop.recipes.suggest.refusal import Refusal, Refused, refusals_text
from spanloop.recipes.table import counted
from spanloop.store import Store
from spanloop.store.files.atomic import whole_file
from spanloop.store.records import Task

if TYPE_CHECKING:
    from spacy.language import Language

    from spanloop.plugin.model.device import Precision

BLOCK = 128
SQLITE_MAGIC = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class Predicted(Report):
    """One text with what the model says of it; ``tags``: shown as one line a token. ``refused``: why it says
    nothing, None where it does."""

    entry: Entry
    task: Task
    tags: bool = False
    refused: str | None = None

    def json(self) -> dict[str, Any]:
        """As a line of JSONL, with ``refused`` where it is."""
        if self.refused is not None:
            return {**as_record(self.entry), "refused": self.refused}
        return as_record(self.entry)

    def text(self) -> str:
        if self.refused is not None:
            return f"{self.entry.text}\n  refused by {self.refused}"
        return self._tags_text() if self.tags else self._spans_text()

    def _spans_text(self) -> str:
        """The text, then a line a span: label, score, its text and its characters."""
        lines = [self.entry.text]
        for span in self.entry.spans or ():
            score = "" if span.score is None else f"  {span.score:.3f}"
            place = f"{self.entry.text[span.start : span.end]!r}  {span.start}-{span.end}"
            lines.append(f"  {span.label}{score}  {place}")
        return "\n".join(lines)

    def _tags_text(self) -> str:
        """``Word: New, Label: B-LOC``, a line a token, and an empty line after each text."""
        spans = self.entry.spans or ()
        tokens = cut_tokens(self.entry.tokens or (), spans)
        tags, _ = tags_of_spans(tokens, spans, task=self.task)
        words = [self.entry.text[start:end] for start, end in tokens]
        return "".join(f"Word: {word}, Label: {tag}\n" for word, tag in zip(words, tags, strict=True))


@dataclass(frozen=True, slots=True)
class PredictionRecords(Shape):
    """What a model says of texts."""

    documents: tuple[dict[str, Any], ...]
    """Each as a line of JSONL (docs/data.md); `refused` says why a model says nothing of it."""


@dataclass(frozen=True, slots=True)
class Predictions(Report):
    """All predictions at once, as one object."""

    documents: tuple[Predicted, ...]

    def shape(self) -> PredictionRecords:
        return PredictionRecords(tuple(prediction.json() for prediction in self.documents))

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

    def text(self) -> str:
        lines = [f"{file.path}: {counted(file.documents, 'document')}" for file in self.files]
        return "\n".join([*lines, *([refusals_text(self.refused)] if self.refused else [])])


def predict(
    inputs: Sequence[str],
    *,
    model: str | None,
    by: Unit | None = None,
    tags: bool = False,
    precision: Precision | None = None,
) -> Iterator[Predicted]:
    """Suggest spans for texts and files, in order, streaming.

    Args:
        inputs: Each is the name of a file, in any format that import reads, or else a text.
        model: A project (its promoted round), a folder with a spaCy pipeline (a round's, say), or a token
            classifier by folder, hub id or ``offline``.
        by: What one document is, for plain text and CoNLL.
        tags: Whether the text of each result is one line a token.
        precision: How exactly the model computes, ``fp32`` or ``bf16``; None: as it was saved.

    Returns:
        The predictions, one after the other.

    Raises:
        RecipeError: There is no such model, it has no trained labels, or there is nothing to read. Raised
            when the first prediction is asked for.
    """
    if model is None:
        raise RecipeError(
            "name what shall predict: --model PROJECT.db, a spaCy pipeline or a Hugging Face model"
        )
    if not inputs:
        raise RecipeError("give texts or files to predict")
    from spanloop.recipes.suggest.run_pipeline import compute_in, named

    nlp, task = _load(model)
    compute_in(nlp, precision)
    waiting = _entries(inputs, task, by)
    while block := list(islice(waiting, BLOCK)):
        with named(model):
            yield from _predict_block(nlp, task, block, tags)


def predict_to_folder(
    inputs: Sequence[str],
    *,
    model: str | None,
    out: str | Path,
    by: Unit | None = None,
    precision: Precision | None = None,
) -> Saved:
    """Predict and write one JSONL file an input file; texts typed in go to ``texts.jsonl``.

    Args:
        inputs: As of `predict`.
        model: As of `predict`.
        out: The folder for the files.
        by: As of `predict`.
        precision: As of `predict`.

    Returns:
        The files, and the documents that the pipeline refuses.

    Raises:
        RecipeError: As of `predict`, or a file cannot be written.
    """
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    write = by_name("jsonl").write
    if write is None:
        raise RecipeError("the format jsonl cannot be written")
    files: list[SavedFile] = []
    refused: list[Refusal] = []
    sources = [_existing_file(value) for value in inputs]
    typed = [value for value, source in zip(inputs, sources, strict=True) if source is None]
    groups = [(source.stem, [str(source)]) for source in sources if source is not None]
    for stem, group in [*groups, *([("texts", typed)] if typed else [])]:
        path = _free_name(folder, stem, [done.path for done in files])
        entries = _readable(predict(group, model=model, by=by, precision=precision), refused)
        with whole_file(path) as part:
            written = write(part, entries, WriteOptions())
        files.append(SavedFile(path, written.documents))
    return Saved(tuple(files), tuple(refused))


def _readable(found: Iterator[Predicted], refused: list[Refusal]) -> Iterator[Entry]:
    """The entries of which the model says something; the others are noted."""
    for number, one in enumerate(found, start=1):
        if one.refused is None:
            yield one.entry
        else:
            refused.append(
                Refusal(one.entry.key or f"text {number}", one.refused.partition(":")[0], one.refused)
            )


def _free_name(folder: Path, stem: str, taken: Sequence[Path]) -> Path:
    """``stem.jsonl``, or with a number where this run has used that name."""
    names = [stem, *(f"{stem}-{number}" for number in range(2, len(taken) + 3))]
    return next(folder / f"{name}.jsonl" for name in names if folder / f"{name}.jsonl" not in taken)


def _load(model: str) -> tuple[Language, Task]:
    from spanloop.recipes.suggest.pipelines import load_pipeline, load_round, promoted_round
    from spanloop.recipes.suggest.run_pipeline import classifier, with_model

    path = Path(model)
    if path.is_file() and _is_sqlite(path):
        with Store.open(path) as store:
            return load_round(store, promoted_round(store).number), store.project.task
    if (path / "config.cfg").is_file():
        nlp = load_pipeline(path)
        found = classifier(nlp)
        return nlp, "tags" if found is not None and found[1].cfg["annotate"] in ("tag", "pos") else "spans"
    import spacy

    nlp = spacy.blank("xx")
    pipe = with_model(nlp, model, task="spans", labels=())
    if not pipe.tags:  # which loads the model: its settings alone may not be on this machine yet
        raise RecipeError(f"{model!r} is an encoder without trained labels: what it would suggest is chance")
    return nlp, "spans"


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC


def _existing_file(value: str) -> Path | None:
    """The file of that name; None where the value is a text. A text can be too long to be a name."""
    try:
        return Path(value) if Path(value).is_file() else None
    except (OSError, ValueError):
        return None


def _entries(inputs: Sequence[str], task: Task, by: Unit | None) -> Iterator[Entry]:
    for value in inputs:
        source = _existing_file(value)
        if source is None:
            entry = Entry(text=value)
            wrong = unwritable(entry)
            if wrong is not None:
                raise RecipeError(f"{value[:60]!r}: {wrong}")
            yield entry
        else:
            yield from _file_entries(source, ReadOptions(task=task, by=by))


def _file_entries(source: Path, options: ReadOptions) -> Iterator[Entry]:
    for entry in detect(source).read(source, options):
        wrong = unwritable(entry)
        if wrong is not None:
            raise FormatError(source, entry.line, wrong)
        yield entry


def _predict_block(nlp: Language, task: Task, block: Sequence[Entry], tags: bool) -> Iterator[Predicted]:
    from spanloop.plugin.alignment.tokens import token_ranges
    from spanloop.recipes.convert import store_spans
    from spanloop.recipes.suggest.run_pipeline import annotate, found_spans

    for entry, found in zip(block, annotate(nlp, [entry.text for entry in block]), strict=True):
        if isinstance(found, Refused):
            yield Predicted(replace(entry, spans=None), task, tags, str(found))
            continue
        doc, scores = found
        spans = store_spans(found_spans(doc, scores, task=task, labels=()))
        yield Predicted(replace(entry, spans=spans, tokens=tuple(token_ranges(doc))), task, tags)
