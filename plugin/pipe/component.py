"""The spaCy factory ``hf_token_classifier``: a Hugging Face token classifier as a trainable pipe.

spaCy imports this module for every pipeline of the environment it is installed in, so nothing here imports
transformers: the model's weights, and the libraries that read them, are loaded at first use.
"""

# No annotations from __future__ here: the confection of spaCy 3.7 takes those of a registered function as
# they stand.

from collections.abc import Callable
from typing import Any, Dict, List, Literal, Optional, Union  # noqa: UP035 - confection reads the annotations

from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Config, Model
from thinc.types import Floats2d

from spanloop.plugin.alignment.place import Alignment
from spanloop.plugin.model import architectures
from spanloop.plugin.model.backends import BackendSetting
from spanloop.plugin.model.device import Precision, check_device
from spanloop.plugin.model.errors import ModelError
from spanloop.plugin.model.shim import HFShim
from spanloop.plugin.pipe import meta
from spanloop.plugin.pipe.examples import Annotate, GoldOverlaps
from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe
from spanloop.plugin.tagging.schemes import Scheme
from spanloop.plugin.training.class_weights import WEIGHTINGS

__all__ = ["HFTokenClassifierPipe", "make_hf_token_classifier"]

_DEFAULT_MODEL = """
[model]
@architectures = "spanloop.HFTokenClassifier.v1"
name = "offline"
revision = null
allow_pickle = false
max_wordpieces = null
overlap = 128
"""


@Language.factory(
    meta.FACTORY,
    assigns=meta.assigned("ents"),
    default_config={
        "model": Config().from_str(_DEFAULT_MODEL)["model"],
        "annotate": "ents",
        "spans_key": None,
        "alignment": "snap",
        "viterbi": True,
        "aggregation": "first",
        "unit": "token",
        "scheme": None,
        "overwrite": True,
        "batch_wordpieces": None,
        "device": "auto",
        "precision": "fp32",
        "backend": "torch",
        "keep_scores": False,
        "label_map": None,
        "threshold": None,
        "candidates": None,
        "class_weights": "none",
        "gold_overlaps": "longest",
        "label_strategy": "first",
        "scorer": {"@scorers": "spanloop.token_classifier_scorer.v1"},
    },
    default_score_weights=meta.score_weights("ents", ""),
)
def make_hf_token_classifier(
    nlp: Language,
    name: str,
    model: Union[str, Model[List[Doc], List[Floats2d]]],  # noqa: UP006, UP007
    annotate: Annotate,
    spans_key: Optional[str],  # noqa: UP045
    alignment: Alignment,
    viterbi: bool,
    aggregation: Literal["first", "mean", "max"],
    unit: Literal["token", "wordpiece"],
    scheme: Optional[Scheme],  # noqa: UP045
    overwrite: Union[bool, Literal["all"]],  # noqa: UP007
    batch_wordpieces: Optional[int],  # noqa: UP045
    device: str,
    precision: Literal["fp32", "bf16", "int8"],
    backend: BackendSetting,
    keep_scores: bool,
    label_map: Optional[Dict[str, str]],  # noqa: UP006, UP045
    threshold: Optional[Union[float, Dict[str, float]]],  # noqa: UP006, UP007, UP045
    candidates: Optional[float],  # noqa: UP045
    class_weights: Union[str, Dict[str, float]],  # noqa: UP006, UP007
    gold_overlaps: GoldOverlaps,
    label_strategy: Literal["first", "all"],
    scorer: Optional[Callable[..., Any]],  # noqa: UP045
) -> HFTokenClassifierPipe:
    """Make the pipe. ``model`` as a string, a folder or hub id or ``offline``, is short for the block
    ``spanloop.HFTokenClassifier.v1`` with that name; docs/component.md tells every setting."""
    _check(batch_wordpieces, class_weights)
    network = architectures.hf_token_classifier(model) if isinstance(model, str) else model
    if network.has_ref("tok2vec") and unit == "wordpiece":
        raise ValueError('unit = "wordpiece" needs the architecture spanloop.HFTokenClassifier.v1')
    network.attrs.update(
        unit=unit,
        aggregation=aggregation,
        batch_wordpieces=batch_wordpieces,
        label_strategy=label_strategy,
    )
    _place(network, device, precision, backend)
    key = spans_key or ("chunks" if annotate == "chunks" else "sc")
    meta.tell(nlp, annotate, key)
    return HFTokenClassifierPipe(
        nlp.vocab,
        network,
        name,
        annotate=annotate,
        spans_key=key,
        alignment=alignment,
        viterbi=viterbi,
        scheme=scheme,
        overwrite=overwrite,
        keep_scores=keep_scores,
        label_map=label_map,
        threshold=threshold,
        candidates=candidates,
        class_weights=class_weights,
        gold_overlaps=gold_overlaps,
        scorer=scorer,
    )


def _check(batch_wordpieces: int | None, class_weights: object) -> None:
    """ValueError for settings out of their range."""
    if batch_wordpieces is not None and batch_wordpieces < 1:
        raise ValueError(f"batch_wordpieces = {batch_wordpieces} must be at least 1")
    if isinstance(class_weights, str) and class_weights not in WEIGHTINGS:
        raise ValueError(
            f"class_weights = {class_weights!r} is unknown: choose one of {', '.join(WEIGHTINGS)}, "
            "or a weight by label"
        )


def _place(
    network: Model[List[Doc], List[Floats2d]],  # noqa: UP006
    device: str,
    precision: Precision,
    backend: BackendSetting,
) -> None:
    """Tell the network where it computes and how. ModelError for what is no device."""
    check_device(device)
    own = [shim for shim in network.shims if isinstance(shim, HFShim)]
    if not own and (device, precision, backend) != ("auto", "fp32", "torch"):
        raise ModelError(
            "device, precision and backend belong to the architecture spanloop.HFTokenClassifier.v1: a "
            "shared encoder computes where spaCy was told to (spacy.require_gpu)"
        )
    for shim in own:
        shim.device, shim.precision, shim.backend_name = device, precision, backend
