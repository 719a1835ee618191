"""Whoever reads an export reads all of one, however many write it at once and wherever it goes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import done, jsonl_file, refused
from support.places import ROOT
from support.processes import PATIENCE_SECONDS
from support.small_disk import small_disk

from spanloop.recipes.files.importing import import_files
from spanloop.recipes.project.init import init

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="/dev/stdout and pipes are of POSIX systems")
DOCUMENTS = 200
READS, EXPORTS = 500, 20
LOOP = """
import sys
from spanloop.recipes.files.export import export

while True:
    print(export(sys.argv[1], sys.argv[2], what="all", overwrite=True).documents, flush=True)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    db = tmp_path / "p.db"
    init(db, labels=["PER"], eval_fraction=0)
    rows = [
        {"id": f"d{n}", "text": f"Ann number {n} " * 20, "spans": [[0, 3, "PER"]]} for n in range(DOCUMENTS)
    ]
    import_files(db, [jsonl_file(tmp_path / "pool.jsonl", *rows)])
    return db


def exporting(db: Path, file: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", LOOP, str(db), str(file)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == f"{DOCUMENTS}\n"  # it has written once
    return process


@pytest.mark.slow
def test_two_processes_export_to_one_file_and_every_read_is_whole(project: Path, tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    one, other = exporting(project, file), exporting(project, file)
    try:
        contents, files, reads = set(), set(), 0
        while reads < READS or len(files) < EXPORTS:
            with file.open(encoding="utf-8") as opened:
                contents.add(opened.read())
                files.add(os.fstat(opened.fileno()).st_mtime_ns)
            reads += 1
        assert (one.poll(), other.poll()) == (None, None)
    finally:
        for process in (one, other):
            process.kill()
            process.communicate(timeout=PATIENCE_SECONDS)
    (content,) = contents
    assert [json.loads(line)["id"] for line in content.splitlines()] == [f"d{n}" for n in range(DOCUMENTS)]
    assert file.read_text(encoding="utf-8") == content  # killed in the middle, both of them


def spanloop(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "spanloop.recipes", *map(str, arguments)]
    return subprocess.run(command, text=True, cwd=ROOT, **options)  # type: ignore[call-overload, no-any-return]


def test_standard_output_gets_the_documents_and_nothing_else(project: Path, tmp_path: Path) -> None:
    """Through a pipe, and into a file that others have begun."""
    export = ("export", project, "/dev/stdout", "--format", "jsonl")
    told = spanloop(*export, capture_output=True, check=True)
    ids = [f"d{n}" for n in range(DOCUMENTS)]
    assert [json.loads(line)["id"] for line in told.stdout.splitlines()] == ids
    assert told.stderr == f"/dev/stdout: {DOCUMENTS} documents with {DOCUMENTS} spans (gold, jsonl)\n"
    begun = tmp_path / "begun"
    with begun.open("w") as file:
        file.write("begun\n")
        file.flush()
        spanloop(*export, "--json", stdout=file, stderr=subprocess.DEVNULL, check=True)
        file.write("")
    assert begun.read_text(encoding="utf-8") == "begun\n" + told.stdout


def test_a_dash_is_standard_output(project: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "spanloop.recipes", "export", str(project), "-", "--format"]
    for name in ("jsonl", "spanloop"):
        done("export", project, tmp_path / name, "--format", name)
        told = subprocess.run([*command, name], capture_output=True, check=True, cwd=tmp_path)
        # but for the head of a whole project, which has the moment in it
        assert told.stdout.splitlines()[1:] == (tmp_path / name).read_bytes().splitlines()[1:]
        assert told.stdout.startswith(b"{")
        assert told.stderr.startswith(b"/dev/stdout: ")
    assert not (tmp_path / "-").exists()
    assert refused("export", project, "-", "--format", "spacy") == (
        "spacy is no text for standard output: name a file in the place of -"
    )
    assert refused("export", project, "-").startswith("cannot tell the format of - from its name")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_device_is_one_line(project: Path) -> None:
    assert (
        refused("export", project, "/dev/full", "--format", "jsonl") == "/dev/full: No space left on device"
    )
    with Path("/dev/full").open("w") as full:
        told = spanloop("status", project, stdout=full, stderr=subprocess.PIPE)
    assert (told.returncode, told.stderr) == (1, "Error: No space left on device\n")


@pytest.mark.parametrize("suffix", ["jsonl", "conll", "spacy", "json"])
def test_a_full_disk_is_one_line_and_the_old_file_stays(project: Path, tmp_path: Path, suffix: str) -> None:
    disk = tmp_path / "small"
    with small_disk(disk, "32k"):
        file = disk / f"out.{suffix}"
        file.write_text("old")
        (disk / "ballast").write_bytes(b"x" * 24_000)
        arguments = ["--format", "labelstudio"] if suffix == "json" else []
        line = refused("export", project, file, "--overwrite", *arguments)
        assert line == f"{file}: No space left on device"
        assert sorted(path.name for path in disk.iterdir()) == ["ballast", file.name]
        assert file.read_text() == "old"
        (disk / "ballast").unlink()
    assert done("export", project, tmp_path / f"out.{suffix}", *arguments)
