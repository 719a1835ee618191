"""What a simulation is played on: files with gold, or the gold of a project."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.formats.how_read import HowRead
from spanloop.recipes.project.init import init
from spanloop.recipes.simulation.answers import simulate_answers
from spanloop.recipes.table import counted
from spanloop.store import Store
from spanloop.store.records import Gold, NewDocument, Project, Span, Task
from spanloop.store.tables.effort import token_counts

Truth = Mapping[str, Sequence[Span]]
"""The true spans of each document, by its key."""
CUT_AT_ONCE = 500


class Corpus(Protocol):
    """Documents whose truth is known."""

    @property
    def name(self) -> str:
        """What its results are called."""

    @property
    def task(self) -> Task: ...

    @property
    def digest(self) -> str:
        """Names the documents, their gold, and what a project of them is made of."""

    def fill(self, db: Path, seed: int) -> Truth:
        """Make a project of it, nothing of which is answered."""


@dataclass(frozen=True, slots=True)
class OfFiles:
    """Gold in files: those for the eval split, where there are any, else a fifth of all."""

    name: str
    files: tuple[Path, ...]
    eval_files: tuple[Path, ...]
    task: Task
    lang: str
    model: str
    labels: tuple[str, ...]
    by_text: Mapping[str, tuple[Span, ...]]
    reading: HowRead

    @classmethod
    def read(
        cls,
        name: str | None,
        files: Sequence[str | Path],
        eval_files: Sequence[str | Path],
        task: Task,
        lang: str,
        model: str,
        reading: HowRead | None = None,
    ) -> OfFiles:
        """The gold of these files. RecipeError for an entry without any."""
        by_text: dict[str, tuple[Span, ...]] = {}
        counts: dict[str, int] = {}
        reading = reading or HowRead()
        for source in reading.sources([*files, *eval_files]):
            for entry in source.entries(reading.options(task)):
                if entry.spans is None:
                    raise RecipeError(
                        f"{source.shown}:{entry.line}: no gold spans, and a simulation needs them"
                    )
                by_text[entry.text] = entry.spans
                for span in entry.spans:
                    counts[span.label] = counts.get(span.label, 0) + 1
        if not counts:
            raise RecipeError("there is not one span in these files")
        labels = tuple(sorted(counts, key=counts.__getitem__, reverse=True))
        paths, eval_paths = tuple(map(Path, files)), tuple(map(Path, eval_files))
        return cls(name or paths[0].stem, paths, eval_paths, task, lang, model, labels, by_text, reading)

    @property
    def digest(self) -> str:
        contents = [*map(_content, self.files), "", *map(_content, self.eval_files)]
        return _hash([self.task, self.lang, self.model, json.dumps(asdict(self.reading)), *contents])

    def fill(self, db: Path, seed: int) -> Truth:
        fraction = 0.0 if self.eval_files else 0.2
        init(
            db,
            labels=self.labels,
            task=self.task,
            lang=self.lang,
            model=self.model,
            eval_fraction=fraction,
            seed=seed,
        )
        read = asdict(self.reading)
        import_files(db, self.files, as_="documents", split="pool" if self.eval_files else "auto", **read)
        if self.eval_files:
            import_files(db, self.eval_files, as_="documents", split="eval", **read)
        with Store.open(db) as store:
            return {document.key: self.by_text[document.text] for document in store.documents.iterate()}


@dataclass(frozen=True, slots=True)
class OfProject:
    """The gold of a project, pool and eval as they are there; ``left_out`` documents were answered in part,
    or do not know every label, and cannot say what a whole answer would be."""

    name: str
    project: Project
    labels: tuple[str, ...]
    pool: tuple[Gold, ...]
    scored: tuple[Gold, ...]
    left_out: int

    @classmethod
    def read(cls, name: str | None, db: Path) -> OfProject:
        """RecipeError where the pool or the eval split has no whole answer."""
        with Store.open(db) as store, store.reading():
            pool, scored = (list(store.annotations.gold(split=split)) for split in ("pool", "eval"))
            project, labels = store.project, tuple(store.labels.names())
        whole = [
            [gold for gold in golds if gold.ranges is None and not gold.unknown] for golds in (pool, scored)
        ]
        left_out = len(pool) + len(scored) - sum(map(len, whole))
        for split, golds in zip(("pool", "eval"), whole, strict=True):
            if not golds:
                told = f", {counted(left_out, 'document')} answered in part left out" if left_out else ""
                raise RecipeError(f"{db} has no gold in its {split} split to play with{told}")
        return cls(name or db.stem, project, labels, tuple(whole[0]), tuple(whole[1]), left_out)

    @property
    def task(self) -> Task:
        return self.project.task

    @property
    def digest(self) -> str:
        project = self.project
        made_of = [project.task, project.lang, project.base_model, project.nlp, project.unit, *self.labels]
        for gold in (*self.pool, *self.scored):
            spans = [f"{s.start}-{s.end}:{s.label}" for s in gold.spans]
            made_of += [gold.document.key, gold.document.split, gold.document.text, *spans]
        return _hash(made_of)

    def fill(self, db: Path, seed: int) -> Truth:
        of = self.project
        init(
            db,
            labels=self.labels,
            task=of.task,
            lang=of.lang,
            model=of.base_model,
            nlp=of.nlp,
            unit=of.unit,
            eval_fraction=0.0,
            seed=seed,
        )
        golds = (*self.pool, *self.scored)
        with Store.open(db) as store:
            documents = (gold.document for gold in golds)
            store.documents.add(
                NewDocument(d.text, key=d.key, group=d.group, split=d.split) for d in documents
            )
        return {gold.document.key: gold.spans for gold in golds}


def begin(corpus: Corpus, db: Path, seed: int) -> Truth:
    """A project of the corpus whose eval split is answered and whose texts are cut into tokens."""
    from spanloop.recipes.suggest.tokenise import load_tokenizer, tokenise, tokenizer_hash

    truth = corpus.fill(db, seed)
    with Store.open(db) as store:
        simulate_answers(store, truth, len(truth), split="eval", strategy="random")
        nlp = load_tokenizer(store.project)
        tokenizer = tokenizer_hash(nlp, store.project.unit)
        store.set_project(tokenizer=tokenizer)
        while waiting := store.tokenizations.missing(tokenizer, CUT_AT_ONCE):
            tokenise(store, nlp, waiting, tokenizer=tokenizer)
    return truth


def truth_of(corpus: Corpus, db: Path) -> Truth:
    """The true spans of a project that `begin` has made."""
    if isinstance(corpus, OfFiles):
        with Store.open(db) as store:
            return {document.key: corpus.by_text[document.text] for document in store.documents.iterate()}
    assert isinstance(corpus, OfProject)
    return {gold.document.key: gold.spans for gold in (*corpus.pool, *corpus.scored)}


def pool_lengths(store: Store) -> dict[int, int]:
    """The tokens of each document of the pool, by its id."""
    return token_counts(store, store.documents.ids(split="pool"))


def _content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _hash(parts: Sequence[str | None]) -> str:
    return hashlib.sha256(json.dumps(list(parts)).encode()).hexdigest()[:16]
