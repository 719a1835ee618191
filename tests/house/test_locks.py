"""The two locks and the ranges of pyproject.toml say the same of the same packages."""

from __future__ import annotations

import sys
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from support.places import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it there

STACK = {"transformers", "tokenizers", "huggingface-hub", "spacy-transformers", "spacy-alignments"}


def locked(name: str) -> dict[str, str]:
    """The releases that a lock has for Python 3.11."""
    lines = (ROOT / name).read_text("utf-8").splitlines()
    rows = [Requirement(line) for line in lines if line and not line.startswith("#")]
    here = [row for row in rows if row.marker is None or row.marker.evaluate({"python_version": "3.11"})]
    return {canonicalize_name(row.name): str(row.specifier).removeprefix("==") for row in here}


def requirements() -> list[Requirement]:
    project = tomllib.loads(Path(ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    return [Requirement(line) for line in [*project["dependencies"], *extras]]


def test_the_locks_differ_in_transformers_and_what_hangs_on_it_alone() -> None:
    new, old = locked("constraints.txt"), locked("constraints-spacy-transformers.txt")
    assert {name for name in {*new, *old} if new.get(name) != old.get(name)} == STACK
    assert Version("5.10") <= Version(new["transformers"]) < Version("5.17"), "gliner takes it too"
    assert Version(old["transformers"]) < Version("4.53.3"), "spacy-transformers takes it"
    assert "spacy-transformers" not in new


def test_the_locks_keep_to_the_ranges() -> None:
    for name in ("constraints.txt", "constraints-spacy-transformers.txt"):
        lock = locked(name)
        for row in requirements():
            if (found := lock.get(canonicalize_name(row.name))) is not None:
                assert row.specifier.contains(found), f"{row} is not {found} ({name})"


def test_transformers_has_no_upper_bound() -> None:
    [transformers] = [row for row in requirements() if row.name == "transformers"]
    assert {bound.operator for bound in transformers.specifier} == {">="}
