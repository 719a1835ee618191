"""How the project stands, as the page shows it: labels, documents by state, the score of the last round."""

from __future__ import annotations

from dataclasses import dataclass

from spanloop.recipes.web import sent
from spanloop.recipes.web.asked import OfProject
from spanloop.recipes.web.replies import Counts, Figures, ProjectSent
from spanloop.recipes.web.session import Session
from spanloop.recipes.web.settings import PageSettings
from spanloop.store import Store


@dataclass(frozen=True, slots=True)
class Overview:
    """What the page says of the project as a whole."""

    store: Store
    settings: PageSettings

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
            "task": project.task,
            "labels": [sent.label_json(label) for label in self.store.labels.all()],
            "instructions": project.instructions,
            "keys": project.page.get("keys", {}),
            "named": bool(self.store.annotators.names()),
            "annotator": annotator,
            "split": self.settings.split,
            "blind": self.settings.blind,
            "view": self.settings.view,
            "only": self.settings.only,
            "counts": self.counts(),
            "figures": self._figures(),
        }

    def counts(self) -> Counts:
        """Documents by state; of a review, those that wait are the open ones."""
        counts = self.store.queue.counts(self.settings.split)
        return counts | {"open": self.store.reviews.waiting()} if self.settings.review else counts

    def _figures(self) -> Figures | None:
        """Strict micro F1 of the promoted round and of the one it came from, None before the first."""
        promoted = self.store.rounds.promoted()
        if promoted is None:
            return None
        before = None if promoted.parent is None else self._f1(promoted.parent)
        return {"round": promoted.number, "f1": self._f1(promoted.number), "before": before}

    def _f1(self, number: int) -> float | None:
        figures = [
            s.f1
            for s in self.store.rounds.scores(number, "eval")
            if s.metric == "strict" and s.average == "micro"
        ]
        accuracy = [
            s.f1
            for s in self.store.rounds.scores(number, "eval")
            if s.metric == "accuracy" and s.label is None
        ]
        return next(iter(figures or accuracy), None)
