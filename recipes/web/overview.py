"""How the project stands, as the page shows it: labels, documents by state, the score of the last round."""

from __future__ import annotations

from dataclasses import dataclass, field

from spanloop.recipes.active_learning.advice import advice
from spanloop.recipes.active_learning.outlook import outlook
from spanloop.recipes.web import sent
from spanloop.recipes.web.asked import OfProject
from spanloop.recipes.web.replies import Counts, Figures, HeadlineName, OtherSplit, ProjectSent
from spanloop.recipes.web.session import Session
from spanloop.recipes.web.settings import PageSettings
from spanloop.store import Store
from spanloop.store.records import Split
from spanloop.store.tables.rounds import FIRST_SUGGESTIONS


@dataclass(frozen=True, slots=True)
class Overview:
    """What the page says of the project as a whole."""

    store: Store
    settings: PageSettings
    _advice_of: dict[int, list[str]] = field(default_factory=dict)
    """By the newest finished round: a page that opens again does not wait until eval is looked through."""

    def session(self, annotator: str) -> Session:
        """In whose name, for which project and with what power this person works here."""
        return Session(self.store.project.uid, annotator, self.settings.mode)

    def project(self, annotator: str, _: OfProject) -> ProjectSent:
        """All that the page needs once: task, labels, instructions, who sits here, how far the work is."""
        with self.store.reading():
            return self._of_now(annotator)

    def _of_now(self, annotator: str) -> ProjectSent:
        project = self.store.project
        return {
            "session": self.session(annotator).json(),
            "name": self.store.named.stem,
            "file": self.store.named.name,
            "task": project.task,
            "labels": [sent.label_json(label) for label in self.store.labels.all()],
            "instructions": project.instructions,
            "keys": project.page.get("keys", {}),
            "named": bool(self.store.annotators.names()),
            "annotator": annotator,
            "split": self.settings.split,
            "other_split": self._other_split(),
            "blind": self.settings.blind,
            "view": self.settings.view,
            "only": self.settings.only,
            "counts": self.counts(),
            "figures": self._figures(),
            "advice": self._advice(),
        }

    def _advice(self) -> list[str]:
        """Whether to annotate on, a sentence each; none before the first round. A blind page tells nothing
        that a model said, but how good it is."""
        newest = max((row.number for row in self.store.rounds.all() if row.state == "done"), default=0)
        if newest not in self._advice_of:
            found = advice(self.store, outlook(self.store))
            self._advice_of[newest] = [] if found is None else found.lines()
        return self._advice_of[newest]

    def _other_split(self) -> OtherSplit:
        """The split that this page does not serve, with its open documents: what may come next."""
        other: Split = "eval" if self.settings.split == "pool" else "pool"
        return {"split": other, "open": self.store.queue.counts(other)["open"]}

    def counts(self) -> Counts:
        """Documents by state; of a review, those that wait are the open ones."""
        counts = self.store.queue.counts(self.settings.split)
        return counts | {"open": self.store.reviews.waiting()} if self.settings.review else counts

    def _figures(self) -> Figures | None:
        """The headline of the promoted round and of the one it came from, None before the first: accuracy of
        tags, strict micro F1 of spans."""
        promoted = self.store.rounds.promoted()
        if promoted is None:
            return None
        metric: HeadlineName = "accuracy" if self.store.project.task == "tags" else "strict micro F1"
        before = None if promoted.parent is None else self._headline(promoted.parent, metric)
        value = self._headline(promoted.number, metric)
        first = (promoted.manifest or {}).get(FIRST_SUGGESTIONS)
        return {
            "round": promoted.number,
            "metric": metric,
            "value": value,
            "before": before,
            "waited": None if first is None else first["seconds"],
        }

    def _headline(self, number: int, metric: HeadlineName) -> float | None:
        wanted = ("accuracy", None) if metric == "accuracy" else ("strict", "micro")
        found = (
            score.f1
            for score in self.store.rounds.scores(number, "eval")
            if (score.metric, score.average) == wanted and score.label is None
        )
        return next(found, None)
