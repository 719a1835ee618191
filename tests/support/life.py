"""A project that lives for years, and an account of it that is kept beside it by hand: what was said of which
document by whom, and what became of the labels. The account knows no table of the store."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from spanloop.recipes import (
    add_label,
    backup,
    export_project,
    import_files,
    import_project,
    init,
    merge_labels,
    merge_projects,
    rename_label,
    retire_label,
)
from spanloop.store import Store
from spanloop.store.records import AnnotatedSpan, Answer, NewAnnotation, Origin
from support.commands import jsonl_file

Place = tuple[int, int, int]  # start, end, number of the label
WHO_COUNTS = ("review", "human", "import")
NAMES, PLACES = ("Ann", "Bob", "Merkel", "Obama"), ("York", "Berlin", "Tokyo", "Rome")


@dataclass(frozen=True)
class Said:
    """One answer."""

    key: str
    person: str
    origin: Origin
    answer: Answer
    spans: tuple[Place, ...]
    known: frozenset[int]  # the labels that were there to be given


@dataclass
class Account:
    """``truth``: what a careful person finds in each text. ``reads``: the label that each label's spans count
    as, None for out of use."""

    texts: dict[str, str] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)
    truth: dict[str, tuple[Place, ...]] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    reads: list[int | None] = field(default_factory=list)

    def read(self, said: Said) -> frozenset[Place]:
        """The spans of an answer as they count today."""
        now = ((start, end, self.reads[label]) for start, end, label in said.spans)
        return frozenset((start, end, label) for start, end, label in now if label is not None)

    @property
    def in_use(self) -> frozenset[int]:
        """The labels that can be given."""
        return frozenset(number for number, read in enumerate(self.reads) if read == number)

    def denies(self, said: Said, other: Said) -> bool:
        """Whether one gives a span whose label the other knew, and which the other does not give."""
        known = (place for place in other.spans if place[2] in said.known)
        return not self.read(Said("", "", "human", "accept", tuple(known), said.known)) <= self.read(said)

    def verdict(self, key: str) -> frozenset[Place] | str:
        """The spans that are gold; or conflict, or open."""
        newest: dict[tuple[str, str], Said] = {}
        for said in self.said:
            if said.key == key:
                newest[said.origin, said.person] = said
        standing = [said for said in newest.values() if said.answer != "ignore"]
        for origin in WHO_COUNTS:
            words = [said for said in standing if said.origin == origin]
            if words:
                if origin != "human":
                    return self.read(words[-1])
                if any(self.denies(one, other) for one in words for other in words):
                    return "conflict"
                return frozenset[Place]().union(*(self.read(said) for said in words))
        return "open"

    def gold(self, split: str | None = None) -> dict[str, list[tuple[int, int, str]]]:
        """The gold by key, with the names of today."""
        verdicts = {key: self.verdict(key) for key in self.texts if split in (None, self.splits[key])}
        return {
            key: sorted((start, end, self.names[label]) for start, end, label in spans)
            for key, spans in verdicts.items()
            if not isinstance(spans, str)
        }

    def keys(self, verdict: str) -> list[str]:
        """The documents that are open, or a conflict."""
        return [key for key in self.texts if self.verdict(key) == verdict]


@dataclass
class Life:
    """The project file, which moves, and the account of it."""

    db: Path
    account: Account = field(default_factory=Account)
    places: int = 0

    @classmethod
    def begin(cls, folder: Path, encoder: Path) -> Life:
        """A project of PER and LOC with gold in both splits and open documents."""
        life = cls(folder / "p.db")
        init(life.db, labels=["PER", "LOC"], model=str(encoder), eval_fraction=0)
        life.account.names, life.account.reads = ["PER", "LOC"], [0, 1]
        life.bring("begin", 10)
        life.bring("score", 6, split="eval")
        life.bring("open", 28, annotated=False)
        return life

    def bring(
        self, stem: str, count: int, *, split: str = "pool", annotated: bool = True, label: int = 1
    ) -> None:
        """Import documents in which a person is in a place; the place has that label."""
        lines = []
        for number in range(count):
            name, place = NAMES[number % 4], PLACES[(number + len(stem)) % 4]
            key, text = f"{stem}{number}", f"{name} met {stem} number {number} in {place}."
            start = text.index(f" in {place}") + 4
            truth = ((0, len(name), 0), (start, start + len(place), label))
            spans = [[start, end, self.account.names[of]] for start, end, of in truth]
            lines.append({"id": key, "text": text, **({"spans": spans} if annotated else {})})
            self.account.texts[key], self.account.splits[key], self.account.truth[key] = text, split, truth
            if annotated:
                known = self.account.in_use
                self.account.said.append(Said(key, "import", "import", "accept", truth, known))
        file = jsonl_file(self.db.with_name(f"{stem}.jsonl"), *lines)
        import_files(self.db, [file], split="eval" if split == "eval" else "pool", near_duplicates=False)

    def say(
        self,
        db: Path,
        key: str,
        person: str,
        *,
        origin: Origin = "human",
        wrong: bool = False,
        also: tuple[Place, ...] = (),
        answer: Answer = "accept",
    ) -> None:
        """A person answers with the truth, or without the last span, by the names of today, and ``also``."""
        spans = (*self.account.truth[key][: 1 if wrong else None], *also)
        now = [(start, end, self.account.reads[label]) for start, end, label in spans]
        known = tuple((start, end, label) for start, end, label in now if label is not None)
        with Store.open(db) as store:
            document = store.documents.by_key(key)
            assert document is not None
            given = tuple(AnnotatedSpan(start, end, self.account.names[of]) for start, end, of in known)
            store.annotations.add(
                NewAnnotation(str(uuid4()), document.id, person, origin, answer, spans=given)
            )
        self.account.said.append(Said(key, person, origin, answer, known, self.account.in_use))

    def answer(self, count: int) -> None:
        """Anna answers what the queue gives her."""
        with Store.open(self.db) as store:
            keys = [item.document.key for item in store.queue.next("anna", n=count)]
        for key in keys:
            self.say(self.db, key, "anna", answer="ignore" if key.endswith("3") else "accept")

    def label(self, name: str) -> int:
        """The number of a label."""
        return self.account.names.index(name)

    def elsewhere(self) -> Path:
        """A project file of another folder, not there yet."""
        self.places += 1
        folder = self.db.parent.parent / f"place{self.places}"
        folder.mkdir()
        return folder / "p.db"


def grow(life: Life) -> None:
    """A new label, and a late import that speaks of it. Anna has answered two documents before it was there,
    which Ben answers after it: they agree on the labels that both know of one, and not of the other."""
    agreed, disputed = life.account.keys("open")[:2]
    for key in (agreed, disputed):
        life.say(life.db, key, "anna")
    add_label(life.db, "ORG")
    life.account.names.append("ORG")
    life.account.reads.append(2)
    start = life.account.texts[agreed].index("open")
    life.say(life.db, agreed, "ben", also=((start, start + 4, 2),))
    life.say(life.db, disputed, "ben", wrong=True)
    assert life.account.keys("conflict") == [disputed]
    life.bring("late", 6, label=2)


def rename(life: Life) -> None:
    rename_label(life.db, "LOC", "PLACE")
    life.account.names[1] = "PLACE"


def merge(life: Life) -> None:
    """A label that turns out to be another one's."""
    add_label(life.db, "GPE")
    life.account.names.append("GPE")
    life.account.reads.append(3)
    life.bring("states", 4, label=3)
    merge_labels(life.db, "GPE", "PLACE")
    life.account.reads[3] = 1


