"""Every script of benchmarks/ answers ``--help`` at once; what the pages print exists."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from functools import cache
from itertools import pairwise

import pytest
from support.places import ROOT

FOLDER = ROOT / "benchmarks"
SCRIPTS = sorted(
    path for path in FOLDER.glob("*.py") if 'if __name__ == "__main__":' in path.read_text("utf-8")
)
# One process for all of them: its start costs more than they do. What one imports, it is asked for after it.
ASK = """
import contextlib, io, json, runpy, sys
said = {}
for script in sys.argv[1:]:
    sys.argv, out = [script, "--help"], io.StringIO()
    sys.path.insert(0, script.rpartition("/")[0])
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        runpy.run_path(script, run_name="__main__")
    said[script] = [out.getvalue(), sorted({"torch", "transformers", "spacy"} & {*sys.modules})]
print(json.dumps(said))
"""


@cache
def helps() -> dict[str, tuple[str, list[str]]]:
    """The help of each script by its name, and which heavy packages were imported by then."""
    command = [sys.executable, "-c", ASK, *map(str, SCRIPTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return {path.rpartition("/")[2]: tuple(said) for path, said in json.loads(done.stdout).items()}


@pytest.mark.parametrize("script", [path.name for path in SCRIPTS])
def test_a_script_says_what_it_does_without_loading_torch(script: str) -> None:
    text, heavy = helps()[script]
    assert not heavy
    assert text.startswith(f"usage: {script}")
    lines = [*text.partition("options:\n")[2].splitlines(), ""]
    for line, after in pairwise(lines):  # the help of an option stands behind two blanks, or in the next line
        assert not line.startswith("  -") or "  " in line.strip() or after.startswith(" " * 10), line


def commands() -> list[tuple[str, list[str]]]:
    """Script and words of each command that a page prints; a line that ends with a backslash goes on."""
    pages = [FOLDER / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    text = "\n".join(page.read_text("utf-8") for page in pages).replace("\\\n", " ")
    found = re.findall(r"python benchmarks/([\w.]+)([^`\n]*)", text)
    return [(script, shlex.split(words, comments=True)) for script, words in found]


def test_the_commands_of_the_pages_name_scripts_and_options_that_exist() -> None:
    asked = commands()
    assert len(asked) > 20
    for script, words in asked:
        known = set(re.findall(r"(?<![\w-])--[\w-]+", helps()[script][0]))
        assert {word for word in words if word.startswith("--")} <= known, f"{script} {words}"


def test_every_script_stands_on_a_page() -> None:
    started_by_others = {"peer.py"}
    assert {path.name for path in SCRIPTS} - started_by_others == {script for script, _ in commands()}
