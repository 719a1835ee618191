"""The one place where a project file lies, however many names lead there."""

from __future__ import annotations

from pathlib import Path

from spanloop.store.errors import StoreError
from spanloop.store.files.atomic import drafts_of


def real_path(named: Path) -> Path:
    """The absolute path without any symbolic link, so that everything beside the project file is found under
    every name of it. StoreError for links that lead in a circle."""
    try:
        return named.resolve()
    except (OSError, RuntimeError) as error:
        raise StoreError(f"{named} leads nowhere: its symbolic links go in a circle") from error


def refuse_hard_links(path: Path, named: Path) -> None:
    """StoreError for a file that has a second name of its own right (`ln` without -s).

    SQLite keeps a log beside each name, and two programs that come by different names damage the file.
    """
    if path.stat().st_nlink < 2:
        return
    for entry in drafts_of(path):
        if entry.is_file() and entry.samefile(path):
            entry.unlink()
    if path.stat().st_nlink < 2:
        return
    others = sorted(e for e in path.parent.iterdir() if e != path and e.is_file() and e.samefile(path))
    also = f", {others[0]}" if others else ""
    raise StoreError(
        f"{named} has another name too (a hard link{also}), which SQLite does not stand: delete that name, or"
        f" make this one a file of its own: cp {path} {path}.copy && mv {path}.copy {path}"
    )
