"""What SQLite refuses, in plain words that say what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spanloop.store.errors import StoreError, StoreUnavailable

BUSY_SECONDS = 60.0  # how long a write waits for another process's one write before it gives up


@contextmanager
def plain_errors(path: Path) -> Iterator[None]:
    """Raise what SQLite raises in the block as a StoreError that says what to do; the same for a value that
    Python cannot hand to it: a number beyond 64 bits, a lone surrogate."""
    try:
        yield
    except sqlite3.Error as error:
        raise explained(error, path) from error
    except (OverflowError, UnicodeEncodeError) as error:
        raise StoreError(f"{path} cannot hold a value: {error}") from error


def explained(error: sqlite3.Error, path: Path) -> StoreError:
    """The error of SQLite as ours; ``path`` is what messages call the file."""
    text = str(error)
    refusal = _unavailable(text, path)
    if refusal is not None:
        return StoreUnavailable(refusal)
    if "not a database" in text:
        return StoreError(
            f"{path} is not a SQLite file: name a project file, or make one with `spanloop init`"
        )
    if isinstance(error, sqlite3.IntegrityError):
        return StoreError(f"{path} refused a row: {text}")
    return StoreError(f"{path}: {text}")


def disk_is_full(path: Path) -> str:
    """What to say where there is no room."""
    return f"{path}: the disk is full; nothing of this step was stored: make room and run it again"


def _unavailable(text: str, path: Path) -> str | None:
    """What to say where the file refuses everything at the moment; None where the fault is what was asked."""
    if "locked" in text or "busy" in text:
        return f"{path}: another process has been writing for {BUSY_SECONDS:.0f} s: try again when it is done"
    if "disk image is malformed" in text:
        return (
            f"{path} is damaged ({text}): restore a backup, or save what is left: "
            f"sqlite3 {path} .recover | sqlite3 saved.db"
        )
    if "I/O error" in text:
        return f"{path}: the disk refused ({text}): is it full or failing? Nothing of this step was stored"
    if "disk is full" in text:
        return disk_is_full(path)
    if "readonly" in text or "unable to open" in text:
        return f"{path} cannot be written ({text}): check the mode of the file and of its folder"
    return None
