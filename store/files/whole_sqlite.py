"""A database made under another name gets its own name only when all of it is in the one file.

SQLite keeps what was committed in a log beside the file, and moves it into the file when the last connection
closes. Where the disk is full that moving fails without a word: the log stays, and the file alone is half a
database. So whoever gives such a file its name looks at the log first.
"""

from __future__ import annotations

from pathlib import Path

from spanloop.store.errors import StoreUnavailable
from spanloop.store.files.atomic import publish
from spanloop.store.files.explained import disk_is_full

LOG, INDEX_OF_LOG = "-wal", "-shm"


def publish_database(draft: Path, path: Path, named: Path) -> None:
    """Give a database that nobody has open any more its name, never over another file.

    Args:
        draft: The finished file, in the folder of ``path``.
        path: Its name.
        named: What the person called it, for the message.

    Raises:
        FileExistsError: The name is taken.
        StoreUnavailable: The disk was too full to move the log into the file.
    """
    log = beside(draft, LOG)
    if log.exists() and log.stat().st_size:
        raise StoreUnavailable(disk_is_full(named))
    publish(draft, path)


def remove_database(file: Path) -> None:
    """Remove a database and what SQLite leaves beside it; nothing happens where it is gone already."""
    for suffix in ("", LOG, INDEX_OF_LOG):
        beside(file, suffix).unlink(missing_ok=True)


def beside(file: Path, suffix: str) -> Path:
    """The file that SQLite keeps beside a database."""
    return file.with_name(file.name + suffix)
