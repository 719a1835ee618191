"""Suggest spans for texts that belong to no project."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spanloop.recipes.calls.ranges import AboveZeroShare
from spanloop.recipes.errors import FormatError, RecipeError
from spanloop.recipes.formats.entry import Entry, WriteOptions
from spanloop.recipes.formats.how_read import HowRead
from spanloop.recipes.formats.registry import by_name
from spanloop.recipes.formats.writable import unwritable
from spanloop.recipes.suggest.choice import Choice, Used
from spanloop.recipes.suggest.manner import AggregationStrategy, Manner
from spanloop.recipes.suggest.predicted import Predicted, Saved, SavedFile
from spanloop.recipes.suggest.refusal import Refusal, Refused
from spanloop.store import Store
from spanloop.store.files.atomic import whole_file
from spanloop.store.records import Task

if TYPE_CHECKING:
    from spacy.language import Language

    from spanloop.plugin.model.backends import BackendSetting
    from spanloop.plugin.model.device import Precision
    from spanloop.plugin.tagging.schemes import NamedScheme

BLOCK = 128
SQLITE_MAGIC = b"SQLite format 3\0"


def predict(
    inputs: Sequence[str],
    *,
    model: str | None,
    reading: HowRead | None = None,
    tags: bool = False,
    lang: str | None = None,
    precision: Precision | None = None,
    backend: BackendSetting | None = None,
    scheme: NamedScheme | None = None,
    aggregation_strategy: AggregationStrategy | None = None,
    choice: Choice | None = None,
    candidates: AboveZeroShare | None = None,
) -> Iterator[Predicted]:
    """Suggest spans for texts and files, in order, streaming.

    Args:
        inputs: Each is the name of a file, in any format that import reads, or else a text.
        model: A project (its promoted round), a folder with a spaCy pipeline (a round's, say), or a token
            classifier by folder, hub id or ``offline``.
        reading: How the files are read, where they do not say it themselves; their spans are not.
        tags: Whether the text of each result is one line a token.
        lang: Whose tokenizer cuts the texts for a token classifier; None: blanks do, and where a text is
            written without them the model's wordpieces stand for tokens.
        precision: How exactly the model computes, ``fp32`` or ``bf16``; None: as it was saved.
        backend: What computes, ``torch``, ``openvino``, ``onnx`` or ``auto``, the fastest with the
            entities of torch; None: as it was saved.
        scheme: Which tagging scheme the model's tags are read in; None: as it was saved.
        aggregation_strategy: How the scores of a word come from those of its wordpieces, ``first``,
            ``average`` or ``max``; None: as it was saved.
        choice: What of the model's answer is taken: its labels under other names, spans that are sure enough.
        candidates: Tell every span that is at least so probable, above 0 to 1; None: tell none.

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
    from spanloop.recipes.suggest.run_pipeline import named

    choice = choice or Choice()
    loaded = _load(model, lang, choice.component)
    nlp, task = loaded.nlp, loaded.task
    Manner(precision, backend, scheme, aggregation_strategy).set_on(nlp)
    used = choice.apply(nlp)
    if candidates is not None:
        _with_candidates(nlp, candidates)
    like = Predicted(Entry(""), task, tags, used=used, bare=_bare_labels(nlp))
    waiting = _entries(inputs, task, reading or HowRead())
    while block := list(islice(waiting, BLOCK)):
        with named(model):
            yield from _predict_block(loaded, block, like)


def predict_to_folder(
    inputs: Sequence[str],
    *,
    model: str | None,
    out: str | Path,
    reading: HowRead | None = None,
    lang: str | None = None,
    precision: Precision | None = None,
    backend: BackendSetting | None = None,
    scheme: NamedScheme | None = None,
    aggregation_strategy: AggregationStrategy | None = None,
    choice: Choice | None = None,
) -> Saved:
    """Predict and write one JSONL file an input file; texts typed in go to ``texts.jsonl``.

    Args:
        inputs: As of `predict`.
        model: As of `predict`.
        out: The folder for the files.
        reading: As of `predict`.
        lang: As of `predict`.
        precision: As of `predict`.
        backend: As of `predict`.
        scheme: As of `predict`.
        aggregation_strategy: As of `predict`.
        choice: As of `predict`.

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
    how: dict[str, Any] = {"reading": reading, "lang": lang, "precision": precision, "backend": backend}
    how |= {"scheme": scheme, "aggregation_strategy": aggregation_strategy, "choice": choice}
    files: list[SavedFile] = []
    noted = _Noted()
    sources = [_existing_file(value) for value in inputs]
    typed = [value for value, source in zip(inputs, sources, strict=True) if source is None]
    groups = [(source.stem, [str(source)]) for source in sources if source is not None]
    for stem, group in [*groups, *([("texts", typed)] if typed else [])]:
        path = _free_name(folder, stem, [done.path for done in files])
        entries = noted.entries(predict(group, model=model, **how))
        with whole_file(path) as part:
            written = write(part, entries, WriteOptions())
        files.append(SavedFile(path, written.documents))
    return Saved(tuple(files), tuple(noted.refused), noted.used, noted.below_threshold)


@dataclass
class _Noted:
    """What is told of predictions beside those that can be written."""

    refused: list[Refusal] = field(default_factory=list)
    used: Used = field(default_factory=Used)
    below_threshold: int = 0

    def entries(self, found: Iterator[Predicted]) -> Iterator[Entry]:
        """The entries of which the model says something; the others are noted."""
        for number, one in enumerate(found, start=1):
            self.used = one.used
            self.below_threshold += one.below_threshold
            if one.refused is None:
                yield one.entry
            else:
                by = one.refused.partition(":")[0]
                self.refused.append(Refusal(one.entry.key or f"text {number}", by, one.refused))


def _free_name(folder: Path, stem: str, taken: Sequence[Path]) -> Path:
    """``stem.jsonl``, or with a number where this run has used that name."""
    names = [stem, *(f"{stem}-{number}" for number in range(2, len(taken) + 3))]
    return next(folder / f"{name}.jsonl" for name in names if folder / f"{name}.jsonl" not in taken)


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What predicts. ``by_script``: nobody said for which language its tokenizer is."""

    nlp: Language
    task: Task
    by_script: bool = False


def _load(model: str, lang: str | None, component: str | None) -> _Loaded:
    from spanloop.recipes.made_of import blank
    from spanloop.recipes.suggest.our_component import choose, classifier
    from spanloop.recipes.suggest.pipelines import load_pipeline, load_round, promoted_round
    from spanloop.recipes.suggest.run_pipeline import with_model

    path = Path(model)
    if component is not None and not (path / "config.cfg").is_file():
        raise RecipeError(
            f"--component {component} goes with a spaCy pipeline that has several of ours: {model} is none"
        )
    of_its_own = "has a language of its own: leave --lang out, or name a Hugging Face token classifier"
    if path.is_file() and _is_sqlite(path):
        if lang is not None:
            raise RecipeError(f"the project {model} {of_its_own}")
        with Store.open(path) as store:
            return _Loaded(load_round(store, promoted_round(store).number), store.project.task)
    if (path / "config.cfg").is_file():
        if lang is not None:
            raise RecipeError(f"the pipeline {model} {of_its_own}")
        nlp = load_pipeline(path)
        choose(nlp, component)
        found = classifier(nlp)
        tags = found is not None and found[1].cfg["annotate"] in ("tag", "pos")
        return _Loaded(nlp, "tags" if tags else "spans")
    nlp = blank(lang or "en")  # as a project of which nobody names the language
    pipe = with_model(nlp, model, task="spans", labels=())
    if not pipe.tags:  # which loads the model: its settings alone may not be on this machine yet
        raise RecipeError(f"{model!r} is an encoder without trained labels: what it would suggest is chance")
    return _Loaded(nlp, "spans", by_script=lang is None)


def _bare_labels(nlp: Language) -> frozenset[str]:
    from spanloop.recipes.suggest.our_component import classifier

    found = classifier(nlp)
    return frozenset() if found is None else found[1].bare_labels


def _with_candidates(nlp: Language, least: float) -> None:
    """Have our component tell every span that is at least so probable. RecipeError without one."""
    from spanloop.recipes.suggest.our_component import classifier

    found = classifier(nlp)
    if found is None:
        raise RecipeError("candidates are told by our component, which this pipeline has not")
    found[1].cfg["candidates"] = least


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC


def _existing_file(value: str) -> Path | None:
    """The file of that name; None where the value is a text. A text can be too long to be a name."""
    try:
        return Path(value) if Path(value).is_file() else None
    except (OSError, ValueError):
        return None


def _entries(inputs: Sequence[str], task: Task, reading: HowRead) -> Iterator[Entry]:
    for value in inputs:
        source = _existing_file(value)
        if source is None:
            entry = Entry(text=value)
            wrong = unwritable(entry)
            if wrong is not None:
                raise RecipeError(f"{value[:60]!r}: {wrong}")
            yield entry
        else:
            yield from _file_entries(source, task, reading)


def _file_entries(file: Path, task: Task, reading: HowRead) -> Iterator[Entry]:
    for source in reading.sources([file]):
        for entry in source.entries(reading.options(task)):
            wrong = unwritable(entry)
            if wrong is not None:
                raise FormatError(source.shown, entry.line, wrong)
            yield entry


def _predict_block(loaded: _Loaded, block: Sequence[Entry], like: Predicted) -> Iterator[Predicted]:
    """What the model says of each entry; ``like`` has what all of them share."""
    from spanloop.recipes.convert import store_spans
    from spanloop.recipes.suggest import run_pipeline

    with_candidates = run_pipeline.tells_candidates(loaded.nlp)
    run = run_pipeline.annotate_by_script if loaded.by_script else run_pipeline.annotate
    for entry, found in zip(block, run(loaded.nlp, [entry.text for entry in block]), strict=True):
        if isinstance(found, Refused):
            yield replace(like, entry=replace(entry, spans=None), refused=str(found))
            continue
        told = run_pipeline.found_spans(found, task=like.task, labels=(), names=like.used.label_map)
        shown = found.found.candidates if with_candidates else None
        tokens = run_pipeline.found_units(found)
        yield replace(
            like,
            entry=replace(entry, spans=store_spans(told), tokens=tokens),
            below_threshold=len(run_pipeline.left_out(found)),
            candidates=None if shown is None else store_spans(shown),
        )
