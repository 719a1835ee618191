"""What has one home: nobody else does it in a way of their own."""

from __future__ import annotations

import re

import pytest
from support.places import ROOT

FILES = sorted(p for room in ("plugin", "recipes", "store") for p in (ROOT / room).rglob("*.py"))
HOMES = {
    "reading the clock, and moments as text": (
        r"datetime\.now|utcnow|fromisoformat|strptime|time\.time\(\)|from time import .*\btime\b",
        ["store/clock.py"],
    ),
    "the characters of a token": (r"\b(\w+)\.idx \+ len\(\1\)|\[IDX, LENGTH", ["plugin/alignment/tokens.py"]),
    "the tag of what nobody knows": (r"-100\b", ["plugin/tagging/gold.py"]),
    "an interval as text": (r"\{.*\blow\b.*\}-\{|f1_low.*\}-\{", ["recipes/table.py"]),
    "folds of whole groups": (r"min\(\w+, key=len\)\.extend", ["plugin/tagging/gold.py"]),
    "the tokens of a text for near-duplicates": (r"casefold\(\)", ["recipes/near_duplicates/shingles.py"]),
    "a logarithm of probabilities": (
        r"log_softmax\(",
        ["plugin/alignment/values.py", "plugin/model/finite.py"],
    ),
    "the version of what commands print": (r"""['"]schema['"]: (1|SCHEMA)\b""", ["recipes/report.py"]),
    "who is alive, and who has a lock": (r"fcntl|os\.kill\(|\.is_locked", ["store/files/os_lock.py"]),
    "reading a model": (
        r"\.from_pretrained\(|\.from_config\(|CONFIG_MAPPING\[|torch\.load\(|\bpickle\.load|joblib",
        ["plugin/model/known_classes.py", "plugin/model/pretrained.py", "plugin/model/stacks.py"],
    ),
    "what became of a suggestion": (
        r"""AnnotatedSpan\([^)]*['"](taken|changed|added)""",
        ["recipes/settle.py"],
    ),
}


@pytest.mark.parametrize("what", HOMES)
def test_each_idea_has_one_home(what: str) -> None:
    pattern, homes = HOMES[what]
    found = {p.relative_to(ROOT).as_posix() for p in FILES if re.search(pattern, p.read_text("utf-8"), re.M)}
    assert sorted(found) == homes
