"""The mark in a folder of rounds that says whose it is: ``project.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from spanloop.store.files.atomic import name_beside, publish, to_disk

MARK = "project.json"
SUFFIX = ".rounds"


@dataclass(frozen=True, slots=True)
class Mark:
    """The project a folder belongs to, and the name of its file, which lies beside the folder.

    The name tells a project from its own copy, which has the same id.
    """

    project: str
    file: str

    @classmethod
    def of(cls, folder: Path) -> Mark | None:
        """None where there is none, as in folders of before schema 14. One that cannot be read names
        nobody."""
        if not (folder / MARK).exists():
            return None
        content = read_json(folder / MARK)
        return cls(str(content.get("project", "")), str(content.get("file", "")))

    def put(self, folder: Path, instead_of: Mark | None) -> None:
        """Mark the folder, whole or not at all. Where it has no mark yet and somebody else puts one at the
        same moment, theirs stays."""
        part = name_beside(folder / MARK)
        try:
            write_json(part, asdict(self))
            if instead_of is None:
                publish(part, folder / MARK)
            else:
                part.replace(folder / MARK)
        except FileExistsError:
            return
        finally:
            part.unlink(missing_ok=True)


def names_for(file: str) -> tuple[str, ...]:
    """What the folder of a project file may be called, the usual name first."""
    return tuple(dict.fromkeys((Path(file).stem + SUFFIX, file + SUFFIX)))


def read_json(path: Path) -> dict[str, Any]:
    """The object in the file; an empty one where there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write the object and wait until it is on the disk."""
    path.write_text(json.dumps(dict(content)) + "\n", encoding="utf-8")
    to_disk(path)
