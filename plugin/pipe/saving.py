"""A pipe on disk: the model's folder, and the settings that belong to the weights and not to the config."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spanloop.plugin.pipe.reading import AS_THE_TAGS_SAY, tag_map_of, told_by_hash
from spanloop.plugin.pipe.results import SETTINGS
from spanloop.plugin.tagging.reading import detect
from spanloop.plugin.tagging.thresholds import in_force

if TYPE_CHECKING:
    from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe

# What a saved pipe is; raised when a folder of before can no longer be read.
FORMAT = 1
_STATE_FILE = "spanloop.json"


def fingerprint(pipe: HFTokenClassifierPipe) -> str:
    """A hash of the weights and of every setting that changes what is predicted."""
    settings = {"viterbi": pipe.cfg["viterbi"], "scheme": told_by_hash(pipe)}
    settings["temperature"] = pipe.cfg["temperature"]
    # Only where they change something: the hashes of pipes without them stay what they are.
    if pipe.label_map and tag_map_of(pipe, pipe.tags).changes:
        settings["label_map"] = pipe.label_map
    if thresholds := in_force(pipe.threshold):
        settings["threshold"] = thresholds
    network = pipe.network
    described = json.dumps([settings, network.settings()], sort_keys=True)
    return hashlib.sha256((network.fingerprint() + described).encode()).hexdigest()


def to_folder(pipe: HFTokenClassifierPipe, folder: Path, exclude: Iterable[str]) -> None:
    """Write ``model/``, unless it is excluded, and the pipe's state beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    # What belongs to the weights and not to the config.
    state = {key: pipe.cfg[key] for key in ("temperature", "label_weights", "folded_map", *SETTINGS)}
    state["scheme"] = pipe.cfg["scheme"] or AS_THE_TAGS_SAY
    # Not by srsly, which rounds numbers.
    (folder / _STATE_FILE).write_text(json.dumps({"format": FORMAT, **state}, indent=1), "utf-8")
    if "model" not in exclude:
        pipe.network.to_folder(folder / "model")


def from_folder(pipe: HFTokenClassifierPipe, folder: Path, exclude: Iterable[str]) -> None:
    """Read what `to_folder` wrote into this pipe. ValueError for a folder of another format."""
    if not (folder / _STATE_FILE).is_file():
        raise ValueError(f"{folder} is no saved hf_token_classifier: it has no {_STATE_FILE}")
    state = json.loads((folder / _STATE_FILE).read_text("utf-8"))
    if state.pop("format", None) != FORMAT:
        raise ValueError(
            f"{folder} was saved by another version of spanloop, this one reads format {FORMAT}: "
            "save it again with the version that wrote it, or train it anew"
        )
    saved = state.pop("scheme")
    pipe.cfg.update({**state, **_set_here(pipe, state)})
    if "model" not in exclude:
        pipe.network.from_folder(folder / "model")
    if pipe.cfg["scheme"] is None:
        before = saved is None and detect(pipe.network.stated_tags()) == "IOB"
        pipe.cfg["scheme"] = "IOB2" if before else None if saved == AS_THE_TAGS_SAY else saved


def _set_here(pipe: HFTokenClassifierPipe, state: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that the configuration goes before the saved state with. A label map that the head has
    learned by now, and that still stands in the configuration, is done with."""
    here = {key: pipe.cfg[key] for key in SETTINGS if pipe.cfg[key] is not None}
    if here.get("label_map") == state.get("folded_map"):
        here.pop("label_map", None)
    return here
