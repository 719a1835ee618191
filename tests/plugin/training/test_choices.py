"""Gold that does not know every label: what it teaches, and what it leaves open."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pipe_making import make

from spanloop.plugin.alignment.values import CharSpan
from spanloop.plugin.pipe.pipe import HFTokenClassifierPipe
from spanloop.plugin.tagging.gold import UNKNOWN, Gold
from spanloop.plugin.tagging.reading import read_tags
from spanloop.plugin.tagging.schemes import tags_for
from spanloop.plugin.training.choices import Choices, learnable
from spanloop.plugin.training.config import TrainConfig
from spanloop.plugin.training.train import TrainReport, train

TAGS = tags_for(["PER", "LOC", "ORG"])
NAMES = read_tags(TAGS, "IOB2").names
CONFIG = TrainConfig(epochs=30, learning_rate=5e-3, class_weights="none", bf16=False, batch_wordpieces=64)
CITY, NOTHING = "We saw New York City.", "nothing here at all"


def gold(spans: tuple[CharSpan, ...] = (), **fields: object) -> Gold:
    return Gold(None, spans, **fields)  # type: ignore[arg-type]


@given(
    st.lists(st.sampled_from([UNKNOWN, *range(len(TAGS))]), min_size=1, max_size=8),
    st.sets(st.sampled_from(["PER", "LOC", "ORG"])),
    st.frozensets(st.sampled_from(["PER", "LOC", "ORG"])),
)
def test_only_what_is_outside_is_left_open_and_to_unknown_labels_alone(
    tags: list[int], unknown: set[str], open_: frozenset[str]
) -> None:
    choices, given_tags = Choices(TAGS, "IOB2", open_), np.array(tags)
    starts = np.arange(len(tags)) * 2
    codes = choices.widened(given_tags, gold(unknown=tuple(sorted(unknown))), starts, starts + 1)
    assert choices.base(codes).tolist() == tags
    for tag, code in zip(tags, codes.tolist(), strict=True):
        if tag == 0 and unknown & open_:
            first, *more = choices.all[code - len(TAGS)]
            assert first == 0
            assert {NAMES[other] for other in more} == unknown & open_
        else:
            assert code == tag


def test_a_refused_suggestion_is_known_not_to_be_one() -> None:
    choices = Choices(TAGS, "IOB2", frozenset({"ORG", "LOC"}))
    starts, ends = np.array([0, 4]), np.array([3, 7])
    refused = gold(unknown=("ORG",), negatives=(CharSpan(4, 7, "ORG"),))
    assert choices.widened(np.array([0, 0]), refused, starts, ends).tolist() == [len(TAGS), 0]
    both = gold(unknown=("LOC", "ORG"), negatives=(CharSpan(4, 7, "ORG"),))
    codes = choices.widened(np.array([0, 0]), both, starts, ends).tolist()
    assert [{NAMES[t] for t in choices.all[c - len(TAGS)][1:]} for c in codes] == [
        {"LOC", "ORG"},
        {"LOC"},
    ]


def test_a_later_tag_may_be_any_token_of_a_head_without_outside() -> None:
    choices = Choices(["NOUN", "VERB", "PROPN"], "plain", frozenset({"PROPN"}))
    codes = choices.widened(
        np.array([0, 1, UNKNOWN]), gold(unknown=("PROPN",)), np.arange(3), np.arange(3) + 1
    )
    assert [choices.all[code - 3] for code in codes[:2].tolist()] == [(0, 2), (1, 2)]
    assert codes[2] == UNKNOWN


def test_a_label_that_no_document_knows_and_has_cannot_be_left_open() -> None:
    place = CharSpan(0, 2, "ORG")
    assert learnable([gold(unknown=("ORG",)), gold()]) == set()
    assert learnable([gold((place,), unknown=("ORG",))]) == set()
    assert learnable([gold((place,)), gold(unknown=("ORG",))]) == {"ORG"}


def _trained(tiny: Path, folder: Path, unknown: tuple[str, ...]) -> tuple[HFTokenClassifierPipe, TrainReport]:
    """Eight documents from before LOC was added, whose cities have no span, and two from after it."""
    nlp, pipe = make(tiny)
    old = [Gold(nlp.make_doc(text), (), unknown=unknown) for text in (CITY, NOTHING) for _ in range(8)]
    new = [
        Gold(nlp.make_doc(text), spans)
        for text, spans in ((CITY, (CharSpan(7, 20, "LOC"),)), (NOTHING, ()))
        for _ in range(2)
    ]
    return pipe, train(pipe, [*old, *new], CONFIG, folder=folder)


@pytest.mark.parametrize(("unknown", "said"), [((), []), (("LOC",), [(7, 20, "LOC")])])
def test_a_label_that_was_added_later_is_learned_in_spite_of_older_gold(
    tiny: Path, tmp_path: Path, unknown: tuple[str, ...], said: list[tuple[int, int, str]]
) -> None:
    """The same eight documents as gold without any LOC outvote the two that have it."""
    pipe, report = _trained(tiny, tmp_path, unknown)
    nlp = make(tiny)[0]
    docs = [nlp.make_doc(text) for text in (CITY, NOTHING)]
    found = [[span.key for span in pipe.decode(scores)] for scores in pipe.predict(docs)]
    assert found == [said, []]
    old_tokens = 8 * (6 + 4)
    assert report.tokens_partly_known == (old_tokens if unknown else 0)
    assert report.tokens_trained == old_tokens + 2 * (6 + 4)
