"""What a component of ours tells spaCy about itself: what it assigns, and what a training of it is scored by.

Both follow its setting ``annotate``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from spacy.language import Language

from spanloop.plugin.pipe.examples import Annotate

FACTORY = "hf_token_classifier"
_ASSIGNED = {
    "ents": ("doc.ents", "token.ent_iob", "token.ent_type"),
    "spans": ("doc.spans",),
    "chunks": ("doc.spans",),
    "tag": ("token.tag",),
    "pos": ("token.pos",),
}
_ALWAYS = ("doc._.spanloop_char_spans", "doc._.spanloop_alignment_events")
_OF_SPANS = ("doc._.spanloop_confidence", "span._.spanloop_confidence")


def assigned(annotate: Annotate) -> list[str]:
    """The attributes that a component writes, as ``nlp.analyze_pipes`` names them."""
    return [*_ASSIGNED[annotate], *_ALWAYS, *(() if annotate in ("tag", "pos") else _OF_SPANS)]


def figure_names(annotate: Annotate, spans_key: str) -> tuple[str, str]:
    """What the names of the figures of spans begin with: spaCy's own, and the strict ones."""
    return ("ents", "strict") if annotate == "ents" else (f"spans_{spans_key}", f"strict_spans_{spans_key}")


def score_weights(annotate: Annotate, spans_key: str) -> dict[str, float | None]:
    """What ``spacy train`` makes of the scores where the configuration does not say it: the weight of each in
    SCORE, 0 for a column alone, None for neither."""
    if annotate in ("tag", "pos"):
        return {f"{annotate}_acc": 1.0}
    usual, strict = figure_names(annotate, spans_key)
    # spaCy cuts the heads of columns: those of a group's strict figures could not be told apart.
    beside = 0.0 if annotate == "ents" else None
    return {
        f"{usual}_f": 1.0,
        f"{usual}_p": 0.0,
        f"{usual}_r": 0.0,
        f"{usual}_per_type": None,
        f"{strict}_f": 0.0,
        f"{strict}_p": beside,
        f"{strict}_r": beside,
        f"{strict}_macro_f": beside,
        f"{strict}_per_type": None,
    }


def tell(nlp: Language, annotate: Annotate, spans_key: str) -> None:
    """Have the component that is being added to ``nlp`` say what it assigns and is scored by.

    spaCy looks this up once a component, by its factory, right after the factory has made it, and knows no
    other way to say it of one component alone. So this one answer is given by us.
    """
    usual = type(nlp).get_factory_meta(FACTORY)
    meta = replace(
        usual, assigns=assigned(annotate), default_score_weights=score_weights(annotate, spans_key)
    )
    nlp.__dict__["get_factory_meta"] = _Answer(nlp, meta)


class _Answer:
    """Stands for ``nlp.get_factory_meta`` until it is asked for our factory."""

    def __init__(self, nlp: Language, meta: Any) -> None:
        self._nlp = nlp
        self._meta = meta

    def __call__(self, name: str) -> Any:
        if name != FACTORY:
            return type(self._nlp).get_factory_meta(name)
        self._nlp.__dict__.pop("get_factory_meta", None)
        return self._meta
