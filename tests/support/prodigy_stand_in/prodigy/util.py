"""Hashes of what a task asks (input) and of what it shows (task): 32 bits with a sign, our own arithmetic."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any


def set_hashes(
    task: dict[str, Any],
    input_keys: Sequence[str] = ("text",),
    task_keys: Sequence[str] = ("spans", "label", "options"),
    overwrite: bool = False,
) -> dict[str, Any]:
    task = dict(task)
    asked = [[key, task[key]] for key in input_keys if key in task]
    assert asked, "nothing to hash: none of the input keys is in the task"
    shown = [[key, task[key]] for key in task_keys if key in task]
    for name, what in (("_input_hash", asked), ("_task_hash", [asked, shown])):
        if overwrite or name not in task:
            task[name] = zlib.crc32(json.dumps(what).encode()) - 2**31
    return task
