"""One atomic writer: whole or not at all, beside other writers, readers, kills and full disks."""

from __future__ import annotations

import errno
import multiprocessing
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.small_disk import small_disk

from spanloop.store import Store, StoreError
from spanloop.store.files.atomic import PART, whole_file, whole_folder, write_whole

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="kill -9, modes and pipes are of POSIX systems")
WRITER = """
import sys
from spanloop.store.files.atomic import whole_file, whole_folder

kind, path = sys.argv[1:]
with (whole_file if kind == "file" else whole_folder)(__import__("pathlib").Path(path)) as part:
    with (part if kind == "file" else part / "inside").open("w") as file:
        file.write("half of it")
        file.flush()
        print("half-way", flush=True)
        sys.stdin.read()
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "old.txt"
    path.write_text("old")
    return path


@contextmanager
def half_way(kind: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has written half of its file or folder, and waits."""
    command = [sys.executable, "-c", WRITER, kind, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half-way\n"
        yield process


def test_until_it_is_done_the_old_content_is_there(old: Path) -> None:
    with whole_file(old) as part:
        part.write_text("new")
        assert old.read_text() == "old"
    assert old.read_text() == "new"
    assert names(old.parent) == ["old.txt"]


def test_an_error_in_the_block_leaves_everything_as_it_was(old: Path) -> None:
    with pytest.raises(ZeroDivisionError), whole_file(old) as part:
        part.write_text(str(1 / 0))
    with pytest.raises(UnicodeEncodeError):
        write_whole(old, "half a pair \ud800")
    with pytest.raises(ZeroDivisionError), whole_folder(old.with_name("folder")) as part:
        (part / "x").write_text(str(1 / 0))
    assert (old.read_text(), names(old.parent)) == ("old", ["old.txt"])


def test_two_writers_beside_each_other_disturb_neither(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with whole_file(path) as one, whole_file(path) as other:
        one.write_text("one")
        other.write_text("other")
    assert path.read_text() == "one"  # which was done last
    assert names(tmp_path) == ["a.txt"]


@POSIX
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_killed_writer_leaves_the_old_one_and_stands_in_nobodys_way(old: Path, kind: str) -> None:
    path = old if kind == "file" else old.with_name("folder")
    with half_way(kind, path) as process:
        process.kill()
    assert old.read_text() == "old"
    (left,) = set(names(old.parent)) - {"old.txt"}
    assert left.startswith(f".{path.name}.")
    assert left.endswith(PART)
    if kind == "file":
        write_whole(path, "new")
        assert path.read_text() == "new"
    else:
        with whole_folder(path) as part:
            (part / "inside").write_text("new")
        assert (path / "inside").read_text() == "new"


@POSIX
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_the_new_file_has_the_mode_of_the_old_one_and_was_never_more_open(old: Path, mode: int) -> None:
    old.chmod(mode)
    with whole_file(old) as part:
        assert stat.S_IMODE(part.stat().st_mode) & ~mode == 0
        part.write_text("new")
    assert (old.read_text(), stat.S_IMODE(old.stat().st_mode)) == ("new", mode)


@POSIX
def test_a_new_file_is_as_open_as_any_other(tmp_path: Path) -> None:
    write_whole(tmp_path / "one", "1")
    (tmp_path / "other").write_text("2")
    assert (tmp_path / "one").stat().st_mode == (tmp_path / "other").stat().st_mode


@POSIX
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() != 0, reason="only root can give a file away")
def test_the_owner_stays_the_owner(old: Path) -> None:
    os.chown(old, 1234, 4321)
    write_whole(old, "new")
    assert (old.stat().st_uid, old.stat().st_gid) == (1234, 4321)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everything")
def test_a_file_that_may_not_be_written_is_not_replaced_either(old: Path) -> None:
    old.chmod(0o400)
    with pytest.raises(PermissionError) as caught:
        write_whole(old, "new")
    assert (caught.value.filename, old.read_text()) == (str(old), "old")


@POSIX
def test_what_a_link_points_to_is_replaced_and_the_link_stays(old: Path, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    link, dangling = folder / "link", folder / "dangling"
    link.symlink_to(old)
    dangling.symlink_to(tmp_path / "made.txt")
    write_whole(link, "new")
    write_whole(dangling, "made")
    assert (old.read_text(), (tmp_path / "made.txt").read_text()) == ("new", "made")
    assert (link.is_symlink(), dangling.is_symlink()) == (True, True)
    assert names(folder) == ["dangling", "link"]


def test_a_name_as_long_as_the_system_allows(tmp_path: Path) -> None:
    for letter, count in (("a", 255), ("é", 127), ("😀", 63)):
        write_whole(tmp_path / (letter * count), letter)
    assert sorted(path.read_text(encoding="utf-8") for path in tmp_path.iterdir()) == ["a", "é", "😀"]


@POSIX
def test_a_pipe_gets_all_of_it_once_it_is_there(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True) as reader:
        write_whole(pipe, "through the pipe")
        assert reader.communicate()[0] == "through the pipe"
    assert names(tmp_path) == ["pipe"]


def test_what_cannot_be_written_is_named_as_the_user_named_it(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for path, number in (
        (tmp_path / "folder", errno.EISDIR),
        (tmp_path / "missing" / "a.txt", errno.ENOENT),
        (Path("/dev/full"), errno.ENOSPC),
    ):
        if path.exists() or path.parent != Path("/dev"):
            with pytest.raises(OSError, match=os.strerror(number)) as caught:
                write_whole(path, "content")
            assert (caught.value.errno, caught.value.filename) == (number, str(path))
    assert names(tmp_path) == ["folder"]
    assert names(tmp_path / "folder") == []


def test_a_folder_that_is_there_is_never_touched(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    with pytest.raises(FileExistsError) as caught, whole_folder(taken):
        pytest.fail("it must not begin")
    assert caught.value.filename == str(taken)
    late = tmp_path / "late"
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "theirs").write_text("theirs")
    with pytest.raises(FileExistsError), whole_folder(late):
        (tmp_path / "theirs").rename(late)
    assert (names(tmp_path), names(late)) == (["late", "taken"], ["theirs"])


def too_much(kind: str, path: Path) -> None:
    if kind == "file":
        write_whole(path, "x" * 1_000_000)
        return
    with whole_folder(path) as part:
        (part / "inside").write_text("x" * 1_000_000)


@POSIX
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_full_disk_is_named_and_nothing_is_left(tmp_path: Path, kind: str) -> None:
    disk = tmp_path / "small"
    with small_disk(disk, "256k"):
        (disk / "old.txt").write_text("old")
        path = disk / ("old.txt" if kind == "file" else "folder")
        with pytest.raises(OSError, match="No space left") as caught:
            too_much(kind, path)
        assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(path))
        assert ((disk / "old.txt").read_text(), names(disk)) == ("old", ["old.txt"])


@POSIX
def test_a_project_on_a_full_disk_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    disk = tmp_path / "small"
    with small_disk(disk, "64k"):
        with pytest.raises(StoreError, match=r"full|disk"):
            Store.create(disk / "p.db", labels=["PER"], base_model="offline")
        assert names(disk) == []


def _make(path: Path, number: int, start: object, told: object) -> None:
    start.wait()  # type: ignore[attr-defined]
    try:
        Store.create(path, labels=[f"L{number}"], base_model="offline").close()
        told.put(number)  # type: ignore[attr-defined]
    except StoreError:
        told.put(None)  # type: ignore[attr-defined]


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "a file system without"])
def test_of_many_that_make_one_project_one_does(
    tmp_path: Path, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = multiprocessing.get_context("fork" if sys.platform != "win32" else "spawn")
    start, told = context.Event(), context.Queue()
    if not links:

        def refuse(*_: object) -> None:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))

        monkeypatch.setattr(os, "link", refuse)
    processes = [
        context.Process(target=_make, args=(tmp_path / "p.db", number, start, told)) for number in range(4)
    ]
    for process in processes:
        process.start()
    start.set()
    made = [number for number in (told.get() for _ in processes) if number is not None]
    for process in processes:
        process.join()
    assert len(made) == 1
    with Store.open(tmp_path / "p.db") as store:
        assert store.labels.names() == [f"L{made[0]}"]
        assert store.check() == []
    assert [name for name in names(tmp_path) if PART in name] == []
