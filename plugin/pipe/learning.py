"""What the pipe learns by inside spaCy's training loop: targets of examples, class weights, the loss."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from spacy.training import Example

from spanloop.plugin.model.network import as_numpy
from spanloop.plugin.model.runtime import wordpiece_units
from spanloop.plugin.pipe.examples import gold_of, overlapping
from spanloop.plugin.tagging.gold import UNKNOWN, put_on_units, unit_tags
from spanloop.plugin.tagging.label_map import refuse_to_learn
from spanloop.plugin.tagging.reading import read_tags
from spanloop.plugin.training.class_weights import class_weights, tag_weights

if TYPE_CHECKING:
    from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe

_FOCAL_GAMMA = 2.0


def unit_targets(pipe: HFTokenClassifierPipe, examples: Sequence[Example]) -> list[NDArray[np.int64]]:
    """The gold tag of each unit of each predicted document, `UNKNOWN` where nobody knows it."""
    refuse_to_learn(pipe.name, pipe.label_map)
    kind = pipe.cfg["annotate"], pipe.cfg["spans_key"], pipe.cfg["gold_overlaps"]
    golds = [gold_of(example, *kind) for example in examples]
    tags, scheme, policy = pipe.known_tags(), pipe.scheme, pipe.cfg["alignment"]
    targets = []
    for gold, encoded in zip(golds, pipe.encode([gold.doc for gold in golds]), strict=True):
        units = put_on_units(gold.spans, encoded.starts, encoded.ends, ranges=gold.ranges, policy=policy)
        targets.append(unit_tags(units, tags, scheme))
    return targets


def row_targets(pipe: HFTokenClassifierPipe, examples: Sequence[Example]) -> NDArray[np.int64]:
    """The gold tag of each row that the network gives in training: one a unit, or with the label strategy
    ``all`` the unit's tag once for each of its wordpieces."""
    targets = unit_targets(pipe, examples)
    if pipe.label_strategy == "all":
        encoded = pipe.encode([example.predicted for example in examples])
        targets = [tags[wordpiece_units(one)] for tags, one in zip(targets, encoded, strict=True)]
    return np.concatenate(targets)


def warn_of_overlaps(pipe: HFTokenClassifierPipe, examples: Iterable[Example]) -> None:
    """Say how many gold spans are not learned because they overlap one that is. ValueError for the first
    where the pipe is set to have none."""
    annotate, spans_key, overlaps = pipe.cfg["annotate"], pipe.cfg["spans_key"], pipe.cfg["gold_overlaps"]
    if annotate not in ("spans", "chunks"):
        return  # doc.ents and tags cannot overlap
    if overlaps == "error":
        for example in examples:
            gold_of(example, annotate, spans_key, overlaps)
    elif number := overlapping(examples, annotate, spans_key, overlaps):
        other = "longer" if overlaps == "longest" else "shorter"
        warnings.warn(
            f"{number} gold spans in doc.spans[{spans_key!r}] overlap a {other} one: the pipe {pipe.name!r} "
            f"gives a token one tag, so it learns the {overlaps} and not these (gold_overlaps says which). "
            "For nested spans use one pipe a layer, each with a spans_key of its own",
            stacklevel=3,
        )


def label_weights(pipe: HFTokenClassifierPipe, examples: Iterable[Example]) -> dict[str, float]:
    """The weight of each label by the pipe's ``class_weights``, counted over the examples; none where all
    weigh alike."""
    option = pipe.cfg["class_weights"]
    if option in ("none", "focal"):
        return {}
    by_tag = read_tags(pipe.tags, pipe.scheme).names
    counts = Counter(dict.fromkeys(by_tag, 0))
    for example in examples:
        [targets] = unit_targets(pipe, [example])
        counts.update(by_tag[tag] for tag in targets[targets != UNKNOWN].tolist())
    return class_weights(option, counts)


def loss_and_gradient(
    pipe: HFTokenClassifierPipe, examples: Sequence[Example], scores: Sequence[Any]
) -> tuple[float, list[NDArray[np.float32]]]:
    """The mean loss over the rows whose tag is known, and its gradient in the scores of each document."""
    import torch

    from spanloop.plugin.training.loss import TokenLoss

    rows = [torch.from_numpy(as_numpy(row)) for row in scores]
    logits = torch.cat(rows).requires_grad_()
    targets = torch.from_numpy(row_targets(pipe, examples))
    gamma = _FOCAL_GAMMA if pipe.cfg["class_weights"] == "focal" else 0.0
    criterion = TokenLoss(tag_weights(pipe.cfg["label_weights"], pipe.tags, pipe.scheme), gamma)
    loss = criterion(SimpleNamespace(logits=logits.unsqueeze(0)), targets.unsqueeze(0))
    (gradient,) = torch.autograd.grad(loss, logits)
    parts = torch.split(gradient, [len(row) for row in rows])
    return float(loss.detach()), [part.numpy() for part in parts]
