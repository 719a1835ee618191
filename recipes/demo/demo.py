"""Show the loop on the built-in corpus: three rounds with its gold in the person's place, then the page."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from spanloop.recipes.errors import RecipeError
from spanloop.recipes.files.importing import import_files
from spanloop.recipes.formats.entry import ReadOptions
from spanloop.recipes.formats.registry import detect
from spanloop.recipes.progress import Progress, Say
from spanloop.recipes.project.init import init
from spanloop.recipes.simulation.answers import simulate_answers
from spanloop.recipes.suggest.prelabel import prelabel
from spanloop.recipes.table import counted, figure, interval, table
from spanloop.recipes.training.retrain import retrain
from spanloop.store import Store
from spanloop.store.clock import moment
from spanloop.store.records import Annotation, Round, Score, Span

CORPUS = Path(__file__).with_name("data") / "demo.jsonl"
INSTRUCTIONS = CORPUS.with_name("demo_instructions.md")
LABELS = ("PLANT", "PERSON", "QUANTITY", "PLACE", "PEST")
RARE = "PEST"
ROUNDS = (60, 120, 200)
"""Documents answered by the end of each round; the rest stays open for you."""

SEED = 8
"""Of the split and the rounds: it puts a fifth of every label, the rare one too, into the eval split."""


@dataclass(frozen=True, slots=True)
class DemoRound:
    """One round of the demo. ``suggested``: the share of the spans of its new documents that the round before
    had suggested exactly so, None in the first round, when there was nobody to suggest."""

    number: int
    documents: int
    suggested: float | None
    micro: Score | None
    macro: Score | None
    rare: Score | None
    seconds: float


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What the demo built: the project's file, its rounds, documents scored on and still open, seconds."""

    path: Path
    rounds: tuple[DemoRound, ...]
    evaluated: int
    open: int
    seconds: float

    def text(self) -> str:
        return "\n".join(
            [
                rounds_text(self.rounds),
                f"Strict scores on {counted(self.evaluated, 'document')} that no round has trained on. "
                "The corpus's own gold answered in the person's place (origin simulated).",
                f"{counted(self.open, 'document')} still open, with suggestions: "
                f"yours (spanloop correct {self.path}).",
            ]
        )


def rounds_text(rounds: Sequence[DemoRound]) -> str:
    """The table of scores, one line a round."""
    head = ("round", "documents", "suggested right", "micro F1", "95 %", "macro F1", f"{RARE} F1", "seconds")
    rows = [
        (
            row.number,
            row.documents,
            "-" if row.suggested is None else f"{row.suggested:.0%}",
            _f1(row.micro),
            interval(row.micro) or "-",
            _f1(row.macro),
            _f1(row.rare),
            f"{row.seconds:.0f}",
        )
        for row in rounds
    ]
    return table(head, rows, right=(0, 1, 2, 3, 5, 6, 7))


def _f1(score: Score | None) -> str:
    return figure(None if score is None else score.f1, 3)


def demo(
    folder: str | Path = "demo",
    *,
    serve: bool = True,
    port: int = 8765,
    browser: bool = True,
    say: Say | None = None,
    on_ready: Say | None = None,
    progress: Progress | None = None,
) -> DemoReport:
    """Build ``folder``/demo.db, let the corpus's gold answer three rounds of questions, then serve the page.

    ``say`` gets each line as it is known and the table last; ``on_ready`` the page's link. A demo that was
    interrupted goes on where it stopped, a finished one is only served. With ``serve`` it ends at Ctrl-C,
    else with the third round. RecipeError where the file there is another project.
    """
    tell = say or _say_nothing
    begin = time.monotonic()
    db = Path(folder) / "demo.db"
    _prepare(db, tell, progress)
    gold = file_gold(CORPUS)
    for number, target in enumerate(ROUNDS, start=1):
        if not _is_done(db, number):
            _play(db, number, target, gold, tell, progress)
    report = _report(db, time.monotonic() - begin)
    tell(f"\n{report.text()}\n")
    if serve:
        from spanloop.recipes.web.correct import correct

        correct(db, port=port, browser=browser, on_ready=on_ready)
    return report


def _say_nothing(text: str) -> None:
    """The voice of a demo that nobody listens to."""


