"""What the pipe found, written to a Doc: to the target that ``annotate`` names, and to its attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spacy.tokens import Doc

from spanloop.plugin.alignment import place
from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.pipe import extensions


def write(doc: Doc, spans: Sequence[CharSpan], pipe: str, cfg: Mapping[str, Any]) -> None:
    """Write the spans to the target as far as tokens carry them; all of them, what moved and what gave way to
    the extensions.

    Args:
        doc: The document.
        spans: What the model means, in text order.
        pipe: The name of the pipe, whose results of before are replaced.
        cfg: The settings of the pipe.
    """
    written = _on_tokens(doc, spans, pipe, cfg)
    extensions.store_spans(doc, pipe, spans)
    extensions.store_events(doc, pipe, written.events)


def _on_tokens(doc: Doc, spans: Sequence[CharSpan], pipe: str, cfg: Mapping[str, Any]) -> place.Written:
    target = cfg["annotate"]
    where = target if target in (place.ENTS, "tag", "pos") else f"spans_{cfg['spans_key']}"
    own, overwrite = extensions.own_before(doc, pipe, where), cfg["overwrite"]
    if target in ("tag", "pos"):
        return place.set_tags(doc, spans, field=target, overwrite=overwrite, own=own)
    settings = {"alignment": cfg["alignment"], "overwrite": overwrite, "own": own}
    if target == place.ENTS:
        written = place.set_ents(doc, spans, **settings)
    else:
        written = place.set_group(doc, cfg["spans_key"], spans, **settings)
    extensions.store_placed(doc, pipe, where, written.placed)
    return written
