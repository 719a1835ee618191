"""The people who may correct over a network, each with a secret of their own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from spanloop.recipes.report import Report
from spanloop.store import Store


@dataclass(frozen=True, slots=True)
class Annotators(Report):
    """Who may come in."""

    annotators: tuple[str, ...]
    """Their names."""
    link: str | None = None
    """The secret link of a new one, shown this once: the store keeps only its hash."""

    def text(self) -> str:
        if self.link is not None:
            return f"{self.link}\nThis link is shown only now: give it to that person alone."
        return "\n".join(self.annotators) or "nobody is named: on this machine everyone may correct"


def annotators(db: str | Path) -> Annotators:
    """Everyone who is named."""
    with Store.open(db) as store:
        return Annotators(tuple(store.annotators.names()))


def add_annotator(db: str | Path, name: str, *, host: str = "HOST", port: int = 8765) -> Annotators:
    """Let a person in; the link that lets them in is for the page at that host and port."""
    with Store.open(db) as store:
        token = store.annotators.add(name)
        return Annotators(tuple(store.annotators.names()), f"http://{host}:{port}/enter?token={token}")


def remove_annotator(db: str | Path, name: str) -> Annotators:
    """Let a person in no more; their annotations stay."""
    with Store.open(db) as store:
        store.annotators.remove(name)
        return Annotators(tuple(store.annotators.names()))


def set_overlap(db: str | Path, people: int) -> None:
    """Give every document to so many people, from now on; the queue is opened again where that is more."""
    with Store.open(db) as store:
        store.set_project(overlap=people)