def file_gold(*files: Path) -> dict[str, tuple[Span, ...]]:
    """The spans that the files give, by document key. RecipeError where an entry has no id to find it by."""
    gold: dict[str, tuple[Span, ...]] = {}
    for file in files:
        for entry in detect(file).read(file, ReadOptions()):
            if entry.key is None:
                raise RecipeError(f'{file}:{entry.line}: an answer needs the "id" of its document')
            gold[entry.key] = entry.spans or ()
    return gold


def _prepare(db: Path, tell: Say, progress: Progress | None) -> None:
    """The project with its documents in it; whatever of this is there already stays as it is."""
    if db.exists():
        _refuse_another_project(db)
        tell(
            f"{db} is there already: going on with it. "
            f"For a fresh demo delete {db.parent} or name another folder."
        )
    else:
        db.parent.mkdir(parents=True, exist_ok=True)
        init(db, labels=LABELS, instructions=INSTRUCTIONS, seed=SEED)
    report = import_files(db, [CORPUS], as_="documents", progress=progress)
    if report.added:
        tell(f"{db}: messages of an invented community garden, labels {', '.join(LABELS)}; {report.text()}.")


def _refuse_another_project(db: Path) -> None:
    with Store.open(db) as store:
        if tuple(store.labels.names()) != LABELS:
            raise RecipeError(f"{db} is another project; name a folder for the demo: spanloop demo FOLDER")


def _is_done(db: Path, number: int) -> bool:
    with Store.open(db) as store:
        return number <= len(_finished(store))


def _finished(store: Store) -> list[Round]:
    return [row for row in store.rounds.all() if row.state == "done"]


def _play(
    db: Path,
    number: int,
    target: int,
    gold: dict[str, tuple[Span, ...]],
    tell: Say,
    progress: Progress | None,
) -> None:
    """One turn of the loop: answer until ``target`` documents are gold, retrain, suggest again."""
    with Store.open(db) as store:
        total = store.documents.count("eval")
        simulate_answers(store, gold, total, split="eval")  # at random, and the queue stands as it did
        missing = max(0, target - store.queue.counts("pool")["gold"])
        simulate_answers(store, gold, missing, strategy="random" if number == 1 else None)
    chosen = "drawn at random" if number == 1 else "that the round before asks for"
    answers = f"the gold answers {counted(missing, 'document')} {chosen}" if missing else "answered already"
    tell(f"Round {number}: {answers}; retraining ...")
    retrain(db, progress=progress)
    prelabel(db, progress=progress)


def _report(db: Path, seconds: float) -> DemoReport:
    with Store.open(db) as store, store.reading():
        counts = {split: store.queue.counts(split) for split in ("pool", "eval")}
        return DemoReport(db, tuple(_rounds(store)), counts["eval"]["gold"], counts["pool"]["open"], seconds)


def _rounds(store: Store) -> Iterator[DemoRound]:
    known: set[int] = set()
    answers = _answers(store)
    for row in _finished(store):
        trained = set(store.rounds.annotation_ids(row.number, "train"))
        new = [answers[number] for number in trained - known if number in answers]
        scores = {
            (score.average or score.label): score
            for score in store.rounds.scores(row.number, split="eval")
            if score.metric == "strict"
        }
        yield DemoRound(
            row.number,
            len(trained),
            _suggested(new) if known else None,
            scores.get("micro"),
            scores.get("macro"),
            scores.get(RARE),
            _seconds(row),
        )
        known = trained


def _answers(store: Store) -> dict[int, Annotation]:
    """The annotations of the pool by their id."""
    documents = [gold.document.id for gold in store.annotations.gold(split="pool")]
    rows = [row for number in documents for row in store.annotations.history(number)]
    return {row.id: row for row in rows}


def _suggested(answers: Sequence[Annotation]) -> float | None:
    """The share of the spans that came as they stand from a suggestion."""
    actions = [span.action for answer in answers for span in answer.spans if span.action != "rejected"]
    return actions.count("taken") / len(actions) if actions else None


def _seconds(row: Round) -> float:
    if row.finished_at is None:
        return 0.0
    return (moment(row.finished_at) - moment(row.started_at)).total_seconds()
