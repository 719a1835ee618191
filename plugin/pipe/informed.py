"""A prediction that also says what the model would learn from each word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spanloop.plugin.alignment.values import TokenScores
from spanloop.plugin.model import information
from spanloop.plugin.pipe import reading

if TYPE_CHECKING:
    from spacy.tokens import Doc

    from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe


def predict_informed(
    pipe: HFTokenClassifierPipe, docs: Sequence[Doc], *, seed: int = 0
) -> tuple[list[TokenScores], list[NDArray[np.float32]] | None]:
    """As `predict` of the pipe, and beside the scores what the model would learn of itself from each unit, in
    nats (`spanloop.plugin.model.information`), for little further work (`benchmarks/informed.py`).

    Args:
        pipe: The pipe, with labels.
        docs: The documents, which are not changed.
        seed: Of what dropout leaves out.

    Returns:
        The scores of each document, and the information of its units, of shape (units,); None where it takes
        a second look: another library than torch computes, or the encoder is shared.

    Raises:
        ModelError: As of `predict`.
    """
    network = pipe.network
    if not information.informs(network):
        return pipe.predict(docs), None
    reading.tag_map_of(pipe, pipe.known_tags())  # refuses a wrong one before anything is computed
    rows = information.informed_rows(network, docs, seed=seed)
    scores = reading.scores_of(pipe, [(encoded, of_doc[:, :-1]) for encoded, of_doc in rows])
    return scores, [of_doc[:, -1] for _, of_doc in rows]
