"""A pipeline written for others: without the words of the texts that it has read and without the paths of the
machine that it was made on.

spaCy's vocabulary keeps every string that any text brought into it, and a pipeline's configuration the folder
that its model once came from. Neither is needed to load the pipeline or to predict with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from spacy.language import Language
from thinc.api import Config

_STRINGS = Path("vocab", "strings.json")
_CONFIG = "config.cfg"
# tokenizer.json is all vocabulary and rules, and large: no library writes a path there.
_WITHOUT_PATHS = ("tokenizer.json", "strings.json")
_LOCAL = re.compile(r"(/|~|\\\\|\.\.?[/\\]|[A-Za-z]:[/\\])")


def write(nlp: Language, folder: Path, *, strings: Iterable[str]) -> None:
    """Write the pipeline into ``folder`` as ``nlp.to_disk`` does, fit to be handed on.

    ``strings``: what its vocabulary had before it read any text, such as those of the pipeline that it was
    made from; the labels of all components are kept beside them. Local paths, in the configuration and in
    what lies beside the model, are cut to their last part.
    """
    nlp.to_disk(folder)
    labels = (label for name in nlp.component_names for label in nlp.pipe_labels.get(name, ()))
    _keep_strings(folder / _STRINGS, {*strings, *map(str, labels)})
    Config(_cut_paths(Config().from_disk(folder / _CONFIG, interpolate=False))).to_disk(folder / _CONFIG)
    for file in folder.rglob("*.json"):
        if file.name not in _WITHOUT_PATHS:
            _rewrite(file, _cut_paths)


def _keep_strings(file: Path, kept: set[str]) -> None:
    _rewrite(file, lambda strings: [string for string in strings if string in kept])


def _rewrite(file: Path, change: Callable[[Any], Any]) -> None:
    """Write the file anew where the change changes anything."""
    before = json.loads(file.read_text(encoding="utf-8"))
    after = change(before)
    if after != before:
        file.write_text(json.dumps(after, ensure_ascii=False, indent=2), encoding="utf-8")


def _cut_paths(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _cut_paths(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_cut_paths(inner) for inner in value]
    if isinstance(value, str) and _is_local(value):
        return re.split(r"[/\\]", value.rstrip("/\\"))[-1]
    return value


def _is_local(value: str) -> bool:
    """Whether it names a place on this machine: spelled as one, or one that is there (``models/news``, which
    could as well be the name of a model on the hub)."""
    if not value.strip("/\\") or "\n" in value:
        return False
    return bool(_LOCAL.match(value)) or ("/" in value and Path(value).is_dir())
