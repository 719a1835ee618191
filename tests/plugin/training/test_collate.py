from __future__ import annotations

from itertools import chain

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from support.tiny_models import SAMPLE, fast_tokenizer

from spanloop.plugin.alignment.windows import encode_docs
from spanloop.plugin.tagging.gold import UNKNOWN
from spanloop.plugin.training.collate import BudgetBatches, Collator, TrainWindow, training_windows

lengths = st.lists(st.integers(3, 300), min_size=1, max_size=60)


def window(length: int) -> TrainWindow:
    return TrainWindow(np.arange(1, length + 1), np.arange(length))


@given(lengths, st.integers(64, 1024), st.integers(0, 5))
def test_every_window_is_in_exactly_one_batch_of_each_epoch(
    sizes: list[int], budget: int, epoch: int
) -> None:
    batches = BudgetBatches(sizes, budget=budget, seed=0)
    batches.set_epoch(epoch)
    drawn = list(batches)
    assert sorted(index for batch in drawn for index in batch) == list(range(len(sizes)))
    assert len(drawn) == len(batches)


@given(lengths, st.integers(64, 1024))
def test_no_batch_passes_its_budget_but_a_single_window(sizes: list[int], budget: int) -> None:
    for batch in BudgetBatches(sizes, budget=budget, seed=1):
        assert len(batch) == 1 or len(batch) * max(sizes[index] for index in batch) <= budget


@given(lengths, st.integers(2, 4))
def test_processes_share_each_batch_of_one_process(sizes: list[int], world: int) -> None:
    whole = list(BudgetBatches(sizes, budget=256, seed=2))
    shares = [list(BudgetBatches(sizes, budget=256, seed=2, rank=rank, world=world)) for rank in range(world)]
    for batch, *parts in zip(whole, *shares, strict=True):
        assert sorted(index for part in parts for index in part) == sorted(batch)


@given(lengths, st.integers(64, 1024), st.integers(2, 3))
def test_an_even_batch_has_windows_of_one_length(sizes: list[int], budget: int, world: int) -> None:
    batches = list(BudgetBatches(sizes, budget=budget, seed=1, even=True))
    assert sorted(index for batch in batches for index in batch) == list(range(len(sizes)))
    for batch in batches:
        assert len({sizes[index] for index in batch}) == 1
        assert len(batch) == 1 or len(batch) * sizes[batch[0]] <= budget
    shares = [
        list(BudgetBatches(sizes, budget=budget, seed=1, even=True, rank=rank, world=world))
        for rank in range(world)
    ]
    assert [sorted(chain.from_iterable(parts)) for parts in zip(*shares, strict=True)] == [
        sorted(one) for one in batches
    ]


def test_epochs_differ_and_repeat_by_seed() -> None:
    batches = BudgetBatches([10, 11, 12] * 20, budget=64, seed=3)
    first = list(batches)
    batches.set_epoch(1)
    assert list(batches) != first
    assert list(BudgetBatches([10, 11, 12] * 20, budget=64, seed=3)) == first
    assert list(BudgetBatches([10, 11, 12] * 20, budget=64, seed=4)) != first


def test_padding_teaches_nothing_and_is_not_attended_to() -> None:
    batch = Collator(pad_id=0)([window(2), window(4)])
    assert batch["input_ids"].tolist() == [[1, 2, 0, 0], [1, 2, 3, 4]]
    assert batch["attention_mask"].tolist() == [[1, 1, 0, 0], [1, 1, 1, 1]]
    assert batch["labels"].tolist() == [[0, 1, UNKNOWN, UNKNOWN], [0, 1, 2, 3]]


def test_a_batch_is_as_long_as_the_model_reads_at_least() -> None:
    batch = Collator(pad_id=0, shortest=4)([window(2)])
    assert batch["input_ids"].tolist() == [[1, 2, 0, 0]]
    assert batch["attention_mask"].tolist() == [[1, 1, 0, 0]]
    assert Collator(pad_id=0, shortest=4)([window(5)])["input_ids"].shape == (1, 5)


def test_an_empty_share_still_makes_a_batch() -> None:
    assert Collator(pad_id=0)([])["labels"].tolist() == [[UNKNOWN]]


@pytest.mark.parametrize("family", ["wordpiece", "bytelevel", "unigram"])
@pytest.mark.parametrize("strategy", ["first", "all"])
def test_every_unit_of_a_long_document_is_labelled_once(family: str, strategy: str) -> None:
    doc = spacy.blank("en").make_doc(" ".join(SAMPLE * 4))
    (encoded,) = encode_docs([doc], fast_tokenizer(family), max_wordpieces=48, overlap=12)
    n_units = len(encoded.starts)
    windows = training_windows(encoded, np.arange(n_units), strategy)  # type: ignore[arg-type]
    labels = np.concatenate([window.labels for window in windows])
    labelled, times = np.unique(labels[labels != UNKNOWN], return_counts=True)
    assert len(windows) > 3
    assert labelled.tolist() == list(range(n_units))
    assert strategy == "all" or times.max() == 1


def test_windows_that_teach_nothing_are_left_out() -> None:
    doc = spacy.blank("en").make_doc(" ".join(SAMPLE * 4))
    (encoded,) = encode_docs([doc], fast_tokenizer("wordpiece"), max_wordpieces=48, overlap=12)
    unit_tags = np.full(len(encoded.starts), UNKNOWN)
    unit_tags[0] = 1
    assert len(training_windows(encoded, unit_tags, "first")) == 1
