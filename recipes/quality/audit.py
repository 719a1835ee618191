"""Is the gold right? What models that never saw a document contradict with confidence, and what else makes
figures worthless: labels with too few examples, leaks, spans lost to alignment."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from spanloop.recipes.calls.ranges import FromTwo
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.near_duplicates.leaks import Leaks, find_leaks
from spanloop.recipes.progress import Progress, silent
from spanloop.recipes.quality.out_of_fold import classes_of_project, judge_by_folds, judge_by_round
from spanloop.recipes.report import UNTOLD, Count, Report, Seconds, Shape, Share
from spanloop.recipes.scoring.evaluate import eval_gold
from spanloop.recipes.scoring.shapes import AlignmentEvents
from spanloop.recipes.table import counted, table
from spanloop.recipes.training.input import pool_gold, settled
from spanloop.recipes.training.unlabelled import refuse_unlabelled
from spanloop.store import Store
from spanloop.store.files.atomic import write_whole
from spanloop.store.records import Gold, Moment, Split

if TYPE_CHECKING:
    from spanloop.plugin.metrics.label_errors import Judgement, Suspect
    from spanloop.plugin.training.config import TrainConfig

LEAST_SUPPORT = 30
"""Gold spans of a label below which its figures, or what a model learns of it, are mostly chance."""
SHOWN = 20
REFUSED_SHOWN = 5
CONTEXT = 25
"""Characters shown on each side of a suspect."""
FILE = "audit.json"
"""Where the last audit lies in the folder of the rounds: `spanloop review` sends from it."""


@dataclass(frozen=True, slots=True)
class Doubt(Shape):
    """A place of the gold that is probably wrong."""

    document_id: Count
    annotation_id: Count
    """The annotation that was the gold."""
    key: str
    """The key of the document."""
    start: Count
    """A character of its text, as `end`."""
    end: Count
    given: str | None
    """The gold's label there; null for no label."""
    said: str | None
    """The model's."""
    confidence: Share
    """How sure the model is of it."""
    doubt: Share
    """By how much the model's is more probable to it than the gold's."""
    before: str
    """The characters before it, as `after`."""
    text: str
    after: str

    def reason(self) -> str:
        """For whoever reviews it."""
        gold = f"gold has {self.given}" if self.given else "gold has no label"
        said = self.said or "no label"
        return f"“{self.text}”: {gold}, the model says {said} ({self.confidence:.0%} sure)"


@dataclass(frozen=True, slots=True)
class Thin(Shape):
    """A label with too few gold spans in a split."""

    label: str
    pool: Count
    eval: Count


@dataclass(frozen=True, slots=True)
class Audit(Report):
    """Whether the gold is right."""

    path: Path = field(metadata=UNTOLD)
    split: Split
    """What was looked at."""
    folds: Count
    """Trainings, each of which judged what it never saw; 0: the promoted round judged the eval split."""
    documents: Count
    """Documents with gold."""
    spans: Count
    """Gold spans in them."""
    doubts: tuple[Doubt, ...]
    """Places that are probably wrong, the worst first."""
    thin_labels: tuple[Thin, ...]
    """Labels with so few gold spans that their figures are mostly chance."""
    alignment_events: AlignmentEvents
    """Spans in the ledger of alignment."""
    leaks: Leaks
    """Eval documents that nearly stand in the pool too."""
    seconds: Seconds
    """How long it took."""
    refused: tuple[str, ...] = ()
    """Keys of documents that the pipeline could not read."""

    def text(self) -> str:
        how = f"{counted(self.folds, 'training')}, each judging what it never saw"
        if not self.folds:
            how = "judged by the promoted round, which never saw them"
        parts = [
            f"{counted(self.documents, 'document')} of {self.split} with {counted(self.spans, 'gold span')}: "
            f"{how} ({self.seconds:.0f} s)",
            self._doubts_text(),
        ]
        if self.refused:
            refused = ", ".join(self.refused[:REFUSED_SHOWN])
            parts.append(
                f"{counted(len(self.refused), 'document')} that the pipeline refuses, unjudged: {refused}"
            )
        if self.thin_labels:
            found = ", ".join(
                f"{thin.label} (pool {thin.pool}, eval {thin.eval})" for thin in self.thin_labels
            )
            parts.append(f"fewer than {LEAST_SUPPORT} gold spans, so hardly known: {found}")
        if self.alignment_events.total:
            parts.append(self.alignment_events.text())
        if self.leaks.found:
            parts.append(f"Beware: {self.leaks.text()}")
        if self.doubts:
            parts.append(f"Next: spanloop review {self.path} --top 50")
        return "\n\n".join(parts)

    def _doubts_text(self) -> str:
        if not self.doubts:
            return "no place where a model contradicts the gold with confidence"
        rows = [
            (
                f"{doubt.doubt:.2f}",
                doubt.key,
                doubt.given or "-",
                doubt.said or "-",
                f"{doubt.before}[{doubt.text}]{doubt.after}".replace("\n", " "),
            )
            for doubt in self.doubts[:SHOWN]
        ]
        head = f"{counted(len(self.doubts), 'place')} where a model contradicts the gold, the worst first:"
        shown = table(("margin", "document", "gold", "model", "where"), rows, right=(0,))
        more = len(self.doubts) - len(rows)
        return f"{head}\n{shown}" + (f"\nand {more:,} more (--json has all)" if more else "")


