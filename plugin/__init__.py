"""A Hugging Face token classifier as a spaCy pipeline component, trained and scored from Python.

The component is found by spaCy itself (``nlp.add_pipe("hf_token_classifier")``); these names are for those
who train and score without a project. Importing this loads nothing heavy; each name is loaded when it is
first named.

    from spanloop.plugin import CharSpan, Gold, TrainConfig, train
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spanloop.plugin.alignment.values import AlignmentEvent as AlignmentEvent
    from spanloop.plugin.alignment.values import CharSpan as CharSpan
    from spanloop.plugin.alignment.values import TokenScores as TokenScores
    from spanloop.plugin.metrics.score import ScoreReport as ScoreReport
    from spanloop.plugin.metrics.score import score_spans as score_spans
    from spanloop.plugin.metrics.score import score_tags as score_tags
    from spanloop.plugin.model.errors import ModelError as ModelError
    from spanloop.plugin.pipe.extensions import short_names as short_names
    from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe as HFTokenClassifierPipe
    from spanloop.plugin.pipe.sharing import write as write
    from spanloop.plugin.tagging.gold import Gold as Gold
    from spanloop.plugin.training.config import TrainConfig as TrainConfig
    from spanloop.plugin.training.setting import SettingError as SettingError
    from spanloop.plugin.training.train import TrainReport as TrainReport
    from spanloop.plugin.training.train import train as train

    __version__: str

# where each of them stands; the imports above say the same to type checkers, and a test holds the two
# together
_PLACES = {
    "AlignmentEvent": "spanloop.plugin.alignment.values",
    "CharSpan": "spanloop.plugin.alignment.values",
    "TokenScores": "spanloop.plugin.alignment.values",
    "ScoreReport": "spanloop.plugin.metrics.score",
    "score_spans": "spanloop.plugin.metrics.score",
    "score_tags": "spanloop.plugin.metrics.score",
    "ModelError": "spanloop.plugin.model.errors",
    "short_names": "spanloop.plugin.pipe.extensions",
    "HFTokenClassifierPipe": "spanloop.plugin.pipe.pipe",
    "write": "spanloop.plugin.pipe.sharing",
    "Gold": "spanloop.plugin.tagging.gold",
    "TrainConfig": "spanloop.plugin.training.config",
    "SettingError": "spanloop.plugin.training.setting",
    "TrainReport": "spanloop.plugin.training.train",
    "train": "spanloop.plugin.training.train",
}
__all__ = [*sorted(_PLACES, key=str.lower)]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return version("spanloop")
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_PLACES[name]), name)
    return found


def __dir__() -> list[str]:
    return [*globals(), *_PLACES, "__version__"]
