"""Loads each model folder that it is given, in a process of its own, and prints what came of it.

``python hostile_worker.py spanloop FOLDER...``: as spanloop does. ``transformers``: as a trusting program
does.
"""

from __future__ import annotations

import json
import sys


def by_spanloop(folder: str) -> str:
    from spanloop.plugin.model.errors import ModelError
    from spanloop.plugin.model.pretrained import load, stated_tags

    stated_tags(folder)
    try:
        load(folder)
    except ModelError as error:
        return str(error)
    return "loaded"


def by_transformers(folder: str) -> str:
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    told = []
    for reads in (AutoTokenizer, AutoModelForTokenClassification):
        try:
            reads.from_pretrained(folder, trust_remote_code=True)
        except Exception as error:  # noqa: BLE001 - it is a trap: anything may come of it
            told.append(f"{type(error).__name__}: {error}")
    return "\n".join(told) or "loaded"


if __name__ == "__main__":
    load_one = {"spanloop": by_spanloop, "transformers": by_transformers}[sys.argv[1]]
    sys.stdout.write("\n" + json.dumps([load_one(folder) for folder in sys.argv[2:]]) + "\n")
