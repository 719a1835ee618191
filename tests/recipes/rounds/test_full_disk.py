"""A full disk under a training, a report or a package: one line, nothing half-done, and a retry works."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import done, run
from support.small_disk import small_disk

from spanloop.plugin.training.config import TrainConfig
from spanloop.recipes.errors import RecipeError
from spanloop.recipes.training.report import RoundReport
from spanloop.recipes.training.retrain import retrain
from spanloop.store import Store, StoreError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="a small file system is mounted as on POSIX systems"),
]


def give_room(disk: Path, kilobytes: int) -> None:
    """So much more than what stands there."""
    used = sum(path.stat().st_blocks for path in disk.rglob("*") if path.is_file()) // 2
    subprocess.run(["mount", "-o", f"remount,size={used + kilobytes}k", str(disk)], check=True)


def test_a_training_ends_in_one_line_wherever_the_disk_is_full(db: Path, tmp_path: Path) -> None:
    """With checkpoints: the weights are written by two libraries, each with errors of its own."""
    refusals: list[str] = []
    disk = tmp_path / "small"
    with small_disk(disk, "50m"):
        project = disk / "p.db"
        shutil.copy(db, project)
        for room in range(60, 2000, 60):
            give_room(disk, room)
            try:
                report = retrain(project, TrainConfig(epochs=2, checkpoint_seconds=0.01), allow_leaks=True)
            except (RecipeError, StoreError, OSError) as error:
                refusals.append(str(error))
            else:
                break
            with Store.open(project) as store:
                # where not even the end of the round finds room it is shown as interrupted; the next one
                # closes it
                cut_off = [row.number for row in store.rounds.all() if row.state == "running"]
                assert [problem.what for problem in store.check()] == [
                    f"round {number} says that it is running, but its process has ended" for number in cut_off
                ]
                assert store.rounds.promoted() is None
            shutil.rmtree(project.with_suffix(".rounds") / ".training", ignore_errors=True)
        assert isinstance(report, RoundReport)
        assert report.promoted
        assert run("check", project).exit_code == 0
    assert len(refusals) >= 3
    assert all("\n" not in line and ("No space left" in line or "disk" in line) for line in refusals), (
        refusals
    )


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # spaCy leaves files open
def test_a_package_and_a_report_are_there_or_not(db: Path, tmp_path: Path) -> None:
    done("retrain", db, "--epochs", "1", "--allow-leaks", "--json")
    disk = tmp_path / "small"
    with small_disk(disk, "50m"):
        for arguments, made, room in (
            (("package", db, disk, "--name", "x"), disk / "en_x-0.0.1", 60),
            (("report", db, "-o", disk / "r.md"), disk / "r.md", 0),
        ):
            (disk / "ballast").write_bytes(b"x" * 4096)
            give_room(disk, room)
            refused = run(*arguments)
            assert (refused.exit_code, refused.stdout) == (1, ""), refused.output
            assert refused.stderr == f"Error: {made}: No space left on device\n"
            assert [path.name for path in disk.iterdir()] == ["ballast"]
            give_room(disk, 4000)
            done(*arguments)
            assert made.exists()
            again = run(*arguments)  # a package that is there is not touched, a report is written anew
            assert (again.exit_code, "is there already" in again.stderr) == (
                (1, True) if made.is_dir() else (0, False)
            )
            shutil.rmtree(made) if made.is_dir() else made.unlink()
