"""What a model says of a text does not depend on the texts that it reads beside it, whatever the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from support.neighbour_models import MODELS, build
from support.threads import at_once
from support.tiny_models import SAMPLE

from spanloop.plugin.model.runtime import batches

TEXTS = [*SAMPLE, "a", "Angela Merkel", " ".join(SAMPLE), "It is so."]


@pytest.mark.filterwarnings("ignore:Using a non-tuple sequence")  # Funnel of transformers 4
@pytest.mark.parametrize("kind", MODELS)
def test_neighbours_and_what_was_read_before_change_nothing(kind: str, tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    pipe: Any = nlp.add_pipe("hf_token_classifier", config={"model": str(build(kind, tmp_path))})
    pipe.network.shim.pretrained.model.double()  # so that what differs is the neighbours, not the rounding
    docs = [nlp.make_doc(text) for text in TEXTS]
    together = [scores.logprobs for scores in pipe.predict(docs)]
    backwards = [scores.logprobs for scores in pipe.predict(docs[::-1])][::-1]
    alone = [pipe.predict([doc])[0].logprobs for doc in docs]
    for rows, other, own in zip(together, backwards, alone, strict=True):
        np.testing.assert_allclose(rows, own, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(other, own, rtol=1e-6, atol=1e-6)
    assert pipe.network.shim.even_windows


def test_a_model_that_masks_padding_shares_its_batches(folder: Path) -> None:
    nlp = spacy.blank("en")
    pipe: Any = nlp.add_pipe("hf_token_classifier", config={"model": str(folder)})
    assert not pipe.network.shim.even_windows


def test_an_even_batch_has_windows_of_one_length() -> None:
    lengths = [3, 9, 3, 9, 9, 5]
    assert batches(lengths, 20, even=True) == [[1, 3], [4], [5], [0, 2]]
    assert batches(lengths, 20) == [[1, 3], [4, 5], [0, 2]]


def test_threads_may_use_a_model_that_changes_how_it_attends(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    pipe: Any = nlp.add_pipe("hf_token_classifier", config={"model": str(build("big_bird", tmp_path))})
    docs = [nlp.make_doc(text) for text in TEXTS]
    alone = [pipe.predict([doc])[0].logprobs for doc in docs]
    assert len({len(doc) > 28 for doc in docs}) == 2, "some windows are read whole, some in blocks"
    for found in at_once(lambda number: [pipe.predict([doc])[0].logprobs for doc in docs[number:] + docs]):
        for rows, own in zip(found[-len(docs) :], alone, strict=True):
            np.testing.assert_allclose(rows, own, atol=1e-4)
