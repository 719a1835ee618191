"""Whether the project's tokenizer is for the texts that come in, told at import and not after a training.

Asks the texts alone, by their script: neither spaCy nor the model is loaded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from spanloop.recipes.files.entry_checks import CheckedEntry
from spanloop.recipes.languages import (
    fitting,
    guess,
    inside_a_word,
    keeps_whole,
    language_of,
    written_without_blanks,
)
from spanloop.recipes.table import counted
from spanloop.store import Store


@dataclass(slots=True)
class Fit:
    """Counts texts that the project's tokenizer keeps whole, and their spans, while they come in."""

    store: Store
    chosen: str | None = None
    """The line that says which language was chosen."""
    given: dict[str, dict[str, str | None]] = field(default_factory=dict)
    """The settings that the project got so: ``{"lang": {"before": …, "now": …}, "unit": …}``."""
    documents: int = 0
    written: Counter[str] = field(default_factory=Counter)
    spans: int = 0
    cut: int = 0

    def look(self, checked: Sequence[CheckedEntry]) -> None:
        """Look at the next documents of an import. A project of which nobody said the language gets one by
        the first of them."""
        if not checked:
            return
        project = self.store.project
        if project.lang is None and project.nlp is None:
            found = guess(item.entry.text for item in checked)
            chosen = found.unit if project.task == "spans" and project.unit == "token" else project.unit
            self.store.set_project(lang=found.lang, unit=chosen)
            self.chosen = found.text()
            self.given = {
                "lang": {"before": project.lang, "now": found.lang},
                "unit": {"before": project.unit, "now": chosen},
            }
            project = self.store.project
        lang = language_of(project.lang, project.nlp)
        if lang is None or project.unit == "wordpiece":
            return
        for item in checked:
            self.documents += 1
            written = written_without_blanks(item.entry.text)
            if written is not None and keeps_whole(lang, written):
                self._count(item, written)

    def _count(self, item: CheckedEntry, written: str) -> None:
        text = item.entry.text
        self.written[written] += 1
        for span in item.spans or ():
            self.spans += 1
            self.cut += inside_a_word(text, span.start) or inside_a_word(text, span.end)

    def misfit(self) -> str | None:
        """The line that tells it; None where the tokenizer is for these texts."""
        if not self.written:
            return None
        project = self.store.project
        lang = language_of(project.lang, project.nlp)
        spans = f", and {self.cut:,} of {counted(self.spans, 'span')} cannot be learned" if self.spans else ""
        return (
            f"{self.written.total():,} of {counted(self.documents, 'document')} are written without blanks "
            f"({', '.join(self.written)}), where the tokenizer of {lang!r} takes a whole line for one "
            f"token{spans}: {self._advice()}"
        )

    def _advice(self) -> str:
        better = fitting(self.written.most_common(1)[0][0])
        if better.unit == "token":
            option = f"--lang {better.lang}"
        elif self.store.project.task == "spans":
            option = f"--unit {better.unit}"
        else:
            option = "--nlp PIPELINE, one that cuts such texts"
        return f"spanloop project {self.store.named} set {option}"
