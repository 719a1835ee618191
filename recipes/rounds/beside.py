"""A pipeline once more, computing in another way, beside itself as it was."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from spanloop.recipes.errors import RecipeError

if TYPE_CHECKING:
    from spacy.language import Language

    from spanloop.plugin.alignment.values import CharSpan
    from spanloop.plugin.model.backends import BackendName
    from spanloop.plugin.model.device import Precision
    from spanloop.plugin.pipe.component import HFTokenClassifierPipe

# Ranges of numbers are known well by then; more cost time alone.
RANGES_FROM = 300
# How many are timed, in turn with the model as it was.
TIMED, _TURNS = 100, 3


def once_more(folder: Path, backend: BackendName, precision: Precision) -> Language:
    """The pipeline of a folder, with our components told to compute so."""
    import spacy

    from spanloop.recipes.suggest.our_component import FACTORY

    plain = spacy.load(folder)
    names = [name for name in plain.pipe_names if plain.get_pipe_meta(name).factory == FACTORY]
    how = {"backend": backend, "precision": precision}
    return spacy.load(folder, config={"components": dict.fromkeys(names, how)})


def ours(nlp: Language, what: str) -> HFTokenClassifierPipe:
    """The component of ours that is meant. RecipeError where it has no model of its own."""
    from spanloop.plugin.model.network import HFNetwork
    from spanloop.recipes.suggest.our_component import classifier

    found = classifier(nlp)
    if found is None or not isinstance(found[1].network, HFNetwork):
        raise RecipeError(f"{what} has no Hugging Face model of its own: there is nothing to make faster")
    return found[1]


def quantise(
    pipe: HFTokenClassifierPipe, small: HFTokenClassifierPipe, nlp: Language, texts: Sequence[str]
) -> None:
    """Give the second one the model of the first in eight bits, and a temperature that makes it as sure."""
    from spanloop.plugin.model import int8
    from spanloop.plugin.model.runtime import pad
    from spanloop.plugin.tagging.calibrate import calibrate_like

    docs = [nlp.make_doc(text) for text in texts]
    windows = [window for encoded in pipe.encode(docs) for window in encoded.windows]
    if not windows:
        raise RecipeError("there is no text outside of the eval split to measure the ranges of numbers on")
    pad_id = small.pretrained.pad_id
    small.pretrained.quantised = int8.quantise(
        small.pretrained, [pad([window], pad_id) for window in windows[:RANGES_FROM]]
    )
    small.temperature = calibrate_like(small.predict(docs), pipe.predict(docs), pipe.temperature)


def times_as_fast(nlp: Language, small: Language, texts: Sequence[str]) -> float:
    """In turn, so that what else the machine does falls on both alike; the median of pairs."""
    ratios = []
    for _ in range(_TURNS):
        seconds = []
        for one in (nlp, small):
            begun = time.perf_counter()
            for _doc in one.pipe(texts):
                pass
            seconds.append(time.perf_counter() - begun)
        ratios.append(seconds[0] / max(seconds[1], 1e-9))
    return statistics.median(ratios)


def agreement(before: Sequence[Sequence[CharSpan]], after: Sequence[Sequence[CharSpan]]) -> float:
    """Strict micro F1 of the spans of after against those of before, a list each a document; 1 where neither
    has any."""
    from spanloop.plugin.metrics.score import score_spans

    if not any(map(len, (*before, *after))):
        return 1.0
    return score_spans(before, after, [()] * len(before), (), bootstrap=0).micro.f1
