"""Which packages are here and which do not go together: told by `doctor`, and where spaCy dies of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest
from support.processes import PATIENCE_SECONDS
from support.projects import jsonl_file

from spanloop.recipes.project import fast_here
from spanloop.recipes.project.doctor import doctor
from spanloop.recipes.versions import BadPair, bad_pairs, why_spacy_stops

_FLAGS = {"AVX-512": "avx512f", "AMX": "amx_tile", "bfloat16": "bf16"}
NEWEST_TAKEN = "4.0"


def stand_in(folder: Path) -> Path:
    """A folder for PYTHONPATH with a spacy-transformers that takes no transformers of today: what its package
    says of itself, and an import that fails as the real one's does."""
    about = folder / "spacy_transformers-1.4.0.dist-info"
    about.mkdir(parents=True)
    head = "Metadata-Version: 2.1\nName: spacy-transformers\nVersion: 1.4.0\n"
    (about / "METADATA").write_text(head + f"Requires-Dist: transformers (<{NEWEST_TAKEN},>=3.4.0)\n")
    (about / "entry_points.txt").write_text("[spacy_factories]\ntransformer = spacy_transformers:make\n")
    (folder / "spacy_transformers").mkdir()
    (folder / "spacy_transformers" / "__init__.py").write_text("from transformers.utils import NoSuchName\n")
    return folder


def spanloop(folder: Path, *arguments: str, beside: Path | None = None) -> subprocess.CompletedProcess[str]:
    path = {} if beside is None else {"PYTHONPATH": str(beside)}
    return subprocess.run(
        [sys.executable, "-m", "spanloop.recipes", *arguments],
        cwd=folder,
        env={**os.environ, **path},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def test_doctor_lists_versions_and_finds_nothing_wrong_here() -> None:
    told = doctor().json()
    versions = told["versions"]
    assert isinstance(versions, dict)
    assert versions["transformers"] == version("transformers")
    assert versions["torch"] == version("torch")
    assert told["bad_pairs"] == []
    rows = {finding.what: finding for finding in doctor().findings}
    assert rows["spacy-transformers"].ok, "it is an extra: without it nothing is wrong"
    assert rows["peft"].found == version("peft")


@pytest.mark.parametrize(
    ("flags", "missing", "advice"),
    [
        ("avx2", {"openvino"}, r"pip install 'spanloop\[openvino\]', then --backend auto$"),
        ("avx2", {"nncf"}, r"--backend auto; fastest: pip install 'spanloop\[int8\]', spanloop optimise$"),
        ("avx512f amx_tile amx_bf16", {"nncf"}, r"--precision bf16; fastest: pip install 'spanloop\[int8\]'"),
        ("avx512f avx512_bf16", set(), r"--backend openvino --precision bf16$"),
    ],
)
def test_doctor_says_what_is_fast_here_and_what_to_install_for_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: str, missing: set[str], advice: str
) -> None:
    said = tmp_path / "cpuinfo"
    said.write_text(f"model name\t: Some CPU @ 2 GHz\nflags\t\t: fpu {flags}\n" * 2, encoding="utf-8")
    monkeypatch.setattr(fast_here, "CPU_INFO", said)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(fast_here, "is_here", lambda name: name not in missing)
    monkeypatch.setattr(fast_here, "find_spec", lambda name: None if name in missing else find_spec("torch"))
    rows = {finding.what: finding for finding in doctor().findings}
    abilities = [what for what in ("AVX-512", "AMX", "bfloat16") if what in rows["processor"].found]
    assert rows["processor"].found.startswith("Some CPU @ 2 GHz: ")
    assert abilities == [what for what, flag in _FLAGS.items() if flag in flags]
    assert ("openvino" in rows["predictions by"].found) is ("openvino" not in missing)
    assert re.search(advice, rows["predictions by"].advice)
    assert rows["predictions by"].ok, "slow is not broken"


def test_doctor_names_the_pair_and_which_of_the_two_to_remove(tmp_path: Path) -> None:
    done = spanloop(tmp_path, "doctor", "--json", beside=stand_in(tmp_path / "beside"))
    assert done.returncode == 1
    told = json.loads(done.stdout)
    here = version("transformers")
    assert told["healthy"] is False
    assert told["versions"]["spacy-transformers"] == "1.4.0"
    assert told["bad_pairs"] == [
        {
            "package": "spacy-transformers",
            "version": "1.4.0",
            "other": "transformers",
            "other_version": here,
            "wants": f"<{NEWEST_TAKEN},>=3.4.0",
            "advice": "pip uninstall spacy-transformers, or pip install 'transformers<4.0,>=3.4.0'",
        }
    ]
    text = spanloop(tmp_path, "doctor", beside=tmp_path / "beside").stdout
    assert f"spacy-transformers 1.4.0 wants transformers<{NEWEST_TAKEN},>=3.4.0" in text
    assert "pip uninstall spacy-transformers" in text


def test_a_command_that_dies_of_it_says_so_in_one_line_and_the_others_work(tmp_path: Path) -> None:
    beside = stand_in(tmp_path / "beside")
    jsonl_file(tmp_path / "a.jsonl", {"text": "Ann ran", "spans": [[0, 3, "PER"]]})
    for arguments in (("init", "p.db", "--labels", "PER"), ("import", "p.db", "a.jsonl"), ("status", "p.db")):
        assert spanloop(tmp_path, *arguments, beside=beside).returncode == 0
    line = (
        f"Error: spaCy cannot start: spacy-transformers 1.4.0 wants transformers<{NEWEST_TAKEN},>=3.4.0, and "
        f"transformers {version('transformers')} is installed; pip uninstall spacy-transformers, or "
        f"pip install 'transformers<{NEWEST_TAKEN},>=3.4.0'\n"
    )
    for arguments in (("export", "p.db", "a.spacy"), ("predict", "--model", "offline", "Ann ran")):
        done = spanloop(tmp_path, *arguments, beside=beside)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", line)


def test_the_process_that_finds_tokens_says_so_in_one_line(tmp_path: Path) -> None:
    assert spanloop(tmp_path, "init", "p.db", "--labels", "PER").returncode == 0
    done = subprocess.run(
        [sys.executable, "-m", "spanloop.recipes.suggest.tokenise", str(tmp_path / "p.db")],
        env={**os.environ, "PYTHONPATH": str(stand_in(tmp_path / "beside"))},
        input="",
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("spaCy cannot start: spacy-transformers 1.4.0 wants transformers")
    assert done.stderr.count("\n") == 1


def test_another_import_that_fails_is_not_blamed_on_it() -> None:
    assert why_spacy_stops(ImportError("no module named nothing")) is None
    assert why_spacy_stops(ValueError("no documents")) is None


def test_what_packages_say_of_each_other_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    about = tmp_path / "peft-9.0.dist-info"
    about.mkdir()
    lines = ["Metadata-Version: 2.1", "Name: peft", "Version: 9.0", "Requires-Dist: torch>=900"]
    lines += ["Requires-Dist: transformers>=900; extra == 'never'", "Requires-Dist: numpy"]
    (about / "METADATA").write_text("\n".join(lines) + "\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert bad_pairs(("peft", "torch", "transformers", "numpy")) == (
        BadPair.of("peft", "9.0", "torch", version("torch"), ">=900"),
    )
