"""What the scripts of this folder share: their options, where the corpora lie, progress, results as JSON.

Only the standard library is imported, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("spanloop", "torch", "transformers", "spacy", "openvino")
Printed = argparse.RawDescriptionHelpFormatter


def data_folder() -> Path:
    """Where the corpora lie: ``SPANLOOP_DATA``, else ``../shared/data`` beside the checkout."""
    return Path(os.environ.get("SPANLOOP_DATA") or ROOT.parent / "shared" / "data")


def corpus(*files: str) -> Callable[[str], Path]:
    """For ``type=`` of an argument: a folder, or the name of a corpus below `data_folder`, that holds these
    files. What is missing is told in one line."""

    def folder(text: str) -> Path:
        there = Path(text) if Path(text).is_dir() else data_folder() / text
        missing = [name for name in files or ("",) if not (there / name).exists()]
        if missing:
            # a name is all that data.py knows, whatever folder was typed
            raise argparse.ArgumentTypeError(
                f"{there} has no {' and no '.join(missing)}: run python benchmarks/data.py {Path(text).name},"
                " or let SPANLOOP_DATA name the folder of the corpora"
                if missing != [""]
                else f"there is no folder {text} and no corpus {there}: run python benchmarks/data.py"
            )
        return there

    return folder


def corpus_file(text: str) -> Path:
    """For ``type=`` of an argument: a file, or one of a corpus (``wnut17/train.jsonl``)."""
    there = Path(text) if Path(text).is_file() else data_folder() / text
    if not there.is_file():
        raise argparse.ArgumentTypeError(
            f"there is no file {text} and no {there}: run python benchmarks/data.py {there.parent.name},"
            " or let SPANLOOP_DATA name the folder of the corpora"
        )
    return there


def arguments(doc: str | None) -> argparse.ArgumentParser:
    """The options of a script, ``--json`` among them; its docstring is the help.

    Args:
        doc: The docstring of the script's module.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=Printed)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results to this file as well")
    return parser


def say(text: str) -> None:
    """Progress: a line on the error stream, so that the table on the output stays clean."""
    print(text, file=sys.stderr, flush=True)


def keep(options: argparse.Namespace, rows: Sequence[Any]) -> None:
    """The results as JSON, if ``--json`` names a file: what was run, on what, and the rows of the table."""
    if options.json is None:
        return
    found = {
        "script": Path(sys.argv[0]).name,
        "settings": {name: plain(value) for name, value in vars(options).items() if name != "json"},
        "machine": machine(),
        "rows": list(rows),
    }
    options.json.write_text(json.dumps(found, indent=1, default=plain) + "\n", encoding="utf-8")


def machine() -> dict[str, Any]:
    """What a figure depends on beside the code."""
    return {
        "cores": os.cpu_count(),
        "threads": os.environ.get("OMP_NUM_THREADS", "as many as torch takes"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "packages": {name: found for name in PACKAGES if (found := _release(name))},
        "ended": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def plain(value: Any) -> Any:
    """What JSON does not know (a path, say) as text."""
    return value if isinstance(value, (str, int, float, bool, list, dict, type(None))) else str(value)


def _release(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