def colleague(life: Life) -> None:
    """Ben takes a copy home; they answer three documents apart, one of them differently."""
    copy = life.elsewhere()
    backup(life.db, copy)
    first, second, third = life.account.keys("open")[:3]
    life.say(copy, first, "ben")
    life.say(copy, second, "ben", wrong=True)
    life.say(life.db, second, "anna")
    life.say(life.db, third, "anna")
    told = merge_projects(life.db, copy)
    assert (told.annotations, list(told.conflicts)) == (2, [second])


def settle(life: Life) -> None:
    """A review has the last word on what two people answered differently."""
    for key in life.account.keys("conflict"):
        life.say(life.db, key, "chief", origin="review")


def move(life: Life) -> None:
    """To another folder, under another name of it."""
    there = life.elsewhere()
    for found in sorted(life.db.parent.glob("p.*")):
        shutil.move(found, there.parent / found.name)
    life.db = there


def retire(life: Life) -> None:
    retire_label(life.db, "ORG")
    life.account.reads[life.label("ORG")] = None


def restore(life: Life) -> None:
    """The machine is lost; the backup goes on."""
    there = life.elsewhere()
    backup(life.db, there)
    life.db = there


def through_lines(life: Life) -> None:
    """Out as lines and in again, the folder of rounds copied beside."""
    there = life.elsewhere()
    export_project(life.db, there.with_name("whole.jsonl"))
    import_project(there, there.with_name("whole.jsonl"))
    shutil.copytree(life.db.with_name("p.rounds"), there.with_name("p.rounds"))
    life.db = there


def come_back(life: Life) -> None:
    add_label(life.db, "ORG")
    life.account.reads[life.label("ORG")] = life.label("ORG")


CHANGES: tuple[Callable[[Life], None], ...] = (
    grow,
    rename,
    merge,
    colleague,
    settle,
    move,
    retire,
    restore,
    through_lines,
    come_back,
)