def audit(
    db: str | Path,
    *,
    split: Split = "pool",
    folds: FromTwo = 3,
    config: TrainConfig | None = None,
    progress: Progress | None = None,
) -> Audit:
    """Look for gold that is probably wrong, and for what else makes figures worthless. No round is made;
    what was found is kept beside the rounds for `review`.

    Args:
        db: The project file.
        split: Whose gold. The pool is cut into folds by group, each judged by a training on the others; the
            eval split is judged by the promoted round.
        folds: Trainings.
        config: The settings, as of `retrain`.
        progress: Called with how far it is.

    Returns:
        The doubts, the worst first.

    Raises:
        RecipeError: There is no such gold, or no promoted round for the eval split.
    """
    if folds < 2:
        raise RecipeError(f"{folds} fold leaves nothing to train on: give 2 or more")
    refuse_unlabelled(config, "an audit")
    begin = time.monotonic()
    with Store.open(db) as store:
        with store.reading():
            moment, ledger = store.moment(), store.ledger.counts()
            golds = pool_gold(store) if split == "pool" else eval_gold(store)
            others = list(store.annotations.gold(split="eval" if split == "pool" else "pool"))
        if split == "pool":
            judged = judge_by_folds(moment, golds, folds, settled(moment, config), progress or silent)
        else:
            judged = _by_promoted(store, moment, golds)
        read = [(gold, one) for gold, one in zip(golds, judged, strict=True) if one is not None]
        pool, eval_golds = (golds, others) if split == "pool" else (others, golds)
        found = Audit(
            path=Path(db),
            split=split,
            folds=folds if split == "pool" else 0,
            documents=len(golds),
            spans=sum(len(gold.spans) for gold in golds),
            doubts=tuple(sorted(_doubts(moment, read), key=_worst_first)),
            refused=tuple(g.document.key for g, one in zip(golds, judged, strict=True) if one is None),
            thin_labels=tuple(_thin(moment.names, pool, eval_golds)),
            alignment_events=AlignmentEvents.of(ledger),
            leaks=find_leaks(pool, eval_golds),
            seconds=time.monotonic() - begin,
        )
        _keep(store, found)
        return found


def _by_promoted(store: Store, moment: Moment, golds: Sequence[Gold]) -> list[Judgement | None]:
    from spanloop.recipes.suggest.pipelines import promoted_round

    return judge_by_round(store, moment, golds, promoted_round(store))


def _doubts(moment: Moment, read: Sequence[tuple[Gold, Judgement]]) -> Iterator[Doubt]:
    from spanloop.plugin.metrics.label_errors import find_suspects

    found = find_suspects([judgement for _, judgement in read], classes_of_project(moment))
    for (gold, _), suspects in zip(read, found, strict=True):
        for suspect in suspects:
            yield _doubt(gold, suspect)


def _doubt(gold: Gold, suspect: Suspect) -> Doubt:
    text, start, end = gold.document.text, suspect.start, suspect.end
    return Doubt(
        document_id=gold.document.id,
        annotation_id=gold.annotation_id,
        key=gold.document.key,
        start=start,
        end=end,
        given=suspect.given,
        said=suspect.said,
        confidence=suspect.confidence,
        doubt=suspect.doubt,
        before=text[max(0, start - CONTEXT) : start],
        text=text[start:end],
        after=text[end : end + CONTEXT],
    )


def _worst_first(doubt: Doubt) -> tuple[float, int, int]:
    return -doubt.doubt, doubt.document_id, doubt.start


def _thin(labels: Sequence[str], pool: Sequence[Gold], eval_golds: Sequence[Gold]) -> Iterator[Thin]:
    in_pool, in_eval = (
        Counter(span.label for gold in golds for span in gold.spans) for golds in (pool, eval_golds)
    )
    for label in labels:
        if in_pool[label] < LEAST_SUPPORT or in_eval[label] < LEAST_SUPPORT:
            yield Thin(label, in_pool[label], in_eval[label])


def _keep(store: Store, found: Audit) -> None:
    folder = store.rounds_folder.claim()
    write_whole(folder / FILE, json.dumps(found.json(), ensure_ascii=False, allow_nan=False))


def kept_doubts(store: Store) -> tuple[Doubt, ...]:
    """What the last audit found. RecipeError says what to type where there was none."""
    try:
        content = json.loads((store.rounds_dir / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RecipeError(f"no audit has been made yet: spanloop audit {store.named}") from error
    return tuple(Doubt(**fields) for fields in content["doubts"])
