"""Patterns from a file: what is wrong with them is said with its line, and none of them runs for ever."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from support.commands import done, refused
from support.places import ROOT
from support.processes import wait_for

from spanloop.recipes.files.importing import import_files
from spanloop.recipes.project.init import init
from spanloop.recipes.suggest import matching
from spanloop.recipes.suggest.match_process import Settings
from spanloop.recipes.suggest.patterns import read_patterns, ruler
from spanloop.recipes.suggest.pipelines import project_nlp
from spanloop.store import Store

NO_END = "a" * 60 + "1b"  # one token, which (a+)+$ parts in 2 ** 60 ways
TEXTS = ["Ann met Bob", "Bob-Bob saw Ann in 1999 , twice", "no names", "Ann Bob Ann"]
MATCHING = """
import sys
from spanloop.recipes.suggest.sources import open_source
from spanloop.store import Store

with Store.open(sys.argv[1]) as store:
    source = open_source(store, None, None, sys.argv[2])
    for text in sys.argv[3:]:
        source.nlp(text)
        print("matched", flush=True)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    db = tmp_path / "p.db"
    init(db, labels=["PER", "YEAR"], eval_fraction=0)
    (tmp_path / "a.txt").write_text("".join(f"{text}\n" for text in TEXTS), encoding="utf-8")
    import_files(db, [tmp_path / "a.txt"])
    return db


def patterns(folder: Path, *found: Any) -> Path:
    file = folder / "patterns.jsonl"
    rows = [{"label": "PER", "pattern": pattern} for pattern in found]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def predictions(db: Path) -> int:
    with Store.open(db) as store:
        assert store.check() == []
        (number,) = store.row("SELECT count(*) FROM predictions") or (None,)
        return int(number)


@pytest.mark.parametrize(
    "pattern",
    [
        [{"BAD": 1}],
        [{"TEXT": {"BAD": 1}}],
        [{"REGEX": "("}],
        [{"TEXT": {"REGEX": "("}}],
        [{"TEXT": {"REGEX": 1}}],
        [{"TEXT": {"REGEX": {"IN": ["(", "a"]}}}],
        [{"TEXT": {"IN": 1}}],
        [{"OP": "x"}],
        [{"LENGTH": {">=": "a"}}],
        [{"LENGTH": 10**30}],
        [{"TEXT": "\ud800"}],
        "\ud800",
        "\0",
        [1],
        ["a"],
        [[]],
        {"lower": "ann"},
        1,
        True,
    ],
    ids=str,
)
def test_a_pattern_that_is_none_is_named_by_its_line(project: Path, tmp_path: Path, pattern: Any) -> None:
    file = patterns(tmp_path, "Ann", pattern)
    assert refused("prelabel", project, "--patterns", file).startswith(f"{file}:2: ")
    assert predictions(project) == 0


@pytest.mark.parametrize(
    "raw", ["{", "[]", "1", '{"label": 1}', '{"a": ' + "9" * 5000 + "}", "[" * 100_000, "\0"]
)
def test_a_line_that_is_none_is_named_too(project: Path, tmp_path: Path, raw: str) -> None:
    file = patterns(tmp_path, "Ann")
    file.write_text(file.read_text(encoding="utf-8") + raw, encoding="utf-8")
    assert refused("prelabel", project, "--patterns", file).startswith(f"{file}:2: ")
    assert predictions(project) == 0


@pytest.mark.parametrize(
    "pattern", [[{"POS": "X"}], [{"DEP": "x", "OP": "+"}], [{"_": {"nobody": 1}}]], ids=str
)
def test_what_this_pipeline_cannot_match_is_one_line(project: Path, tmp_path: Path, pattern: Any) -> None:
    file = patterns(tmp_path, pattern)
    line = refused("prelabel", project, "--patterns", file)
    assert line.startswith(f"{file}: this project's pipeline cannot match these patterns: ")
    assert predictions(project) == 0


def children(process: int | str = "self") -> set[str]:
    found: set[str] = set()
    for task in Path(f"/proc/{process}/task").iterdir():
        found |= set((task / "children").read_text().split())
    return found


def state(process: str) -> str:
    """R: it computes; S: it waits; Z: it has ended; empty: it is gone."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return ""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited, and processes are counted, on Linux")
@pytest.mark.parametrize(
    ("pattern", "text"),
    [([{"TEXT": {"REGEX": "^(a+)+$"}}], NO_END), ([{"OP": "*"}] * 15, "a " * 60)],
    ids=["a regular expression without end", "more memory than there is"],
)
def test_patterns_without_end_are_one_line(
    project: Path, tmp_path: Path, pattern: Any, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching, "SECONDS", 3)
    (tmp_path / "b.txt").write_text(text, encoding="utf-8")
    import_files(project, [tmp_path / "b.txt"])
    before = children()
    line = refused("prelabel", project, "--patterns", patterns(tmp_path, pattern))
    assert "these patterns take more than 3 s or all memory on the text 'a" in line
    assert predictions(project) == 0
    wait_for(lambda: children() <= before)


@pytest.mark.skipif(sys.platform != "linux", reason="a process ends itself by a timer that only POSIX has")
def test_a_process_whose_parent_was_killed_ends_itself(project: Path, tmp_path: Path) -> None:
    file = patterns(tmp_path, [{"TEXT": {"REGEX": "^(a+)+$"}}])
    command = [sys.executable, "-c", MATCHING, str(project), str(file), "harmless", NO_END]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "matched\n"
        (child,) = children(process.pid)
        wait_for(lambda: state(child) == "R")  # it is at the other text
        process.kill()
    wait_for(lambda: state(child) in ("", "Z"))


def test_the_other_process_finds_what_this_one_would(project: Path, tmp_path: Path) -> None:
    """With phrases, quantifiers and regular expressions; entities that were there stay."""
    rows: Sequence[dict[str, Any]] = [
        {"label": "PER", "pattern": "Bob", "id": "bob"},
        {"label": "PER", "pattern": [{"lower": "ann"}, {"lower": "bob", "op": "?"}]},
        {"label": "YEAR", "pattern": [{"TEXT": {"REGEX": r"^\d{4}$"}}]},
        {"label": "PER", "pattern": [{"IS_TITLE": True, "OP": "{2,3}"}]},
    ]
    file = tmp_path / "patterns.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    found = read_patterns(file)
    assert [pattern.endless for pattern in found] == [False, True, True, True]
    with Store.open(project) as store:
        nlp = project_nlp(store.project)
    here = matching.InThisProcess(file, ruler(nlp, file, found))
    there = matching.InAnotherProcess(file, Settings(None, nlp.lang, [p.row for p in found], 60))
    some = 0
    for text in TEXTS:
        one, other = nlp.make_doc(text), nlp.make_doc(text)
        for doc in (one, other):
            doc.set_ents([doc.char_span(len(text) - 5, len(text), "PER")] if text.endswith("names") else [])
        expected = [(e.start, e.end, e.label_, e.id_) for e in here(one).ents]
        assert [(e.start, e.end, e.label_, e.id_) for e in there(other).ents] == expected
        some += len(expected)
    there.close()
    some -= 1  # which stood there before
    assert some >= 6
    told = done("prelabel", project, "--patterns", file, "--json")
    assert told["documents"] == len(TEXTS)
    assert told["spans"] == some
